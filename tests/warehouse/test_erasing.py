"""A user is forgotten, and what is too old is erased, wherever it lies and wherever a run is killed."""

import json
import os
import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as checks
from hypothesis import strategies as st
from typer.testing import CliRunner

from flows import erasure, holding, runs, settings
from flows.cli import app, main
from logs import START, turn, write_log
from mining.engines.duckdb_engine import DuckdbEngine
from mining.ingest.validation import DoorConfig, hashed
from mining.rephrases import pairs
from mining.sessions import bots, turns
from warehouse import erasing, forgotten
from warehouse.errors import BadInput
from warehouse.home import Home, create, training_versions
from warehouse.lake import Lake
from warehouse.tables import TABLES

DAY = 86_400
SHARED = ["lamp on please", "lamp on", "please lamp on now", "what is new", "tell me what is new"]
FLIPS = ["locale", "utterance", "intent"]
EVE = "eve-8731"
HERS = ["zyqx", "put zyqx lamp on", "tell zyqx what is new", "open sesame zyqx"]  # eve's alone
RAN = "zyqx ran instead"
TOMORROW = (datetime.now(UTC).timestamp() * 1000 - START) / 1000 + 2 * DAY


def direct(step, *args):
    return step(*args)


def chosen(**privacy: Any) -> settings.Settings:
    return settings.Settings(
        mining=settings.Mining(similarity_threshold=0.3),
        min_users=settings.MinUsers(published=1, training=1),
        privacy=settings.Privacy(mask=[], **privacy),
    )


CHOSEN = chosen()


def night(home: Path, log: Path, asked=CHOSEN, call=direct, **more: Any):
    return runs.run_night(runs.Request([str(log)], home, engine="duckdb", **more), asked, call)


def forget(home: Path, user: str = EVE, call=direct) -> dict[str, Any]:
    return runs.run_forgetting(home, CHOSEN, user, call)


def said(user: str, day: float, wordings: list[str], apart: int = 20) -> list[dict[str, Any]]:
    at = day * DAY + sum(map(ord, user))
    facts = {"intent": "x", "outcome": "success", "slots": {"who": user}}
    return [turn(user, at + apart * n, w, **facts) for n, w in enumerate(wordings)]


def others(day: float, apart: int = 20) -> list[dict[str, Any]]:
    return [row for user in ("ann", "bob", "cy") for row in said(user, day, SHARED, apart)]


def eve(day: float, apart: int = 20) -> list[dict[str, Any]]:
    """She shares wordings with others, and once another wording ran in place of hers."""
    rows = said(EVE, day, [HERS[1], SHARED[0], HERS[2], SHARED[3], HERS[3], HERS[0]], apart)
    return [*rows[:-1], rows[-1] | {"executed_utterance": RAN}]


