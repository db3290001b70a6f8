"""From what users did to what each wording means: soft labels, a locale at a time.

Three voices, none of which is the truth: the assistant's hypotheses, convicted by the users who fled
them (`fleeing`); a reader of the words that never saw the wording (`reader`); and the wordings with
which users ended up. The reader learns from what is believed, and what is believed from the reader,
for a few rounds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import softmax

from aggregation.fleeing import Hypotheses, calibrate, judge
from aggregation.reader import Texts, read

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

ROUNDS = 2
TRUST = 0.4  # exponent on what a move says: its two ends were read by one and the same assistant
SLIP = 0.03  # chance that a move joins two meanings after all
TINY = 1e-9
SMALLEST = 0.002  # a probability below it is not kept
MOST_LABELS = 20


@dataclass(frozen=True)
class Evidence:
    """One locale: `utterances` and `moves` of the lake, and `seed` (`utterance, intent`)."""

    utterances: pl.DataFrame
    moves: pl.DataFrame
    seed: pl.DataFrame


def believe(utterances: pl.DataFrame, moves: pl.DataFrame, seed: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, probability` of what is believed; moves and seed as in the lake."""
    found = []
    for (locale,), part in sorted(utterances.partition_by("locale", as_dict=True).items()):
        evidence = Evidence(
            part, moves.filter(pl.col("locale") == locale), seed.filter(pl.col("locale") == locale)
        )
        found.append(believe_locale(evidence).select(pl.lit(locale).alias("locale"), pl.all()))
    schema = {
        "locale": pl.String(),
        "utterance": pl.String(),
        "label": pl.String(),
        "probability": pl.Float64(),
    }
    return pl.concat([pl.DataFrame(schema=schema), *found])


def believe_locale(evidence: Evidence) -> pl.DataFrame:
    """`utterance, label, probability`; a wording's probabilities sum to at most 1."""
    wordings = evidence.utterances["utterance"].unique().sort().to_list()
    heard = evidence.utterances.filter(pl.col("intent") != "")
    labels = sorted({*heard["intent"], *evidence.seed["intent"]})
    if not labels:
        return pl.DataFrame(
            schema={"utterance": pl.String(), "label": pl.String(), "probability": pl.Float64()}
        )
    place = {u: i for i, u in enumerate(wordings)}
    number = {label: i for i, label in enumerate(labels)}
    texts = Texts.of(
        wordings,
        evidence.seed["utterance"].to_list(),
        np.array([number[x] for x in evidence.seed["intent"]], np.int64),
    )
    row = np.array([place[u] for u in heard["utterance"]], np.int64)
    column = np.array([number[x] for x in heard["intent"]], np.int64)
    moved = _moved(evidence.moves, place)
    belief, weight = _first_guess(heard, row, column, (len(wordings), len(labels)))
    for _ in range(ROUNDS):
        words = read(texts, belief, weight)
        own = _judged(heard, row, column, words, moved, texts.folds)
        belief = softmax(own + _ends(moved, own), axis=1)
        weight = (np.maximum(0.0, belief.max(axis=1) - 0.3) / 0.7) ** 2
    return _long(belief, wordings, labels)


