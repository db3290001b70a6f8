"""Turns that answer the assistant's question: "for when?", "tomorrow". Logged under the intent that was running, they are
no wordings of it. Where the log names the slot that was asked for, it is believed; else the answers tell.

Where the assistant hears an answer as an intent of its own (affirm, inform), it is a wording of that and stays.

Notation and constants: docs/method.md, 2.
"""

import re
from collections import Counter

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases.log import NONE, LogArrays, share
from mining.rephrases.overlap import TOKEN

Bools = npt.NDArray[np.bool_]

ASKS = 0.5  # share of the turns after an answer of the assistant that go on with its intent, from which it asks
COVERED = 0.5  # share of an answer's words, weighed by rarity, that are values
FEW = 3  # words of an answer in which no value was heard
OPENS = 0.25  # share of a wording's turns that open a session, up to which it may be an answer


def answering(log: LogArrays) -> pl.DataFrame:
    """`turn_id, day, locale, utterance` of the turns that answer."""
    if log.turns.is_empty():
        return log.turns.select("turn_id", "day", "locale", "utterance")
    intent = log.intent
    before = np.concatenate([[NONE], intent[:-1]])
    running = ~log.opens & (intent != NONE) & (intent == before)
    goes_on = share(running.astype(np.float64), log.prompt)
    asks = np.nan_to_num(goes_on) >= ASKS
    asks |= log.asked == 1
    covered = _covered(log)
    short = log.words.count[log.wording] <= FEW
    seldom_opens = share(log.opens.astype(np.float64), log.wording) <= OPENS
    said = np.where(np.isnan(covered), short & seldom_opens, covered >= COVERED)
    prompted = log.prompted & (running | log.opens | (intent == NONE))
    chosen = pl.Series(prompted | (running & asks & said))
    return log.turns.filter(chosen).select("turn_id", "day", "locale", "utterance")


def _covered(log: LogArrays) -> npt.NDArray[np.float64]:
    """The share of each turn's words that its slot values hold, a rare word counting more; nan without values."""
    size = log.turns.height
    often: Counter[str] = Counter()
    texts = log.turns["utterance"][log.first_of_wording].to_list()
    for text, count in zip(texts, np.bincount(log.wording).tolist(), strict=True):
        often.update(dict.fromkeys(re.findall(TOKEN, text.lower()), count))
    values = pl.col("slots").list.eval(pl.element().struct.field("value"))
    heard = log.turns.select("utterance", values=values)
    distinct = heard.unique(maintain_order=True)
    shares = [_share(text, held, often, size) for text, held in distinct.iter_rows()]
    told = distinct.with_columns(covered=pl.Series(shares, dtype=pl.Float64))
    found = heard.join(
        told, on=["utterance", "values"], how="left", nulls_equal=True, maintain_order="left"
    )
    return found["covered"].fill_null(np.nan).to_numpy()


def _share(
    text: str, held: list[str | None] | None, often: Counter[str], size: int
) -> float | None:
    """Of one wording's words, which share its values hold; None without values or words."""
    words = set(re.findall(TOKEN, text.lower()))
    if not held or not words:
        return None
    known = {w for v in held if v for w in re.findall(TOKEN, v.lower())}
    weight = {w: np.log1p(size) - np.log(often[w]) for w in words}
    return float(sum(weight[w] for w in words & known) / max(sum(weight.values()), 1e-9))
