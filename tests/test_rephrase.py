"""Which turn says another again: told from strangers and from follow-ups, without labels."""

import doctest
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from mining import alike, rephrase
from mining.alike import Wordings, sound
from mining.evidence import NO_INTENT, NO_VALUES, TEXTS, Content
from mining.mixture import AGAIN, FOLLOW_UP, UNRELATED, Pairs, fit, start
from warehouse.tables import Pairs as PairsTable

THINGS = ["kitchen lamp", "hall heater", "garage door", "attic window", "porch light", "red bulb"]
WISHES = ["switch on the {}", "turn the {} on please", "the {} should go on", "start the {} now"]
OTHERS = ["what is the weather", "buy some bread", "wake me at six", "tell me a joke", "call mum"]
FOLLOWING = pl.DataFrame(
    schema={
        "locale": pl.String(),
        "of": pl.String(),
        "text": pl.String(),
        "turns": pl.Int64(),
        "followed": pl.Int64(),
    }
)


def pair(number: int, source: str, target: str, **more: Any) -> dict[str, Any]:
    """A candidate pair of a user of its own; `more` says what is not as usual."""
    row: dict[str, Any] = dict.fromkeys(PairsTable.column_names())
    row |= {
        "source_turn_id": f"{number:04}a",
        "target_turn_id": f"{number:04}b",
        "user_id": f"u{number % 40}",
        "session_id": f"s{number}",
        "locale": "en-GB",
        "source": source,
        "target": target,
        "seconds": 8.0,
        "apart": 1,
        "lost_between": 0,
        "source_executed": True,
        "target_executed": True,
        "day": "2026-01-05",
    }
    return row | more


