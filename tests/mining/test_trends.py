"""What rises, falls or appears, and what may be a new intent: against the slower truth, and as stories."""

import math
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.expected_gain import changed
from flows.pipeline import Night, directly
from flows.settings import Settings
from flows.steps import trends
from logs import turn, write_log
from mining.engines.duckdb_engine import DuckdbEngine
from mining.trends import candidates, detection
from mining.trends.candidates import Outcomes
from mining.trends.detection import KEY, Counts, benjamini_hochberg
from slow import benjamini_hochberg as slow_bounds
from warehouse import queries
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.report import page
from warehouse.tables import IntentCandidateMembers, IntentCandidates, Trends

START = date(2026, 1, 5)  # a Monday
NIGHT = "2026-01-20"
WEEKLY = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 0.3])
NO_CLUMPS = pl.DataFrame(
    schema=dict.fromkeys(KEY, pl.String)
    | dict.fromkeys(("now_3", "now_7", "before_3", "before_7"), pl.Float64)
)


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def counted(said: np.ndarray, spoke: np.ndarray, clumps: pl.DataFrame = NO_CLUMPS) -> pl.DataFrame:
    """What is found of units x days, the last of which is the night."""
    rows = [
        ("en-GB", "term", f"t{unit:04}", day(n), int(users))
        for unit, counts in enumerate(said)
        for n, users in enumerate(counts)
        if users
    ]
    schema = dict.fromkeys((*KEY, "day"), pl.String) | {"users": pl.Int64}
    people = pl.DataFrame(
        {"locale": "en-GB", "day": [day(n) for n in range(len(spoke))], "users": spoke}
    )
    daily = pl.DataFrame(rows, schema, orient="row")
    return detection.changes(Counts(daily, people, clumps), day(len(spoke) - 1))


def kinds(found: pl.DataFrame) -> dict[str, str]:
    return dict(found.filter(pl.col("q") <= detection.FALSE).select("unit", "change").rows())


@given(st.lists(st.floats(1e-9, 1.0), min_size=1, max_size=40))
def test_the_bound_is_that_of_benjamini_and_hochberg(p):
    assert benjamini_hochberg(np.array(p)).tolist() == pytest.approx(slow_bounds(p))


@given(st.integers(0, 12), st.integers(1, 12), st.floats(0.05, 0.9))
def test_the_chance_is_the_binomial_one(here, there, share):
    whole = here + there
    exact = sum(
        math.comb(whole, n) * share**n * (1 - share) ** (whole - n) for n in range(here, whole + 1)
    )
    (told,) = detection._at_least(np.array([here]), np.array([there]), np.array([share]))
    assert told == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("growth", [1.0, 1.06])
@pytest.mark.parametrize("days", [9, 14, 23, 60])
def test_growth_and_weekly_rhythm_are_no_change(growth, days):
    """People of a locale that grows and rests on weekends; units of all sizes."""
    rng = np.random.default_rng(days)
    spoke = 200 * growth ** np.arange(days) * WEEKLY[np.arange(days) % 7]
    share = rng.lognormal(-6, 1.5, 800).clip(0, 0.5)
    said = rng.poisson(share[:, None] * spoke)
    assert len(kinds(counted(said, spoke.round().astype(int)))) <= 1


def test_a_rhythm_of_a_units_own_is_no_change():
    """Half of the units are said on weekends alone, the others as always; the night is a Saturday."""
    rng = np.random.default_rng(1)
    days = 7 * 8 + 6
    shape = np.where(np.arange(days) % 7 >= 5, 3.0, 0.2)
    rate = np.vstack([np.outer(np.full(60, 12), shape), np.full((60, days), 12.0)])
    assert len(kinds(counted(rng.poisson(rate), np.full(days, 200)))) <= 1


