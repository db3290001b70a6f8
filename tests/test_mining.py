"""The encoder, neighbours and clusters."""

import socket

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining import encoder
from mining.clusters import ClusterConfig, communities, keep_names
from mining.meaning import group
from mining.neighbours import nearest
from warehouse.tables import Clusters

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
    left = np.array([said.index(f"close the {t}") for t in things[:-1]])
    right = np.array([said.index(f"shut the {t}") for t in things[:-1]])
    taught = encoder.learn(encoder.Lessons(said, left, right))
    a, b, c = encoder.embed(taught, [f"{verb} the old hatch" for verb in ("close", "shut", "open")])
    assert a @ b > a @ c
    again = encoder.learn(encoder.Lessons(said, left, right))
    assert encoder.fingerprint(again) == encoder.fingerprint(taught)


def test_a_saved_encoder_is_an_ordinary_model_folder_and_needs_no_network(tmp_path, monkeypatch):
    from sentence_transformers import SentenceTransformer

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    nothing = np.zeros(0, np.int64)
    model = encoder.learn(encoder.Lessons(WORDINGS, nothing, nothing))
    encoder.save(model, tmp_path / "encoder")
    loaded = SentenceTransformer(str(tmp_path / "encoder"), device="cpu")
    assert np.allclose(encoder.embed(loaded, WORDINGS), encoder.embed(model, WORDINGS))


@given(st.integers(1, 40), st.integers(1, 8), st.integers(0, 5))
def test_neighbours_are_the_nearest_others(rows, k, seed):
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found, similar = nearest(vectors, k)
    truth = vectors @ vectors.T
    np.fill_diagonal(truth, -np.inf)
    assert found.shape == similar.shape == (rows, k)
    for row in range(rows):
        near = found[row][found[row] >= 0]
        assert row not in near
        assert len(near) == min(k, rows - 1)
        assert np.allclose(
            np.sort(truth[row])[::-1][: len(near)], similar[row][: len(near)], atol=1e-5
        )


def test_only_mutual_neighbours_share_a_cluster():
    found = np.array([[1], [0], [1]])
    similar = np.array([[0.9], [0.9], [0.95]], np.float32)
    assert communities(found, similar, ClusterConfig(mutual=1, similarity=0.5)).tolist() == [
        0,
        0,
        1,
    ]


def test_every_wording_has_one_cluster_and_each_cluster_one_centre():
    wordings = pl.DataFrame(
        {"locale": ["a"] * 6 + ["b"] * 6, "utterance": WORDINGS, "users": [1] * 12}
    )
    vectors = np.random.default_rng(0).normal(size=(12, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = group(wordings, vectors, Clusters.create_empty(), b"salt", ClusterConfig()).clusters
    assert sorted(found["utterance"]) == sorted(WORDINGS)
    assert (found.group_by("cluster_id").agg(pl.col("central").sum())["central"] == 1).all()
    assert (found.group_by("cluster_id").agg(pl.col("locale").n_unique())["locale"] == 1).all()


names = st.lists(st.sampled_from("pqr"), min_size=5, max_size=5)


@given(names, names, st.lists(st.integers(1, 9), min_size=5, max_size=5))
def test_an_id_lives_on_where_most_users_are_and_nowhere_twice(before, after, users):
    def clusters(ids: list[str], mark: str) -> pl.DataFrame:
        said = [f"w{n}" for n in range(5)]
        rows = {"locale": "en", "utterance": said, "cluster_id": [i + mark for i in ids]}
        return pl.DataFrame(rows).with_columns(similarity=1.0, central=False)

    weight = pl.DataFrame(
        {"locale": "en", "utterance": [f"w{n}" for n in range(5)], "users": users}
    )
    kept = keep_names(clusters(after, "2"), clusters(before, "1"), weight).sort("utterance")
    same_before = {(i, j) for i in range(5) for j in range(5) if after[i] == after[j]}
    ids = kept["cluster_id"].to_list()
    assert {(i, j) for i in range(5) for j in range(5) if ids[i] == ids[j]} == same_before
    shared = {
        (a, b): sum(u for x, y, u in zip(before, after, users, strict=True) if (x, y) == (a, b))
        for a in set(before)
        for b in set(after)
    }
    (old, new), _ = max(shared.items(), key=lambda item: item[1])
    most = [k for k, v in shared.items() if v == shared[old, new]]
    assert any(ids[after.index(b)] == a + "1" for a, b in most)


def test_without_faiss_one_line_says_what_to_install(monkeypatch):
    import sys

    from mining.neighbours import library
    from warehouse.errors import SayagainError

    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(SayagainError, match=r"pip install 'sayagain\[cpu\]'"):
        library()


def test_old_java_is_refused_with_what_to_install(monkeypatch, tmp_path):
    from mining.spark_engine import check_java
    from warehouse.errors import SayagainError

    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SayagainError, match="Java 11 is too old; install Java 17"):
        check_java()
    java.unlink()
    with pytest.raises(SayagainError, match="no Java found; install Java 17"):
        check_java()
