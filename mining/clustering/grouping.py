"""From wordings to vectors, neighbours and clusters.

Notation and constants: docs/method.md, 4.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from mining.clustering import constraints
from mining.clustering.clusters import Known, communities, describe, memberships
from mining.clustering.encoder import Indices
from mining.clustering.lessons import placed
from mining.clustering.neighbours import Nearest, Search, nearest
from warehouse.encoders.encoder import Vectors

PROBABLE = 0.5  # and of the moves that draw two wordings together
FEWEST = 0.05  # probability of a membership worth a row
KEY = ["locale", "utterance"]


@dataclass(frozen=True)
class NightContext:
    """What is known of wordings besides their words: `utterances`, `moves`, `values` of slots
    (constraints.slot_values), and the clusters of the night `before`."""

    utterances: pl.DataFrame
    moves: pl.DataFrame
    values: pl.DataFrame
    before: pl.DataFrame


@dataclass(frozen=True)
class Meaning:
    """`clusters` has a `community` for each wording; `memberships` a probability for each near one."""

    neighbours: pl.DataFrame
    clusters: pl.DataFrame
    memberships: pl.DataFrame
    searches: pl.DataFrame


def group(
    wordings: pl.DataFrame, vectors: Vectors, log: NightContext, search: Search, *, across: bool
) -> Meaning:
    """Neighbours and clusters of `wordings` (`locale, utterance, users`), whose vectors are given;
    within each locale, or across all where the encoder knows what they share. Clusters lean towards
    those of the night before."""
    numbered: dict[frozenset[str], int] = {}
    parts = [
        _of_locale(part, vectors[part["row"].to_numpy()], log, search, numbered)
        for part in wordings.with_row_index("row").partition_by("locale")
    ]
    neighbours = pl.concat(_long(p.wordings, p.near) for p in parts)
    searches = pl.DataFrame([{"locale": p.wordings["locale"][0], **p.near.about()} for p in parts])
    if across and len(parts) > 1:
        parts = [_whole(wordings, vectors, log, search, parts)]
    clusters, members, first = [], [], 0
    for part in parts:
        community = communities(part.vectors, _edges(part), part.known, search.threshold)
        rows = describe(part.wordings.select(*KEY, "users"), part.vectors, community)
        clusters.append(rows.with_columns(pl.col("community") + first))
        members.append(_shares(part, community, first, search))
        first += int(community.max(initial=-1)) + 1
    return Meaning(neighbours, pl.concat(clusters), pl.concat(members), searches)


@dataclass(frozen=True)
class _Part:
    """Wordings that are clustered together."""

    wordings: pl.DataFrame
    vectors: Vectors
    near: Nearest
    known: Known


def _of_locale(
    part: pl.DataFrame,
    vectors: Vectors,
    log: NightContext,
    search: Search,
    numbered: dict[frozenset[str], int],
) -> _Part:
    locale = part["locale"][0]
    values = log.values.filter(pl.col("locale") == locale)
    kinds = constraints.kinds(locale, part["utterance"].to_list(), values, numbered)
    return _Part(part, vectors, nearest(vectors, search), _known(part, log, kinds))


def _whole(
    wordings: pl.DataFrame, vectors: Vectors, log: NightContext, search: Search, parts: list[_Part]
) -> _Part:
    """All locales as one. Only the shared kinds of what each names go across."""
    rows = np.concatenate([p.wordings["row"].to_numpy() for p in parts])
    kinds = np.concatenate([p.known.kinds[:, : constraints.SHARED] for p in parts])[
        np.argsort(rows)
    ]
    return _Part(wordings, vectors, nearest(vectors, search), _known(wordings, log, kinds))


def _known(wordings: pl.DataFrame, log: NightContext, kinds: constraints.Kinds) -> Known:
    place = wordings.select(KEY).with_row_index("place")
    accepted = (
        log.utterances.filter(pl.col("intent") != "")
        .join(place, on=KEY)
        .with_columns(
            accepted=pl.max_horizontal(0.0, pl.col("executed_users") - pl.col("reformulated"))
        )
        .with_columns(meaning=pl.col("intent").rank("dense") - 1)
    )
    shape = (wordings.height, 1 + int(accepted["meaning"].max() or 0))  # type: ignore[arg-type]
    where = (accepted["place"].to_numpy(), accepted["meaning"].to_numpy())
    meant = csr_matrix((accepted["accepted"].to_numpy().astype(np.float32), where), shape)
    moves = placed(log.moves.filter(pl.col("p_same") >= PROBABLE), place)
    one_way = csr_matrix(
        (
            moves["p_same"].to_numpy().astype(np.float32),
            (moves["left"].to_numpy(), moves["right"].to_numpy()),
        ),
        (wordings.height, wordings.height),
    )
    stood = log.before.join(place, on=KEY).with_columns(
        cluster=pl.col("cluster_id").rank("dense") - 1
    )
    before = csr_matrix(
        (
            np.ones(stood.height, np.float32),
            (stood["place"].to_numpy(), stood["cluster"].to_numpy()),
        ),
        (wordings.height, 1 + int(stood["cluster"].max() or 0)),  # type: ignore[arg-type]
    )
    return Known(kinds, meant, csr_matrix(one_way + one_way.T), before)


def _edges(part: _Part) -> Indices:
    """The pairs that may be joined: near neighbours, and what users said for one another."""
    found = part.near.found
    near = np.stack([np.repeat(np.arange(len(found)), found.shape[1]), found.ravel()], axis=1)
    moved = part.known.moved.tocoo()
    pairs = np.concatenate([near[near[:, 1] >= 0], np.stack([moved.row, moved.col], axis=1)])
    return np.asarray(pairs, np.int64)


def _shares(part: _Part, community: Indices, first: int, search: Search) -> pl.DataFrame:
    rows, of, probability = memberships(
        part.near.found, part.near.similar, community, search.threshold
    )
    kept = probability >= FEWEST
    return part.wordings.select(KEY)[rows[kept]].with_columns(
        community=pl.Series(of[kept] + first), probability=pl.Series(np.round(probability[kept], 6))
    )


def _long(part: pl.DataFrame, near: Nearest) -> pl.DataFrame:
    utterances = part["utterance"].to_numpy()
    there = near.found >= 0
    return pl.DataFrame(
        {
            "locale": part["locale"][0],
            "utterance": np.repeat(utterances, there.sum(axis=1)),
            "neighbour": utterances[near.found[there]],
            "similarity": near.similar[there].astype(np.float64),
        }
    )
