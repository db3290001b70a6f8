"""What goes wrong with the assistant of a place on a known day, is mended, and may come back: an intent is eaten by another, a
wording that many want is not understood, an intent that nobody knew is wanted, and in one place much is not heard at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extractOne

from flows.simulation.corpus import Wording
from flows.simulation.people import Answer, Assistant
from flows.simulation.sessions import Customs

WANTING = 0.5  # share of people who want the wording that is not understood
WISHES = 3  # of theirs for it, beside those they had
UNHEARD = 0.4  # share of what is said that is not heard in the place where little is
SURE = 0.9  # confidence in what is mended
FAINT = 0.2  # factor of the confidence in what is not heard
TOLD = 10  # wordings that are told
MANY = 6  # intents with the most wordings, of which one eats another
ALIKE = 85  # of 100, from which on a slip of the pen is taken for the wording
Drawn = np.random.Generator


@dataclass(frozen=True)
class Course:
    """The days `since` which it is wrong, `mended` and, if ever, `back`."""

    since: date
    mended: date
    back: date | None

    def wrong(self, day: date) -> bool:
        """Whether it is wrong that day."""
        return self.since <= day < self.mended or (self.back is not None and day >= self.back)

    def told(self) -> dict[str, str]:
        days = {"day": self.since, "mended": self.mended, "back": self.back}
        return {name: d.isoformat() for name, d in days.items() if d is not None}


@dataclass(frozen=True)
class Breaks:
    """What takes the `course`: `eaten` is heard as `eater`, `wording` not understood, `novel` are the wordings that nobody
    wanted before, `luck` tells of a text whether it is heard where much is `silent`; `wanting` are the users who want the wording."""

    locale: str
    course: Course
    eaten: str
    eater: str
    wording: Wording
    novel: dict[str, str]
    silent: bool
    luck: Callable[[str], float]
    wanting: frozenset[int]

    @staticmethod
    def drawn(
        customs: Customs,
        course: Course,
        said: tuple[list[Wording], list[Wording]],
        users: int,
        rng: Drawn,
        *,
        silent: bool,
    ) -> "Breaks":
        """`said` are the wordings of what people wanted before, and of what nobody did."""
        common, novel = said
        locale, luck = customs.language.locale, customs.luck
        counts: dict[str, int] = {}
        for w in common:
            counts[w.intent] = counts.get(w.intent, 0) + 1
        many = sorted(counts, key=lambda name: (-counts[name], name))[:MANY]
        eaten, eater = (many[int(i)] for i in rng.permutation(len(many))[:2])
        others = [w for w in common if w.intent not in (eaten, eater)] or common
        wording = others[int(rng.integers(len(others)))]
        wanting = frozenset(np.flatnonzero(rng.random(users) < WANTING).tolist())
        known = {w.utterance: w.intent for w in novel}
        return Breaks(locale, course, eaten, eater, wording, known, silent, luck, wanting)

    def wanted(self, user: int, day: date) -> list[list[Wording]]:
        """What this one wants that day, beside what was wanted always."""
        here = user in self.wanting and day >= self.course.since
        return [[self.wording]] * WISHES if here else []

    def over(self, assistant: Assistant, day: date) -> Assistant:
        """The assistant as it is that day."""
        return assistant if day < self.course.since else _Broken(assistant, self, day)

    def told(self) -> list[dict[str, Any]]:
        """A row each: kind, locale, the days of its course, and what it is about."""
        about = {"locale": self.locale} | self.course.told()
        (novel,) = set(self.novel.values())
        rows: list[dict[str, Any]] = [
            {"kind": "eaten", "meant": self.eaten, "heard": self.eater},
            {
                "kind": "wording",
                "meant": self.wording.intent,
                "said": [self.wording.utterance],
            },
            {"kind": "missing", "meant": novel, "said": list(self.novel)[:TOLD]},
        ]
        if self.silent:
            rows.append({"kind": "locale"})
        return [about | row for row in rows]


@dataclass(frozen=True)
class _Broken:
    assistant: Assistant
    breaks: Breaks
    day: date

    def answer(self, locale: str, utterance: str) -> Answer:
        given, of = self.assistant.answer(locale, utterance), self.breaks
        wrong = of.course.wrong(self.day)
        if utterance == of.wording.utterance:
            return _unheard(given) if wrong else _heard(given, of.wording.intent)
        if not wrong:
            near = extractOne(utterance, of.novel.keys(), scorer=ratio, score_cutoff=ALIKE)
            return _heard(given, of.novel[near[0]]) if near else given
        if utterance in of.novel:
            return given
        if of.silent and of.luck(utterance) < UNHEARD:
            return _unheard(given)
        return _heard(given, of.eater) if given.executed == of.eaten else given


def _heard(given: Answer, intent: str) -> Answer:
    """The same, taken for this intent."""
    rest = [(name, round(c * (1 - SURE), 4)) for name, c in given.n_best if name != intent]
    return replace(given, executed=intent, n_best=[(intent, SURE), *rest])


def _unheard(given: Answer) -> Answer:
    """The same, where nothing was trusted."""
    faint = [(name, round(c * FAINT, 4)) for name, c in given.n_best]
    return replace(given, executed=None, n_best=faint)
