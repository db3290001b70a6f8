"""Which turns failed their users, where the chains lead, and which rewrites are proposed."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sql import mined

from logs import turn
from mining import defects, rewrites
from mining.defects import Judged, Rates
from warehouse.tables import Followed, Neighbours, Robots, Utterances

NO_FIXES = pl.DataFrame(schema={"locale": pl.String(), "source": pl.String()})
NOBODY = Robots.create_empty().with_columns(day=pl.lit(""))


def heard(rows: list[tuple[str, str, int, int, float]]) -> pl.DataFrame:
    """(wording, hypothesis, users, users for whom it was executed, how many of all came back)."""
    names = ["utterance", "intent", "users", "executed_users", "back"]
    frame = pl.DataFrame(rows, names, orient="row").with_columns(
        locale=pl.lit("en-GB"),
        turns=pl.col("users"),
        last_ms=pl.int_range(pl.len()),
        confidence=pl.lit(0.5),
        fled=pl.when(pl.col("executed_users") > 0).then("back").otherwise(0.0),
        fled_unexecuted=pl.when(pl.col("executed_users") > 0).then(0.0).otherwise("back"),
    )
    return frame.select(Utterances.column_names())


MANY = [
    *((f"good {n}", "on", 20, 20, 1.0) for n in range(60)),
    *((f"bad {n}", "joke", 20, 20, 10.0) for n in range(60)),
    *((f"lost {n}", "joke", 20, 0, 10.0) for n in range(20)),
]


def test_turns_are_judged_by_who_comes_back():
    judged = defects.judge(heard(MANY), Neighbours.create_empty())
    turns = pl.DataFrame(
        {
            "turn_id": ["a", "b", "c", "d"],
            "locale": "en-GB",
            "utterance": ["good 1", "good 1", "bad 1", "lost 1"],
            "intent": ["on", "on", "joke", "joke"],
            "rewritten": False,
        }
    )
    again = {"source_turn_id": ["b"], "target_turn_id": ["x"], "p_rephrase": [0.99]}
    found = defects.defects(judged, turns, pl.DataFrame(again))
    p = dict(found.select("turn_id", "p_defect").rows())
    assert p["a"] < 0.1
    assert p["a"] < p["b"] < p["c"]
    assert p["c"] > 0.9
    assert p["d"] > 0.9


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.02, 0.98), st.floats(0.01, 0.4))
def test_users_who_stay_speak_for_a_turn_and_users_who_flee_against_it(users, more, prior, right):
    judged = Judged(pl.DataFrame(), Rates(right, right + 0.3))
    ask = np.array([float(users)])
    assert judged.right(np.array([prior]), ask + more, 0 * ask) >= judged.right(
        np.array([prior]), ask, 0 * ask
    )
    assert judged.right(np.array([prior]), ask + more, ask + more) <= judged.right(
        np.array([prior]), ask, ask
    )


def test_no_utterances_are_judged_without_error():
    judged = defects.judge(Utterances.create_empty(), Neighbours.create_empty())
    assert judged.wordings.is_empty()


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
    return rows, pl.DataFrame(steps, Followed.column_names(), orient="row")


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
        "robots": NOBODY,
        "followed": followed,
    }
    found = duck.query("chains", inputs, {"most": 50})
    truth = slow_chains(said)
    got = {(r["source"], r["target"]): (r["reach"], r["p_same"]) for r in found.to_dicts()}
    assert set(got) == set(truth)
    for key, (reach, same) in truth.items():
        assert abs(got[key][0] - reach) < 1e-4
        assert abs(got[key][1] - same) < 1e-4


def test_the_bootstrap_draws_each_user_once_on_average(tmp_path, duck):
    rows = [turn(f"u{n}", n, "lamp", turn_id=f"t{n}") for n in range(500)]
    lake = mined(duck, tmp_path, rows)
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "robots": NOBODY,
        "followed": Followed.create_empty(),
        "asked": pl.DataFrame({"locale": ["en-GB"], "utterance": ["lamp"], "intent": [""]}),
        "replicates": pl.DataFrame({"replicate": range(31)}),
    }
    found = duck.query("bootstrap", inputs).sort("replicate")
    assert found["users"][0] == 500
    drawn = found["users"][1:].to_numpy()
    assert abs(drawn.mean() - 500) < 20
    assert 10 < drawn.std() < 40  # of a Poisson sum: the root of 500


def proposed(rows: list[tuple[str, str, int, int, float]], p_same: float = 0.95) -> pl.DataFrame:
    """Rewrites from "lamp" to "switch on", beside many wordings that tell the rates."""
    every = heard([*MANY, *rows])
    judged = defects.judge(every, Neighbours.create_empty())
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
    now = rewrites.asked(chains, judged)
    counted = pl.concat(
        judged.wordings.join(now, on=["locale", "utterance", "intent"], how="semi").select(
            "locale",
            "utterance",
            replicate=pl.lit(n),
            users=pl.col("users").cast(pl.Float64),
            fled="came_back",
        )
        for n in range(3)
    )
    return rewrites.rewrites(chains, counted, now, judged)


WORKS = ("switch on", "on", 20, 20, 0.0)


def test_a_wording_that_fails_is_rewritten_to_the_one_that_works():
    found = proposed([("lamp", "joke", 20, 20, 12.0), WORKS]).row(0, named=True)
    assert (found["source"], found["target"]) == ("lamp", "switch on")
    assert found["p_better"] > 0.8
    assert found["success"] > found["success_alone"]


def test_what_works_is_left_alone():
    assert proposed([("lamp", "on", 20, 20, 0.0), WORKS]).is_empty()


def test_what_is_not_understood_is_not_to_be_misunderstood_instead():
    lost = ("lamp", "joke", 20, 0, 10.0)
    assert proposed([lost, WORKS], p_same=0.98).height == 1
    assert proposed([lost, WORKS], p_same=0.6).is_empty()


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
    fled = [(f"h{n}", f"x{n}", 0.9) for n in range(5)]
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "robots": NOBODY,
        "followed": pl.DataFrame(fled, Followed.column_names(), orient="row"),
    }
    found = duck.query("utterances", inputs, {"most_items": 100, "intents": 1}).sort("utterance")
    counts = found.select("utterance", "intent", "users", "fled").rows()
    assert counts == [("lamp", "joke", 5, 4.5)]
    apart = duck.query("arms", inputs | {"fixes": NO_FIXES}).sort("ran")
    counted = apart.group_by("utterance", "ran").agg(pl.len(), pl.col("fled").mean()).sort("ran")
    assert counted.rows() == [("lamp", "lamp", 5, 0.9), ("lamp", "switch on", 20, 0.0)]
    kept = duck.query("chains", inputs, {"most": 5}).row(0, named=True)
    assert (kept["source"], kept["target"], kept["users"]) == ("lamp", "switch on", 20)
    assert kept["p_same"] == 1.0
