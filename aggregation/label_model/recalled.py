"""What the words say a wording means, as classifiers of an earlier night read it; a wording that is new since is taken for what
its nearest neighbours were taken for (k nearest neighbours, weighed by similarity).

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from scipy.sparse import csr_matrix

from aggregation.label_model.classifier import FAINTEST, kept

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

CLOSE = 6  # exponent on the similarity of neighbours whose meaning is asked
# Share of what is told of a new wording that labels have as often as they are meant at all; set by hand.
ANYHOW = 0.1
ROUNDS = ("first", "last")
NO_READINGS = pl.DataFrame(
    schema={"locale": pl.String(), "utterance": pl.String()}
    | {f"{r}_labels": pl.List(pl.String) for r in ROUNDS}
    | {r: pl.List(pl.Float32) for r in ROUNDS}
)


@dataclass(frozen=True)
class Recalled:
    """`readings` of an earlier night (rows of NO_READINGS), and the trust that each locale had in its own words and in what is
    known elsewhere: `locale, own, elsewhere`."""

    readings: pl.DataFrame
    trust: pl.DataFrame

    def trust_of(self, locale: str) -> Floats:
        known = self.trust.filter(locale=locale).select("own", "elsewhere")
        return np.array(known.row(0)) if known.height else np.zeros(2)

    def words(self, at: str, items: pl.DataFrame, numbers: pl.DataFrame, which: str) -> csr_matrix:
        """wordings x labels: what the round `which` of the earlier night read in the wordings of a locale (`items`: `utterance,
        item`; `numbers`: `label, number`); empty rows where it did not know them."""
        mine = self.readings.filter(locale=at).select("utterance", f"{which}_labels", which)
        rows = items.join(mine, on="utterance").explode(f"{which}_labels", which)
        rows = rows.rename({f"{which}_labels": "label"}).join(numbers, on="label")
        place = (rows["item"].to_numpy(), rows["number"].to_numpy())
        shares = rows[which].cast(pl.Float64).to_numpy()
        return csr_matrix((shares, place), (items.height, numbers.height))


def recall(known: csr_matrix, near: csr_matrix, asked: csr_matrix) -> csr_matrix:
    """wordings x labels: `known` shares, those of wordings that are new by their neighbours (`near`: similarities), and of
    labels that are `asked` since what is left to each."""
    old = np.diff(known.indptr) > 0
    labels = known.shape[1]
    left = np.maximum(1 - np.asarray(known.sum(axis=1)).ravel(), 0.0)
    least = np.maximum(left / np.maximum(labels - np.diff(known.indptr), 1), FAINTEST)
    missing = asked.astype(bool).astype(np.float64)
    missing = csr_matrix(missing - missing.multiply(known > 0))
    missing.eliminate_zeros()
    filled = csr_matrix(known + missing.multiply(np.where(old, least, 0.0)[:, None]))
    fresh = np.flatnonzero(~old)
    if not len(fresh):
        return filled
    shares = _by_neighbours(known, near[fresh])
    row, column = kept(shares, asked[fresh])
    place = (fresh[row], column)
    told = csr_matrix((np.maximum(shares[row, column], FAINTEST), place), known.shape)
    return csr_matrix(filled + told)


def _by_neighbours(known: csr_matrix, near: csr_matrix) -> Floats:
    """rows of `near` x labels: what the neighbours are taken for; as all are where it has none, and nothing in particular
    where none is known."""
    weight = near.power(CLOSE)
    told = np.asarray((weight @ known).todense())
    whole = told.sum(axis=1, keepdims=True)
    anyhow = np.asarray(known.sum(axis=0)).ravel() + FAINTEST
    anyhow = anyhow / anyhow.sum()
    seen = np.divide(told, whole, out=np.tile(anyhow, (len(told), 1)), where=whole > 0)
    return np.asarray((1 - ANYHOW) * seen + ANYHOW * anyhow)


def readings(
    locale: str, wordings: list[str], labels: list[str], of: list[csr_matrix]
) -> pl.DataFrame:
    """Rows of NO_READINGS: what each of ROUNDS read (`of`: wordings x labels)."""
    names = np.array(labels, dtype=object)
    columns = {
        "locale": pl.Series([locale] * len(wordings), dtype=pl.String),
        "utterance": pl.Series(wordings, dtype=pl.String),
    }
    for name, words in zip(ROUNDS, of, strict=True):
        at = pa.array(words.indptr, pa.int32())
        told = pa.array(names[words.indices], pa.string())
        columns[f"{name}_labels"] = pl.Series(pl.from_arrow(pa.ListArray.from_arrays(at, told)))
        shares = pa.array(words.data.astype(np.float32))
        columns[name] = pl.Series(pl.from_arrow(pa.ListArray.from_arrays(at, shares)))
    return pl.DataFrame(columns).select(NO_READINGS.columns)