def seed_of(folder: Path) -> Path:
    rows = [("lamp on", "x"), ("light on", "x"), ("news now", "y"), ("what news", "y")]
    return write_log(
        folder / "seed.jsonl",
        [{"locale": "en-GB", "utterance": u, "intent": i} for u, i in rows],
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """Two nights of four people, and models that learned from them; the logs beside the home."""
    folder = tmp_path_factory.mktemp("forget")
    seed = seed_of(folder)
    for day in (0, 1):
        log = write_log(folder / f"{day}.jsonl", others(day) + eve(day))
        night(folder / "home", log, seed_data=seed)
        if day == 0:
            runs.run_retraining(folder / "home", CHOSEN, None, None, direct)
    return folder


@pytest.fixture
def home(world, tmp_path) -> Path:
    return Path(shutil.copytree(world / "home", tmp_path / "home"))


@pytest.fixture(scope="module")
def without(world, tmp_path_factory) -> Path:
    """The home of the world after eve was forgotten."""
    root = shutil.copytree(world / "home", tmp_path_factory.mktemp("without") / "home")
    forget(Path(root))
    return Path(root)


def content(place: Path) -> str:
    """All that a file says, unpacked."""
    if place.suffix == ".parquet":
        rows = pl.read_parquet(place)
        return rows.select(pl.all().exclude("vector")).write_ndjson()
    if place.suffix == ".duckdb":
        with duckdb.connect(str(place), read_only=True) as con:
            views = con.sql("select view_name from duckdb_views() where not internal").fetchall()
            return "\n".join(str(con.sql(f"from {v}").fetchall()) for (v,) in views)
    return place.read_bytes().decode("latin1")


def telling(root: Path, words: list[str]) -> set[str]:
    """The parts of a home in which any of these words is found."""
    kept = (f for f in sorted(root.rglob("*")) if f.is_file() and f.name != "forgotten.json")
    return {f.relative_to(root).parts[0] for f in kept if any(w in content(f) for w in words)}


def tables(root: Path) -> dict[str, pl.DataFrame]:
    """Every table that lies in the home, but for how long a night took."""
    parts: dict[str, list[pl.DataFrame]] = {}
    for f in sorted(root.glob("**/*.parquet")):
        rows = pl.read_parquet(f, hive_partitioning=False)
        plain = [c for c in rows.columns if c != "seconds" and not rows[c].dtype.is_nested()]
        name = f.parent if f.is_relative_to(root / "lake") else f
        parts.setdefault(str(name.relative_to(root)), []).append(rows.select(plain))
    found = {name: pl.concat(rows) for name, rows in parts.items()}
    return {name: rows.sort(rows.columns) for name, rows in found.items()}


def turns_of(root: Path) -> pl.DataFrame:
    return Lake(root / "lake").read("turns").sort("turn_id")


def assert_equal_homes(one: Path, two: Path) -> None:
    ours, theirs = tables(one), tables(two)
    assert ours.keys() == theirs.keys()
    for name, rows in ours.items():
        assert rows.equals(theirs[name]), name
    cards = [
        sorted((f.parent.name, f.read_text()) for f in h.glob("*/*/card.md")) for h in (one, two)
    ]
    assert cards[0] == cards[1]
    assert sorted(f.name for f in one.glob("encoders/*")) == sorted(
        f.name for f in two.glob("encoders/*")
    )


def test_nothing_of_a_forgotten_user_is_left(world, without):
    hers = hashed(EVE, Home(without).salt())
    before, now = world / "home", without
    assert telling(before, [hers]) == {"lake"}
    assert telling(before, HERS[1:]) >= {"lake", "training_sets", "warehouse.duckdb"}
    assert telling(before, HERS[:1]) >= {"encoders"}
    assert telling(now, [hers, EVE, RAN, *HERS[1:]]) == set()
    assert telling(now, HERS[:1]) <= {"models"}, "models stay until the next retraining"


def test_others_lose_nothing(world, without):
    def of_others(root: Path, table: str) -> pl.DataFrame:
        lake = Lake(root / "lake")
        mine = pl.col("user_id") == hashed(EVE, Home(root).salt())
        rows = lake.read(table).filter(~mine)
        assert rows.height
        return rows.sort(rows.columns[:2])

    for table in ("turns", "pairs"):
        assert of_others(world / "home", table).equals(of_others(without, table)), table
    lake = Lake(without / "lake")
    assert set(lake.newest("utterance_stats")["utterance"]) == set(SHARED)
    assert lake.read("inactivity")["silences"].sum() == 3 * 9, "hers are not among them"
    assert set(lake.newest("embeddings")["utterance"]) <= set(SHARED)
    assert set(lake.read("utterance_stats", lake.days("utterance_stats")[:1])["utterance"]) == set(
        SHARED
    )
    versions = training_versions(Home(without))
    assert len(versions) == 3
    for version in versions:
        rows = pl.read_parquet(without / "training_sets" / version / "examples.parquet")
        assert set(rows["utterance"]) <= set(SHARED), version
        assert rows.height, version


def test_it_is_proved_by_counts_alone(without):
    (row,) = Lake(without / "lake").read("erasures").iter_rows(named=True)
    assert (row["kind"], row["turns"], row["wordings"]) == ("user", 12, 5)
    assert row["examples"] > 0
    assert len(row["models"]) == 1, "the model of seed data alone learned nothing from her"
    told = [
        f for f in (without / "training_sets").glob("*/card.md") if row["erasure"] in f.read_text()
    ]
    assert len(told) == 2
    assert f"{row['examples']} rows" not in told[0].read_text(), "each says its own number"
    assert oct((without / "forgotten.json").stat().st_mode)[-3:] == "600"


def test_the_models_can_still_be_read_and_replaced(without, tmp_path):
    home = Path(shutil.copytree(without, tmp_path / "home"))
    done = runs.run_retraining(home, CHOSEN, None, None, direct)
    assert done["training_set"] == training_versions(Home(home))[-1]


def test_a_table_that_no_step_knows_any_more_goes_too(home):
    """Nobody knows what it holds."""
    left = home / "lake" / "of_a_step_that_was_taken_out" / "day=2026-01-05"
    left.mkdir(parents=True)
    pl.DataFrame({"words": HERS}).write_parquet(left / "part-0.parquet")
    forget(home)
    assert not left.parent.exists()


def test_the_same_log_does_not_bring_a_user_back_and_later_turns_are_welcome(world, home):
    forget(home)
    before = turns_of(home)
    again = night(home, world / "0.jsonl")
    assert again.intake["set_aside"] == len(eve(0))
    assert turns_of(home).equals(before)
    alone = write_log(home.parent / "eve.jsonl", eve(1))
    assert night(home, alone).status == "empty", "rows that are refused for this are not broken"
    later = write_log(home.parent / "later.jsonl", said(EVE, TOMORROW / DAY, ["zyqx is back"]))
    assert night(home, later).intake["kept"] == 1
    done = forget(home)
    assert (done["turns"], done["wordings"]) == (1, 1)
    assert turns_of(home).equals(before)
    assert Lake(home / "lake").read("erasures").height == 2
    assert night(home, later).status == "empty"


def test_a_user_is_told_what_is_held_and_is_given_it(home, tmp_path):
    """What is counted is what goes: the rows that are there no more after it."""

    def sayagain(*words: object) -> str:
        done = CliRunner().invoke(app, [str(w) for w in (*words, "--home", home)])
        assert done.exit_code == 0, done.output
        return done.output

    before = tables(home)
    out = tmp_path / "hers.jsonl"
    found = json.loads(sayagain("held", EVE, "--json", "--out", out))
    mine = turns_of(home).filter(user_id=hashed(EVE, Home(home).salt()))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["utterance"] for r in rows] == mine.sort("at_ms", "turn_id")["utterance"].to_list()
    assert not {"user_id", "session_id"} & {name for row in rows for name in row}
    assert found["turns"] == found["tables"]["turns"] == 12
    assert found["models"], "one learned from her"
    assert tables(home).keys() == before.keys(), "nothing was changed"
    assert "12 turns" in sayagain("held", EVE)
    erased = forget(home)
    assert (found["turns"], found["wordings"]) == (erased["turns"], erased["wordings"])
    assert sum(found["training_sets"].values()) == erased["examples"]
    told = sayagain("held", EVE)
    assert "are refused" in told
    assert "nothing else is held" in told
    with pytest.raises(BadInput, match="said nothing"):
        holding.held(home, CHOSEN, "nobody")


