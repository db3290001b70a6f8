"""Comparison features of a pair of turns (Fellegi and Sunter 1969 call them the comparison vector), told
relative to the log: ranks among random non-matches, shares of this log, never absolute lengths, so
that what is learned of them on one log holds on another. nan where the log does not tell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases.log import NONE, Log, share
from mining.rephrases.siblings import turns_taken

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TAIL = 1.0  # -log10 of the share of random non-matches that are more alike, from which a pair resembles
MOST_USERS = 4
RESTATED, RESTATED_AND_NEW, CORRECTED, OTHER_SLOTS, NO_SLOTS = range(5)
SAME, AMONG, OTHER, UNKNOWN = range(4)


@dataclass(frozen=True)
class Features:
    """`values`: rows x `names`."""

    names: list[str]
    values: npt.NDArray[np.float32]

    def take(self, rows: Indices | Bools) -> "Features":
        return Features(self.names, self.values[rows])


def compare(pairs: pl.DataFrame, log: Log) -> Features:
    """A row a pair of `pairs` (ordered by target, nearest source first)."""
    s, t = log.at(pairs["source_turn_id"]), log.at(pairs["target_turn_id"])
    apart = pairs["apart"].to_numpy().astype(np.int64)
    text = _text(log, s, t)
    found = (
        text
        | _order(pairs, s, t, apart, text["tail"])
        | _around(log, pairs, s, t, apart)
        | _intents(log, s, t, apart)
        | _slots(log, s, t)
        | _answers(log, s, t, apart, text["tail"])
        | _habits(log, s, t, apart, text["tail"])
    )
    return Features(list(found), np.column_stack(list(found.values())).astype(np.float32))


def _text(log: Log, s: Indices, t: Indices) -> dict[str, Floats]:
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
    middle = max(float(np.median(counts)), 1.0)
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
        "source length": np.log2((counts[s] + 1) / middle),
        "target length": np.log2((counts[t] + 1) / middle),
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


def _order(
    pairs: pl.DataFrame, s: Indices, t: Indices, apart: Indices, tail: Floats
) -> dict[str, Floats]:
    """How the pair stands beside the other candidates of its source and of its target."""
    rows = pl.DataFrame({"s": s, "t": t, "tail": tail, "apart": apart})
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
    log: Log, pairs: pl.DataFrame, s: Indices, t: Indices, apart: Indices
) -> dict[str, Floats]:
    """Time, place in the session, and what the log says of how it went."""
    seconds = np.log(pairs["seconds"].to_numpy() + 0.5)
    near = np.sort(seconds[apart == 1])
    turns = log.turns
    place = turns["place"].to_numpy().astype(np.float64)
    outcome = turns["outcome"].replace_strict(
        {"failure": 0.0, "success": 1.0}, default=None, return_dtype=pl.Float64
    )
    went = outcome.to_numpy()
    cut = turns["interrupted"].cast(pl.Float64).to_numpy()
    thumbs = turns["feedback"].cast(pl.Float64).to_numpy()
    return {
        "apart": apart.astype(np.float64),
        "seconds": np.searchsorted(near, seconds) / max(len(near), 1),
        "place": np.minimum(place[s], 8.0),
        "later is followed": log.followed[t].astype(np.float64),
        "outcome": went[s],
        "outcome of the later": went[t],
        "interrupted": cut[s],
        "feedback": thumbs[s],
    }


def _intents(log: Log, s: Indices, t: Indices, apart: Indices) -> dict[str, Floats]:
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
    goes = log.followed & (log.intent != NONE) & (log.intent[log.next] != NONE)
    step = np.where(goes, log.intent * (log.intent.max() + 1) + log.intent[log.next], NONE)
    here = (apart == 1) & (one != NONE) & (other != NONE)
    pair_step = np.where(
        (one != NONE) & (other != NONE), one * (log.intent.max() + 1) + other, NONE
    )
    of_pair, of_source, of_target, whole = _steps(log, step, goes, pair_step, one, other, here)
    chance = (of_pair + 0.5 * of_target / max(whole, 1)) / (of_source + 0.5)
    lift = np.log((chance + 1e-4) / (of_target / max(whole, 1) + 1e-3))
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
        "step": np.where(pair_step != NONE, chance, np.nan),
        "step lift": np.where(pair_step != NONE, lift, np.nan),
        "intent repeats": again[s],
    }


def _steps(
    log: Log, step: Indices, goes: Bools, asked: Indices, one: Indices, other: Indices, own: Bools
) -> tuple[Floats, Floats, Floats, float]:
    """How many turns make each asked step of intents, begin like it, end like it; and all steps. The
    pair's own step is left out."""
    names, count = np.unique(step[goes], return_counts=True)
    mine = own.astype(np.float64)
    if len(names):
        place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
        of_pair = np.where(names[place] == asked, count[place], 0) - mine
    else:
        of_pair = np.zeros(len(asked))
    size = int(log.intent.max()) + 1
    begins = np.bincount(log.intent[goes], minlength=size)
    ends = np.bincount(log.intent[log.next][goes], minlength=size)
    return (
        np.maximum(of_pair, 0.0),
        np.maximum(begins[np.maximum(one, 0)] - mine, 0.0),
        np.maximum(ends[np.maximum(other, 0)] - mine, 0.0),
        float(goes.sum()),
    )