def test_days_on_which_much_is_said_of_a_thing_are_no_change():
    rng = np.random.default_rng(2)
    noisy = rng.poisson(20 * rng.gamma(4, 1 / 4, (300, 40)))
    assert len(kinds(counted(noisy, np.full(40, 200)))) <= 2
    steady = rng.poisson(20, (300, 40))
    steady[0, -1] = noisy[0, -1] = 60
    assert kinds(counted(steady, np.full(40, 200)))["t0000"] == "rising"


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [(0, 5, "appeared"), (10, 30, "rising"), (30, 8, "falling"), (20, 0, "gone")],
)
def test_what_changes_is_found_within_three_days(before, now, kind):
    rng = np.random.default_rng(3)
    said = rng.poisson(rng.lognormal(1, 1, 500)[:, None], (500, 24))
    said[7, :-3], said[7, -3:] = before, now
    found = counted(said, np.full(24, 200))
    told = kinds(found)
    assert told["t0007"] in {kind, "falling" if kind == "gone" else kind}
    assert len(told) <= 2
    row = found.filter(unit="t0007").row(0, named=True)
    assert row["at_least"] <= (now + 0.01) / max(before, 0.01) <= row["at_most"]


def test_one_who_says_a_thing_day_by_day_is_one():
    said = np.zeros((1, 30), int)
    said[0, -7:] = 3
    one = pl.DataFrame(
        [("en-GB", "term", "t0000", 3.0, 7.0, None, None)], NO_CLUMPS.schema, orient="row"
    )
    many = one.with_columns(now_3=1.0, now_7=1.0)
    p = [counted(said, np.full(30, 50), clumps)["p_up"][0] for clumps in (one, many)]
    assert p[0] > 100 * p[1]


def test_a_short_history_tells_nothing():
    assert counted(np.full((3, 7), 9), np.full(7, 50)).is_empty()
    assert counted(np.full((3, 8), 9), np.full(8, 50)).height == 3


def test_terms_that_the_same_wordings_hold_are_one():
    said = ["dim zorblat lamp", "zorblat lamp off", "lamp on", "radio"]
    wordings = pl.DataFrame({"locale": "en-GB", "utterance": said, "turns": 9})
    clusters = wordings.select("locale", "utterance", cluster_id=pl.lit("c"))
    units = detection.units(wordings, clusters)
    assert set(units.filter(kind="term")["unit"]) == {
        "zorblat",
        "lamp",
        "dim",
        "off",
        "on",
        "radio",
    }
    assert units.filter(kind="cluster").height == 4
    assert detection.units(wordings.with_columns(turns=1), clusters).filter(kind="term").is_empty()


WISH = ["paint the lamp blue", "make the lamp red", "lamp in green"]


def judged(p_up: float, well: float, explained: float, moved: float = 0.0) -> pl.DataFrame:
    """Whether two groups of wordings, of 20 people each, are candidates."""
    units = [("lamp", WISH[:2]), ("green", WISH[2:])]
    rows = [("en-GB", "term", unit, said) for unit, wordings in units for said in wordings]
    grouped = pl.DataFrame(rows, [*KEY, "utterance"], orient="row")
    found = pl.DataFrame({"locale": "en-GB", "kind": "term", "unit": ["lamp", "green"]})
    found = found.with_columns(p_up=pl.lit(p_up), ratio=pl.lit(9.0))
    known = pl.DataFrame(
        schema=dict.fromkeys(("locale", "candidate_id", "utterance", "since"), pl.String)
    )
    asked = candidates.asked(found, grouped, known)
    outcomes = asked.select(KEY).unique().with_columns(users=20, well=20 * well)
    key = grouped.select("locale", "utterance")
    moves = pl.DataFrame(
        {"locale": "en-GB", "source": WISH[:1], "target": WISH[2:], "users": 9, "p_same": moved}
    )
    said = Outcomes(
        outcomes,
        key.with_columns(label=pl.lit("light_dim"), probability=pl.lit(explained)),
        moves,
        key.with_columns(cluster_id=pl.lit("c1")),
        key.head(0),
    )
    return candidates.candidates(found, asked, said, known.drop("utterance")).candidates


