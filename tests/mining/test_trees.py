"""Trees that are read by bits give what treelite gives, which goes down each."""

import numpy as np
import pytest
import treelite
from hypothesis import given, settings
from hypothesis import strategies as st

from mining import priors
from mining.priors import prior, trees

pytestmark = pytest.mark.quick


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(0, 50),
    name=st.sampled_from(["pairs", "turns", "hypotheses"]),
)
@settings(max_examples=15)
def test_what_is_read_by_bits_is_what_goes_down_each_tree(seed, rows, name):
    """Values at the thresholds, beside them, missing and infinite."""
    known, rng = prior(name), np.random.default_rng(seed)
    values = np.empty((rows, len(known.names)), np.float32)
    for n, told in enumerate(known.trees.thresholds):
        beside = [
            f(told) for f in (np.copy, lambda t: np.nextafter(t, 9), lambda t: np.nextafter(t, -9))
        ]
        values[:, n] = rng.choice(np.concatenate([*beside, [priors.MISSING, np.inf, 0.0]]), rows)
    ours = known.trees(values)
    theirs = [
        treelite.gtil.predict(model, values, pred_margin=True).reshape(-1) if rows else np.empty(0)
        for model in known.models
    ]
    assert np.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_blocks_do_not_matter(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(300, len(prior("turns").names))).astype(np.float32)
    whole = prior("turns").trees(rows)
    monkeypatch.setattr(trees, "BLOCK", 7)
    assert (prior("turns").trees(rows) == whole).all()
