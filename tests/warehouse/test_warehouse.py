"""What is published: for whom, with which words about it, and what an attacker finds in it."""

import json
import shutil
import subprocess
import sys
from datetime import date
from gzip import decompress
from pathlib import Path

import duckdb
import polars as pl
import pytest

import attack
from attack import Published
from flows import runs
from flows.pipeline import Night, directly
from flows.settings import MinUsers, Privacy, Settings
from flows.steps.figures import gather_figures
from flows.steps.publishing import publish_warehouse
from logs import turn, write_log
from mining.engines.duckdb_engine import DuckdbEngine
from warehouse import queries, reference
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.ledger import Ledger
from warehouse.publish import publish, views

ROOT = Path(__file__).parents[2]
K = 3
FLOORS = MinUsers(published=K)
CONTRACT = "rephrases rewrites clusters variants soft_labels training_sets models evaluations decisions runs withheld"


@pytest.fixture(scope="module")
def home(nights) -> Path:
    """Read it only."""
    return nights[1].file.parent


def test_every_view_of_the_contract_is_there_and_every_column_has_a_comment(nights):
    names = {v.name for v in views()}
    assert set(CONTRACT.split()) <= names
    found = nights[1].columns()
    assert set(found["table_name"]) == names
    assert found["comment"].null_count() == 0
    assert all(f"{v.name}." in f"{v.name}.{c}" for v in views() for c in v.columns)
    told = {(v.name, c) for v in views() for c in v.columns}
    assert told == set(found.select("table_name", "column_name").iter_rows())


def test_the_reference_says_what_the_views_say():
    assert (ROOT / "docs" / "warehouse.md").read_text() == reference.page(), (
        "python -m warehouse.reference > docs/warehouse.md"
    )


def test_an_attacker_finds_no_id_no_rare_word_and_no_small_cell(nights):
    for published in nights:
        said = published.lake.newest("utterance_stats")
        assert said.filter(pl.col("users") < K).height > 50
        assert published.lake.read("bots").height > 0
        assert attack.ids(published) == []
        assert attack.rare_words(published) == []
        assert attack.rare_wordings(published) == []
        assert attack.small_cells(published) == []
        assert attack.precise_shares(published) == []
        assert attack.told_counts(published) == []
        assert attack.lone(published) == []
        assert published.ask("select * from variants").height > 20


@pytest.mark.worlds
def test_an_attacker_finds_nothing_in_a_world_of_robots_and_liars(worlds, tmp_path):
    """Two nights: all but the last day, then that."""
    rows = [
        json.loads(r)
        for r in decompress((worlds / "dev-8" / "log.jsonl.gz").read_bytes()).splitlines()
    ]
    last = max(row["timestamp"][:10] for row in rows)
    found = []
    for late in (False, True):
        part = [row for row in rows if (row["timestamp"][:10] == last) is late]
        log, seed = write_log(tmp_path / f"{late}.jsonl", part), worlds / "dev-8" / "seed.jsonl.gz"
        runs.run_night(
            runs.Request([str(log)], tmp_path / "home", seed_data=seed), Settings(), directly
        )
        file = shutil.copy(tmp_path / "home" / "warehouse.duckdb", tmp_path / f"{late}.duckdb")
        lake = shutil.copytree(tmp_path / "home" / "lake", tmp_path / f"lake-{late}")
        found.append(Published(Path(file), Lake(Path(lake)), 5))
    for published in found:
        assert published.lake.read("bots").height > 0
        assert published.ask("select * from variants").height > 100
        assert attack.ids(published) == attack.rare_words(published) == []
        assert attack.rare_wordings(published) == attack.small_cells(published) == []
        assert attack.precise_shares(published) == attack.told_counts(published) == []
        assert attack.lone(published) == []
    assert attack.differences(*found) == []


def test_two_nights_never_differ_by_one_user(nights):
    assert attack.differences(*nights) == []
    days = [p.ask("select day, locale, turns from days") for p in nights]
    assert days[0].join(days[1], on=["day", "locale"]).height > 4


def test_what_is_counted_twice_is_counted_alike(nights):
    """By the day and over the window, of locales and of intents; what a cell withholds makes it less."""
    for published in nights:
        days = published.ask(
            "select locale, sum(turns) as turns, sum(defects) as defects from days group by locale"
        )
        whole = published.ask("select locale, turns, defects from locale_totals")
        both = whole.join(days, on="locale", suffix="_of_days")
        assert both.height == 2
        for name in ("turns", "defects"):
            off = (both[name] - both[f"{name}_of_days"]).abs()
            assert (off <= K * 4).all(), both


def test_one_user_more_is_not_told_from_the_night_without(nights, tmp_path):
    """A night is run again with one user more, who says what others say and what nobody else does."""
    home = tmp_path / "home"
    shutil.copytree(nights[1].file.parent, home)
    said = nights[1].ask("select locale, utterance from variants where users < 20 limit 8").rows()
    (day,) = nights[1].ask("select max(day)::varchar from days").row(0)
    rows = [
        turn("the one", 0, wording, turn_id=f"one-{n}")
        | {"locale": locale, "timestamp": f"{day}T09:{n:02}:00Z"}
        for n, (locale, wording) in enumerate([*said, ("en-GB", "paint the zeppelin mauve")])
    ]
    log = write_log(tmp_path / "one.jsonl", rows)
    runs.run_night(runs.Request([str(log)], home), Settings(min_users=FLOORS), directly)
    after = Published(home / "warehouse.duckdb", Lake(home / "lake"), K)
    assert (
        after.lake.newest("utterance_stats").filter(utterance="paint the zeppelin mauve").height
        == 1
    )
    assert b"zeppelin" not in after.file.read_bytes()
    assert attack.differences(nights[1], after) == []
    assert attack.small_cells(after) == attack.rare_words(after) == attack.ids(after) == []


