"""One against the rest: the same as from all labels while there are few, and no other answer where there are many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from aggregation.label_model import one_vs_rest
from aggregation.label_model.one_vs_rest import COST, SEED, TOLERANCE, UNSEEN, fit


def lesson(labels: int, rows: int, seed: int) -> tuple[csr_matrix, np.ndarray]:
    """Rows of features of which some belong to the label alone."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=rows)
    seen = (rng.random((rows, 3 * labels)) < 0.05).astype(np.float32)
    seen[np.arange(rows), truth] = 1.0
    return csr_matrix(seen), truth


@given(st.integers(2, 6), st.integers(0, 30))
def test_a_small_lesson_is_told_apart_from_all_labels(labels, seed):
    rows, truth = lesson(labels, 40, seed)
    weights = np.random.default_rng(seed).random(40) + 0.1
    scores = fit(rows, truth, weights, labels)(rows)
    for label in range(labels):
        mine = truth == label
        if not mine.any():
            assert (scores[:, label] == UNSEEN).all()
        elif not mine.all():
            svm = LinearSVC(C=COST, tol=TOLERANCE, random_state=SEED).fit(rows, mine, weights)
            assert np.allclose(scores[:, label], svm.decision_function(rows), atol=1e-4)


@pytest.mark.long
@given(st.integers(20, 40), st.integers(0, 10))
def test_many_labels_are_told_apart_as_from_all(labels, seed):
    """But for a wording in fifty; and what is no candidate scores at most as the median of the candidates."""
    rows, truth = lesson(labels, 600, seed)
    fresh, meant = lesson(labels, 300, seed + 100)
    weights = np.ones(len(truth))
    with pytest.MonkeyPatch.context() as patched:
        every = fit(rows, truth, weights, labels)(fresh)
        patched.setattr(one_vs_rest, "SMALL", 0)
        model = fit(rows, truth, weights, labels)
        some = model(fresh)
    assert (some.argmax(axis=1) == meant).mean() >= (every.argmax(axis=1) == meant).mean() - 0.02
    assert model.suggesting is not None
    candidates = model.suggesting(fresh)
    assert (candidates.sum(axis=1) == one_vs_rest.CANDIDATES).all()
    told = some[:, model.known]
    for row, mine in zip(told, candidates, strict=True):
        assert (row[~mine] <= np.median(row[mine]) + 1e-9).all()
