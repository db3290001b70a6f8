"""Rephrases, rewrites, the encoder, neighbours and clusters."""

import socket

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining import encoder, rephrase
from mining.clusters import ClusterConfig, communities, keep_names
from mining.meaning import group
from mining.mixture import fit
from mining.neighbours import nearest
from mining.pairs import with_similarity
from mining.rewrites import rewrites
from warehouse.tables import Clusters


def pair(source: str, target: str, **more: object) -> dict[str, object]:
    row = {
        "source_turn_id": f"{source}/{more.get('n', 0)}",
        "target_turn_id": f"{target}/{more.pop('n', 0)}/2",
        "user_id": "u",
        "session_id": "s",
        "locale": "en-GB",
        "source": source,
        "target": target,
        "seconds": 8.0,
        "apart": 1,
        "source_intent": None,
        "target_intent": "lamp",
        "source_outcome": "failure",
        "target_outcome": "success",
    }
    return row | more


def scored(rows: list[dict[str, object]]) -> pl.DataFrame:
    frame = with_similarity(pl.DataFrame(rows, infer_schema_length=None))
    return rephrase.score(frame.with_columns(pl.col("source_intent").cast(pl.String)))


def test_saying_it_again_is_told_from_changing_the_subject():
    said_again = [pair(f"switch on lamp {n}", f"switch lamp {n} on please", n=n) for n in range(40)]
    moved_on = [
        pair(
            f"what is on {n}",
            f"buy some bread {n % 7}",
            n=n,
            seconds=90.0,
            source_outcome="success",
            source_intent="ask",
        )
        for n in range(60)
    ]
    found = (
        scored(said_again + moved_on)
        .group_by(pl.col("source").str.starts_with("switch"))
        .agg(pl.col("p_rephrase").mean())
    )
    p = dict(found.rows())
    assert p[True] > 0.9
    assert p[False] < 0.1


def test_the_same_words_are_a_retry():
    found = scored([pair("lamp on", "Lamp on"), pair("lamp on", "light on", n=1)])
    assert found.sort("target")["kind"].to_list() == ["retry", "rephrase"]


def test_of_two_sources_the_nearer_one_is_said_again():
    near = pair("lamp on", "lamp on now") | {"source_turn_id": "b", "target_turn_id": "c"}
    far = pair("lamp on", "lamp on now", apart=2) | {"source_turn_id": "a", "target_turn_id": "c"}
    others = [pair(f"bread {n}", f"tea {n} today", n=n, seconds=90.0) for n in range(30)]
    found = scored([near, far, *others]).filter(target_turn_id="c")
    p = dict(found.select("source_turn_id", "p_rephrase").rows())
    assert p["b"] > p["a"]
    assert p["a"] + p["b"] <= 1 + 1e-9


def test_no_pairs_give_no_events():
    assert rephrase.score(scored([pair("a", "b")]).clear()).is_empty()


@given(st.integers(0, 10_000), st.floats(0.2, 0.8))
def test_the_mixture_finds_two_planted_classes(seed, share):
    rng = np.random.default_rng(seed)
    ours = rng.random(2_000) < share
    chance = np.where(ours[:, None], 0.9, 0.1)
    bins = (rng.random((2_000, 4)) < chance).astype(np.int64)
    start = np.where(bins[:, 0] == 1, 0.8, 0.2)
    p = fit(bins, [2] * 4, start).probability(bins)
    assert abs(p.mean() - share) < 0.1
    assert ((p > 0.5) == ours).mean() > 0.9


def test_a_rewrite_leads_to_the_wording_that_works():
    heard = pl.DataFrame(
        {
            "locale": ["en-GB"] * 2,
            "utterance": ["lamp", "switch on the lamp"],
            "intent": ["joke", "lamp_on"],
            "users": [20, 20],
            "executed_users": [20, 20],
            "fled": [18.0, 1.0],
        }
    )
    moves = pl.DataFrame(
        {
            "locale": ["en-GB"] * 2,
            "source": ["lamp", "switch on the lamp"],
            "target": ["switch on the lamp", "lamp"],
            "users": [9, 2],
            "occurrences": [9, 2],
            "p_same": [0.95, 0.9],
        }
    )
    found = {r["source"]: r for r in rewrites(moves, heard).to_dicts()}
    assert found["lamp"]["p_better"] > 0.9
    assert found["switch on the lamp"]["p_better"] < 0.1


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
