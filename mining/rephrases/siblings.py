"""Siblings are not rephrases: "next bus", "previous bus". Two wordings that differ in one place, where
the frame around the place is filled by many values that people say often, take turns in it.

Notation and constants: docs/method.md, 2.
"""

import re
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from mining.rephrases.overlap import TOKEN

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Frame = tuple[tuple[str, ...], tuple[str, ...]]

LONGEST = 14  # words of a wording whose frames are looked for
LONGEST_VALUE = 3  # words of what fills a frame
MOST = 6.0


def turns_taken(log: "Log", s: Indices, t: Indices) -> Floats:  # type: ignore[name-defined]  # noqa: F821
    """How many wordings, log2, fill the frame that the two of a pair share in one place; 0 where they do
    not differ in one place alone."""
    texts = log.turns["utterance"][log.first_of_wording].to_list()
    split = [tuple(re.findall(TOKEN, text.lower())) for text in texts]
    keys, place = np.unique(log.wording[s] * len(texts) + log.wording[t], return_inverse=True)
    frames = [_frame(split[k // len(texts)], split[k % len(texts)]) for k in keys.tolist()]
    wanted = {f for f in frames if f}
    filled = _filled(split, wanted)
    found = np.array([min(MOST, np.log2(filled[f])) if f else 0.0 for f in frames])
    return found[place] if len(found) else np.zeros(len(s))


def _frame(one: tuple[str, ...], other: tuple[str, ...]) -> Frame | None:
    """What two wordings have in common before and after the one place where they differ."""
    if one == other or not one or not other or max(len(one), len(other)) > LONGEST:
        return None
    least = min(len(one), len(other))
    before = next((i for i in range(least) if one[i] != other[i]), least)
    after = next((i for i in range(least - before) if one[-1 - i] != other[-1 - i]), least - before)
    gaps = len(one) - before - after, len(other) - before - after
    if not before + after or min(gaps) < 1 or max(gaps) > LONGEST_VALUE:
        return None
    return one[:before], one[len(one) - after :] if after else ()


def _filled(split: list[tuple[str, ...]], wanted: set[Frame]) -> dict[Frame, int]:
    """In how many wordings each frame is filled."""
    found: dict[Frame, int] = defaultdict(lambda: 1)
    if not wanted:
        return found
    for words in set(split):
        if len(words) > LONGEST:
            continue
        for start in range(len(words)):
            for end in range(start + 1, min(start + LONGEST_VALUE, len(words)) + 1):
                frame = words[:start], words[end:]
                if frame in wanted:
                    found[frame] += 1
    return found
