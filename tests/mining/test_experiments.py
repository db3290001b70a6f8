"""Rewrites that run: what works stays, what goes bad is withdrawn, and arms are never mixed."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rewrites import NO_FIXES, NOBODY
from test_sql import mined

from logs import turn
from mining.rewrites import experiments
from mining.rewrites.experiments import FIRST, HALF, LEAST
from warehouse.common.reformulation import Reformulation
from warehouse.tables import BestRephrases, RewriteExperiments

RATES = Reformulation(0.05, 0.5)
START = date(2026, 1, 5)
MINED = pl.DataFrame(
    {
        "locale": ["en-GB"],
        "source": ["lamp"],
        "target": ["switch on"],
        "p_better": [0.9],
        "users": [9],
        "occurrences": [9],
        "p_same": [0.95],
        "success": [0.9],
        "success_alone": [0.1],
        "carried_values": [None],
    }
)
OTHER = MINED.with_columns(target=pl.lit("light on"))


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def seen(
    number: int, ran: str, users: float, share: float, intent: str = "on", who: str = ""
) -> list[dict[str, object]]:
    """Users of a day, of whom a share comes back; the same ones every day where `who` names them."""
    return [
        {
            "day": day(number),
            "locale": "en-GB",
            "utterance": "lamp",
            "ran": ran,
            "intent": intent,
            "user_id": f"{who or number}-{n}",
            "last_ms": number,
            "weight": 1.0,
            "reformulated": share,
        }
        for n in range(round(users))
    ]


SCHEMA = pl.DataFrame(seen(0, "lamp", 1, 0.5)).schema


def frame(*rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame([row for some in rows for row in some], schema=SCHEMA)


def nights(
    world, many: int, proposed: pl.DataFrame = MINED, *, holdout: bool = True
) -> list[pl.DataFrame]:
    """The fixes of each night. `world` gives for a night (share of treated users who come back, share of
    those left alone); 20 users a day say it, each arm as many as its share."""
    rows = seen(0, "lamp", 5, 0.5)
    found = [
        experiments.follow(RewriteExperiments.create_empty(), proposed, frame(rows), RATES, day(0))
    ]
    for number in range(1, many):
        live = found[-1].filter(status="live").to_dicts()
        treated, alone = world(number)
        held = live[0]["holdout"] if live and holdout else 0.0 if live else 1.0
        if live:
            rows += seen(number, live[0]["target"], 20 * (1 - held), treated)
        rows += seen(number, "lamp", 20 * held, alone, "joke")
        found.append(experiments.follow(found[-1], proposed, frame(rows), RATES, day(number)))
    return found


def live(found: list[pl.DataFrame]) -> list[bool]:
    return [rows.filter(status="live").height > 0 for rows in found]


def test_what_works_stays_and_fewer_turns_are_held_out():
    found = nights(lambda _: (0.05, 0.5), 40)
    assert all(live(found))
    shares = [rows["holdout"][0] for rows in found]
    assert shares[0] == FIRST
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == LEAST
    assert found[-1]["p_better"][0] > 0.8
    assert found[-1]["p_worse"][0] < 0.01


def test_what_is_not_proposed_any_more_stays_as_long_as_it_works():
    begun = nights(lambda _: (0.05, 0.5), 2)[-1]
    rows = frame(*(seen(n, "switch on", 18, 0.05) for n in range(1, 30)))
    after = experiments.follow(begun, MINED.clear(), rows, RATES, day(30))
    assert experiments.rewrites(after)["target"].to_list() == ["switch on"]


def turned(number: int) -> tuple[float, float]:
    """From the twentieth day on people want what they are given when left alone."""
    return (0.05, 0.5) if number < 20 else (0.5, 0.05)


def test_what_goes_bad_is_withdrawn_within_days_and_stays_so():
    found = live(nights(turned, 100))
    assert all(found[:20])
    assert not any(found[27:])


def test_without_a_holdout_nobody_can_tell():
    found = nights(turned, 60, holdout=False)
    assert all(live(found))
    assert found[-1]["alone"][0] == 0


def test_where_everything_fails_half_is_held_out_and_the_rewrite_is_not_to_blame():
    found = nights(lambda n: (0.05, 0.5) if n < 20 else (0.5, 0.5), 60)
    assert all(live(found))
    assert max(rows["holdout"][0] for rows in found[20:]) == HALF


def test_what_never_helped_is_withdrawn_and_waits_longer_each_time():
    found = live(nights(lambda _: (0.5, 0.2), 200))
    begun = [n for n in range(1, 200) if found[n] and not found[n - 1]]
    ended = [n for n in range(1, 200) if not found[n] and found[n - 1]]
    assert ended[0] <= 7
    waited = [b - e for e, b in zip(ended, begun, strict=False)]
    assert all(w >= experiments.COOL_DOWN * 2**n for n, w in enumerate(waited))


def test_another_target_waits_and_must_promise_more_than_leaving_it_alone():
    found = nights(turned, 24)
    assert live(found)[-1] is False
    rows = frame(*(seen(n, "lamp", 20, 0.05, "joke") for n in range(24, 60)))
    later = experiments.follow(found[-1], OTHER, rows, RATES, day(59))
    assert experiments.rewrites(later).is_empty()
    fails = frame(*(seen(n, "lamp", 20, 0.5, "joke") for n in range(24, 60)))
    assert (
        experiments.follow(found[-1], OTHER, fails, RATES, day(25)).filter(status="live").is_empty()
    )
    later = experiments.follow(found[-1], OTHER, fails, RATES, day(59))
    assert experiments.rewrites(later)["target"].to_list() == ["light on"]


def test_a_wording_has_one_fix():
    found = experiments.follow(
        RewriteExperiments.create_empty(),
        pl.concat([MINED, OTHER]),
        frame(seen(0, "lamp", 5, 0.5)),
        RATES,
        day(0),
    )
    assert experiments.rewrites(found).height == 1


def test_what_nobody_runs_is_what_is_mined_tonight():
    begun = nights(lambda _: (0.05, 0.5), 1)[-1]
    alone = frame(*(seen(n, "lamp", 9, 0.05) for n in range(20)))
    better = experiments.follow(begun, OTHER, alone, RATES, day(6))
    assert experiments.rewrites(better)["target"].to_list() == ["light on"]
    assert experiments.follow(begun, MINED.clear(), alone, RATES, day(6)).is_empty()


def test_one_user_withdraws_nothing():
    begun = nights(lambda _: (0.05, 0.5), 1)[-1]
    rows = [
        row
        for n in range(1, 40)
        for row in (
            *seen(n, "switch on", 1, 1.0, who="ann"),
            *seen(n, "lamp", 1, 0.0, "joke", who="ann"),
        )
    ]
    after = experiments.follow(begun, MINED, frame(rows), RATES, day(40)).row(0, named=True)
    assert after["status"] == "live"
    assert (after["treated"], after["alone"]) == (1.0, 1.0)


def test_what_nobody_says_is_forgotten():
    begun = nights(lambda _: (0.05, 0.5), 2)[-1]
    assert experiments.follow(begun, MINED.clear(), frame(), RATES, day(90)).is_empty()


def test_left_alone_counts_only_as_the_assistant_takes_it_now():
    begun = nights(lambda _: (0.05, 0.5), 2)[-1]
    rows = [seen(n, "lamp", 10, 0.5, "joke") for n in range(1, 10)]
    rows += [seen(n, "lamp", 10, 0.05, "alarm") for n in range(10, 12)]
    after = experiments.follow(begun, MINED, frame(*rows), RATES, day(12)).row(0, named=True)
    assert (after["alone"], round(after["alone_reformulated"], 6)) == (20, 0.05)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_a_true_fix_is_not_toggled_by_chance(seed):
    rng = np.random.default_rng(seed)

    def drawn(_number: int) -> tuple[float, float]:
        return rng.binomial(18, 0.1) / 18, rng.binomial(4, 0.45) / 4

    found = live(nights(drawn, 120))
    assert sum(a and not b for a, b in pairwise(found)) <= 1


SAID = st.fixed_dictionaries(
    {
        "user": st.sampled_from(["ann", "bob"]),
        "day": st.integers(0, 1),
        "ran": st.sampled_from([None, "switch on"]),
        "intent": st.sampled_from(["on", "joke"]),
        "propensity": st.sampled_from([None, 0.5, 0.1]),
        "again": st.sampled_from([0.0, 0.8]),
    }
)


@given(st.lists(SAID, min_size=1, max_size=10))
@settings(max_examples=40)
def test_arms_are_counted_as_the_slow_way_says(tmp_path_factory, duck, said):
    rows = [
        turn(
            s["user"],
            86_400 * s["day"] + 700 * n,
            "lamp",
            turn_id=f"t{n}",
            intent=s["intent"],
            executed_utterance=s["ran"],
            propensity=s["propensity"],
        )
        for n, s in enumerate(said)
    ]
    lake = mined(duck, tmp_path_factory.mktemp("arms"), rows)
    followed = [(f"t{n}", f"x{n}", s["again"]) for n, s in enumerate(said) if s["again"]]
    inputs = {
        "turns": lake.files("turns", lake.days("turns")),
        "bots": NOBODY,
        "experiments": NO_FIXES,
        "best_rephrases": pl.DataFrame(
            followed, schema=BestRephrases.create_empty().schema, orient="row"
        ),
    }
    found = {
        (r["day"], r["ran"], r["intent"], r["last_ms"]): (r["weight"], r["reformulated"])
        for r in duck.query("arms", inputs).to_dicts()
    }
    if not any(s["ran"] for s in said):
        assert not found
        return
    arms: dict[tuple[object, ...], list[tuple[int, float, float]]] = {}
    for n, (s, row) in enumerate(zip(said, rows, strict=True)):
        key = (row["timestamp"][:10], s["ran"] or "lamp", s["intent"], s["user"])
        arms.setdefault(key, []).append((n, 1 / (s["propensity"] or 1.0), s["again"]))
    at = {r["turn_id"]: r["at_ms"] for r in lake.read("turns").to_dicts()}
    slow = {}
    for key, turns in arms.items():
        weights = [w for _, w, _ in turns]
        reformulated = float(np.average([f for *_, f in turns], weights=weights))
        slow[*key[:3], max(at[f"t{n}"] for n, *_ in turns)] = (
            float(np.mean(weights)),
            reformulated,
        )
    assert set(found) == set(slow)
    for key, told in slow.items():
        assert found[key] == pytest.approx(told, abs=0.01)