def test_what_rises_serves_few_and_has_no_label_may_be_a_new_intent():
    assert judged(1e-6, 0.05, 0.3).height == 2
    assert judged(0.3, 0.05, 0.3).is_empty(), "nobody wants it more than before"
    assert judged(1e-6, 0.6, 0.3).is_empty(), "people come out well: badly understood, no more"
    assert judged(1e-6, 0.05, 0.9).is_empty(), "a label explains it: a new word for an old wish"


def test_candidates_between_which_people_move_are_one():
    found = judged(1e-6, 0.05, 0.3, moved=0.9).row(0, named=True)
    assert (found["wordings"], found["terms"], found["clusters"]) == (3, 2, ["c1"])
    assert found["said_by"] == 60


def test_old_wordings_are_no_members():
    """A candidate that lives on keeps its name and its night, though nothing rises any more."""
    none = pl.DataFrame(schema=detection.ASKED)
    known = pl.DataFrame(
        {"locale": "en-GB", "candidate_id": "c0", "utterance": WISH, "since": "2026-01-20"}
    )
    grouped = pl.DataFrame(schema=dict.fromkeys((*KEY, "utterance"), pl.String))
    asked = candidates.asked(none, grouped, known)
    outcomes = asked.select(KEY).unique().with_columns(users=20, well=pl.lit(1.0))
    key = known.select("locale", "utterance")
    labels = key.with_columns(label=pl.lit("x"), probability=pl.lit(0.2))
    moves = pl.DataFrame(
        schema=dict.fromkeys(("locale", "source", "target"), pl.String)
        | {"users": pl.Int64, "p_same": pl.Float64}
    )
    said = Outcomes(outcomes, labels, moves, key.with_columns(cluster_id=pl.lit("c9")), key.head(1))
    found = candidates.candidates(none, asked, said, known.drop("utterance").unique())
    assert found.candidates.select("candidate_id", "since").rows() == [("c0", "2026-01-20")]
    assert sorted(found.members["utterance"]) == sorted(WISH[1:])


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Lake:
    """A lake of 16 days; from the 14th on 16 people say something new, that nobody serves."""
    from flows import runs

    root = tmp_path_factory.mktemp("changes")
    rng = np.random.default_rng(5)
    usual = ["lamp on please", "what is new", "wake me at noon", "play some music"]
    rows = []
    for n in range(16):
        for user in range(20):
            at = n * 86_400 + user * 60
            said = usual[int(rng.integers(4))]
            rows.append(turn(f"u{user}", at, said, intent=said.split()[0], outcome="success"))
        for user in range(16 if n >= 13 else 0):
            at = n * 86_400 + 9_000 + user * 300
            lost = {"intent": None, "outcome": "failure"}
            rows.append(turn(f"u{user}", at, "fetch the zorblat", **lost))
            rows.append(turn(f"u{user}", at + 8, "fetch the zorblat", **lost))
    seed = [{"locale": "en-GB", "utterance": u, "intent": u.split()[0]} for u in usual]
    request = runs.Request(
        [str(write_log(root / "log.jsonl", rows))],
        root / "home",
        engine="duckdb",
        seed_data=write_log(root / "seed.jsonl", seed),
    )
    runs.run_night(request, Settings(), directly)
    lake = Lake(root / "home" / "lake")
    for d in lake.days("defects"):
        lost = pl.col("turn_id").is_in(_lost(lake, d).implode())
        failed = pl.when(lost).then(0.95).otherwise("p_defect")
        lake.put("defects", d, lake.read("defects", [d]).with_columns(p_defect=failed))
    labels = lake.read("soft_labels", [NIGHT])
    unsure = pl.col("probability").clip(upper_bound=0.4)
    lake.put("soft_labels", NIGHT, labels.with_columns(probability=unsure))
    detect(lake, root)
    return lake


