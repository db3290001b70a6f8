"""Wordings that mean the same: mutual neighbours, joined; names that live on from night to night."""

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from mining.encoder import Vectors
from mining.neighbours import Indices


@dataclass(frozen=True)
class ClusterConfig:
    neighbours: int = 10  # of each wording, kept in the lake
    mutual: int = 3  # nearest of each other within this many, to be joined
    similarity: float = 0.7  # cosine below which two wordings are strangers


def communities(found: Indices, similar: Vectors, config: ClusterConfig) -> Indices:
    """A community number for each row: components of the mutual neighbours above the threshold."""
    rows = len(found)
    near, cosine = found[:, : config.mutual], similar[:, : config.mutual]
    close = (near >= 0) & (cosine >= config.similarity)
    sources = np.repeat(np.arange(rows), close.sum(axis=1))
    graph = csr_matrix((np.ones(len(sources)), (sources, near[close])), (rows, rows))
    return np.asarray(connected_components(graph.multiply(graph.T), directed=False)[1], np.int64)


def describe(
    wordings: pl.DataFrame, vectors: Vectors, community: Indices, salt: bytes
) -> pl.DataFrame:
    """`locale, utterance` of each row, with `cluster_id, similarity, central`.

    The central wording is the one nearest to the mean; the id is a salted hash of it, since an id is
    published and the wording may not be.
    """
    size = int(community.max()) + 1 if len(community) else 0
    centres = np.zeros((size, vectors.shape[1]), np.float64)
    np.add.at(centres, community, vectors)
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    cosine = np.einsum("ij,ij->i", vectors, centres[community])
    rows = wordings.with_columns(
        community=pl.Series(community),
        similarity=pl.Series(np.round(cosine, 6), dtype=pl.Float64),
    )
    first = pl.struct(-pl.col("similarity"), "utterance").rank("ordinal").over("community") == 1
    rows = rows.with_columns(central=first)
    names = rows.filter("central").with_columns(
        cluster_id=pl.struct("locale", "utterance").map_elements(
            partial(_name, salt), return_dtype=pl.String
        )
    )
    return rows.join(names.select("community", "cluster_id"), on="community").drop("community")


def keep_names(clusters: pl.DataFrame, before: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """Give a cluster the id of the cluster of `before` with which it shares most users.

    An id goes to one cluster only, the one that shares most; `users` has `locale, utterance, users`.
    """
    shared = (
        clusters.join(
            before.select("locale", "utterance", old="cluster_id"), on=["locale", "utterance"]
        )
        .join(users, on=["locale", "utterance"])
        .group_by("cluster_id", "old")
        .agg(pl.col("users").sum())
        .sort("users", "old", "cluster_id", descending=[True, False, False])
        .unique("cluster_id", keep="first", maintain_order=True)
        .unique("old", keep="first", maintain_order=True)
    )
    taken = clusters.join(shared.select("cluster_id", "old"), on="cluster_id", how="left")
    inherited = set(shared["old"])
    fresh = pl.col("cluster_id").is_in(inherited) & pl.col("old").is_null()
    return taken.with_columns(
        cluster_id=pl.when(fresh)
        .then(pl.col("cluster_id") + "-new")
        .otherwise(pl.coalesce("old", "cluster_id"))
    ).drop("old")


def _name(salt: bytes, central: dict[str, str]) -> str:
    content = f"{central['locale']}\0{central['utterance']}".encode()
    return hashlib.blake2b(content, key=salt, digest_size=8).hexdigest()
