"""Which turns failed their users, where the chains lead, and which rewrites are proposed."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sql import mined

from logs import turn
from mining.failures import defects, hypothesis_features
from mining.rewrites import proposals
from warehouse.common.reformulation import Reformulation
from warehouse.tables import BestRephrases, Bots, HypothesisStats, Neighbours

NO_FIXES = pl.DataFrame(schema={"locale": pl.String(), "source": pl.String()})
ALONE = Neighbours.create_empty()
NOBODY = Bots.create_empty().with_columns(day=pl.lit(""))


def judged_turns(rows: list[tuple[str, str, int, float]]) -> pl.DataFrame:
    """(wording, hypothesis, users, of them failed): a turn of each user, judged."""
    turns = pl.DataFrame(
        [
            {
                "turn_id": f"{wording}/{intent}/{n}",
                "user_id": f"u{n}",
                "locale": "en-GB",
                "utterance": wording,
                "intent": intent,
                "rewritten": False,
                "p_defect": 0.95 if n < failed else 0.05,
                "again": 0.8 if n < failed else 0.02,
            }
            for wording, intent, users, failed in rows
            for n in range(users)
        ]
    )
    return defects.told(turns)


def heard(rows: list[tuple[str, str, int, float]], lost: tuple[str, ...] = ()) -> pl.DataFrame:
    """The same as rows of `utterances`; nothing was executed for those that are `lost`."""
    frame = pl.DataFrame(
        [(w, i, users) for w, i, users, _ in rows], ["utterance", "intent", "users"], orient="row"
    ).with_columns(
        locale=pl.lit("en-GB"),
        turns=pl.col("users"),
        executed_users=pl.when(pl.col("utterance").is_in(lost)).then(0).otherwise("users"),
        last_ms=pl.int_range(pl.len()),
        confidence=pl.lit(0.5),
        reformulated=0.0,
        reformulated_unexecuted=0.0,
    )
    return frame.select(HypothesisStats.column_names())


def test_a_wording_is_as_good_as_its_turns_and_its_like():
    rows = [
        ("good", "on", 20, 1),
        ("bad", "joke", 20, 18),
        ("once", "joke", 1, 0),
        ("one", "on", 1, 0),
    ]
    found = defects.judge(judged_turns(rows), heard(rows), ALONE).wordings
    right = dict(found.select("utterance", "right").rows())
    assert right["good"] > 0.7
    assert right["bad"] < 0.25
    assert right["bad"] < right["once"] < right["one"]


def served(users: int, failed: int) -> float:
    """How often a wording of so many users is expected to be right, beside another of the same hypothesis."""
    rows = [("it", "on", users, failed), ("other", "on", 8, 1)]
    return dict(
        defects.judge(judged_turns(rows), heard(rows), ALONE)
        .wordings.select("utterance", "right")
        .rows()
    )["it"]


def test_a_hypothesis_is_right_the_less_the_more_it_failed():
    assert served(1, 1) < served(1, 0)
    assert served(10, 10) < served(10, 5) < served(10, 0)


def test_a_hypothesis_is_told_by_its_like_and_not_by_itself():
    rows = [("one", "on", 4, 0), ("two", "on", 4, 4), ("three", "off", 4, 0)]
    asked = defects.heard(heard(rows))
    found = hypothesis_features.signs(asked, judged_turns(rows), ALONE)
    like = dict(zip(asked["utterance"], found.values[:, found.names.index("like")], strict=True))
    mean = (0.95 * 8 + 0.05 * 4) / 12
    assert like["one"] == pytest.approx((0.05 * 4 + 2 * mean) / 6, abs=1e-6)
    assert like["two"] == pytest.approx((0.95 * 4 + 2 * mean) / 6, abs=1e-6)
    assert like["three"] == pytest.approx(mean, abs=1e-6)


def test_what_nobody_said_as_it_stands_is_not_told():
    rows = [("one", "on", 4, 0), ("two", "on", 4, 4)]
    asked = defects.heard(heard(rows))
    found = hypothesis_features.signs(asked, judged_turns(rows[:1]), ALONE)
    told = found.values[:, found.names.index("served")]
    assert np.isnan(told).tolist() == [w == "two" for w in asked["utterance"]]


def of_one_wording(p: Any, again: Any) -> pl.DataFrame:
    """A turn of a user each, that failed and is said again so probably."""
    turns = pl.DataFrame({"p_defect": p, "again": again}).with_row_index("user_id")
    about = {"locale": "en-GB", "utterance": "it", "intent": "on", "rewritten": False}
    return defects.told(turns.with_columns(pl.lit(v).alias(n) for n, v in about.items()))


users = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


@given(users)
def test_rates_tell_what_coming_back_says(rows):
    p, again = zip(*rows, strict=True)
    found = defects.rates(of_one_wording(p, again))
    assert 0 < found.if_correct <= found.if_incorrect < 1
    reformulated = np.linspace(0, 1, 5)
    right = found.p_correct(reformulated)
    assert (np.diff(right) <= 1e-12).all()


def test_where_coming_back_depends_on_nothing_nobody_is_convicted():
    rng = np.random.default_rng(0)
    found = defects.rates(of_one_wording(rng.random(4_000), rng.random(4_000)))
    assert found.if_incorrect / found.if_correct < 1.1
    same = Reformulation(0.3, 0.3)
    assert (same.p_correct(np.linspace(0, 1, 5)) == 0.5).all()


def test_no_turns_are_judged_without_error():
    nothing = judged_turns([("a", "b", 1, 0)]).clear()
    assert defects.judge(nothing, HypothesisStats.create_empty(), ALONE).wordings.is_empty()


sessions = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=2, max_size=4), min_size=1, max_size=6
)


def talk(said: list[list[str]]) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """One session a user; each turn is said again by the next one, 0.9 sure (0.6 where it is a "b")."""
    rows, steps = [], []
    for user, wordings in enumerate(said):
        ids = [f"{user}/{n}" for n in range(len(wordings))]
        rows += [
            turn(f"u{user}", n * 20, w, turn_id=i)
            for n, (i, w) in enumerate(zip(ids, wordings, strict=True))
        ]
        steps += [
            (a, b, 0.6 if w == "b" else 0.9)
            for a, b, w in zip(ids, ids[1:], wordings[1:], strict=False)
        ]
    return rows, pl.DataFrame(steps, BestRephrases.column_names(), orient="row")


def slow_chains(said: list[list[str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """(source, target): the mass that arrives in four steps, and how surely both mean the same."""
    moves: dict[tuple[str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for user, wordings in enumerate(said):
        for a, b in pairwise(wordings):
            if a != b:
                moves[a, b][user].append(0.6 if b == "b" else 0.9)
    users = {w: sum(w in wordings for wordings in said) for w in "abcd"}
    sums = {k: [float(np.mean(p)) for p in by.values()] for k, by in moves.items()}
    step = {(a, b): sum(p) / (users[a] + 1) for (a, b), p in sums.items()}
    same = {k: float(np.mean(p)) for k, p in sums.items()}
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for start in "abcd":
        place = {b: (step[a, b], same[a, b]) for a, b in step if a == start}
        for _ in range(4):
            for b, (mass, sure) in place.items():
                before = found.get((start, b), (0.0, 0.0))
                found[start, b] = (before[0] + mass, max(before[1], sure))
            onward: dict[str, tuple[float, float]] = {}
            for (b, c), q in step.items():
                if b in place and c != start:
                    mass, sure = onward.get(c, (0.0, 0.0))
                    onward[c] = (mass + place[b][0] * q, max(sure, place[b][1] * same[b, c]))
            place = onward
    return found


@given(sessions)
@settings(max_examples=40)
def test_chains_lead_where_the_slow_way_says(tmp_path_factory, duck, said):
    rows, followed = talk(said)
    lake = mined(duck, tmp_path_factory.mktemp("chains"), rows)
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "bots": NOBODY,
        "best_rephrases": followed,
    }
    found = duck.query("chains", inputs, {"most": 50})
    truth = slow_chains(said)
    got = {(r["source"], r["target"]): (r["reach"], r["p_same"]) for r in found.to_dicts()}
    assert set(got) == set(truth)
    for key, (reach, same) in truth.items():
        assert abs(got[key][0] - reach) < 1e-4
        assert abs(got[key][1] - same) < 1e-4


def proposed(
    rows: list[tuple[str, str, int, float]], p_same: float = 0.95, lost: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Rewrites from "lamp" to "switch on"."""
    judged = defects.judge(judged_turns(rows), heard(rows, lost), ALONE)
    chains = pl.DataFrame(
        {
            "locale": "en-GB",
            "source": ["lamp"],
            "target": ["switch on"],
            "reach": 0.4,
            "p_same": p_same,
            "users": 9,
            "occurrences": 9,
        }
    )
    went = chains.select("locale", "source", "target", p_kept=0.9)
    rows = proposals.judged(chains, judged.now(), went, NO_VALUES, NO_ANSWERS)
    return rows.filter(pl.col("stage").is_null())


