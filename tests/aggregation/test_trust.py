"""What a log can tell: verdicts with their reasons."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from aggregation import training_set
from aggregation.trust import (
    NOT_AT_ALL,
    ORDER,
    WEAKLY,
    WELL,
    BuiltSet,
    Verdict,
    of_failures,
    of_labels,
    of_pairs,
    of_rewrites,
    separation,
    table,
)
from warehouse.tables import WithheldUtterances

pytestmark = pytest.mark.quick

EVIDENCE = ["words", "answers"]
FINE = BuiltSet(
    wordings=500, turned=50, turned_claimed=0.8, turned_hypothesis=0.2, checks=200.0, believed=0.9, observed=0.88, error=0.02
)  # fmt: skip


def test_pairs_of_which_none_is_likely_are_not_told():
    assert of_pairs(np.full(100, 0.4), EVIDENCE).verdict == NOT_AT_ALL
    assert of_pairs(np.zeros(0), EVIDENCE).verdict == NOT_AT_ALL


def test_many_sure_pairs_are_told_well_and_few_or_unsure_ones_weakly():
    many = np.concatenate([np.full(50, 0.9), np.full(500, 0.01)])
    assert of_pairs(many, EVIDENCE) == Verdict("pairs", WELL)
    assert of_pairs(many[45:], EVIDENCE).because[0].startswith("5 pairs")
    assert of_pairs(np.full(50, 0.6), EVIDENCE).verdict == WEAKLY
    spread = np.tile([0.52, 0.99], 50)
    assert of_pairs(spread, EVIDENCE).because[0].startswith("those are 75.5% sure")
    assert of_pairs(np.tile(spread, 100), EVIDENCE).verdict == WELL
    assert "neither hypotheses nor answers" in of_pairs(many, ["words"]).because[0]


probabilities = st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), min_size=2, max_size=30)


@given(probabilities)
def test_separation_is_the_area_under_the_curve_that_is_expected(p):
    """Each row once as failed, weighed by p, and once as right, weighed by 1 - p."""
    values = np.array(p)
    found = separation(values)
    if values.sum() == 0 or values.sum() == len(values):
        assert found == 0.5
        return
    truth = np.concatenate([np.ones(len(p)), np.zeros(len(p))])
    weight = np.concatenate([values, 1 - values])
    assert found == pytest.approx(roc_auc_score(truth, np.tile(values, 2), sample_weight=weight))


def test_failures_that_look_like_all_else_are_not_told():
    assert of_failures(np.full(100, 0.4), 0.1, 0.4).verdict == NOT_AT_ALL
    apart = np.concatenate([np.full(50, 0.95), np.full(50, 0.05)])
    assert of_failures(apart, 0.05, 0.4) == Verdict("failures", WELL)
    assert "tells nothing" in of_failures(apart, 0.3, 0.35).because[0]


PAIRS = Verdict("pairs", WELL)


def test_two_doubts_about_labels_are_too_many():
    well, doubted = Verdict("failures", WELL), Verdict("pairs", WEAKLY)
    assert of_labels(FINE, doubted, well).verdict == WELL
    off = BuiltSet(**vars(FINE) | {"observed": 0.8})
    assert of_labels(off, PAIRS, well).verdict == WEAKLY
    assert of_labels(off, doubted, well).verdict == NOT_AT_ALL
    unsure = BuiltSet(**vars(FINE) | {"error": 0.1})
    assert of_labels(unsure, PAIRS, well).verdict == WELL
    assert of_labels(unsure, doubted, well).verdict == NOT_AT_ALL, "within it they may not hold"
    idle = BuiltSet(**vars(FINE) | {"error": 0.5})
    assert of_labels(idle, doubted, well).verdict == WEAKLY, "the check tells nothing: one doubt"


def test_a_check_that_could_be_chance_throws_no_label_away_and_makes_none_sure():
    well = Verdict("failures", WELL)
    far = vars(FINE) | {"observed": 0.5}
    assert of_labels(BuiltSet(**far | {"error": 0.05}), PAIRS, well).verdict == NOT_AT_ALL
    within = of_labels(BuiltSet(**far | {"error": 0.3}), PAIRS, well)
    assert within.verdict == WEAKLY
    assert within.because[0].endswith("believed at 90%, give or take 30%")
    assert of_labels(BuiltSet(**vars(FINE) | {"error": 0.3}), PAIRS, well).verdict == WEAKLY


def test_only_pairs_and_failures_that_are_told_well_lead_to_rewrites():
    well = Verdict("failures", WELL)
    assert of_rewrites(40, PAIRS, well) == Verdict("rewrites", WELL)
    assert of_rewrites(40, Verdict("pairs", WEAKLY), well).verdict == NOT_AT_ALL
    assert of_rewrites(40, PAIRS, Verdict("failures", WEAKLY)).verdict == NOT_AT_ALL


def test_labels_that_would_be_worse_than_the_hypotheses_are_not_told():
    well = Verdict("failures", WELL)
    assert of_labels(FINE, PAIRS, well) == Verdict("labels", WELL)
    worse = BuiltSet(**vars(FINE) | {"turned_hypothesis": 0.85})
    assert of_labels(worse, PAIRS, well).verdict == NOT_AT_ALL
    off = of_labels(BuiltSet(**vars(FINE) | {"observed": 0.8}), PAIRS, well)
    assert off.verdict == WEAKLY
    assert "80%" in off.because[0]
    assert of_labels(BuiltSet(**vars(FINE) | {"observed": 0.6}), PAIRS, well).verdict == NOT_AT_ALL
    assert (
        of_labels(BuiltSet(**vars(FINE) | {"checks": 3.0, "observed": 0.0}), PAIRS, well).verdict
        == WEAKLY
    )
    assert of_labels(BuiltSet(**vars(FINE) | {"wordings": 0}), PAIRS, well).verdict == NOT_AT_ALL


def test_nothing_is_told_better_than_what_it_rests_on():
    weak, none = Verdict("failures", WEAKLY), Verdict("failures", NOT_AT_ALL)
    assert of_labels(FINE, PAIRS, weak).verdict == WEAKLY
    assert of_labels(FINE, PAIRS, none) == Verdict("labels", WEAKLY, ("rests on failures",))
    assert of_rewrites(40, Verdict("pairs", NOT_AT_ALL), weak).verdict == NOT_AT_ALL
    for one in ORDER:
        for other in ORDER:
            found = Verdict("labels", one).at_most(Verdict("failures", other)).verdict
            assert ORDER.index(found) == min(ORDER.index(one), ORDER.index(other))


def test_a_night_that_recalls_tells_nothing_better_than_the_full_one_did():
    for one in ORDER:
        for full in ORDER:
            found = Verdict("labels", one).no_better(table([Verdict("labels", full)]), "2026-01-05")
            assert ORDER.index(found.verdict) == min(ORDER.index(one), ORDER.index(full))
            assert bool(found.because) == (found.verdict != one)
    assert Verdict("labels", WELL).no_better(table([]), "2026-01-05").verdict == WELL


def test_what_cannot_be_told_leaves_what_a_person_accepted():
    examples = pl.DataFrame(
        {
            "locale": "en-GB",
            "utterance": ["a", "b"],
            "labels": [["x"], ["y"]],
            "weight": [1.0, 0.25],
            "users": [3, 3],
            "sources": [["person"], ["accepted"]],
        }
    )
    withheld = WithheldUtterances.create_empty()
    built = training_set.TrainingSet(examples, withheld, pl.DataFrame())
    found = training_set.emptied(built, ("nobody can tell",))
    assert found.examples["utterance"].to_list() == ["a"]
    (row,) = found.withheld.to_dicts()
    assert (row["utterance"], row["stage"], row["probability"]) == ("b", "verdict", 0.5)
    assert row["reason"] == "this log cannot tell labels: nobody can tell"


def test_verdicts_are_a_table():
    assert table([Verdict("pairs", WELL), Verdict("labels", WEAKLY, ("few",))]).height == 2
