"""What the other packages share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.common.distinct import distinct

pytestmark = pytest.mark.quick


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)))
def test_distinct_numbers_are_those_of_numpy(numbers):
    given_ = np.array(numbers, np.int64)
    assert distinct(given_).tolist() == np.unique(given_).tolist()
