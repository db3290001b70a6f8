"""The tokens of a text, in any script, as places in it."""

import re
import unicodedata
from functools import cache

UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
JOINERS = "\u200c\u200d"  # invisible letters inside words of Persian and Indic scripts
Span = tuple[int, int]  # first character, and the one after the last


def tokens(text: str) -> list[Span]:
    """Words with their marks, other signs one by one; of scripts that do not space words, letters with their marks.

    >>> [text[start:end] for text in ["at 7pm, mum's"] for start, end in tokens(text)]
    ['at', '7pm', ',', 'mum', "'", 's']
    >>> tokens("音を")
    [(0, 1), (1, 2)]
    """
    found: list[Span] = []
    growing = ""
    for at, sign in enumerate(text):
        kind = _kind(sign)
        if (kind == "mark" and growing) or (kind == "letter" and growing == "letter"):
            found[-1] = (found[-1][0], at + 1)
        elif kind == "space":
            growing = ""
        else:
            found.append((at, at + 1))
            growing = "letter" if kind == "mark" else kind
    return found


@cache
def _kind(sign: str) -> str:
    """space, letter (digits, too), mark, alone (a letter of a script that does not space words) or sign."""
    category = unicodedata.category(sign)
    if sign.isspace() or category.startswith("Z"):
        return "space"
    if category.startswith("M") or sign in JOINERS:
        return "mark"
    if UNSPACED.match(sign):
        return "alone"
    return "letter" if category[0] in "LN" else "sign"
