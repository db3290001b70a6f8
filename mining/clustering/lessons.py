"""What the encoder learns from: pairs of utterances that users said for one another.

Notation and constants: docs/method.md, 4.
"""

import numpy as np
import polars as pl

from mining.clustering.encoder import Indices, Lessons

SURE = 0.8  # probability of the pairs that the encoder learns from
KEY = ["locale", "utterance"]


def lessons(wordings: pl.DataFrame, events: pl.DataFrame, moves: pl.DataFrame) -> Lessons:
    """Pairs of different wordings that one user said for the other, at once or at the end of a chain;
    `wordings` has `locale, utterance`."""
    said = events.filter((pl.col("p_rephrase") >= SURE) & (pl.col("kind") == "rephrase"))
    ended = moves.filter(pl.col("p_same") >= SURE)
    every = pl.concat(f.select("locale", "source", "target") for f in (said, ended)).unique()
    pairs = placed(every, wordings.select(KEY).with_row_index("place"))
    pairs = pairs.filter(pl.col("left") != pl.col("right")).sort("left", "right")
    return Lessons(wordings["utterance"].to_list(), indices(pairs.select("left", "right")))


def placed(pairs: pl.DataFrame, place: pl.DataFrame) -> pl.DataFrame:
    return pairs.join(
        place.rename({"utterance": "source", "place": "left"}), on=["locale", "source"]
    ).join(place.rename({"utterance": "target", "place": "right"}), on=["locale", "target"])


def indices(rows: pl.DataFrame) -> Indices:
    return rows.to_numpy().astype(np.int64).reshape(-1, rows.width)
