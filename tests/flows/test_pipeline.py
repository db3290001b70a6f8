"""Steps that declare themselves: what they may see, when they are done again, and in which order they come."""

import contextlib
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import night, pipeline, runs, settings, steps
from flows.guarded import Guarded
from flows.pipeline import Fact, Night, Reading, Scope, Step, directly, in_order, step
from flows.settings import Settings
from flows.steps import planning
from mining.engines.duckdb_engine import DuckdbEngine
from warehouse.home import create
from warehouse.lake import Lake, Transaction, Undeclared
from warehouse.tables import TABLES, Clusters, Decisions, FallbackIntents, name_of

pytestmark = pytest.mark.quick

DAY = "2026-01-05"
ROWS = pl.DataFrame({"intent": ["none"], "wordings": [1], "breadth": [1.0]})


@pytest.fixture
def tonight(tmp_path) -> Night:
    return Night(
        create(tmp_path / "home"), Settings(), DuckdbEngine(tmp_path / "scratch"), date(2026, 1, 6)
    )


def declared(work, **what: object) -> Step:
    return step(**what)(work)  # type: ignore[arg-type]


def test_a_step_that_reads_what_it_does_not_declare_is_refused(tonight):
    def reads_tables(at: Reading):
        at.tonight(FallbackIntents)
        return {}

    def reads_settings(at: Reading):
        return {"k": at.settings.min_users.published}

    def reads_facts(at: Reading):
        return {"fact": at.fact(Fact("the weather", lambda _: "fine"))}

    def writes(at: Reading):
        at.put(FallbackIntents, ROWS)
        return {}

    for work in (reads_tables, reads_settings, reads_facts, writes):
        with pytest.raises(Undeclared):
            declared(work)(tonight, DAY)
    declared(reads_tables, reads=pipeline.tonight(FallbackIntents))(tonight, DAY)
    declared(reads_settings, settings=["min_users.published"])(tonight, DAY)
    declared(writes, writes=[FallbackIntents])(tonight, DAY)


def test_a_step_sees_the_days_that_it_declares_alone(tonight):
    for day in ("2026-01-04", DAY):
        tonight.lake.put("fallback_intents", day, ROWS)

    def yesterday(at: Reading):
        return {"rows": at.lake.read("fallback_intents", ["2026-01-04"]).height}

    with pytest.raises(Undeclared, match="fallback_intents of 2026-01-04"):
        declared(yesterday, reads=pipeline.tonight(FallbackIntents))(tonight, DAY)
    assert (
        declared(yesterday, reads=pipeline.last_night(FallbackIntents))(tonight, DAY)["rows"] == 1
    )


def test_all_that_a_step_writes_is_there_or_nothing(tonight):
    def dies(at: Reading):
        at.put(FallbackIntents, ROWS)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        declared(dies, writes=[FallbackIntents])(tonight, DAY)
    assert tonight.lake.days("fallback_intents") == []


def test_a_step_is_done_again_where_what_it_reads_or_wrote_has_another_content(tonight):
    lake, done = tonight.lake, []

    def counts(at: Reading):
        done.append(at.day)
        at.put(Decisions, Decisions.create_empty())
        return {"rows": at.tonight(FallbackIntents).height}

    counted = declared(counts, reads=pipeline.tonight(FallbackIntents), writes=[Decisions])
    lake.put("fallback_intents", DAY, ROWS)
    assert counted(tonight, DAY) == {"rows": 1, "fresh": True}
    lake.put("fallback_intents", DAY, ROWS)  # written again, the same
    assert counted(tonight, DAY) == {"rows": 1, "fresh": False}
    lake.put("fallback_intents", DAY, ROWS.clear())
    assert counted(tonight, DAY) == {"rows": 0, "fresh": True}
    shutil.rmtree(lake.root / "decisions")
    assert counted(tonight, DAY) == {"rows": 0, "fresh": True}
    assert counted(tonight, "2026-01-06")["fresh"]
    assert len(done) == 4


