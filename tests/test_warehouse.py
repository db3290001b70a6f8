"""What is published: for whom, with which words about it, and what an attacker finds in it."""

import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows import runs, settings
from warehouse import page, queries
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.ledger import Ledger
from warehouse.publish import publish, views

K = 5
CONTRACT = "rephrases rewrites clusters variants soft_labels training_sets models evaluations decisions runs withheld"


@pytest.fixture(scope="module")
def home(small_world, tmp_path_factory) -> Path:
    """A home after a night and a retraining."""
    root = tmp_path_factory.mktemp("published") / "home"
    log, seed = small_world / "log.jsonl.gz", small_world / "seed.jsonl.gz"
    call = lambda step, *args: step(*args)  # noqa: E731
    runs.run_night(runs.Request([str(log)], root, seed_data=seed), settings.Settings(), call)
    runs.run_retraining(root, settings.Settings(), None, None, call)
    return root


def columns(root: Path) -> pl.DataFrame:
    return queries.ask(
        root,
        "select table_name, column_name, comment, data_type from duckdb_columns()"
        " where not internal and schema_name = 'main'",
    )


def test_every_view_of_the_contract_is_there_and_every_column_has_a_comment(home):
    names = {v.name for v in views()}
    assert set(CONTRACT.split()) <= names
    found = columns(home)
    assert set(found["table_name"]) == names
    assert found["comment"].null_count() == 0


def test_no_wording_of_few_users_is_published(home):
    said = Lake(home / "lake").newest("wordings")
    rare = said.filter(pl.col("users") < K).select("locale", "utterance")
    assert rare.height > 50
    for view, column in (
        columns(home).filter(data_type="VARCHAR").select("table_name", "column_name").rows()
    ):
        if "locale" not in columns(home).filter(table_name=view)["column_name"].to_list():
            continue
        found = queries.ask(home, f"select locale, {column} as utterance from {view}")
        assert found.join(rare, on=["locale", "utterance"]).is_empty(), (view, column)


def test_no_small_count_and_no_id_is_published(home):
    turns = Lake(home / "lake").read("turns")
    secrets = {
        *turns["user_id"],
        *turns["turn_id"],
        *turns["session_id"],
        (home / "salt").read_bytes().hex(),
    }
    content = (home / "warehouse.duckdb").read_bytes()
    assert not [s for s in sorted(secrets) if s.encode() in content]
    for view in set(columns(home).filter(column_name="users")["table_name"]):
        assert queries.ask(home, f"select * from {view} where users < {K}").is_empty(), view


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


def test_the_page_is_one_file_that_loads_nothing_and_escapes_what_was_said(home, tmp_path):
    root = tmp_path / "home"
    shutil.copytree(home, root)
    lake = Lake(root / "lake")
    (night,) = lake.days("moves")
    evil = "<script>alert(1)</script>"
    said = lake.read("wordings", [night])
    first = said.sort("users", descending=True)["utterance"][0]
    rename = pl.col("utterance").replace(first, evil)
    for table in ("wordings", "clusters", "soft_labels"):
        lake.put(table, night, lake.read(table, [night]).with_columns(rename))
    publish(Home(root), lake, 1)
    html = page.render(root)
    assert "<script" not in html
    assert "src=" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<svg" in html
    assert len(html) < 3_000_000


def test_the_ledger_does_a_thing_once_and_numbers_for_ever(tmp_path):
    ledger = Ledger(tmp_path)
    done = []

    def work():
        done.append(1)
        return {"x": 1}

    assert ledger.once("step", "key", work) == {"x": 1, "fresh": True}
    assert ledger.once("step", "key", work) == {"x": 1, "fresh": False}
    assert done == [1]
    assert [ledger.number("s", k) for k in ("a", "b", "a", "c")] == [1, 2, 1, 3]
