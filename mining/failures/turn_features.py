"""What of a turn tells whether it failed its user, relative to the log: a row a turn. nan where the log does not tell.

That somebody goes on is no sign of failure where everybody goes on. What is told of coming back is the probability
that the same was said again, and how often that happens after such an answer, such a wording, such an
interpretation, of others.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.failures.hypothesis_features import KEY, beside
from mining.rephrases.features import Features
from mining.rephrases.habits import openers
from mining.rephrases.log import NONE, LogArrays, mean_by, ranks, share

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def signs(log: LogArrays, pairs: pl.DataFrame, neighbours: pl.DataFrame) -> Features:
    """The features of each turn of the log. `pairs` have their `p_rephrase`; `neighbours` of the wordings, with their
    `similarity`."""
    s, t = log.at(pairs["source_turn_id"]), log.at(pairs["target_turn_id"])
    p = pairs["p_rephrase"].to_numpy()
    again, says_again = np.zeros(log.turns.height), np.zeros(log.turns.height)
    np.maximum.at(again, s, p)
    np.maximum.at(says_again, t, p)
    at_once = t == s + 1
    told = (
        _said_again(log, again, says_again)
        | _next(log, t[at_once], p[at_once])
        | _neighbours(log, again, neighbours)
        | _assistant(log)
        | _answer(log, again)
        | _place(log)
    )
    return Features(list(told), np.column_stack(list(told.values())).astype(np.float32))


def _said_again(log: LogArrays, again: Floats, says_again: Floats) -> dict[str, Floats]:
    """Whether it was said again, whether it says something again, and how often others did."""
    return {
        "said again": again,
        "says again": says_again,
        "wording is said again": share(again, log.ran),
        "wording says again": share(says_again, log.ran),
        "intent is said again": share(again, log.intent),
        "intent says again": share(says_again, log.intent),
    }


def _next(log: LogArrays, t: Indices, p: Floats) -> dict[str, Floats]:
    """How often what opens as the next turn does, and what is worded so, says again what went before: a "no" in any
    language. `p` are the probabilities of turns `t` to say the turn before again."""
    following = np.where(log.followed, log.next, 0)
    found = {}
    for name, key in (
        ("next opens as corrections do", openers(log)),
        ("next wording says again", log.wording),
    ):
        of_turn = np.full(len(following), np.nan)
        of_turn[t] = share(p, key[t])
        found[name] = np.where(log.followed, of_turn[following], np.nan)
    return found


def _neighbours(log: LogArrays, again: Floats, neighbours: pl.DataFrame) -> dict[str, Floats]:
    """How often others say again what is said most like it and was taken for the same, and which share of what is
    like it was taken for the same."""
    turns = log.turns.select(
        "locale",
        utterance="ran",
        intent=pl.col("best_intent").fill_null(""),
        again=pl.Series(again),
    )
    rows = turns.group_by(KEY).agg(told=pl.col("again").sum(), said=pl.len().cast(pl.Float64))
    mean = float(again.mean()) if len(again) else 0.0
    told = beside(rows, neighbours).select(
        *KEY, "agree", near=(pl.col("told") + mean) / (pl.col("said") + 1)
    )
    found = turns.join(told, on=KEY, how="left", maintain_order="left")
    return {
        "neighbours are said again": found["near"].cast(pl.Float64).to_numpy(),
        "neighbours are taken for the same": found["agree"].cast(pl.Float64).to_numpy(),
    }


def _assistant(log: LogArrays) -> dict[str, Floats]:
    """What the assistant said of its own hypothesis."""
    turns = log.turns
    executed = log.turns["executed"].to_numpy().astype(np.float64)
    known = turns["best_intent"].null_count() < turns.height
    sure = turns["best_confidence"].to_numpy().astype(np.float64)
    unknown = np.full(len(executed), np.nan)
    confidence = ranks(turns["best_confidence"])
    return {
        "executed": executed if known else unknown,
        "confidence": confidence,
        "sure": sure,
        "ahead": sure - _second(turns["n_best"]),
        "confidence of the wording": share(np.nan_to_num(confidence, nan=0.5), log.wording),
        "executed of the intent": share(executed, log.intent) if known else unknown,
        "outcome": log.outcome,
        "interrupted": turns["interrupted"].cast(pl.Float64).to_numpy(),
        "feedback": turns["feedback"].cast(pl.Float64).to_numpy(),
    }


def _second(n_best: pl.Series) -> Floats:
    """The second highest confidence of each list; 0 where it has none."""
    told = pl.DataFrame({"n_best": n_best}).with_row_index("row").explode("n_best")
    confidences = told.select("row", sure=pl.col("n_best").struct.field("confidence")).drop_nulls()
    best = confidences.sort("row", "sure", descending=[False, True])
    place = pl.int_range(pl.len()).over("row")
    second = best.filter(place == 1)
    found = np.zeros(len(n_best))
    found[second["row"].to_numpy()] = second["sure"].to_numpy()
    return found


def _answer(log: LogArrays, again: Floats) -> dict[str, Floats]:
    """What the answer shows."""
    template = log.template
    following = np.where(log.followed, template, NONE)
    executed = log.turns["executed"].to_numpy().astype(np.float64)
    itself = np.where(log.followed, (template == template[log.next]).astype(float), np.nan)
    return {
        "template is said again": share(again, template),
        "template executes": share(executed, template),
        "template repeats itself": share(np.nan_to_num(itself), following),
        "repeats itself": itself,
        "repeated itself": log.repeated_itself,
        "common template": log.common_template,
        "template is followed": share(log.followed.astype(float), template),
        "prompt is said again": mean_by(again, template)[log.prompt],
        "asks": log.asks,
        "echo": log.echo,
    }


def _place(log: LogArrays) -> dict[str, Floats]:
    """Where it stands in its session, and how often it is said."""
    turns = log.turns
    wait = turns["next_ms"].to_numpy().astype(np.float64)
    counts = log.words.count[log.wording]
    return {
        "followed": log.followed.astype(np.float64),
        "wait": ranks(pl.Series(wait, nan_to_null=True)),
        "place": np.minimum(turns["place"].to_numpy().astype(np.float64), 8.0),
        "wording is followed": share(log.followed.astype(float), log.wording),
        "wording opens": share(log.opens.astype(float), log.wording),
        "users": log.popularity[log.wording],
        "length": log.length,
        "rarity": log.words.mass[log.wording] / np.maximum(counts, 1),
    }
