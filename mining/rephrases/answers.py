"""The assistant's answers grouped into templates, without knowing its language or its purposes.

An answer is a frame with values in it: "The phone number of * is *". Words that many answers share are
the frame, the others are masked (the idea of log parsing, as in Drain: He et al. 2017, ICWS). A group
shows by what follows it whether such an answer goes on, asks, or repairs.

Notation and constants: docs/method.md, 2.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from mining.rephrases.overlap import TOKEN

Indices = npt.NDArray[np.int64]

SHARED = 0.004  # share of the answers of a locale in which a word of the frame occurs
FEWEST = 4  # answers in which it occurs at least
LONGEST = 60  # words that are read of an answer; the beginning tells what it is about
NO_ANSWER = -1


def templates(answers: pl.Series, locales: pl.Series, values: frozenset[str]) -> Indices:
    """The number of each answer's template; NO_ANSWER where there is none. `values` are words that fill
    slots in this log, and so never belong to a frame."""
    frame = pl.DataFrame({"locale": locales, "answer": answers}).with_row_index("row")
    known = frame.drop_nulls("answer").filter(pl.col("answer") != "")
    found = np.full(frame.height, NO_ANSWER, np.int64)
    first = 0
    for part in known.sort("locale", "row").partition_by("locale", maintain_order=True):
        distinct = part.group_by("answer").agg(turns=pl.len()).sort("answer")
        numbers = _masked(distinct["answer"].to_list(), distinct["turns"].to_numpy(), values)
        place = dict(zip(distinct["answer"], (numbers + first).tolist(), strict=True))
        found[part["row"].to_numpy()] = part["answer"].replace_strict(place, return_dtype=pl.Int64)
        first += int(numbers.max(initial=-1)) + 1
    return found


def _masked(answers: list[str], turns: Indices, values: frozenset[str]) -> Indices:
    """A number for each answer, the same where the frames are."""
    reader = CountVectorizer(token_pattern=TOKEN, lowercase=True, binary=True)
    try:
        counted = csr_matrix(reader.fit_transform(answers))
    except ValueError:  # no answer holds a word
        return np.zeros(len(answers), np.int64)
    often = np.asarray(counted.T @ turns).ravel()
    floor = max(FEWEST, SHARED * turns.sum())
    names = reader.get_feature_names_out()
    common = {w for w, n in zip(names, often, strict=True) if n >= floor and not w.isdigit()}
    frame = common - values
    read = reader.build_analyzer()
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(_frame(read(a), frame), len(seen)) for a in answers], np.int64)


def _frame(words: list[str], shared: set[str]) -> str:
    """The words with those that are not shared masked, runs of them as one."""
    kept: list[str] = []
    for word in words[:LONGEST]:
        shown = word if word in shared else "*"
        if shown != "*" or not kept or kept[-1] != "*":
            kept.append(shown)
    return " ".join(kept)
