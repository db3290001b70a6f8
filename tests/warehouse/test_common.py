"""What the other packages share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.common.distinct import distinct
from warehouse.common.platt import PlattScaling

pytestmark = pytest.mark.quick


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)))
def test_distinct_numbers_are_those_of_numpy(numbers):
    given_ = np.array(numbers, np.int64)
    assert distinct(given_).tolist() == np.unique(given_).tolist()


@given(
    st.lists(st.tuples(st.floats(0.02, 0.98), st.booleans()), min_size=5, max_size=60).filter(
        lambda seen: len({p for p, _ in seen}) > 1
    )
)
def test_platt_scaling_is_the_likeliest_of_its_neighbours(seen):
    believed = np.array([p for p, _ in seen])
    right = np.array([hit for _, hit in seen])
    hits = right.sum()
    target = np.where(right, (hits + 1) / (hits + 2), 1 / (len(right) - hits + 2))  # Platt 1999

    def loss(bent: PlattScaling) -> float:
        p = bent(believed)
        return float(-(target * np.log(p) + (1 - target) * np.log1p(-p)).sum())

    found = PlattScaling.of(believed, right)
    for shift, stretch in ((0.1, 0.0), (-0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        other = PlattScaling(found.shift + shift, found.stretch + stretch)
        assert loss(found) <= loss(other) + 1e-6


def test_without_anything_seen_probabilities_stay():
    assert PlattScaling.of(np.zeros(0), np.zeros(0, bool)) == PlattScaling()
    assert PlattScaling()(np.array([0.3, 0.9])) == pytest.approx([0.3, 0.9])
