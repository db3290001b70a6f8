"""What the assistant made of both turns of a pair: its hypotheses, the steps between them, and the slot values."""

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases.log import NONE, LogArrays, ranks, share

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# The later hypothesis: the earlier one, another that the assistant had of the earlier turn, neither.
SAME, AMONG, OTHER, UNKNOWN = range(4)
# The values of the later turn: those of the earlier one, some and others, another for the same slot, other slots.
RESTATED, RESTATED_AND_NEW, CORRECTED, OTHER_SLOTS, NO_SLOTS = range(5)


def intents(log: LogArrays, s: Indices, t: Indices, apart: Indices) -> dict[str, Floats]:
    """What the assistant made of both."""
    turns = log.turns
    if turns["best_intent"].null_count() == turns.height:
        names = ("intents", "shared n-best", "later among earlier", "executed", "later executed")
        more = ("confidence", "later confidence", "gained", "step", "step lift", "intent repeats")
        return dict.fromkeys((*names, *more), np.full(len(s), np.nan))
    executed = turns["executed"].to_numpy().astype(np.float64)
    sure = ranks(turns["best_confidence"])
    one, other = log.intent[s], log.intent[t]
    known = log.hypotheses
    shared = np.asarray(known[s].minimum(known[t]).sum(axis=1)).ravel()
    among = np.asarray(known[s, np.maximum(other, 0)]).ravel() * (other != NONE)
    relation = np.select(
        [(one == NONE) | (other == NONE), one == other, among > 0],
        [UNKNOWN, SAME, AMONG],
        OTHER,
    ).astype(np.float64)
    both = (one != NONE) & (other != NONE)
    goes = log.followed & (log.intent != NONE) & (log.intent[log.next] != NONE)
    step, lift = _habit(log, goes, one, other, both & (apart == 1))
    repeats = share(
        (log.intent == log.intent[log.next]).astype(float) * goes, np.where(goes, log.intent, NONE)
    )
    again = np.full(turns.height, np.nan)
    again[goes] = repeats[goes]
    return {
        "intents": relation,
        "shared n-best": shared,
        "later among earlier": among,
        "executed": executed[s],
        "later executed": executed[t],
        "confidence": sure[s],
        "later confidence": sure[t],
        "gained": sure[t] - sure[s],
        "step": np.where(both, step, np.nan),
        "step lift": np.where(both, lift, np.nan),
        "intent repeats": again[s],
    }


def _habit(
    log: LogArrays, goes: Bools, one: Indices, other: Indices, own: Bools
) -> tuple[Floats, Floats]:
    """Of each pair's hypotheses: the share of turns of the earlier one that the later one follows at once, and that beside how
    often the later one follows any, log scale. `goes` are turns that are followed by one with a hypothesis; a pair's
    `own` step is left out."""
    size = int(log.intent.max()) + 1
    after = log.intent[log.next]
    names, count = np.unique(log.intent[goes] * size + after[goes], return_counts=True)
    mine = own.astype(np.float64)
    asked = one * size + other
    place = np.minimum(np.searchsorted(names, asked), max(len(names) - 1, 0))
    same = names[place] == asked if len(names) else np.zeros(len(asked), bool)
    of_pair = np.maximum(np.where(same, count[place] if len(names) else 0, 0) - mine, 0.0)
    begins, ends = (np.bincount(x[goes], minlength=size) for x in (log.intent, after))
    of_source = np.maximum(begins[np.maximum(one, 0)] - mine, 0.0)
    overall = np.maximum(ends[np.maximum(other, 0)] - mine, 0.0) / max(float(goes.sum()), 1.0)
    chance = (of_pair + 0.5 * overall) / (of_source + 0.5)
    return chance, np.log((chance + 1e-4) / (overall + 1e-3))


def slots(log: LogArrays, s: Indices, t: Indices) -> dict[str, Floats]:
    """Whether the later turn restates a value, corrects it, or tells another."""
    rows = log.turns.select(
        pairs=pl.col("slots").list.eval(
            pl.element().struct.field("name")
            + "="
            + pl.element().struct.field("value").fill_null("")
        ),
        names=pl.col("slots").list.eval(pl.element().struct.field("name")),
    )
    if rows["pairs"].null_count() == rows.height:
        return {"slots": np.full(len(s), np.nan)}
    both = pl.concat(
        [rows[s], rows[t].rename({"pairs": "later", "names": "later_names"})], how="horizontal"
    )
    held = pl.col("pairs").list.set_intersection("later").list.len()
    named = pl.col("names").list.set_intersection("later_names").list.len()
    told = pl.when(
        (pl.col("pairs").list.len().fill_null(0) == 0)
        | (pl.col("later").list.len().fill_null(0) == 0)
    ).then(NO_SLOTS)
    relation = (
        told.when((held > 0) & (named == held) & (pl.col("later_names").list.len() == named))
        .then(RESTATED)
        .when(named > held)
        .then(CORRECTED)
        .when(held > 0)
        .then(RESTATED_AND_NEW)
        .otherwise(OTHER_SLOTS)
    )
    return {"slots": both.select(relation.cast(pl.Float64)).to_series().to_numpy()}
