"""What a GPU computes is what the processor computes, and the same twice. Skipped where there is none."""

import numpy as np
import pytest
import torch

from mining.clustering import encoder, neighbours
from mining.clustering.neighbours import Search

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

faiss_sees_it = pytest.mark.skipif(
    not getattr(neighbours.library(), "get_num_gpus", lambda: 0)(), reason="FAISS sees no GPU here"
)


def lying(rows: int, width: int = 32) -> np.ndarray:
    """Unit vectors in groups of ten."""
    rng = np.random.default_rng(5)
    groups = np.repeat(rng.standard_normal((-(-rows // 10), width)), 10, axis=0)[:rows]
    vectors = groups + 0.5 * rng.standard_normal((rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@faiss_sees_it
@pytest.mark.parametrize("way", ["all", "cells"])
def test_neighbours_found_on_a_gpu_are_the_true_ones(way):
    vectors, search = lying(20_000), Search(k=5)
    assert neighbours.on_gpu(vectors)

    def near() -> neighbours.Nearest:
        return getattr(neighbours, f"by_{way}")(vectors, search, gpu=True)

    rows = np.arange(0, len(vectors), 7)
    truth, similar = neighbours.exact(vectors, rows, 5)
    first = near()
    shared = [len(set(a) & set(b)) for a, b in zip(first.found[rows], truth, strict=True)]
    assert first.recall >= search.floor
    assert np.mean(shared) / 5 >= search.floor - 0.01
    assert (first.found != np.arange(len(vectors))[:, None]).all()
    agree = first.found[rows] == truth
    assert np.allclose(first.similar[rows][agree], similar[agree], atol=2e-3)
    assert np.array_equal(near().found, first.found)


@faiss_sees_it
def test_vectors_that_a_gpu_cannot_hold_are_searched_without_it(monkeypatch):
    monkeypatch.setattr(neighbours, "GPU_SHARE", 1e-9)
    assert not neighbours.on_gpu(lying(2_000))


def test_lessons_give_the_same_encoder_twice_and_the_processors_vectors(monkeypatch):
    words = [f"{c}{v}{d}" for c in "bdfgkl" for v in "aeiou" for d in "mnrst"]
    said = [f"{a} {b}" for a in words[:40] for b in words[-40:]]
    pairs = np.random.default_rng(0).permutation(len(said)).reshape(-1, 2)
    lessons = encoder.Lessons(said, pairs[:400])
    first = encoder.learn(lessons)
    assert first.device.type == "cuda"
    assert encoder.learn(lessons).fingerprint == first.fingerprint
    found = first.embed(said).astype(np.float32)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    there = encoder.learn(lessons)
    assert there.device.type == "cpu"
    truth = there.embed(said).astype(np.float32)
    assert (found * truth).sum(axis=1).min() > 0.99
