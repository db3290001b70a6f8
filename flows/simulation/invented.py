"""Languages that nobody speaks: words of made-up syllables, wishes of made-up words. What is learned from them cannot
hang on the words of any language."""

from collections.abc import Callable

import numpy as np

from flows.simulation.corpus import Language, Talk, Wording

Word = Callable[[], str]

CONSONANTS = [*"bdfgklmnprstvz", "sh", "ch", "tr", "st"]
VOWELS = [*"aeiou", "ai", "ou"]
UNSPACED = 0.12  # share of languages written without spaces
LETTERS = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワ"


def invent(locale: str, rng: np.random.Generator) -> Language:
    """A language with its wishes and its talk."""
    spaced = rng.random() >= UNSPACED
    word = _speller(rng, spaced=spaced)
    space = " " if spaced else ""
    small = [word() for _ in range(int(rng.integers(10, 30)))]
    slots = {
        word(): [space.join(word() for _ in range(int(rng.integers(1, 3)))) for _ in range(n)]
        for n in rng.integers(3, 40, size=int(rng.integers(4, 12)))
    }
    names = sorted(slots)
    wordings: dict[str, Wording] = {}
    for number in range(int(rng.integers(8, 40))):
        label = f"{word()}_{number}"
        held = [names[int(i)] for i in rng.permutation(len(names))[: int(rng.integers(0, 3))]]
        verbs = [word() for _ in range(int(rng.integers(2, 5)))]
        patterns = [_pattern(verbs, held, small, rng) for _ in range(int(rng.integers(3, 8)))]
        for _ in range(40):
            values = {n: slots[n][int(rng.integers(len(slots[n])))] for n in held}
            for pattern in patterns:
                text = space.join(values.get(part, part) for part in pattern)
                told = tuple(sorted(values.items()))
                wordings.setdefault(text, Wording(locale, text, label, told))
    return Language(locale, list(wordings.values()), talk=_talk(word, small, space, rng))


def _speller(rng: np.random.Generator, *, spaced: bool) -> Word:
    """Makes up words."""
    heads = [CONSONANTS[int(i)] for i in rng.permutation(len(CONSONANTS))[:12]]
    tails = [VOWELS[int(i)] for i in rng.permutation(len(VOWELS))[:5]]

    def spelled() -> str:
        if not spaced:
            return "".join(
                LETTERS[int(i)] for i in rng.integers(len(LETTERS), size=int(rng.integers(1, 4)))
            )
        syllables = int(rng.integers(1, 4))
        return "".join(
            heads[int(rng.integers(len(heads)))] + tails[int(rng.integers(len(tails)))]
            for _ in range(syllables)
        ) + ("" if rng.random() < 0.6 else heads[int(rng.integers(len(heads)))][0])

    return spelled


def _pattern(
    verbs: list[str], held: list[str], small: list[str], rng: np.random.Generator
) -> list[str]:
    """Words of a wish in their order, slots by their names."""
    parts = [verbs[int(rng.integers(len(verbs)))], *held]
    if rng.random() < 0.4:
        parts.append(verbs[int(rng.integers(len(verbs)))])
    parts += [small[int(rng.integers(len(small)))] for _ in range(int(rng.integers(0, 5)))]
    return [parts[int(i)] for i in rng.permutation(len(parts))]


def _talk(word: Word, small: list[str], space: str, rng: np.random.Generator) -> Talk:
    def phrase(least: int, most: int) -> str:
        size = int(rng.integers(least, most + 1))
        return space.join(
            small[int(rng.integers(len(small)))] if rng.random() < 0.5 else word()
            for _ in range(size)
        )

    def phrases(count: int, least: int, most: int) -> list[str]:
        return [phrase(least, most) for _ in range(count)]

    def around(count: int, hole: str, end: str) -> list[str]:
        return [f"{phrase(1, 4)} {{{hole}}} {phrase(0, 3)}{end}" for _ in range(count)]

    few = int(rng.integers(1, 5))
    return Talk(
        greet=phrases(3, 1, 2),
        bye=phrases(4, 1, 4),
        yes=phrases(3, 1, 2),
        no=phrases(3, 1, 3),
        correction=phrases(3, 1, 3),
        politely=phrases(4, 1, 2),
        whatever=phrases(2, 1, 3),
        chatter=phrases(int(rng.integers(15, 120)), 1, 7),
        frame=around(5, "what", ""),
        ask=around(few, "slot", "?"),
        confirm=around(few, "values", "?"),
        sorry=[f"{phrase(2, 6)}." for _ in range(few)],
        done=around(int(rng.integers(1, 7)), "values", "."),
        drift=around(few, "values", "."),
        ramble=[f"{phrase(3, 10)}." for _ in range(int(rng.integers(10, 60)))],
    )
