"""What a round of the label model comes to, and the steps of it that need no more than numbers.

Notation and constants: docs/method.md, 5.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from aggregation.label_model import ambiguity, votes
from aggregation.label_model.dawid_skene import CastVotes, Cells, Estimate
from aggregation.label_model.implicit_feedback import Heard
from aggregation.label_model.partial_pooling import Shown
from aggregation.label_model.sparse import at, row_best, row_max
from warehouse.common.platt import PlattScaling
from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

LEAST_BACKGROUND = 1e-3
MANY = 4.0  # votes of users who accepted; of five, some are older or less than sure
TURNED = 0.5 + 1e-6
THUMBS = 20.0  # thumbs that the guess of no difference is worth


@dataclass(frozen=True)
class Round:
    """What a round came to: the belief of each cell, and the rates of coming back."""

    words: csr_matrix  # wordings x labels: what the words say
    cells: Cells
    heard: Heard
    estimate: Estimate
    voted: npt.NDArray[np.bool_]  # of which sources there were votes
    rates: Reformulation
    gate: Floats
    trust: Floats

    @property
    def belief(self) -> csr_matrix:
        """wordings x labels."""
        return self.cells.matrix(self.estimate.belief)

    @property
    def shown(self) -> Shown:
        """What the locale can lend."""
        reliability = np.where(self.voted, self.estimate.reliability, np.nan)
        said = np.bincount(self.heard.item, self.heard.users, len(self.cells.start) - 1)
        meant = np.asarray(self.belief.T @ said)
        return Shown(
            float(self.heard.executed.sum()),
            self.rates,
            self.gate,
            float(self.trust[0]),
            reliability,
            meant / max(meant.sum(), 1.0),
        )


def without_herding(cell: Indices, source: Indices, weight: Floats, before: Floats) -> CastVotes:
    """The first vote of a source for a label of a wording is judged by how probable the label is anyhow;
    those after it may repeat the first one's mistake, or its lie: their background is 1."""
    keys, place = np.unique(cell * len(votes.WEIGHED) + source, return_inverse=True)
    whole = np.bincount(place, weight)
    cell, source = keys // len(votes.WEIGHED), keys % len(votes.WEIGHED)
    more = whole > 1
    background = np.maximum(before[cell], LEAST_BACKGROUND)
    return CastVotes(
        np.concatenate([cell, cell[more]]),
        np.concatenate([source, source[more]]),
        np.concatenate([np.minimum(whole, 1.0), whole[more] - 1]),
        np.concatenate([background, np.ones(more.sum())]),
    )


def log_prior(cells: Cells, words: csr_matrix, heard: Heard, own: Floats) -> Floats:
    """On log scale: the hypotheses at their odds, the rest shared as the words have it."""
    rest = at(words, cells.item, cells.label)
    mine = cells.find(heard.item, heard.label)
    rest[mine] = 0.0
    whole = np.add.reduceat(rest, cells.start[:-1])
    prior = np.log(rest / np.maximum(whole, 1e-9)[cells.item] + 1e-9)
    prior[mine] = own
    return np.asarray(prior)


def thumbs_odds(cast: pl.DataFrame, heard: Heard, was_right: Floats) -> Floats:
    """The log odds that thumbs tell of each hypothesis, whose worth is learned from those that are
    believed or doubted anyhow: where praise goes to both alike, it tells nothing."""
    own = pl.DataFrame({"item": heard.item, "number": heard.label})
    thumbs = cast.select(
        pl.col("item").cast(pl.Int64), pl.col("number").cast(pl.Int64), "source", "votes"
    )
    up, down = (
        floats(
            own.join(
                thumbs.filter(source=source),
                on=["item", "number"],
                how="left",
                maintain_order="left",
            ).fill_null(0.0),
            "votes",
        )
        for source in (votes.THUMBS_UP, votes.THUMBS_DOWN)
    )
    right, wrong = (
        float((down @ share + THUMBS / 2) / ((up + down) @ share + THUMBS))
        for share in (was_right, 1 - was_right)
    )
    return (
        Reformulation(right, wrong).log_likelihood_ratio(up, down)
        if right < wrong
        else np.zeros(len(up))
    )


def calibrated(last: Round, cast: pl.DataFrame, bent: PlattScaling) -> Floats:
    """The belief of each cell: bent as the held-back users call for, and shared where users mean two
    things by one wording."""
    cells, belief = last.cells, last.estimate.belief.copy()
    best = cells.best(belief)
    sure = belief[best]
    rest = (1 - bent(sure)) / np.maximum(1 - sure, 1e-12)
    belief *= rest[cells.item]
    belief[best] = bent(sure)
    ends = cast.filter(pl.col("source") == votes.CHAIN_END)
    place = numbers(ends, "item"), numbers(ends, "number")
    moved = csr_matrix((floats(ends, "votes"), place), (len(cells.start) - 1, cells.labels))
    heard = last.heard
    moved = moved - heard.matrix(at(moved, heard.item, heard.label), moved.shape)
    most, there = row_max(moved), row_best(moved)
    whole = np.asarray(moved.sum(axis=1)).ravel()
    seen = ambiguity.Disagreement(
        heard.accepted, heard.reformulated, most[heard.item], whole[heard.item]
    )
    share = ambiguity.share_of_first(seen, last.rates)
    _keep_accepted(cells, belief, heard)
    for row in np.flatnonzero(np.isfinite(share)):
        item = heard.item[row]
        belief[cells.start[item] : cells.start[item + 1]] = 0.0
        two = cells.find(np.array([item, item]), np.array([heard.label[row], there[item]]))
        belief[two] = share[row], 1 - share[row]
    return belief


def _keep_accepted(cells: Cells, belief: Floats, heard: Heard) -> None:
    """A label with which many users stayed, and twice as many as reformulated, is not turned by those: where
    they would turn it, it is as probable as all others together."""
    safe = (heard.accepted >= MANY) & (heard.accepted >= 2 * heard.reformulated)
    mine = cells.find(heard.item[safe], heard.label[safe])
    for cell in mine[belief[mine] < TURNED]:
        others = slice(*cells.start[cells.item[cell] : cells.item[cell] + 2])
        belief[others] *= (1 - TURNED) / (1 - belief[cell])
        belief[cell] = TURNED


def teaching_weight(sure: Floats) -> Floats:
    """How much a wording teaches the reader, by how surely its best label is believed."""
    return np.asarray(np.maximum(0.0, (sure - 0.3) / 0.7) ** 2)


def numbers(rows: pl.DataFrame, column: str) -> Indices:
    return rows[column].to_numpy().astype(np.int64)


def floats(rows: pl.DataFrame, column: str) -> Floats:
    return rows[column].to_numpy().astype(np.float64)