NO_VALUES = pl.DataFrame(
    schema={"locale": pl.String(), "utterance": pl.String(), "values": pl.List(pl.String())}
)
NO_ANSWERS = NO_VALUES.select("locale", "utterance")
WORKS = ("switch on", "on", 20, 0.0)


def test_a_wording_that_fails_is_rewritten_to_the_one_that_works():
    found = proposed([("lamp", "joke", 20, 18), WORKS]).row(0, named=True)
    assert (found["source"], found["target"]) == ("lamp", "switch on")
    assert found["p_better"] > 0.6
    assert found["success"] > found["success_alone"]


def test_what_works_is_left_alone():
    assert proposed([("lamp", "on", 20, 0), WORKS]).is_empty()


def test_what_is_not_understood_is_not_to_be_misunderstood_instead():
    rows = [("lamp", "joke", 20, 20), WORKS]
    assert proposed(rows, p_same=0.98, lost=("lamp",)).height == 1
    assert proposed(rows, p_same=0.6, lost=("lamp",)).is_empty()


WAY = {"locale": "en-GB", "source": "lamp monday", "target": "switch on monday"}


@pytest.mark.parametrize(
    ("p_kept", "heard_in", "stage"),
    [
        (0.9, {}, None),
        (0.2, {}, proposals.NOT_STAYED),
        (0.9, {"switch on monday": ["monday"]}, None),
        (0.9, {"switch on monday": ["friday"]}, proposals.VALUES),
        (0.9, {"lamp monday": ["cellar"]}, proposals.VALUES),
    ],
)
def test_a_rewrite_goes_live_where_users_went_and_values_fit(p_kept, heard_in, stage):
    now = pl.DataFrame(
        {
            "locale": "en-GB",
            "utterance": [WAY["source"], WAY["target"]],
            "executed": 1.0,
            "right": [0.05, 0.95],
        }
    )
    chains = pl.DataFrame([WAY | {"reach": 0.5, "p_same": 0.95, "users": 3, "occurrences": 3}])
    moves = pl.DataFrame([WAY | {"p_kept": p_kept}])
    values = pl.DataFrame(
        [("en-GB", w, v) for w, v in heard_in.items()],
        {"locale": pl.String(), "utterance": pl.String(), "values": pl.List(pl.String())},
        orient="row",
    )
    rows = proposals.judged(chains, now, moves, values, NO_ANSWERS)
    answers = now.filter(utterance=WAY["target"]).select("locale", "utterance")
    asked = proposals.judged(chains, now, moves, values, answers)
    assert asked["stage"].to_list() == [proposals.ANSWER]
    assert rows["stage"].to_list() == [stage]
    told = proposals.withheld(rows, moves)
    assert told["stage"].to_list() == ([stage] if stage else [])