def test_a_wish_twice_is_one_and_a_stranger_is_refused(home, monkeypatch, capsys):
    def sayagain(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["sayagain", *words, "--home", str(home)])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    before = tables(home)
    assert sayagain("forget", "nobody") == 2
    assert "said nothing" in capsys.readouterr().err
    assert not (home / "forgotten.json").exists()
    assert tables(home).keys() == before.keys()
    assert sayagain("forget", EVE, "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["turns"] == 12
    assert hashed(EVE, Home(home).salt()) not in json.dumps(done)
    assert sayagain("forget", EVE) == 0
    assert "already forgotten" in capsys.readouterr().out
    assert Lake(home / "lake").read("erasures").height == 1


class Killed(BaseException):
    pass


def test_killed_at_every_step_it_is_finished_all_the_same(home, without):
    """By forgetting again, and at last by a night."""
    left = 0

    def mortal(step, *args):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed
        result = step(*args)
        done.append(step.__name__)
        return result

    done: list[str] = []
    for steps in range(40):
        left = steps
        try:
            forget(home, call=mortal)
        except Killed:
            assert forgotten.read(Home(home)).erasing
            with pytest.raises(BadInput, match="cut short"):
                runs.run_retraining(home, CHOSEN, None, None, direct)
        else:
            break
    assert done[-1] == "publish_warehouse"
    assert_equal_homes(home, without)


def test_a_night_finishes_what_was_cut_short(home, without, tmp_path):
    def killed(step, *args):
        raise Killed

    with pytest.raises(Killed):
        forget(home, call=killed)
    night(home, write_log(tmp_path / "none.jsonl", []), day="2026-01-06")
    assert forgotten.read(Home(home)).erasing is None
    assert_equal_homes(home, without)


def test_killed_at_every_change_of_a_file_it_erases_the_same(world, tmp_path, monkeypatch):
    """Proved in full: what was counted before counts, not what a second go finds."""
    window, real, left = CHOSEN.mining.window_days, (os.replace, shutil.rmtree), 10**9
    deaths = 0
    flips = pl.DataFrame([("en-GB", u, "x") for u in (HERS[1], SHARED[0])], FLIPS, orient="row")

    def wrap(work):
        def mortal(*args, **kwargs):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return work(*args, **kwargs)

        return mortal

    def begun(name: str) -> Home:
        home = Home(Path(real_copy(world / "home", tmp_path / name)))
        for model in home.models.glob("*/flipped.parquet"):
            flips.write_parquet(model)
        scope = erasing.ErasureScope(user=hashed(EVE, home.salt()))
        forgotten.begin(home, erasure.count(home, scope, "2026-02-01", window), "2026-02-01")
        return home

    def erase(home: Home) -> None:
        counted = forgotten.read(home).erasing
        assert counted
        erasure.erase(home, counted, window)

    real_copy = shutil.copytree
    whole, mine = begun("whole"), begun("mine")
    erase(whole)
    assert telling(whole.root, HERS[1:]) == {"warehouse.duckdb"}, "until it is published anew"
    assert telling(whole.root / "models", SHARED[:1]), "others' wordings stay"
    monkeypatch.setattr(os, "replace", wrap(real[0]))
    monkeypatch.setattr(shutil, "rmtree", wrap(real[1]))
    for alive in cycle((2, 3, 4, 5, 6)):
        left = 10**9
        Lake(mine.lake).recover()
        left = alive
        deaths += 1
        try:
            erase(mine)
        except Killed:
            continue
        break
    assert deaths > 30
    left = 10**9
    assert_equal_homes(mine.root, whole.root)


def rows_of(home: Path, view: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        return con.sql(f"from {view}").fetchall()


def test_where_nobody_is_left_nothing_is_believed(tmp_path):
    home = tmp_path / "home"
    night(home, write_log(tmp_path / "0.jsonl", eve(0, apart=2_000)))
    (home / "report.html").write_text("zyqx")
    told = ("days", "intents", "clusters", "soft_labels")
    assert all(rows_of(home, view) for view in told)
    done = forget(home)
    assert (done["turns"], done["training_set"]) == (6, None)
    assert telling(home, ["zyqx"]) == set()
    assert not any(rows_of(home, view) for view in told)
    assert len(rows_of(home, "erasures")) == 1
    assert (
        night(home, write_log(tmp_path / "1.jsonl", others(1, apart=2_000))).status == "completed"
    )


def test_what_is_older_than_the_retention_is_erased(tmp_path):
    """Once: the same logs again bring nothing back, and prove nothing more."""
    home, asked = tmp_path / "home", chosen(retention_days=2)
    early = write_log(tmp_path / "early.jsonl", others(0, 2_000) + eve(0, 2_000))
    late = [row for day in (2, 3) for row in others(day, 2_000)]
    log = write_log(tmp_path / "late.jsonl", late)
    night(home, early, asked)

    def mortal(step, *args):
        if step.__name__ == "label_utterances":
            raise Killed
        return step(*args)

    with pytest.raises(Killed):
        night(home, log, asked, mortal)
    night(home, log, asked)
    assert telling(home, HERS[1:]) == set()
    assert Lake(home / "lake").days("turns")[0] == "2026-01-07"
    (row,) = Lake(home / "lake").read("erasures").iter_rows(named=True)
    assert (row["kind"], row["before"], row["turns"]) == ("age", "2026-01-06", 21)
    assert row["wordings"] == 5
    assert row["examples"] > 0
    fresh = []

    def watched(step, *args):
        fresh.append(step(*args).get("fresh"))
        return step(*args)

    night(home, log, asked, watched)
    assert True not in fresh
    assert night(home, early, asked).intake["set_aside"] == 21
    assert Lake(home / "lake").read("erasures").height == 1


def test_what_is_needed_of_the_old_stays_less_what_nobody_says(world, home):
    """The training set of the champion, the last two nights, and what leads to nobody."""
    (taught, unused) = training_versions(Home(home))
    asked = chosen(retention_days=1)
    for day in (3, 5, 7):
        rows = [r for r in others(day, 2_000) if r["utterance"] != SHARED[4]]
        log = write_log(home.parent / f"{day}.jsonl", rows)
        assert night(home, log, asked).status == "completed"
    lake = Lake(home / "lake")
    assert telling(home, HERS) <= {"models"}
    assert forgotten.read(Home(home)).erasing is None
    first = {table: lake.days(table)[0] for table in TABLES if lake.days(table)}
    assert first["turns"] == first["pairs"] == first["inactivity"] == "2026-01-12"
    assert first["votes"] == first["clusters"] == first["embeddings"] == "2026-01-08"
    assert lake.read("votes", ["2026-01-08"]).is_empty()
    assert first["utterance_stats"] == first["runs"] == first["decisions"] == "2026-01-05"
    assert set(lake.read("utterance_stats", ["2026-01-05"])["utterance"]) == set(SHARED[:4])
    versions = training_versions(Home(home))
    assert (versions[0], len(versions)) == (taught, 4)
    assert unused not in versions
    kept = pl.read_parquet(home / "training_sets" / taught / "examples.parquet")
    assert set(kept["utterance"]) == set(SHARED[:4])
    assert [f.name[:10] for f in sorted((home / "encoders").iterdir())] == [
        "2026-01-08",
        "2026-01-10",
        "2026-01-12",
    ]
    proofs = lake.read("erasures").filter(kind="age")
    assert proofs["turns"].sum() == 2 * 21 + 2 * 12


def test_the_vectors_of_an_encoder_that_is_in_use_stay(tmp_path):
    lake = Lake(create(tmp_path / "home").lake)
    for n, night_of in enumerate(["here", "given", "here", "given", "given"]):
        row = ("en-GB", f"lamp {n}", "hash", night_of, [1.0])
        rows = pl.DataFrame([row], TABLES["embeddings"].column_names(), orient="row")
        lake.put("embeddings", f"2026-01-0{n + 1}", rows)
        lake.put("turns", f"2026-01-0{n + 1}", TABLES["turns"].create_empty())
    erasure.erase_old(Home(lake.root.parent), chosen(retention_days=1), date(2026, 1, 9))
    assert lake.days("turns")[0] == "2026-01-04"
    assert lake.days("embeddings") == ["2026-01-02", "2026-01-04", "2026-01-05"]


def test_a_clock_that_is_wrong_erases_nothing_that_is_new(tmp_path):
    asked, now = chosen(retention_days=3), datetime.now(UTC).date()
    lake = Lake(create(tmp_path / "home").lake)
    for day in (now - timedelta(days=4), now, date(2090, 1, 1)):
        lake.put("turns", day.isoformat(), TABLES["turns"].create_empty())
    assert erasure.cutoff(lake, asked, now) == now - timedelta(days=3)
    assert erasure.cutoff(lake, CHOSEN, now) is None


# Few users, wordings and moments: sessions over midnight, wordings shared and not.
turns_said = st.fixed_dictionaries(
    {
        "user": st.sampled_from(["ann", "bob", EVE]),
        "seconds": st.sampled_from([0, 10, 50, 300, 57_590, 57_610, 57_640, DAY]),
        "words": st.sampled_from(["lamp on", "lamp off", "no", "zyqx"]),
        "session": st.sampled_from([None, None, "s1"]),
    }
)


def mined(engine: DuckdbEngine, root: Path, rows: list[dict[str, Any]]) -> Home:
    home = create(root)
    (root / "salt").write_bytes(b"s" * 32)
    lake = Lake(home.lake)
    out = lake.staging("door")
    log = write_log(root.with_suffix(".jsonl"), rows)
    turns.admit(engine, [log], DoorConfig(home.salt()), out)
    days = turns.merge(engine, lake, turns.account(out, 1.0), 90, 60)
    bots.find(engine, lake, days)
    pairs.find(engine, lake, days)
    return home


@given(st.lists(turns_said, min_size=1, max_size=12))
@checks(max_examples=20)
def test_a_forgotten_user_never_was(tmp_path_factory, duck, log):
    root = tmp_path_factory.mktemp("law")
    rows = [
        turn(s["user"], s["seconds"], s["words"], session_id=s["session"], turn_id=f"t{n:02}")
        for n, s in enumerate(log)
    ]
    of_others = [r for r in rows if r["user_id"] != EVE]
    home = mined(duck, root / "all", rows)
    never = mined(duck, root / "never", of_others) if of_others else create(root / "never")
    scope = erasing.ErasureScope(user=hashed(EVE, home.salt()))
    counted = erasure.count(home, scope, "2026-02-01", 90)
    erasing.erase(home, counted, [])
    turns.recount(duck, Lake(home.lake), counted.days)
    for table in ("turns", "pairs", "bots", "inactivity"):
        ours, theirs = (Lake(h.lake).read(table) for h in (home, never))
        plain = [c for c in ours.columns if not ours[c].dtype.is_nested()]
        assert ours.sort(plain).equals(theirs.sort(plain)), table


def test_a_pair_over_midnight_goes_with_its_older_turn(tmp_path, duck):
    moments = [(57_590, "lamp on"), (57_610, "lamp on please"), (57_620, "the lamp on")]
    home = mined(duck, tmp_path / "home", [turn("ann", at, w) for at, w in moments])
    lake = Lake(home.lake)
    assert lake.read("pairs", ["2026-01-06"]).height == 3
    counted = erasure.count(home, erasing.ErasureScope(before="2026-01-06"), "2026-02-01", 90)
    erasing.erase(home, counted, [])
    assert (counted.turns, counted.wordings) == (1, 1)
    assert lake.read("turns")["utterance"].to_list() == [moments[1][1], moments[2][1]]
    assert lake.read("pairs").select("source", "target").rows() == [(moments[1][1], moments[2][1])]


def test_a_row_that_names_an_erased_wording_as_an_example_stays_without_it():
    gone = erasing.Gone(
        erasing.ErasureScope("u"),
        [],
        pl.DataFrame({"turn_id": ["t"]}),
        pl.DataFrame({"locale": ["en-GB"], "wording": ["hers"]}),
        pl.DataFrame(schema={"locale": pl.String, "value": pl.String}),
    )
    rows = pl.LazyFrame(
        {
            "problem_id": ["a", "b", "c"],
            "locale": ["en-GB", "en-GB", "de-DE"],
            "example": ["hers", None, "hers"],
        }
    )
    assert gone.without(rows).collect()["example"].to_list() == [None, None, "hers"]


def test_every_column_of_text_is_known_to_hold_wordings_or_not():
    """A new column that holds what people said must be erased, too: add it to erasing.WORDINGS."""
    plain = {
        *("session_id", "locale", "intent", "best_intent", "interpretation", "response", "outcome"),
        *(
            "channel",
            "model_version",
            "arm",
            "prompted_slot",
            "field",
            "reason",
            "label",
            "kind",
            "day",
            "until",
        ),
        *("since", "began", "cluster_id", "index", "event", "other_id", "verdict", "name"),
        *(
            "first_day",
            "first_id",
            "stage",
            "version",
            "night",
            "message",
            "receiver",
            "answer",
            "status",
        ),
        *("erasure", "before", "engine", "content", "encoder", "challenger", "champion"),
        *("subject", "verdict_pairs", "verdict_failures", "verdict_labels", "verdict_rewrites"),
        *("source_intent", "target_intent", "source_outcome", "target_outcome", "source_response"),
        *("heard", "meant", "step", "unit", "bucket", "learned", "shown"),  # shown with its wording
        *("launched", "candidate_id", "change", "because", "basis"),
        *("auditor", "drawn", "problem_id", "opened", "closed", "dismissed"),
    }
    for table, schema in TABLES.items():
        columns = schema.columns()
        text = {n for n, c in columns.items() if c.dtype == pl.String}
        assert text <= plain | erasing.PERSONAL, (
            f"{table}: {sorted(text - plain - erasing.PERSONAL)}"
        )
        wordings = text & set(erasing.WORDINGS)
        assert not wordings or "locale" in columns, table