def test_a_folder_that_a_step_keeps_is_made_again_where_it_is_gone(tonight):
    folder = tonight.home.root / "encoders" / "one"

    def teaches(at: Reading):
        at.keep(folder, lambda draft: (draft / "weights").write_text("1"))
        return {}

    taught = declared(teaches)
    assert [taught(tonight, DAY)["fresh"] for _ in range(2)] == [True, False]
    shutil.rmtree(folder)
    assert taught(tonight, DAY)["fresh"]
    assert (folder / "weights").is_file()


def test_what_a_kill_left_committed_is_there_before_a_step_reads(tonight):
    place = tonight.lake.root / ".committed" / "fallback_intents" / f"day={DAY}"
    tonight.lake.put("fallback_intents", DAY, ROWS)
    place.parent.mkdir(parents=True)
    shutil.move(tonight.lake.root / "fallback_intents" / f"day={DAY}", place)

    def counts(at: Reading):
        return {"rows": at.tonight(FallbackIntents).height}

    assert declared(counts, reads=pipeline.tonight(FallbackIntents))(tonight, DAY)["rows"] == 1


def test_a_partition_that_was_changed_in_place_has_another_content(tonight):
    lake = tonight.lake
    lake.put("fallback_intents", DAY, ROWS)
    before = lake.contents("fallback_intents", [DAY])
    (file,) = lake.files("fallback_intents", [DAY])
    ROWS.with_columns(pl.col("wordings") + 1).write_parquet(file)
    assert lake.contents("fallback_intents", [DAY]) != before


def test_what_is_committed_together_is_there_together_wherever_it_was_killed(tmp_path, monkeypatch):
    """Killed at each rename in turn: after recovery both tables are old, or both are new."""
    import warehouse.lake

    rename, seen = warehouse.lake.os.replace, set()
    for dies_at in range(1, 9):
        lake = Lake(tmp_path / str(dies_at))
        for table in ("fallback_intents", "decisions"):
            lake.put(table, DAY, TABLES[table].create_empty())
        both = Transaction(lake.root, {}, {"fallback_intents", "decisions"})
        both.put("fallback_intents", DAY, ROWS)
        decision = {"night": DAY, "version": "v", "retrain": True, "because": ["it pays"]}
        both.put("decisions", DAY, pl.DataFrame([decision]))
        left = [dies_at]

        def dying(old, new, left=left):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            rename(old, new)

        with monkeypatch.context() as killed:
            killed.setattr(warehouse.lake.os, "replace", dying)
            with contextlib.suppress(KeyboardInterrupt):
                both.commit()
        lake.recover()
        rows = {lake.read(table).height for table in ("fallback_intents", "decisions")}
        assert len(rows) == 1, dies_at
        seen |= rows
    assert seen == {0, 1}


DAYS = st.lists(st.dates(date(2026, 1, 1), date(2026, 2, 1)).map(str), unique=True).map(sorted)


@given(DAYS, st.dates(date(2026, 1, 1), date(2026, 2, 1)).map(str), st.integers(1, 40))
def test_scopes_are_what_they_say(there, day, window):
    found = {scope: scope.days(there, day, window) for scope in Scope}
    for name in there:
        gone = (date.fromisoformat(day) - date.fromisoformat(name)).days
        assert (name in found[Scope.TONIGHT]) == (gone == 0)
        assert (name in found[Scope.WINDOW]) == (0 <= gone < window)
        assert (name in found[Scope.EARLIER]) == (gone > 0)
        assert name in found[Scope.EVERY]
    assert found[Scope.LAST_NIGHT] == found[Scope.EARLIER][-1:]


@given(st.permutations((*night.HEARD, *night.BELIEVED)))
def test_the_order_of_steps_follows_from_their_tables(listed):
    ordered = in_order(listed)
    made: set[str] = {name_of(t) for t in night.take_in.writes}
    every = {name_of(t) for each in listed for t in each.writes} | made
    for each in ordered:
        for read in each.reads:
            if read.scope in (Scope.TONIGHT, Scope.WINDOW) and read.table in every:
                assert read.table in made, (each.name, read.table)
        made |= {name_of(t) for t in each.writes}
    assert len(ordered) == len(listed)


def test_the_list_of_the_night_reads_in_order():
    listed = (*night.HEARD, *night.BELIEVED)
    assert in_order(listed) == listed