def test_a_rewrite_that_ran_leaves_the_evidence_for_it(tmp_path, duck):
    """What happens after a rewrite is told of the rewrite alone; of what was said, only the turns tell
    that were served as they were said."""
    held_out = [
        turn(f"h{n}", 0, "lamp", turn_id=f"h{n}", intent="joke", arm="holdout") for n in range(5)
    ]
    treated = [
        turn(
            f"t{n}",
            0,
            "lamp",
            turn_id=f"t{n}",
            intent="on",
            executed_utterance="switch on",
            arm="treated",
        )
        for n in range(20)
    ]
    lake = mined(duck, tmp_path, held_out + treated)
    reformulated = [(f"h{n}", f"x{n}", 0.9) for n in range(5)]
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "bots": NOBODY,
        "best_rephrases": pl.DataFrame(reformulated, BestRephrases.column_names(), orient="row"),
    }
    found = duck.query("hypothesis_stats", inputs, {"most_items": 100, "intents": 1}).sort(
        "utterance"
    )
    counts = found.select("utterance", "intent", "users", "reformulated").rows()
    assert counts == [("lamp", "joke", 5, 4.5)]
    apart = duck.query("arms", inputs | {"experiments": NO_FIXES}).sort("ran")
    counted = (
        apart.group_by("utterance", "ran").agg(pl.len(), pl.col("reformulated").mean()).sort("ran")
    )
    assert counted.rows() == [("lamp", "lamp", 5, 0.9), ("lamp", "switch on", 20, 0.0)]
    kept = duck.query("chains", inputs, {"most": 5}).row(0, named=True)
    assert (kept["source"], kept["target"], kept["users"]) == ("lamp", "switch on", 20)
    assert kept["p_same"] == 1.0
