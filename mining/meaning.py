"""From wordings to vectors, neighbours and clusters, a locale at a time."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mining.clusters import ClusterConfig, communities, describe, keep_names
from mining.encoder import Lessons, Vectors
from mining.neighbours import nearest

SURE = 0.8  # p_rephrase of the pairs that the encoder learns from


@dataclass(frozen=True)
class Meaning:
    neighbours: pl.DataFrame
    clusters: pl.DataFrame


def lessons(wordings: pl.DataFrame, events: pl.DataFrame) -> Lessons:
    """Pairs of different wordings that one user said for the other; `wordings` has `locale, utterance`."""
    place = wordings.select("locale", "utterance").with_row_index("place")
    sure = events.filter((pl.col("p_rephrase") >= SURE) & (pl.col("kind") == "rephrase"))
    pairs = (
        sure.select("locale", "source", "target")
        .unique()
        .join(place.rename({"utterance": "source", "place": "left"}), on=["locale", "source"])
        .join(place.rename({"utterance": "target", "place": "right"}), on=["locale", "target"])
        .sort("left", "right")
    )
    return Lessons(
        wordings["utterance"].to_list(),
        pairs["left"].to_numpy().astype(np.int64),
        pairs["right"].to_numpy().astype(np.int64),
    )


def group(
    wordings: pl.DataFrame,
    vectors: Vectors,
    before: pl.DataFrame,
    salt: bytes,
    config: ClusterConfig,
) -> Meaning:
    """Neighbours and clusters of `wordings` (`locale, utterance, users`), whose vectors are given.

    `before` holds the clusters of the last night; `salt` keys their ids.
    """
    neighbours, clusters = [], []
    numbered = wordings.with_row_index("row")
    for (_,), part in sorted(numbered.partition_by("locale", as_dict=True).items()):
        mine = vectors[part["row"].to_numpy()]
        found, similar = nearest(mine, config.neighbours)
        neighbours.append(_long(part, found, similar))
        names = part.select("locale", "utterance")
        clusters.append(describe(names, mine, communities(found, similar, config), salt))
    kept = keep_names(pl.concat(clusters), before, wordings.select("locale", "utterance", "users"))
    return Meaning(pl.concat(neighbours), kept)


def _long(part: pl.DataFrame, found: np.ndarray, similar: Vectors) -> pl.DataFrame:
    utterances = part["utterance"].to_numpy()
    there = found >= 0
    return pl.DataFrame(
        {
            "locale": part["locale"][0],
            "utterance": np.repeat(utterances, there.sum(axis=1)),
            "neighbour": utterances[found[there]],
            "similarity": similar[there].astype(np.float64),
        }
    )
