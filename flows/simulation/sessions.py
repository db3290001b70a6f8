"""What people of a place have in common, and a session of one of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from rapidfuzz.fuzz import ratio

from flows.simulation.corpus import Language, Talk, Wording
from flows.simulation.people import Said, slip
from flows.simulation.shapes import Shape

T = TypeVar("T")
NEAR = 12  # words of which the one that sounds most alike is misheard
# Seconds before a turn of a kind, typically.
TYPICAL = {"rephrase": 8.0, "retry": 6.0, "reject": 4.0, "answer": 5.0, "goodbye": 5.0}
LONGEST_PAUSE = 1_500.0
WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Customs:
    """What is the same for all people of a place: which wish is a habit after which (by intent), and the words of
    all wordings."""

    language: Language
    by_intent: Mapping[str, list[Wording]]
    after: Mapping[str, str]
    words: list[str]

    @staticmethod
    def of(
        language: Language, by_intent: Mapping[str, list[Wording]], rng: np.random.Generator
    ) -> "Customs":
        names = sorted(by_intent)
        after = dict(zip(names, (names[i] for i in rng.permutation(len(names))), strict=True))
        said = {w.utterance for ways in by_intent.values() for w in ways}
        words = sorted({word for text in said for word in WORD.findall(text)})
        return Customs(language, by_intent, after, words)

    @cached_property
    def talk(self) -> Talk:
        return self.language.talking()

    def luck(self, phrase: str) -> float:
        """A number of a phrase from 0 to 1, the same for all people of the place."""
        content = f"{self.language.locale}/{self.words[:3]}/{phrase}".encode()
        return int.from_bytes(blake2b(content, digest_size=4).digest(), "big") / 2**32


@dataclass
class Session:
    """A session of one person, who wants some `goals`. `said` grows."""

    customs: Customs
    goals: list[list[Wording]]
    shape: Shape
    rng: np.random.Generator
    said: list[Said] = field(default_factory=list, init=False)

    def _chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def _draw(self, choices: list[T]) -> T:
        return choices[int(self.rng.integers(len(choices)))]

    def _pause(self, kind: str) -> float:
        """Seconds since the turn before, shorter where people react."""
        middle = TYPICAL.get(kind, 10.0) * self.shape.pace
        return float(
            np.clip(self.rng.lognormal(np.log(middle), self.shape.unsteady), 0.5, LONGEST_PAUSE)
        )


def spoiled(text: str, share: float, words: list[str], rng: np.random.Generator) -> str:
    """The text as it was heard or typed: a share of its words lost, mistaken for one that sounds alike, or with a
    letter gone wrong."""
    heard = []
    for word in WORD.findall(text):
        fate = rng.random() / share if share else 1.0
        if fate >= 1:
            heard.append(word)
        elif fate < 0.45 and words:
            near = [words[int(i)] for i in rng.integers(len(words), size=NEAR)]
            heard.append(
                max((w for w in near if w != word), key=lambda w: ratio(w, word), default=word)
            )
        elif fate < 0.75:
            heard.append(slip(word, rng, always=True))
    return " ".join(heard) or text
