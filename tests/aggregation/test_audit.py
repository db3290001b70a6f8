"""Few answers tell of all: which rows are drawn, what they estimate, and how they bend beliefs."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, logit

from aggregation.audit.estimate import Answers, bending, estimated
from aggregation.audit.sampling import systematic
from warehouse.common.platt import PlattScaling


@st.composite
def populations(draw):
    """Beliefs, turns and locales of some rows, and how many are drawn."""
    rows = draw(st.integers(3, 40))
    beliefs = draw(st.lists(st.floats(0, 1), min_size=rows, max_size=rows))
    turns = draw(st.lists(st.integers(1, 50), min_size=rows, max_size=rows))
    locales = draw(st.lists(st.sampled_from(["de", "en"]), min_size=rows, max_size=rows))
    wanted = draw(st.integers(1, rows))
    return np.array(beliefs), np.array(turns, float), np.array(locales), wanted


@given(populations())
def test_a_row_is_drawn_as_often_as_is_said(population):
    starts = (np.arange(400) + 0.5) / 400
    times = np.zeros(len(population[0]))
    for start in starts:
        drawn = systematic(*population, start)
        times[drawn.places] += 1
        assert abs(len(drawn.places) - population[3]) <= 1
        assert (drawn.expected > 0).all()
        assert (drawn.expected <= 1).all()
    drawn = systematic(*population, 0.5)
    assert times[drawn.places] / len(starts) == pytest.approx(drawn.expected, abs=0.01)


@given(populations(), st.data())
def test_over_all_draws_the_estimate_is_the_truth(population, data):
    beliefs, turns, _, _ = population
    right = np.array([data.draw(st.booleans()) for _ in beliefs])
    off = [
        np.sum(turns[d.places] / d.expected * (right[d.places] - beliefs[d.places]))
        for d in (systematic(*population, (n + 0.5) / 300) for n in range(300))
    ]
    truth = (turns * right).sum()
    assert (turns * beliefs).sum() + np.mean(off) == pytest.approx(truth, abs=0.04 * turns.sum())


@given(populations(), st.data())
def test_who_judges_every_row_knows(population, data):
    beliefs, turns, locales, _ = population
    right = np.array([data.draw(st.booleans()) for _ in beliefs])
    drawn = systematic(beliefs, turns, locales, len(beliefs), 0.3)
    assert drawn.places.tolist() == list(range(len(beliefs)))
    all_of_them = Answers(beliefs, right, turns, drawn.expected)
    found = estimated(all_of_them, np.average(beliefs, weights=turns), turns.sum())
    truth = np.average(right, weights=turns)
    assert [found.share, found.at_least, found.at_most] == pytest.approx([truth] * 3, abs=1e-3)


@given(populations(), st.booleans())
def test_bounds_are_shares_even_where_all_say_one_thing(population, said):
    beliefs, turns, _, _ = population
    drawn = systematic(*population, 0.5)
    at = drawn.places
    answers = Answers(beliefs[at], np.full(len(at), said), turns[at], drawn.expected)
    found = estimated(answers, np.average(beliefs, weights=turns), turns.sum())
    assert 0 <= found.at_least <= found.at_most <= 1


def test_one_slip_does_not_bend_what_holds():
    rng = np.random.default_rng(5)
    off = []
    for _ in range(50):
        beliefs = rng.beta(6, 0.8, 60)
        right = rng.random(60) < beliefs
        beliefs[0], right[0] = 1.0, False
        off.append(bending(beliefs, right) != PlattScaling())
    assert np.mean(off) < 0.5


def test_nine_of_ten_intervals_hold_the_truth():
    rng = np.random.default_rng(1)
    held = [_holds(rng) for _ in range(400)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.04)


def _holds(rng: np.random.Generator) -> bool:
    rows = int(rng.integers(300, 3_000))
    turns, beliefs = np.ceil(rng.lognormal(0, 1.2, rows)), rng.beta(2, 0.8, rows)
    beliefs = beliefs.clip(1e-4, 1 - 1e-4)
    bent = PlattScaling(rng.normal(0, 0.5), rng.uniform(0.5, 1.3))(beliefs)
    right = rng.random(rows) < bent
    drawn = systematic(beliefs, turns, np.full(rows, "en"), 60, rng.random())
    at = drawn.places
    answers = Answers(beliefs[at], right[at], turns[at], drawn.expected)
    found = estimated(answers, np.average(beliefs, weights=turns), turns.sum())
    return bool(found.at_least <= np.average(right, weights=turns) <= found.at_most)


def test_beliefs_that_hold_stay_and_those_that_are_off_are_bent():
    rng = np.random.default_rng(3)
    truly = rng.beta(2, 1, 200).clip(0.02, 0.98)
    right = rng.random(200) < truly
    assert bending(truly, right) == PlattScaling()
    too_sure = expit(3 * logit(truly))
    bent = bending(too_sure, right)(too_sure)
    assert np.abs(bent - truly).mean() < np.abs(too_sure - truly).mean() / 2


@given(st.floats(-2, 2), st.floats(0.1, 3), st.floats(0.05, 0.95))
def test_what_was_bent_can_be_straightened(shift, stretch, belief):
    scaling = PlattScaling(shift, stretch)
    bent = scaling(np.array([belief]))
    assume(1e-5 < bent[0] < 1 - 1e-5)
    assert scaling.undone(bent)[0] == pytest.approx(belief, abs=1e-3)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80))
def test_a_bend_never_turns_beliefs_around(answers):
    beliefs, right = (np.array(each) for each in zip(*answers, strict=True))
    assert PlattScaling.near(beliefs, right).stretch > 0
