"""Whole nights: from a log to what a home holds, again, in pieces, and killed on the way."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flows import newest, runs, settings
from flows.night import Outcome
from logs import turn, write_log
from warehouse.errors import BadInput, Busy
from warehouse.home import VERSION, Home, alone, create, training_versions
from warehouse.lake import Lake
from warehouse.tables import TABLES, Grain, tables_of

DEFAULTS = settings.Settings()
MAY_BE_EMPTY = (
    *(
        "rejects",
        "cluster_reviews",
        "item_reviews",
        "outbox",
        "erasures",
        "slot_answers",
        "fallback_intents",
        "audit_rows",
        "audit_answers",
        "audits",
        "problems",
        "problem_members",
        "problem_reviews",
    ),
    *(
        "locale_centres",
        "voter_answers",
        "voter_requests",
        "trends",
        "intent_candidates",
        "intent_candidate_members",
        "concept_drift",
    ),
)


def direct(step, *args):
    return step(*args)


def learn(home: Path, log: Path, seed: Path | None = None, **more: object) -> Outcome:
    request = runs.Request([str(log)], home, seed_data=seed, **more)  # type: ignore[arg-type]
    return runs.run_night(request, DEFAULTS, direct)


def copy_of(home: Path, to: Path) -> Path:
    """A new home with the same salt: the same users have the same hashes."""
    create(to)
    shutil.copy(home / "salt", to / "salt")
    return to


def tables(home: Path) -> dict[str, pl.DataFrame]:
    """Every table of the lake, rows in order; how long a night took apart."""
    lake = Lake(home / "lake")
    found = {}
    for name in TABLES:
        parts = [lake.read(name, [d]).with_columns(day=pl.lit(d)) for d in lake.days(name)]
        rows = pl.concat(parts) if parts else pl.DataFrame()
        plain = [c for c in rows.columns if not rows[c].dtype.is_nested()]
        rows = rows.drop("seconds") if name == "runs" and rows.height else rows
        plain = [c for c in plain if c in rows.columns]
        found[name] = rows.sort(plain) if plain else rows
    return found


def assert_equal_homes(one: Path, two: Path) -> None:
    ours, theirs = tables(one), tables(two)
    for name, rows in ours.items():
        assert rows.equals(theirs[name]), name
    assert training_versions(Home(one)) == training_versions(Home(two))


@pytest.fixture(scope="module")
def learned(small_world, tmp_path_factory) -> Path:
    """A home after one night."""
    home = tmp_path_factory.mktemp("learned") / "home"
    learn(home, small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz")
    return home


def test_a_night_leaves_all_that_the_contract_names(learned):
    assert (learned / "warehouse.duckdb").is_file()
    assert not list(learned.glob("*.wal"))
    (version,) = training_versions(Home(learned))
    assert version.startswith("2026-01-08-0001-")
    assert (learned / "training_sets" / version / "card.md").is_file()
    found = tables(learned)
    for name in TABLES:
        assert name in MAY_BE_EMPTY or found[name].height > 0, name
    assert oct((learned / "salt").stat().st_mode)[-3:] == "600"


def test_every_read_row_is_a_turn_or_set_aside(learned):
    run = Lake(learned / "lake").newest("runs").row(0, named=True)
    assert run["read"] == run["kept"] + run["set_aside"]
    assert run["turns"] == run["kept"]


def test_the_lake_holds_no_pseudonym(learned, small_world):
    turns = Lake(learned / "lake").read("turns")
    assert not turns["user_id"].str.starts_with("en-GB").any()


def test_the_same_night_again_computes_nothing(learned, small_world):
    before = tables(learned)
    steps = []

    def watched(step, *args):
        result = step(*args)
        steps.append((step.__name__, result.get("fresh")))
        return result

    request = runs.Request([str(small_world / "log.jsonl.gz")], learned)
    runs.run_night(request, DEFAULTS, watched)
    assert [name for name, fresh in steps if fresh] == []
    after = tables(learned)
    assert all(rows.equals(after[name]) for name, rows in before.items())


def test_nights_one_by_one_end_with_the_events_of_one_run(learned, small_world, tmp_path):
    whole = pl.read_ndjson(small_world / "log.jsonl.gz", infer_schema_length=None)
    home = copy_of(learned, tmp_path / "home")
    for (night,), rows in sorted(
        whole.with_columns(night=pl.col("timestamp").str.head(10))
        .partition_by("night", as_dict=True)
        .items()
    ):
        log = tmp_path / f"{night}.jsonl"
        rows.drop("night").write_ndjson(log)
        learn(home, log, small_world / "seed.jsonl.gz")
    ours, theirs = tables(home), tables(learned)
    for name in set(tables_of(Grain.DAY)) - {"defects"}:
        assert ours[name].equals(theirs[name]), name
    turns, mine, other = "turn_id", ours["defects"], theirs["defects"]
    assert mine.sort(turns).drop("p_defect").equals(other.sort(turns).drop("p_defect"))
    failed, failed_too = (d.sort(turns)["p_defect"] > 0.5 for d in (mine, other))
    same = (failed == failed_too).mean()
    assert same > 0.95, "what is believed of a turn knows the encoders of the nights before"
    assert len(training_versions(Home(home))) == 4


def test_a_night_killed_at_four_moments_ends_like_one_never_killed(learned, small_world, tmp_path):
    home = copy_of(learned, tmp_path / "home")
    command = [
        *(sys.executable, "-m", "flows", "run", str(small_world / "log.jsonl.gz")),
        *("--home", str(home), "--seed-data", str(small_world / "seed.jsonl.gz")),
    ]
    rng = np.random.default_rng(1)
    killed = 0
    while killed < 4:
        night = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert night.wait(float(rng.uniform(1.5, 9.0))) == 0
        except subprocess.TimeoutExpired:
            night.send_signal(signal.SIGKILL)
            night.wait()
            killed += 1
        # Half of the time what was finished is forgotten, so that early steps are met again.
        if night.returncode == 0 or rng.random() < 0.5:
            for entry in (home / "ledger").glob("[!n]*.json"):
                entry.unlink()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert_equal_homes(home, learned)


def test_an_empty_night_is_a_success_that_says_so(tmp_path):
    (tmp_path / "log.jsonl").write_text("")
    outcome = learn(tmp_path / "home", tmp_path / "log.jsonl", day="2026-01-05")
    assert outcome.status == "empty"
    run = Lake(tmp_path / "home" / "lake").newest("runs").row(0, named=True)
    assert (run["status"], run["message"]) == ("empty", "the log holds no turn")


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_tiny_log_is_a_night_too(tmp_path, rows):
    said = ["lamp on", "lamp on please", "music"]
    log = write_log(tmp_path / "log.jsonl", [turn("ann", n * 5, said[n]) for n in range(rows)])
    assert learn(tmp_path / "home", log).status == "completed"


def test_bad_input_is_refused_before_anything_is_written(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a\0b")])
    with pytest.raises(BadInput):
        learn(tmp_path / "home", log)
    lake = Lake(tmp_path / "home" / "lake")
    assert [name for name in TABLES if lake.days(name)] == []


def test_a_failed_night_is_a_row_of_runs_and_loses_nothing(learned, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(learned, home)
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a\0b")])
    with pytest.raises(BadInput):
        learn(home, log, day="2026-01-09")
    run = Lake(home / "lake").newest("runs").row(0, named=True)
    assert (run["night"], run["status"]) == ("2026-01-09", "failed")
    assert "utterance" in run["message"]
    assert training_versions(Home(home)) == training_versions(Home(learned))


def test_a_failure_does_not_hide_the_run_that_went_well(learned, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(learned, home)
    with pytest.raises(BadInput, match="no log file"):
        learn(home, tmp_path / "nowhere.jsonl", day="2026-01-08")
    run = Lake(home / "lake").read("runs", ["2026-01-08"])
    assert sorted(run["status"]) == ["completed", "failed"]


def test_settings_there_and_back_end_where_they_began(tmp_path):
    said = [turn("ann", n * 100, "lamp on") for n in range(4)]
    log = write_log(tmp_path / "log.jsonl", said)
    home = tmp_path / "home"

    def run_with(gap: int) -> int:
        chosen = settings.Settings(mining=settings.Mining(session_gap_seconds=gap))
        runs.run_night(runs.Request([str(log)], home), chosen, direct)
        return Lake(home / "lake").read("pairs").height

    first = run_with(300)
    assert run_with(350) >= first
    assert run_with(300) == first


def test_settings_there_and_back_teach_what_is_decided(tmp_path):
    """The newest training set is the one of the settings that are back, though another has a higher number."""
    said = [turn(f"u{n % 5}", n * 100, f"lamp {n % 2}", intent="lamp") for n in range(40)]
    said.append(turn("ann", 9_000, "music please", intent="music"))
    log, home = write_log(tmp_path / "log.jsonl", said), tmp_path / "home"
    seed = write_log(
        tmp_path / "seed.jsonl",
        [{"locale": "en-GB", "utterance": i, "intent": i} for i in ("lamp", "music")],
    )

    def run_with(training: int) -> str | None:
        chosen = settings.Settings(min_users=settings.MinUsers(training=training))
        request = runs.Request([str(log)], home, seed_data=seed)
        return runs.run_night(request, chosen, direct).training_set

    first = run_with(2)
    assert newest.training_set(Home(home)) == first
    other = run_with(40)
    again = run_with(2)
    assert again == first
    assert newest.training_set(Home(home)) == first
    if other != first:
        assert training_versions(Home(home))[-1] == other


def test_a_missed_night_that_comes_late_is_believed_too(tmp_path):
    days = [
        write_log(
            tmp_path / f"{d}.jsonl",
            [turn("ann", d * 86_400 + n * 9, f"lamp {d} {n}") for n in range(3)],
        )
        for d in range(3)
    ]
    for d in (0, 2, 1):
        learn(tmp_path / "home", days[d])
    lake = Lake(tmp_path / "home" / "lake")
    assert lake.newest("utterance_stats").height == 9
    assert lake.days("runs") == ["2026-01-05", "2026-01-06", "2026-01-07"]


def test_a_home_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        create(tmp_path / "file")
    with pytest.raises(BadInput, match="cannot be written"):
        create(Path("/proc/nowhere/home"))
    create(tmp_path / "newer")
    (tmp_path / "newer" / "home.json").write_text(json.dumps({"version": VERSION + 1}))
    with pytest.raises(BadInput, match="newer sayagain"):
        create(tmp_path / "newer")
    (tmp_path / "newer" / "home.json").write_text("{")
    with pytest.raises(BadInput, match="damaged"):
        create(tmp_path / "newer")


def test_a_second_run_on_one_home_is_refused_clearly(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on")])
    with alone(create(tmp_path / "home")), pytest.raises(Busy, match="another run is at work"):
        learn(tmp_path / "home", log)


def test_a_commit_that_was_cut_short_is_finished(tmp_path):
    lake = Lake(tmp_path)
    place = tmp_path / "turns" / "day=2026-01-05"
    committed = tmp_path / ".committed" / "turns" / "day=2026-01-05"
    for folder, what in ((place, b"old"), (committed, b"new")):
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").write_bytes(what)
    lake.recover()
    assert (place / "part-0.parquet").read_bytes() == b"new"
    assert not (tmp_path / ".committed").exists()


@pytest.mark.cluster
def test_the_two_engines_leave_equal_tables(worlds, tmp_path, spark):
    world = worlds / "dev-tiny"
    log, seed = world / "log.jsonl.gz", world / "seed.jsonl.gz"
    one = tmp_path / "duckdb"
    learn(one, log, seed, engine="duckdb")
    two = copy_of(one, tmp_path / "spark")
    learn(two, log, seed, engine="spark")
    ours, theirs = tables(one), tables(two)
    for name, rows in ours.items():
        same = rows.drop("engine") if name == "runs" else rows
        assert same.equals(theirs[name].select(same.columns)), name


def test_what_a_night_does_not_count_is_told(tmp_path):
    """A kiosk under one id: no person speaks like that, and the night says so, as of a file that is not read."""
    logs = tmp_path / "logs"
    logs.mkdir()
    write_log(logs / "log.jsonl", [turn("kiosk", 9 * n, f"lamp {n}") for n in range(700)])
    (logs / "part-0001").write_text("{}\n")
    home = tmp_path / "home"
    outcome = learn(home, logs)
    assert outcome.status == "empty"
    left, bots = outcome.noticed
    assert left.startswith("1 files are left out") and "part-0001" in left
    assert bots == "700 turns are set aside, for no person speaks so: 700 for rate"
    lake = Lake(home / "lake")
    assert lake.newest("withheld").row(0) == ("mining", "bots: rate", 700)
    assert lake.newest("runs").row(0, named=True)["message"] == f"{left}; {bots}"