def _slots(log: Log, s: Indices, t: Indices) -> dict[str, Floats]:
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


def _answers(log: Log, s: Indices, t: Indices, apart: Indices, tail: Floats) -> dict[str, Floats]:
    """What the assistant's answers show: whether they repair, ask, or go on."""
    template = log.template
    names = (
        "repeated itself",
        "same answer",
        "template is repeated",
        "template repeats itself",
        "template fails",
        "template is followed",
        "common template",
        "echo",
        "later echo",
        "later in answer",
        "same prompt",
        "asks",
        "asked",
        "prompt is repeated",
        "later template fails",
    )
    if (template == NONE).all():
        return dict.fromkeys(names, np.full(len(s), np.nan))
    near = apart == 1
    resembles = np.zeros(len(template))
    resembles[s[near]] = (tail[near] >= TAIL).astype(float)
    stepped = np.where(log.followed, template, NONE)
    repeated = share(resembles, stepped)
    itself = share((template == template[log.next]).astype(float), stepped)
    failed = (~log.turns["executed"].to_numpy()).astype(float)
    if log.intent.max() == NONE:
        failed = (log.turns["outcome"] == "failure").fill_null(value=False).to_numpy().astype(float)
    fails = share(failed, template)
    follows = share(log.followed.astype(float), template)
    often = np.bincount(template[template != NONE])
    common = np.where(
        template == NONE, np.nan, np.log10(often[np.maximum(template, 0)] / len(template))
    )
    question = log.turns["response"].str.contains(r"[?？؟]\s*$").cast(pl.Float64).to_numpy()
    before = np.where(log.opens, np.nan, np.concatenate([[np.nan], question[:-1]]))
    missing = (template[s] == NONE) | (log.prompt[s] == NONE)
    both = (template[s] == NONE) | (template[t] == NONE)
    return {
        "repeated itself": np.where(missing, np.nan, template[s] == log.prompt[s]),
        "same answer": np.where(both, np.nan, template[s] == template[t]),
        "template is repeated": repeated[s],
        "template repeats itself": itself[s],
        "template fails": fails[s],
        "later template fails": fails[t],
        "template is followed": follows[s],
        "common template": common[s],
        "echo": log.echo[s],
        "later echo": log.echo[t],
        "later in answer": log.echoed(s, t),
        "same prompt": np.where(
            (log.prompt[s] == NONE) | (log.prompt[t] == NONE),
            np.nan,
            log.prompt[s] == log.prompt[t],
        ),
        "asks": question[s],
        "asked": before[s],
        "prompt is repeated": np.where(
            log.prompt[s] == NONE, np.nan, _by_key(repeated, template)[log.prompt[s]]
        ),
    }


def _by_key(values: Floats, key: Indices) -> Floats:
    """The mean of the values of each key; the last place is for NONE."""
    size = int(key.max(initial=0)) + 2
    known = (key != NONE) & np.isfinite(values)
    whole = np.bincount(key[known], values[known], size)
    count = np.bincount(key[known], minlength=size)
    return np.where(count > 0, whole / np.maximum(count, 1), np.nan)


def _habits(log: Log, s: Indices, t: Indices, apart: Indices, tail: Floats) -> dict[str, Floats]:
    """What people do with these wordings elsewhere."""
    w = log.wording
    rows = pl.DataFrame({"a": w[s], "b": w[t], "u": log.user[s]})
    others = rows.select(pl.col("u").n_unique().over("a", "b") - 1).to_series().to_numpy()
    said = pl.DataFrame({"w": w, "u": log.user}).group_by("w").agg(pl.col("u").n_unique()).sort("w")
    users = said["u"].to_numpy() / max(1, len(np.unique(log.user)))
    resembling = (tail >= TAIL).astype(float)
    opener = openers(log)[t]
    return {
        "others too": np.minimum(others, MOST_USERS).astype(float),
        "others too, of its users": others / np.maximum(said["u"].to_numpy()[w[s]] - 1, 1),
        "source users": np.log10(users[w[s]]),
        "target users": np.log10(users[w[t]]),
        "source is followed": share(log.followed.astype(float), w)[s],
        "target is followed": share(log.followed.astype(float), w)[t],
        "source opens": share(log.opens.astype(float), w)[s],
        "target opens": share(log.opens.astype(float), w)[t],
        "earlier resembles": share(resembling, w[s]),
        "later resembles": share(resembling, w[t]),
        "opening resembles": share(resembling, opener),
    }


def openers(log: Log) -> Indices:
    """The first word of each turn, as a number; NONE where it has none."""
    first = log.turns["utterance"].str.to_lowercase().str.extract(r"^\W*([\w'’]+)", 1)
    return first.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1


def ranks(column: pl.Series) -> Floats:
    """The rank of each value among all, 0..1; nan where missing."""
    known = column.drop_nulls().sort().to_numpy()
    if not len(known):
        return np.full(len(column), np.nan)
    low = np.searchsorted(known, column.fill_null(0.0).to_numpy(), "left")
    high = np.searchsorted(known, column.fill_null(0.0).to_numpy(), "right")
    return np.where(column.is_null().to_numpy(), np.nan, (low + high) / 2 / len(known))
