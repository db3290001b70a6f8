"""Clusters: which wordings are put together, which never are, and what becomes of a cluster."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

from mining.clustering import constraints, grouping, lineage
from mining.clustering.clusters import MOVED, Known, communities, memberships
from mining.clustering.neighbours import Search

pytestmark = pytest.mark.quick

NOTHING = constraints.slot_values([])


def known(rows: int, **more) -> Known:
    told = {
        "kinds": np.zeros((rows, 1), np.int32),
        "meant": csr_matrix((rows, 1), dtype=np.float32),
        "moved": csr_matrix((rows, rows), dtype=np.float32),
        "before": csr_matrix((rows, 1), dtype=np.float32),
    }
    return Known(**(told | more))


def unit(vectors) -> np.ndarray:
    rows = np.asarray(vectors, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def every_pair(rows: int) -> np.ndarray:
    return np.stack(np.triu_indices(rows, 1), axis=1)


def together(groups) -> set[tuple[int, int]]:
    return {(a, b) for a in range(len(groups)) for b in range(a) if groups[a] == groups[b]}


@settings(deadline=None)
@given(st.integers(2, 25), st.integers(0, 500), st.sampled_from([0.2, 0.5, 0.7]))
def test_rounds_of_best_pairs_give_what_average_linkage_gives(rows, seed, threshold):
    vectors = unit(np.random.default_rng(seed).normal(size=(rows, 3)) + 0.5)
    found = communities(vectors, every_pair(rows), known(rows), threshold)
    apart = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    assert together(found) == together(fcluster(tree, 1 - threshold, "distance"))


@settings(deadline=None)
@given(st.integers(2, 20), st.integers(0, 200))
def test_what_names_different_things_is_never_put_together(rows, seed):
    drawn = np.random.default_rng(seed)
    vectors = unit(drawn.normal(size=(rows, 2)) + 2)
    kinds = drawn.integers(0, 3, (rows, 2)).astype(np.int32)
    found = communities(vectors, every_pair(rows), known(rows, kinds=kinds), 0.1)
    for a, b in together(found):
        assert not constraints.differ(kinds[[a]], kinds[[b]])[0]


def test_users_who_stayed_with_different_meanings_keep_two_wordings_apart():
    vectors = unit([[1, 0.1], [1, 0.11], [1, 0.12]])
    accepted = csr_matrix(np.array([[4, 0], [0, 5], [0, 1]], np.float32))
    found = communities(vectors, every_pair(3), known(3, meant=accepted), 0.8)
    assert together(found) == {(2, 1)}, "one user alone shows nothing"


def test_users_who_said_one_for_the_other_bring_two_wordings_together():
    vectors = unit([[1, 0], [0.75, 0.66]])
    assert together(communities(vectors, every_pair(2), known(2), 0.8)) == set()
    moved = csr_matrix(np.array([[0, 1], [1, 0]], np.float32))
    assert MOVED > 0.8 - 0.75
    found = communities(vectors, every_pair(2), known(2, moved=moved), 0.8)
    assert together(found) == {(1, 0)}


def test_two_wordings_that_stood_together_are_not_parted_by_a_little():
    vectors = unit([[1, 0], [0.78, 0.63]])
    stood = csr_matrix(np.array([[0, 1], [0, 1]], np.float32))
    assert together(communities(vectors, every_pair(2), known(2), 0.83)) == set()
    found = communities(vectors, every_pair(2), known(2, before=stood), 0.83)
    assert together(found) == {(1, 0)}


@given(st.integers(4, 12), st.integers(0, 50))
def test_memberships_leave_room_for_none_of_them(rows, seed):
    drawn = np.random.default_rng(seed)
    found = np.array([drawn.permutation(np.delete(np.arange(rows), r))[:3] for r in range(rows)])
    similar = drawn.uniform(0, 1, found.shape).astype(np.float32)
    whose, _, share = memberships(found, similar, np.arange(rows) // 2, 0.8)
    total = np.bincount(whose, share, rows)
    assert ((total > 0) & (total < 1)).all()
    lonely = similar.max(axis=1) < 0.5
    assert (total[lonely] < 0.02).all(), "a wording far from all belongs to none"


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en-GB", "wake me at 6", "wake me at 7"),
        ("en-GB", "wake me at six", "wake me at seven"),
        ("en-GB", "book it for monday", "book it for friday"),
        ("en-GB", "turn the lamp on", "turn the lamp off"),
        ("en-GB", "do wake me", "do not wake me"),
        ("de-DE", "stell den wecker auf sieben", "stell den wecker auf acht"),
        ("de-DE", "weck mich", "weck mich nicht"),
        ("fr-FR", "réveille-moi lundi", "réveille-moi mardi"),
        ("ru-RU", "включи свет", "выключи свет"),
        ("ja-JP", "電気をつけて", "電気を消して"),
        ("ja-JP", "七時に起こして", "八時に起こして"),
        ("ar-SA", "ذكرني الساعة ٦", "ذكرني الساعة ٧"),
        ("xx", "zub 3 mek", "zub 4 mek"),
    ],
)
def test_wordings_that_differ_in_what_matters_are_told_apart(locale, one, other):
    kinds = constraints.kinds(locale, [one, other], NOTHING, {})
    assert constraints.differ(kinds[:1], kinds[1:])[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("wake me at six", "get me up at 6 please"),
        ("turn the lamp on", "lamp please"),
        ("turn on the lamp", "switch the lamp on"),
        ("book it for monday", "book it"),
        ("turn up the heat on monday", "turn up the heat monday"),
    ],
)
def test_wordings_that_do_not_are_not(one, other):
    kinds = constraints.kinds("en-GB", [one, other], NOTHING, {})
    assert not constraints.differ(kinds[:1], kinds[1:])[0]


def test_values_of_slots_are_names_wherever_they_are_said():
    """ "Play" was a slot value once, by mistake, of many wordings that hold it."""
    said = ["play queen", "play abba", "put abba on", "play something", "play it again"]
    values = pl.DataFrame(
        {"name": "artist", "value": ["queen", "abba", "play"], "wordings": [2, 2, 1]}
    )
    queen, abba, put_abba, *others = constraints.kinds("en-GB", said, values, {})[:, -1]
    assert queen != abba == put_abba
    assert others == [0, 0]


def wordings_of(said: dict[str, int], locale: str = "en-GB") -> pl.DataFrame:
    return pl.DataFrame({"locale": locale, "utterance": list(said), "users": list(said.values())})


NO_LOG = grouping.NightContext(
    pl.DataFrame(
        schema={
            "locale": pl.String,
            "utterance": pl.String,
            "intent": pl.String,
            "executed_users": pl.Int64,
            "reformulated": pl.Float64,
        }
    ),
    pl.DataFrame(
        schema={
            "locale": pl.String,
            "source": pl.String,
            "target": pl.String,
            "p_same": pl.Float64,
        }
    ),
    NOTHING,
    pl.DataFrame(schema=dict.fromkeys(("locale", "utterance", "cluster_id"), pl.String)),
)


def test_languages_share_clusters_only_where_asked():
    both = pl.concat(
        [wordings_of({"light on": 5, "light off": 2}), wordings_of({"licht an": 3}, "de-DE")]
    )
    vectors = unit([[1, 0.1], [1, 0.11], [1, 0.12]])
    apart = grouping.group(both, vectors, NO_LOG, Search(), across=False).clusters
    assert apart.sort("utterance")["community"].n_unique() == 3
    found = grouping.group(both, vectors, NO_LOG, Search(), across=True)
    shared = dict(found.clusters.select("utterance", "community").iter_rows())
    assert shared["licht an"] in (shared["light on"], shared["light off"])
    assert found.neighbours.filter(pl.col("neighbour") == "licht an").is_empty()
    assert found.clusters["central"].sum() == found.clusters["community"].n_unique()


names = st.lists(st.sampled_from("pqr"), min_size=6, max_size=6)
weights = st.lists(st.integers(1, 9), min_size=6, max_size=6)
SAID = [f"w{n}" for n in range(6)]


def night(groups: list[str], users: list[int], before: pl.DataFrame, day: str):
    rows = pl.DataFrame({"locale": "en", "utterance": SAID, "users": users})
    rows = rows.with_columns(community=pl.Series([ord(g) for g in groups], dtype=pl.Int64))
    rows = rows.with_columns(central=pl.int_range(pl.len()).over("community") == 0)
    return lineage.inherit(rows, before, b"salt", day)


NO_CLUSTERS = pl.DataFrame(
    schema={"locale": pl.String, "utterance": pl.String, "cluster_id": pl.String, "users": pl.Int64}
)


@given(names, names, weights)
def test_an_id_lives_on_exactly_where_most_of_its_users_are(before, after, users):
    old, _ = night(before, users, NO_CLUSTERS, "2026-01-01")
    new, events = night(after, users, old, "2026-01-02")
    was = dict(old.select("utterance", "cluster_id").iter_rows())
    now = dict(new.select("utterance", "cluster_id").iter_rows())
    assert together([now[w] for w in SAID]) == together(after), "ids name the groups"
    said = dict(zip(SAID, users, strict=True))
    for name in set(was.values()):
        mine = [w for w in SAID if was[w] == name]
        mass = sum(said[w] for w in mine)
        into = {i: sum(said[w] for w in mine if now[w] == i) for i in {now[w] for w in mine}}
        if name in now.values():
            assert 2 * into.get(name, 0) > mass
        ends = events.filter(
            pl.col("cluster_id") == name, pl.col("event").is_in(["merged", "died"])
        )
        assert ends.height == int(len(mine) > 1 and name not in now.values())
        for row in ends.filter(event="merged").iter_rows(named=True):
            assert 2 * into[row["other_id"]] > mass
    for name in set(now.values()) - set(was.values()):
        mine = [w for w in SAID if now[w] == name]
        starts = events.filter(
            pl.col("cluster_id") == name, pl.col("event").is_in(["born", "split"])
        )
        assert starts.height == int(len(mine) > 1)


def test_a_story_of_clusters():
    users = [5, 4, 2, 2, 5, 2]
    first, births = night(list("aaaabb"), users, NO_CLUSTERS, "2026-01-01")
    a, b = (first.filter(utterance=w)["cluster_id"][0] for w in ("w0", "w4"))
    assert births["event"].to_list() == ["born", "born"]
    second, events = night(list("aaccbb"), users, first, "2026-01-02")
    assert second.filter(utterance="w0")["cluster_id"][0] == a
    (split,) = events.iter_rows(named=True)
    assert (split["event"], split["other_id"], split["users"]) == ("split", a, 4)
    third, events = night(list("aaccaa"), users, second, "2026-01-03")
    assert third.filter(utterance="w4")["cluster_id"][0] == a
    assert events.to_dicts() == [{"cluster_id": b, "event": "merged", "other_id": a, "users": 7}]
    _, events = night(list("aabcde"), users, third, "2026-01-04")
    assert events.to_dicts() == [
        {"cluster_id": split["cluster_id"], "event": "died", "other_id": None, "users": 4}
    ], "nine of the sixteen users of the other one are still together"


def test_a_verdict_follows_its_cluster_into_the_one_that_took_it():
    schema = dict.fromkeys(("cluster_id", "verdict", "name", "first_id"), pl.String)
    before = pl.DataFrame(
        [["old", "rejected", None, "old"], ["lives", None, "lamps", "lives"]], schema, orient="row"
    )
    events = pl.DataFrame(
        [["old", "merged", "new", 3]],
        {"cluster_id": pl.String, "event": pl.String, "other_id": pl.String, "users": pl.Int64},
        orient="row",
    )
    followed = lineage.follow(before, before.clear(), events)
    assert followed.rows() == [("lives", None, "lamps", "lives"), ("new", "rejected", None, "old")]
    since = pl.DataFrame([["new", "accepted", None, "new"]], schema, orient="row")
    assert (
        lineage.follow(before, since, events).filter(cluster_id="new")["verdict"][0] == "accepted"
    )