def _lost(lake: Lake, of: str) -> pl.Series:
    """The turns of a day in which people wanted something new."""
    turns = lake.read("turns", [of])
    return turns.filter(pl.col("utterance").str.contains("zorblat"))["turn_id"]


def detect(lake: Lake, scratch: Path) -> None:
    """The step of the night, as of NIGHT."""
    engine = DuckdbEngine(scratch)
    night = Night(Home(lake.root.parent), Settings(), engine, date.fromisoformat(NIGHT))
    trends.detect_trends(night, NIGHT)
    engine.close()


def test_a_night_tells_what_appeared_and_what_may_be_new(told):
    rows = told.newest("trends")
    assert "zorblat" in " ".join(rows.filter(kind="term", change="appeared")["utterance"])
    assert rows["since"].unique().to_list() == [NIGHT]
    (found,) = told.newest("intent_candidates").to_dicts()
    assert (found["users"], found["since"]) == (16, NIGHT)
    assert told.newest("intent_candidate_members")["utterance"].to_list() == ["fetch the zorblat"]
    because = changed(told, NIGHT, 5)
    assert any("terms in en-GB" in reason for reason in because)
    assert any("new intents" in reason for reason in because)
    assert changed(told, NIGHT, 50) == ()
    assert not any("zorblat" in reason for reason in because)


def test_what_k_users_say_is_published_and_nothing_else(told, tmp_path):
    shutil.copytree(told.root.parent, tmp_path / "home")
    home = Home(tmp_path / "home")

    def asked(k: int, query: str) -> pl.DataFrame:
        publish(home, Lake(home.lake), k)
        return queries.ask(tmp_path / "home", query)

    named = asked(5, queries.named("what_changed"))
    assert "fetch" in " ".join(named["example"])
    assert (
        named.filter(change="appeared")["users"].to_list()
        == [15] * named.filter(change="appeared").height
    )
    (wish,) = asked(5, queries.named("may_be_new")).to_dicts()
    assert wish["representative"] == "fetch the zorblat"
    assert asked(5, queries.named("changes_by_locale")).height > 0
    html = page.render(tmp_path / "home")
    assert 'data-picture="changed"' in html
    assert "fetch the zorblat" in html
    for view in ("trends", "intent_candidates"):
        assert asked(17, f"from {view}").is_empty()
    assert "zorblat" not in page.render(tmp_path / "home")


def test_a_term_whose_wordings_are_not_published_is_not_named(told, tmp_path):
    shutil.copytree(told.root.parent, tmp_path / "home")
    lake = Lake(tmp_path / "home" / "lake")
    night = lake.days("released_utterances")[-1]
    masked = pl.col("shown").str.replace("zorblat", "<name>")
    lake.put(
        "released_utterances", night, lake.read("released_utterances", [night]).with_columns(masked)
    )
    publish(Home(tmp_path / "home"), lake, 5)
    told_all = queries.ask(tmp_path / "home", "from trends").write_json()
    told_all += queries.ask(tmp_path / "home", "from intent_candidates").write_json()
    assert "zorblat" not in told_all
    assert "<name>" in told_all


def test_the_same_night_again_tells_the_same(told, tmp_path, duck):
    """What was known the night before is known since then."""
    copy = Lake(Path(shutil.copytree(told.root, tmp_path / "lake")))
    for table, schema in (
        ("trends", Trends),
        ("intent_candidates", IntentCandidates),
        ("intent_candidate_members", IntentCandidateMembers),
    ):
        rows = told.newest(table)
        old = rows.with_columns(since=pl.lit("2026-01-19")) if "since" in rows.columns else rows
        copy.put(table, "2026-01-19", old)
        assert set(rows.columns) == set(schema.column_names())
    detect(copy, tmp_path / "scratch")
    for table in ("trends", "intent_candidates"):
        assert copy.read(table, [NIGHT])["since"].unique().to_list() == ["2026-01-19"]
    assert copy.read("trends", [NIGHT]).drop("since").equals(told.newest("trends").drop("since"))