def scored(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {n: c.dtype for n, c in PairsTable.columns().items()} | {"day": pl.String()}
    return rephrase.score(pl.DataFrame(rows, schema), FOLLOWING).events


def said_again(count: int, **more: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    rows = []
    for number in range(count):
        thing = THINGS[rng.integers(len(THINGS))]
        first, then = (WISHES[i].format(thing) for i in rng.permutation(len(WISHES))[:2])
        failed = {"source_outcome": "failure", "target_outcome": "success"}
        hypotheses = {"source_intent": "joke", "target_intent": "on"}
        rows.append(pair(number, first, then, **failed, **hypotheses, **more))
    return rows


def moved_on(count: int, **more: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng(2)
    rows = []
    for number in range(1_000, 1_000 + count):
        wish = WISHES[rng.integers(len(WISHES))].format(THINGS[rng.integers(len(THINGS))])
        other = OTHERS[rng.integers(len(OTHERS))]
        known = {"source_intent": "on", "target_intent": other[:4], "source_outcome": "success"}
        rows.append(pair(number, wish, other, seconds=40.0, **known, **more))
    return rows


def followed_up(count: int) -> list[dict[str, Any]]:
    """One wish is granted, and the next is the same of another thing."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(2_000, 2_000 + count):
        one, other = (THINGS[i] for i in rng.permutation(len(THINGS))[:2])
        wish = WISHES[rng.integers(len(WISHES))]
        rows.append(
            pair(
                number,
                wish.format(one),
                wish.format(other),
                source_intent="on",
                target_intent="on",
                source_outcome="success",
                target_outcome="success",
                source_values=[one],
                target_values=[other],
            )
        )
    return rows


def mean(found: pl.DataFrame, first: str, last: str) -> float:
    chosen = found.filter(pl.col("source_turn_id").is_between(pl.lit(first), pl.lit(last)))
    return float(chosen["p_rephrase"].mean())  # type: ignore[arg-type]


def test_saying_it_again_is_told_from_moving_on_and_from_a_follow_up():
    found = scored(said_again(150) + moved_on(250) + followed_up(80))
    assert mean(found, "0000", "0999z") > 0.9
    assert mean(found, "1000", "1999z") < 0.1
    assert mean(found, "2000", "2999z") < 0.2


MISSING = ["source_outcome", "target_outcome", "source_intent", "target_intent"]


def test_words_and_times_alone_tell_much():
    rows = [r | dict.fromkeys(MISSING) for r in said_again(150) + moved_on(250)]
    found = scored(rows)
    assert mean(found, "0000", "0999z") > 0.8
    assert mean(found, "1000", "1999z") < 0.2


def test_the_order_of_the_rows_does_not_matter():
    rows = said_again(60) + moved_on(60) + followed_up(30)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    assert scored(rows).equals(scored(shuffled))


def test_a_small_locale_borrows_from_the_whole():
    few = [r | {"locale": "cy-GB", "user_id": f"w{n}"} for n, r in enumerate(said_again(4))]
    renamed = [
        r | {"source_turn_id": f"9{r['source_turn_id']}", "target_turn_id": f"9{n}"}
        for n, r in enumerate(few)
    ]
    found = scored(said_again(150) + moved_on(250) + renamed)
    assert mean(found, "9", "9z") > 0.8


def test_the_same_words_are_a_retry():
    found = scored([pair(1, "lamp on", "Lamp on"), pair(2, "lamp on", "light on")])
    assert found.sort("target")["kind"].to_list() == ["retry", "rephrase"]


def test_of_two_sources_the_nearer_one_is_said_again():
    near = pair(5_000, "switch on the red bulb", "turn the red bulb on please")
    far = near | {"source_turn_id": "4999a", "apart": 2, "seconds": 15.0}
    found = scored([near, far, *said_again(60), *moved_on(60)])
    p = dict(found.filter(session_id="s5000").select("source_turn_id", "p_rephrase").rows())
    assert p["5000a"] > p["4999a"]
    assert sum(p.values()) <= 1 + 1e-9


@pytest.mark.parametrize("rows", [[], [pair(1, "lamp on", "light on")]])
def test_very_few_pairs_are_judged_by_what_is_expected_of_any_log(rows):
    found = scored(rows)
    assert found.height == len(rows)
    assert found["p_rephrase"].is_between(0, 1).all()


@given(st.integers(0, 10_000), st.floats(0.2, 0.7), st.floats(0.0, 0.3))
@settings(max_examples=20)
def test_the_mixture_finds_planted_kinds(seed, again, missing):
    """Texts and circumstances of three kinds are drawn; the shares found are those planted, whatever
    share of the hypotheses is missing."""
    rng = np.random.default_rng(seed)
    rows = 3_000
    kind = rng.choice(3, rows, p=[again, 0.9 - again, 0.1])
    level = (rng.random(rows) < np.array([0.85, 0.2, 0.3])[kind]).astype(np.int64)
    gate = csr_matrix(np.column_stack([np.ones(rows), level, 1 - level]))
    content = planted(kind, missing, rng)
    strangers = planted(np.full(rows, UNRELATED), missing, rng)
    one_intent = planted(np.full(rows, FOLLOW_UP), 0.0, rng)
    pairs = Pairs(content, gate, np.ones(rows), strangers, one_intent)
    found = fit(pairs, start(3, follow_ups=True)).probability(content, gate)
    assert np.allclose(found.sum(axis=1), 1)
    assert abs(found[:, AGAIN].mean() - (kind == AGAIN).mean()) < 0.1
    sure = found[:, AGAIN] > 0.9
    assert (kind == AGAIN)[sure].mean() > 0.85


def planted(kind: np.ndarray, missing: float, rng: np.random.Generator) -> Content:  # type: ignore[type-arg]
    middle = np.array([8.0, 1.0, 4.5])[kind]
    text = np.clip(np.round(rng.normal(middle, 1.2)), 0, TEXTS - 1).astype(np.int64)
    shares = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    intent = np.array([rng.choice(3, p=shares[k]) for k in kind])
    intent = np.where(rng.random(len(kind)) < missing, NO_INTENT, intent)
    return Content(text, intent, np.full(len(kind), NO_VALUES))


words = st.text(alphabet="abc 電気をつ", max_size=12)


@given(st.lists(words, min_size=1, max_size=8), st.booleans())
def test_likeness_is_symmetric_and_of_the_same_words_whole(texts, spoken):
    found = Wordings([*texts, "anchor"], spoken=spoken)
    places = np.arange(len(texts) + 1)
    left, right = np.repeat(places, len(places)), np.tile(places, len(places))
    similar = found.alike(left, right)
    assert np.allclose(similar, found.alike(right, left))
    assert ((similar > -1e-6) & (similar < 1 + 1e-6)).all()
    assert similar[-1] == pytest.approx(1, abs=1e-5)


def test_what_sounds_alike_is_alike_where_it_was_spoken():
    said = ["play the beetles", "play the beatles", "play the planets"]
    spoken, typed = (Wordings(said, spoken=s) for s in (True, False))
    misheard = np.array([0]), np.array([1])
    assert spoken.alike(*misheard) > typed.alike(*misheard)
    assert sound("свет") == sound("sved")
    assert not doctest.testmod(alike).failed
