"""What is seen at each token of a wording, hashed.

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Iterable, Iterator

from scipy.sparse import csr_matrix
from sklearn.feature_extraction import FeatureHasher

from warehouse.common.tokens import UNSPACED, Span

BUCKETS = 2**20
BEFORE, AFTER = ("<2", "<1"), (">1", ">2")  # what stands outside of a wording
BESIDE = 5  # letters that are seen on either side, where words are not spaced


def seen(wording: str, places: list[Span]) -> Iterator[list[str]]:
    """At each token: it and its neighbours, alone, in pairs and three by three; its beginnings, ends, three letters in a row,
    and its shape. Of scripts that do not space words, the letters around it, longer and longer."""
    said = [wording[start:end] for start, end in places]
    words = [*BEFORE, *map(str.casefold, said), *AFTER]
    for at, token in enumerate(said):
        a, b, w, c, d = words[at : at + 5]
        x = f"<{w}>"
        dense = UNSPACED.match(token) is not None
        start, end = places[at]
        yield [
            *(f"<{wording[max(0, start - n) : start]}" for n in range(3, BESIDE + 1) if dense),
            *(f">{wording[end : end + n]}" for n in range(3, BESIDE + 1) if dense),
            *(f"<={wording[max(0, start - n) : end]}" for n in range(2, BESIDE) if dense),
            *(f">={wording[start : end + n]}" for n in range(2, BESIDE) if dense),
            *(f"w={w}", f"-1={b}", f"-2={a}", f"+1={c}", f"+2={d}"),
            *(f"-10={b}|{w}", f"01={w}|{c}", f"-21={a}|{b}", f"12={c}|{d}", f"-11={b}|{c}"),
            *(f"-101={b}|{w}|{c}", f"shape={_shape(token)}", f"first={at == 0}"),
            *(f"p{n}={x[:n]}" for n in (2, 3, 4, 5)),
            *(f"s{n}={x[-n:]}" for n in (2, 3, 4, 5)),
            *(f"in={x[n : n + 3]}" for n in range(len(x) - 2)),
            *(f"-1s={b[-3:]}", f"+1s={c[-3:]}", f"-1p={b[:3]}", f"+1p={c[:3]}"),
        ]


def _shape(token: str) -> str:
    kinds = ["d" if c.isdigit() else "X" if c.isupper() else "x" for c in token]
    return "".join(kind for n, kind in enumerate(kinds) if n == 0 or kinds[n - 1] != kind)


def hashed(features: Iterable[list[str]]) -> csr_matrix:
    """tokens x BUCKETS (Weinberger et al. 2009)."""
    hasher = FeatureHasher(BUCKETS, input_type="string", alternate_sign=False)
    return csr_matrix(hasher.transform(features))
