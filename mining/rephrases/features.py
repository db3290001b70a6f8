"""Comparison features of a pair of turns (Fellegi and Sunter 1969 call them the comparison vector), told
relative to the log: ranks among random non-matches, shares of this log, never absolute lengths, so
that what is learned of them on one log holds on another. nan where the log does not tell.

Notation: docs/method.md, 2.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases import habits, interpretations
from mining.rephrases.log import LogArrays
from mining.rephrases.siblings import turns_taken

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """`values`: rows x `names`."""

    names: list[str]
    values: npt.NDArray[np.float32]


def compare(pairs: pl.DataFrame, log: LogArrays) -> Features:
    """A row a pair of `pairs` (ordered by target, nearest source first)."""
    s, t = log.at(pairs["source_turn_id"]), log.at(pairs["target_turn_id"])
    apart = pairs["apart"].to_numpy().astype(np.int64)
    text = _text(log, s, t)
    found = (
        text
        | _order(s, t, text["tail"])
        | _around(log, pairs, s, t, apart)
        | interpretations.intents(log, s, t, apart)
        | interpretations.slots(log, s, t)
        | habits.answers(log, s, t, apart, text["tail"])
        | habits.wordings(log, s, t, text["tail"])
    )
    return Features(list(found), np.column_stack(list(found.values())).astype(np.float32))


def _text(log: LogArrays, s: Indices, t: Indices) -> dict[str, Floats]:
    """How alike the wordings are, and what each has of the other."""
    alike, shared = log.alike(s, t), log.shared(s, t)
    tail, contained_tail, jaccard_tail = (np.zeros(len(s)) for _ in range(3))
    excess = np.zeros(len(s))
    for locale in np.unique(log.locale[s]):
        rows = np.flatnonzero(log.locale[s] == locale)
        left, right = log.random_pairs(int(locale))
        if not len(left):
            continue
        random = np.sort(log.alike(left, right))
        tail[rows] = _tail(alike[rows], random)
        among = log.shared(left, right)
        contained_tail[rows] = _tail(
            shared.contained[rows] * shared.rarest[rows], np.sort(among.contained * among.rarest)
        )
        jaccard_tail[rows] = _tail(shared.jaccard[rows], np.sort(among.jaccard))
        excess[rows] = _excess(tail[rows], _tail(random, random))
    counts = log.words.count[log.wording]
    same = (log.wording[s] == log.wording[t]).astype(np.float64)
    removed, added = 1 - shared.in_target, 1 - shared.in_source
    return {
        "alike": alike,
        "tail": tail,
        "excess": excess,
        "contained": shared.contained,
        "contained tail": contained_tail,
        "jaccard": shared.jaccard,
        "jaccard tail": jaccard_tail,
        "in source": shared.in_source,
        "in target": shared.in_target,
        "rarest": shared.rarest,
        "same": same,
        "source length": log.length[s],
        "target length": log.length[t],
        "longer": np.log2((counts[t] + 1) / (counts[s] + 1)),
        "new": added * shared.target_mass,
        "gone": removed * shared.source_mass,
        "siblings": turns_taken(log, s, t),
    }


def _tail(values: Floats, random: Floats) -> Floats:
    """-log10 of the share of `random` (sorted) that is at least as large."""
    larger = len(random) - np.searchsorted(random, values, "left")
    return np.asarray(-np.log10((larger + 0.5) / (len(random) + 1)))


def _excess(tail: Floats, random: Floats) -> Floats:
    """The share of pairs this alike that are more than chance has: 1 - the ratio of densities, as local
    false discovery rates are told (Efron 2004, JASA 99:96)."""
    edges = np.array([0.3, 0.6, 1.0, 1.4, 1.8, 2.3, 3.0, 3.8])
    place, other = np.digitize(tail, edges), np.digitize(random, edges)
    ours = (np.bincount(place, minlength=len(edges) + 1) + 0.5) / (len(tail) + 1)
    theirs = (np.bincount(other, minlength=len(edges) + 1) + 0.5) / (len(random) + 1)
    ratio = np.maximum.accumulate(1 - np.minimum(theirs / ours, 1.0))
    return np.asarray(ratio[place])


def _order(s: Indices, t: Indices, tail: Floats) -> dict[str, Floats]:
    """How the pair stands beside the other candidates of its source and of its target."""
    rows = pl.DataFrame({"s": s, "t": t, "tail": tail})
    best_of = {
        name: (pl.col("tail") - pl.col("tail").max().over(name)).alias(name) for name in ("s", "t")
    }
    known = rows.select(
        best_of["s"],
        best_of["t"],
        nearer=pl.col("tail").cum_max().shift(1, fill_value=0.0).over("t"),
    )
    return {
        "best of source": known["s"].to_numpy(),
        "best of target": known["t"].to_numpy(),
        "nearer source": known["nearer"].to_numpy(),
    }


def _around(
    log: LogArrays, pairs: pl.DataFrame, s: Indices, t: Indices, apart: Indices
) -> dict[str, Floats]:
    """Time, place in the session, and what the log says of how it went."""
    seconds = np.log(pairs["seconds"].to_numpy() + 0.5)
    near = np.sort(seconds[apart == 1])
    turns = log.turns
    place = turns["place"].to_numpy().astype(np.float64)
    cut = turns["interrupted"].cast(pl.Float64).to_numpy()
    thumbs = turns["feedback"].cast(pl.Float64).to_numpy()
    return {
        "apart": apart.astype(np.float64),
        "seconds": np.searchsorted(near, seconds) / max(len(near), 1),
        "place": np.minimum(place[s], 8.0),
        "later is followed": log.followed[t].astype(np.float64),
        "outcome": log.outcome[s],
        "outcome of the later": log.outcome[t],
        "interrupted": cut[s],
        "feedback": thumbs[s],
    }