def test_steps_that_wait_for_each_other_or_write_one_table_are_refused():
    def one(at):
        return {}

    def two(at):
        return {}

    first = declared(one, reads=pipeline.tonight(Clusters), writes=[FallbackIntents])
    other = declared(two, reads=pipeline.tonight(FallbackIntents), writes=[Clusters])
    with pytest.raises(ValueError, match="wait for each other"):
        in_order([first, other])
    with pytest.raises(ValueError, match="both write fallback_intents"):
        in_order([first, declared(two, writes=[FallbackIntents])])


@pytest.mark.slow
def test_what_a_step_declares_is_what_it_reads(tmp_path, small_world, monkeypatch):
    """Every table and setting that a step declares is looked at in two nights, of which one learns everything; the
    undeclared are refused anyway."""
    looked: dict[str, set[str]] = {}
    at: list[str] = []

    def looks(owner, name, told):
        inner = getattr(owner, name)

        def watched(self, *args):
            if at:
                looked.setdefault(at[-1], set()).add(told(self, *args))
            return inner(self, *args)

        monkeypatch.setattr(owner, name, watched)

    looks(Transaction, "files", lambda _, table, *rest: table)
    looks(Transaction, "days", lambda _, table: table)
    looks(Guarded, "__getattr__", lambda self, name: f"{self._path}{name}")

    def call(each, *args):
        at.append(each.__name__)
        try:
            return each(*args)
        finally:
            at.pop()

    log, seed = (small_world / name for name in ("log.jsonl.gz", "seed.jsonl.gz"))
    nobody = settings.Voter(address="http://127.0.0.1:1/v1", model="m")
    monkeypatch.setattr(planning, "ENOUGH", 0)
    rows, last = pl.read_ndjson(log, infer_schema_length=None), pl.col("timestamp") >= "2026-01-08"
    for number, some in enumerate((rows.filter(~last), rows.filter(last))):
        some.write_ndjson(tmp_path / f"{number}.jsonl")
        asked = runs.Request([str(tmp_path / f"{number}.jsonl")], tmp_path / "home", seed_data=seed)
        runs.run_night(asked, settings.Settings(voter=nobody), call)
    by_scope = {"mining.window_days"}  # read by whoever finds the days of a scope
    for each in (night.take_in, *night.HEARD, *night.BELIEVED):
        declared_tables = {r.table for r in each.reads}
        assert declared_tables <= looked[each.name], (
            each.name,
            declared_tables - looked[each.name],
        )
        if each.name != "build_training_set":  # its card tells all settings as one text
            unread = set(each.settings) - by_scope - looked[each.name]
            assert not unread, (each.name, unread)


def test_guarded_settings_give_what_is_declared_and_whole_sections():
    guarded = Guarded(Settings(), ["mining.window_days", "privacy"])
    assert guarded.mining.window_days == 90
    assert guarded.privacy.delta == 1e-6
    for read in (lambda: guarded.mining.similarity_threshold, lambda: guarded.min_users):
        with pytest.raises(Undeclared):
            read()


@pytest.mark.slow
def test_a_stage_is_added_in_one_file(tmp_path, small_world, monkeypatch):
    """The one of CONTRIBUTING: its file is all that there is of it."""
    contributing = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "hours.py").write_text(contributing.split("```python\n")[1].split("```")[0])
    monkeypatch.setattr(steps, "__path__", [*steps.__path__, str(folder)])
    known = set(TABLES)
    log, home = small_world / "log.jsonl.gz", tmp_path / "home"
    told = []

    def watched(each, *args):
        result = directly(each, *args)
        told.append((each.__name__, result.get("fresh")))
        return result

    try:
        for _ in range(2):
            runs.run_night(runs.Request([str(log)], home), settings.Settings(), watched)
        lake = Lake(home / "lake")
        assert lake.newest("hours")["turns"].sum() == lake.read("turns").height
        assert [fresh for name, fresh in told if name == "count_hours"] == [True, False]
    finally:
        for name in set(TABLES) - known:
            del TABLES[name], pipeline.name_of.__globals__["DECLARED"][name]