def test_with_differential_privacy_fewer_wordings_are_published_and_the_run_says_so(
    nights, tmp_path
):
    root = tmp_path / "home"
    shutil.copytree(nights[1].file.parent, root)
    lake = Lake(root / "lake")
    day, intake = lake.days("runs")[-1], {"days": ["2026-01-08"], "duplicates": 0}
    private = Settings(
        privacy=Privacy(epsilon=8.0, delta=1e-3, max_utterances_per_user=2), min_users=FLOORS
    )
    night = Night(Home(root), private, DuckdbEngine(tmp_path / "scratch"), date(2026, 1, 9))
    gather_figures(night, day)
    publish_warehouse(
        night, day, intake | dict.fromkeys(("read", "kept", "set_aside", "forgotten"), 0)
    )
    after = Published(root / "warehouse.duckdb", lake, K)
    told = after.ask("select epsilon, delta from runs order by night desc limit 1").row(0)
    assert told == (8.0, 1e-3)
    shown = [
        set(p.ask("select locale, utterance from variants").iter_rows()) for p in (nights[1], after)
    ]
    assert shown[1] < shown[0]
    reasons = after.ask("select reason from withheld where stage = 'warehouse'")["reason"]
    assert "wordings left out by differential privacy" in reasons.to_list()


def test_it_opens_under_another_name_and_with_an_older_duckdb(nights):
    with duckdb.connect() as con:
        con.execute(f"attach '{nights[1].file}' as other (read_only)")
        assert con.execute("select count(*) from other.variants").fetchone() > (0,)
    found = subprocess.run(
        [Path(sys.executable).parent / "duckdb", "-readonly", nights[1].file, "-json", "select k from schema_version"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(found.stdout) == [{"k": K}]


def test_a_session_of_the_command_line_goes_on_across_a_publication(nights, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(nights[1].file.parent, home)
    shell = subprocess.Popen(
        [Path(sys.executable).parent / "duckdb", "-readonly", "-csv", "-noheader", home / "warehouse.duckdb"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert shell.stdin
    assert shell.stdout
    with shell:
        asked = []
        for k in (None, 20, 5):
            if k:
                publish(Home(home), Lake(home / "lake"), k)
            shell.stdin.write("select count(*) from variants;\n")
            shell.stdin.flush()
            asked.append(shell.stdout.readline())
        shell.stdin.close()
    assert asked[0].strip().isdigit()
    assert len(set(asked)) == 1
    assert shell.returncode == 0


def test_a_reader_never_waits_and_never_sees_half_a_night(home, tmp_path):
    root = tmp_path / "home"
    shutil.copytree(home, root)
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as reader:
        before = reader.sql("select count(*) from soft_labels").fetchall()
        publish(Home(root), Lake(root / "lake"), 50)
        assert reader.sql("select count(*) from soft_labels").fetchall() == before
    assert not list(root.glob("*.wal"))
    assert queries.ask(root, "select k from schema_version").item() == 50


@pytest.mark.parametrize("name", queries.names())
def test_every_question_of_the_cookbook_has_an_answer(home, name):
    assert queries.ask(home, queries.named(name)).width > 1


@pytest.mark.parametrize(
    "query",
    [
        "drop view runs",
        "copy runs to '/tmp/out.csv'",
        "select * from read_text('/etc/passwd')",
        "attach '/tmp/other.duckdb'",
        "set enable_external_access = true",
        "select nothing from nowhere",
    ],
)
def test_a_query_can_neither_write_nor_leave(home, query):
    with pytest.raises(BadInput, match="query:"):
        queries.ask(home, query)


def test_the_ledger_knows_what_was_done_and_numbers_for_ever(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    assert ledger.find("step", "key") is None
    ledger.record("step", "key", {"x": 1})
    assert ledger.find("step", "key") == {"x": 1}
    assert ledger.find("step", "other") is None
    assert [ledger.number("s", k) for k in ("a", "b", "a", "c")] == [1, 2, 1, 3]


def test_what_a_killed_session_left_is_not_played_into_the_next_night(home, tmp_path):
    """A session that writes is killed: its write-ahead log stays, and is not of the next warehouse."""
    copy = Home(shutil.copytree(home, tmp_path / "home"))
    base = copy.warehouse
    writes = (
        "import duckdb, os, sys; con = duckdb.connect(sys.argv[1]); con.execute('pragma disable_checkpoint_on_shutdown');"
        " con.execute('create table mine as select 1 as a'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", writes, str(base)], check=False)
    assert base.with_name("warehouse.duckdb.wal").exists()
    publish(copy, Lake(copy.lake), K)
    assert not base.with_name("warehouse.duckdb.wal").exists()
    with duckdb.connect(str(base), read_only=True) as con:
        assert ("mine",) not in con.execute(
            "select table_name from information_schema.tables"
        ).fetchall()
