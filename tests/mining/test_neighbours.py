"""The encoder and the neighbours."""

import socket

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from mining.clustering import encoder, neighbours
from mining.clustering.neighbours import Search, nearest
from warehouse.encoders import static, transformer
from warehouse.encoders.encoder import EncoderConfig
from warehouse.errors import BadInput

pytestmark = pytest.mark.quick

WORDINGS = [
    f"{verb} {thing}"
    for verb in ("open", "close", "clean")
    for thing in ("door", "window", "roof", "gate")
]


def test_the_encoder_learns_what_users_said_for_each_other():
    """Nothing in their letters brings "shut" and "close" together: only the pairs can tell."""
    things = [
        f"{colour} {thing}"
        for colour in ("red", "blue", "old")
        for thing in ("door", "gate", "lid", "hatch")
    ]
    said = [f"{verb} the {thing}" for verb in ("open", "close", "shut") for thing in things]
    pairs = [[said.index(f"close the {t}"), said.index(f"shut the {t}")] for t in things[:-1]]
    lessons = encoder.Lessons(said, np.array(pairs))
    taught = encoder.learn(lessons)
    a, b, c = taught.embed([f"{verb} the old hatch" for verb in ("close", "shut", "open")])
    assert a @ b > a @ c
    assert encoder.learn(lessons).fingerprint == taught.fingerprint


@given(st.integers(1, 6), st.integers(0, 50))
def test_the_gradient_of_the_loss_is_what_autograd_finds(pairs, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(5, 4))
    held = csr_matrix(rng.integers(1, 3, size=(2 * pairs, 5)) * rng.random((2 * pairs, 5)))
    table = torch.tensor(weights, requires_grad=True)
    means = torch.tensor(held.toarray()) @ table
    one, other = torch.nn.functional.normalize(means).split(pairs)
    alike, truth = encoder.SCALE * one @ other.T, torch.arange(pairs)
    entropy = torch.nn.functional.cross_entropy
    told = entropy(alike, truth) + entropy(alike.T, truth)
    told.backward()
    loss, found = encoder._gradient(held, weights)
    assert loss == pytest.approx(told.item(), rel=1e-6, abs=1e-9)
    assert np.allclose(found, table.grad.numpy(), atol=1e-8)


def test_the_next_night_starts_from_the_encoder_before():
    """Its tokens stay near where they were, also those of which tonight's log says nothing."""
    lessons = encoder.Lessons(WORDINGS, np.array([[0, 4], [1, 5], [2, 6]]))  # open is close
    before = encoder.learn(lessons)
    none = encoder.Lessons(WORDINGS, encoder.NO_PAIRS)
    fresh, warm = encoder.learn(none), encoder.learn(none, before)

    def alike(model) -> float:
        a, b = model.embed(["open gate", "close gate"])
        return float(a @ b)

    assert alike(fresh) < alike(warm) < alike(before)


def test_a_given_model_can_be_taught_by_the_same_lessons(tmp_path):
    """The stand-in for a pretrained model is a saved encoder of no lessons."""
    encoder.learn(encoder.Lessons(WORDINGS, encoder.NO_PAIRS)).save(tmp_path / "given")
    given_model = transformer.Tuned.of(EncoderConfig(str(tmp_path / "given")))
    a, b = given_model.embed(["open gate", "close gate"])
    lessons = encoder.Lessons(WORDINGS, np.array([[0, 4], [1, 5], [2, 6]]))
    course = encoder.Course(batch=3, rate=0.05, epochs=30, fewest_steps=1, most_steps=100)
    adapted = encoder.attend(given_model, lessons, course)
    c, d = adapted.embed(["open gate", "close gate"])
    assert c @ d > a @ b


def test_a_saved_encoder_is_an_ordinary_model_folder_and_needs_no_network(tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    model = encoder.learn(encoder.Lessons(WORDINGS, encoder.NO_PAIRS))
    model.save(tmp_path / "encoder")
    loaded = SentenceTransformer(str(tmp_path / "encoder"), device="cpu")
    assert np.allclose(loaded.encode(WORDINGS, normalize_embeddings=True), model.embed(WORDINGS))
    read = static.shared(tmp_path / "encoder")
    assert read is not None
    assert np.array_equal(read.embed(WORDINGS), model.embed(WORDINGS))


@pytest.mark.parametrize("part", ["modules.json", "model.safetensors"])
def test_an_encoder_that_cannot_be_read_is_named_in_one_line(tmp_path, part):
    encoder.learn(encoder.Lessons(WORDINGS, encoder.NO_PAIRS)).save(tmp_path / "encoder")
    (tmp_path / "encoder" / part).unlink()
    with pytest.raises(BadInput, match=r"^\S+encoder: holds no encoder that can be read \(.*\)$"):
        static.shared(tmp_path / "encoder")


def unit(rows: int, width: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 5))
def test_neighbours_are_the_nearest_others(rows, k, seed):
    vectors = unit(rows, 8, seed)
    near = nearest(vectors, Search(k=k))
    truth = vectors @ vectors.T
    np.fill_diagonal(truth, -np.inf)
    assert near.found.shape == near.similar.shape == (rows, k)
    for row in range(rows):
        found = near.found[row][near.found[row] >= 0]
        assert row not in found
        assert len(found) == min(k, rows - 1)
        assert np.allclose(
            np.sort(truth[row])[::-1][: len(found)], near.similar[row][: len(found)], atol=1e-5
        )


@pytest.mark.parametrize("memory", [2**30, 1], ids=["vectors", "product codes"])
def test_a_large_search_is_widened_until_it_finds_enough(monkeypatch, memory):
    """Points without any structure, the hardest there is: every cell must be looked into."""
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 100)
    monkeypatch.setattr(neighbours, "on_gpu", lambda _: False)
    vectors = unit(3_000, 16, 0)
    search = Search(k=5, floor=0.9, memory=memory)
    near = nearest(vectors.astype(np.float16), search)
    truth = neighbours.exact(vectors, np.arange(len(vectors)), 5)[0]
    shared = [len(set(a) & set(b)) for a, b in zip(near.found, truth, strict=True)]
    assert near.recall >= 0.9
    assert abs(np.mean(shared) / 5 - near.recall) < 0.05, "what is reported is what is true"
    assert near.index.startswith(("4 ", "8 ", "16 ", "23 ")), near.index
    again = nearest(vectors.astype(np.float16), search)
    assert np.array_equal(near.found, again.found)


@pytest.mark.parametrize("rows", [200, 3_000])
def test_twins_are_each_others_nearest(monkeypatch, rows):
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 500)
    one = unit(rows, 16, 1)
    near = nearest(np.concatenate([one, one]), Search(k=3))
    twin = np.concatenate([np.arange(rows) + rows, np.arange(rows)])
    assert (near.found == np.arange(2 * rows)[:, None]).sum() == 0
    assert (near.found[:, 0] == twin).mean() > 0.99


def test_without_faiss_one_line_says_what_to_install(monkeypatch):
    import sys

    from mining.clustering.neighbours import library
    from warehouse.errors import SayagainError

    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(SayagainError, match=r"pip install 'sayagain\[cpu\]'"):
        library()
