"""What an earlier night read in the words, applied to what is new; and rows of sparse matrices."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from aggregation.label_model.recalled import ANYHOW, NO_READINGS, Recalled, readings, recall
from aggregation.label_model.sparse import row_best, row_max

pytestmark = pytest.mark.quick

values = st.sampled_from([0.0, 0.0, -1.0, 0.25, 0.5, 1.0])
matrices = arrays(float, st.tuples(st.integers(0, 6), st.integers(1, 5)), elements=values)


@given(matrices)
def test_rows_of_sparse_matrices_are_those_of_dense_ones(dense):
    matrix = csr_matrix(dense)
    highest = np.maximum(dense.max(axis=1, initial=0.0), 0.0)
    assert np.array_equal(row_max(matrix), highest)
    first = [
        int(np.argmax(row == top)) if top > 0 else 0
        for row, top in zip(dense, highest, strict=True)
    ]
    assert row_best(matrix).tolist() == first


@given(st.integers(0, 2**32))
def test_what_was_read_before_stands_and_what_is_new_is_taken_for_its_neighbours(seed):
    rng = np.random.default_rng(seed)
    old, fresh, labels = 6, 3, 5
    shares = rng.dirichlet(np.ones(labels), old) * (rng.random((old, labels)) < 0.7)
    shares[:, 0] = np.maximum(shares[:, 0], 0.01)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    known = csr_matrix(np.vstack([shares, np.zeros((fresh, labels))]))
    near = np.zeros((old + fresh, old + fresh))
    near[old, 2], near[old + 1, [0, 1]] = 0.9, (0.8, 0.4)
    asked = csr_matrix(rng.random((old + fresh, labels)) < 0.3, dtype=float)
    found = recall(known, csr_matrix(near), asked).toarray()
    stood = shares > 0
    assert np.allclose(found[:old][stood], shares[stood])
    assert (found[asked.toarray() > 0] > 0).all()
    assert (found[:old].sum(axis=1) <= 1 + 1e-9).all()
    assert np.allclose(found[old:].sum(axis=1), 1.0)
    anyhow = shares.sum(axis=0) / shares.sum()
    taken = (1 - ANYHOW) * shares[2] / shares[2].sum() + ANYHOW * anyhow
    assert np.allclose(found[old], taken)
    assert np.allclose(found[old + 2], anyhow)


def test_where_nothing_was_read_before_nothing_in_particular_is_told():
    asked = csr_matrix(np.eye(3))
    found = recall(csr_matrix((3, 3)), csr_matrix((3, 3)), asked).toarray()
    assert np.allclose(found, 1 / 3)


def test_readings_are_remembered_by_their_words():
    wordings, labels = ["lamp on", "news", "play"], ["a", "b"]
    first, last = (
        csr_matrix([[0.5, 0.5], [1, 0], [0, 0]]),
        csr_matrix([[0, 1.0], [0, 0], [0.25, 0]]),
    )
    rows = readings("en-GB", wordings, labels, [first, last])
    assert rows.schema == NO_READINGS.schema
    trust = pl.DataFrame({"locale": ["en-GB"], "own": [3.0], "elsewhere": [1.0]})
    items = pl.DataFrame({"utterance": ["news", "new", "lamp on"]}).with_row_index("item")
    numbers = pl.DataFrame({"label": ["b", "c", "a"]}).with_row_index("number")
    recalled = Recalled(rows, trust)
    found = recalled.words("en-GB", items, numbers, "first").toarray()
    assert found.tolist() == [[0, 0, 1], [0, 0, 0], [0.5, 0, 0.5]]
    assert recalled.words("en-GB", items, numbers, "last").toarray()[2].tolist() == [1, 0, 0]
    assert recalled.trust_of("en-GB").tolist() == [3.0, 1.0]