def _first_guess(
    heard: pl.DataFrame, row: Indices, column: Indices, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Before any reader: a hypothesis is as good as the share of its users who stayed."""
    fled, users = heard["fled"].to_numpy(), heard["executed_users"].to_numpy()
    stayed = np.where(users > 0, (users - fled + 0.5) / (users + 1), 0.3)
    belief = np.full(shape, 1e-4)
    belief[row, column] += stayed
    weight = np.zeros(shape[0])
    np.maximum.at(weight, row, np.where(stayed > 0.5, stayed, 0.0))
    return belief / belief.sum(axis=1, keepdims=True), weight


def _judged(
    heard: pl.DataFrame,
    row: Indices,
    column: Indices,
    words: Floats,
    moved: csr_matrix,
    folds: Indices,
) -> Floats:
    """wordings x labels, log scale: each hypothesis at its odds, the rest as the reader has it.

    Nobody can flee what was never executed: how good such hypotheses are is told by the wordings
    with which their users ended up.
    """
    users, executed = heard["users"].to_numpy(), heard["executed_users"].to_numpy()
    fled = np.minimum(heard["fled"].to_numpy(), executed)
    best_other = words.copy()
    best_other[row, column] = -np.inf
    signs = np.column_stack(
        [
            heard["confidence"].fill_null(-1.0).to_numpy(),
            words[row, column],
            best_other.max(axis=1)[row],
        ]
    )
    rows = Hypotheses(
        label=column,
        stayed=executed - fled,
        fled=fled,
        ignored=(users - executed).astype(np.float64),
        fled_ignored=heard["fled_unexecuted"].to_numpy(),
        signs=np.maximum(signs, -30.0),
        fold=folds[row],
    )
    was_right, rates = judge(rows, words.shape[1])
    judged = _filled(words, row, column, rates.odds(was_right, rows.stayed, rows.fled))
    unheard = executed == 0
    told = _told_by_ends(moved, judged, np.unique(row[~unheard]))
    was_right[unheard] = calibrate(was_right[unheard], told[row[unheard], column[unheard]])
    return _filled(words, row, column, rates.odds(was_right, rows.stayed, rows.fled))


def _filled(words: Floats, row: Indices, column: Indices, odds: Floats) -> Floats:
    """wordings x labels, log scale: the hypotheses at their odds, the rest shared as the reader does."""
    rest = np.exp(words)
    rest[row, column] = 0.0
    filled: Floats = np.log(rest / np.maximum(rest.sum(axis=1, keepdims=True), TINY) + TINY)
    filled[row, column] = odds
    return filled


def _told_by_ends(moved: csr_matrix, judged: Floats, heard: Indices) -> Floats:
    """wordings x labels: the mean belief of the wordings with which users ended up and whose own
    hypothesis was executed; NaN where there is none."""
    executed = np.zeros(moved.shape[0])
    executed[heard] = 1.0
    sure = csr_matrix(moved.multiply(executed))
    mass = np.asarray(sure.sum(axis=1)).ravel()
    with np.errstate(invalid="ignore"):
        return np.asarray((sure @ softmax(judged, axis=1)) / mass[:, None])


def _moved(moves: pl.DataFrame, place: dict[str, int]) -> csr_matrix:
    """source x target: how surely the two say the same, at most 1 in all for a source."""
    known = moves.filter(pl.col("source").is_in(place) & pl.col("target").is_in(place))
    sources = np.array([place[u] for u in known["source"]], np.int64)
    targets = np.array([place[u] for u in known["target"]], np.int64)
    sure = known["p_kept"].to_numpy()
    total = np.bincount(sources, sure, len(place))
    return csr_matrix(
        (sure / np.maximum(1.0, total[sources]), (sources, targets)), (len(place),) * 2
    )


def _ends(moved: csr_matrix, own: Floats) -> Floats:
    """wordings x labels: what the wordings with which users ended up say, as a log factor."""
    labels = own.shape[1]
    meant = np.log((1 - SLIP) * softmax(own, axis=1) + SLIP / labels) + np.log(labels)
    return np.asarray(TRUST * (moved @ meant))


def _long(belief: Floats, wordings: list[str], labels: list[str]) -> pl.DataFrame:
    order = np.argsort(-belief, axis=1, kind="stable")[:, :MOST_LABELS]
    kept = np.take_along_axis(belief, order, axis=1)
    rows, columns = np.nonzero(kept >= SMALLEST)
    return pl.DataFrame(
        {
            "utterance": np.array(wordings, dtype=object)[rows],
            "label": np.array(labels, dtype=object)[order[rows, columns]],
            "probability": np.round(kept[rows, columns], 6),
        },
        schema={"utterance": pl.String(), "label": pl.String(), "probability": pl.Float64()},
    )
