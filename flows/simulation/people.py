"""Invented people: what they want, what they do when the assistant fails them, and what they type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from flows.simulation.corpus import Language, Wording

# Habits of people. After an answer that is wrong they notice with NOTICES, then do one of these.
NOTICES = 0.85
AFTER_FAILURE = {"rephrase": 0.69, "retry": 0.17, "reject": 0.14}  # of those who do not give up
IDLY_AGAIN = 0.04  # say it again although it worked
PATIENCE = 4  # times something is said at most
CHANGES_AT_ONCE = 0.12  # goes on to something else within seconds
SLIPS = 0.08  # a letter goes wrong
THUMBS = 0.06


@dataclass(frozen=True)
class Answer:
    """What the assistant made of an utterance; `executed` is null where nothing was trusted. `ran` is the
    wording that ran instead, `arm` and `propensity` are those of an experiment, `model` answered."""

    executed: str | None
    n_best: list[tuple[str, float]]
    model: str = "seed"
    ran: str | None = None
    arm: str | None = None
    propensity: float | None = None


class Assistant(Protocol):
    def answer(self, locale: str, utterance: str) -> Answer: ...


@dataclass(frozen=True)
class Told:
    """What a turn adds that is no command: how the assistant `answered`, which values it `heard`, what was
    `meant` (null where nothing was wished) with which values, whether it was `right` (null where there is
    no hypothesis to be right), whether its user was failed, the fields that the log `lacks`, and
    the `channel`."""

    answered: str | None
    heard: dict[str, str] | None
    meant: str | None
    values: dict[str, str]
    right: bool | None
    defect: bool
    outcome: str | None
    lacks: frozenset[str]
    channel: str


@dataclass(frozen=True)
class Said:
    """A turn and its truth. `seconds` since the turn before, `again` the turn that it says again,
    `change` the kind of the change of words that it has to do with, `told` what is no command."""

    seconds: float
    utterance: str
    kind: str
    wording: Wording | None
    answer: Answer
    again: int | None
    feedback: int | None
    interrupted: bool
    change: str | None = None
    told: Told | None = None


@dataclass(frozen=True)
class Manner:
    """How people are: the share of failures that they do not take lying down, how often a goal is
    followed by a refinement (and that by another), and their pauses, as a factor."""

    again: float
    refine: float
    pace: float


@dataclass(frozen=True)
class Plot:
    """What liars have agreed on: goals that they ask for, and to what they then pretend to turn."""

    goals: list[list[Wording]]
    decoys: list[Wording]

    def decoy(self, goal: list[Wording]) -> Wording:
        return self.decoys[self.goals.index(goal)]


class Person:
    """One user: which wordings of a goal come easily to them, and whether they lie."""

    def __init__(
        self,
        language: Language,
        goals: list[list[Wording]],
        by_intent: dict[str, list[Wording]],
        manner: Manner,
        *,
        plot: Plot | None,
        moved: Mapping[str, list[Wording]],
    ) -> None:
        """`goals` are what this one wants, `by_intent` all that anybody says. One who has a `plot` is
        content with what is wrong, and gives up what is right for something else. `moved` has the words
        whose meaning has changed: what they mean, and how else that is said."""
        self.language = language
        self.goals = plot.goals if plot else goals
        self.by_intent = by_intent
        self.manner = manner
        self.plot = plot
        self.moved = moved

    def wanting(self, more: list[list[Wording]]) -> "Person":
        """The same one, who wants these things too; not one who has a plot."""
        if self.plot or not more:
            return self
        goals = [*self.goals, *more]
        return Person(
            self.language, goals, self.by_intent, self.manner, plot=None, moved=self.moved
        )

    def session(self, assistant: Assistant, rng: np.random.Generator) -> Iterator[Said]:
        """The turns of a session: one goal, and perhaps others at once."""
        place = 0
        while True:
            for said in self._pursue(assistant, place, rng):
                yield said
                place += 1
            if rng.random() >= CHANGES_AT_ONCE:
                return

    def _pursue(self, assistant: Assistant, place: int, rng: np.random.Generator) -> Iterator[Said]:
        ways = self.goals[int(rng.integers(len(self.goals)))]
        wording = ways[int(rng.integers(len(ways)))]
        if wording.utterance in self.moved:
            wording, *ways = self.moved[wording.utterance]
        kind, before, utterance = "new", None, slip(wording.utterance, rng)
        for _ in range(PATIENCE):
            said = self._say(assistant, kind, wording, utterance, before, rng)
            yield said
            before, place = place, place + 1
            move = self._next_move(said, rng)
            if move == "leave":
                break
            if move == "reject":
                yield self._reject(assistant, rng)
                place += 1
                move = "rephrase"
            kind = move
            if self.plot and move == "rephrase":
                decoy = self.plot.decoy(ways)
                yield self._say(assistant, kind, decoy, decoy.utterance, before, rng)
                return
            if move == "rephrase":
                wording = _another(self._meant(ways), wording, rng)
                utterance = slip(wording.utterance, rng)
        else:
            return
        seen = {wording.slots}
        while (
            said.answer.executed == wording.intent
            and wording.slots
            and rng.random() < self.manner.refine
            and (other := self._refined(wording, seen, rng))
        ):
            wording = other
            seen.add(wording.slots)
            said = self._say(assistant, "refine", wording, slip(wording.utterance, rng), None, rng)
            yield said

    def _meant(self, ways: list[Wording]) -> list[Wording]:
        """The wordings that still mean what they did."""
        return [w for w in ways if w.utterance not in self.moved] or ways

    def _refined(
        self, wording: Wording, seen: set[Any], rng: np.random.Generator
    ) -> Wording | None:
        """The same intent with another value: a wish of its own, though it looks like a rephrase."""
        meant = self._meant(self.by_intent[wording.intent])
        others = [w for w in meant if w.slots not in seen]
        return others[int(rng.integers(len(others)))] if others else None

    def _say(
        self,
        assistant: Assistant,
        kind: str,
        wording: Wording,
        utterance: str,
        again: int | None,
        rng: np.random.Generator,
    ) -> Said:
        answer = assistant.answer(self.language.locale, utterance)
        right = answer.executed == wording.intent
        fond = right != bool(self.plot)
        feedback = (1 if fond else -1) if rng.random() < THUMBS else None
        cut = not right and answer.executed is not None and rng.random() < 0.25
        return Said(self._pause(kind, rng), utterance, kind, wording, answer, again, feedback, cut)

    def _reject(self, assistant: Assistant, rng: np.random.Generator) -> Said:
        no = self.language.no[int(rng.integers(len(self.language.no)))]
        answer = assistant.answer(self.language.locale, no)
        return Said(self._pause("reject", rng), no, "reject", None, answer, None, None, False)

    def _next_move(self, said: Said, rng: np.random.Generator) -> str:
        assert said.wording is not None
        right = said.answer.executed == said.wording.intent
        content = right != bool(self.plot)
        if content:
            return "rephrase" if rng.random() < IDLY_AGAIN else "leave"
        if said.answer.executed is not None and rng.random() > NOTICES:
            return "leave"
        if rng.random() >= self.manner.again:
            return "leave"
        return str(rng.choice(list(AFTER_FAILURE), p=list(AFTER_FAILURE.values())))

    def _pause(self, kind: str, rng: np.random.Generator) -> float:
        """Seconds since the turn before, in a session: short where people react, longer else."""
        typical = {"rephrase": 9.0, "retry": 6.0, "reject": 4.0, "refine": 12.0}.get(kind, 20.0)
        typical *= self.manner.pace
        return float(np.clip(rng.lognormal(np.log(typical), 0.5), 0.5, 120.0))


def goals(wordings: list[Wording]) -> list[list[Wording]]:
    """Wordings by what is wanted; an intent's own where a goal has one wording alone."""
    by_goal: dict[Any, list[Wording]] = {}
    by_intent: dict[str, list[Wording]] = {}
    for wording in wordings:
        by_goal.setdefault(wording.goal, []).append(wording)
        by_intent.setdefault(wording.intent, []).append(wording)
    return [
        ways if len(ways) > 1 else [ways[0], *by_intent[ways[0].intent][:5]]
        for _, ways in sorted(by_goal.items())
    ]


def slip(utterance: str, rng: np.random.Generator, *, always: bool = False) -> str:
    """The utterance, sometimes with a letter dropped, doubled or swapped with the next."""
    if not (always or rng.random() < SLIPS) or len(utterance) < 4:
        return utterance
    at = int(rng.integers(1, len(utterance) - 1))
    before, letter, after = utterance[:at], utterance[at], utterance[at + 1 :]
    swapped = before + after[:1] + letter + after[1:]
    return [before + after, before + letter + letter + after, swapped][int(rng.integers(3))].strip()


def _another(ways: list[Wording], wording: Wording, rng: np.random.Generator) -> Wording:
    others = [w for w in ways if w.utterance != wording.utterance] or ways
    return others[int(rng.integers(len(others)))]
