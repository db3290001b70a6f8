"""One locale of a world: its people, what they want and say, and the book of what was said."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
from msgspec.structs import replace
from rapidfuzz.fuzz import ratio

from flows.simulation.breaking import Breaks, Course
from flows.simulation.changing import Changes, Hearing
from flows.simulation.chatting import Chat, SearchSession
from flows.simulation.corpus import Language, Wording
from flows.simulation.launching import Launch
from flows.simulation.people import Answer, Assistant, Manner, Person, Plot, Said, goals
from flows.simulation.sessions import Customs
from flows.simulation.shapes import Shape, mixture
from flows.simulation.talking import Dialogue
from warehouse.errors import BadInput

TEST = 0.15  # share of wordings kept for testing, never said
PLOTTED = 5  # goals on which liars have agreed
ACTIVITY = 1.5  # spread (log normal) of how much people say: one in a hundred say a fifth of all
ROBOT_EVERY = timedelta(minutes=70)


@dataclass(frozen=True)
class Habits:
    """How large a world is, and how its people are. `users` and `robots` of each locale; from `changing_day` on
    (from 1, the first of the world) words change. Where there is a `mended_day`, other things go wrong on the changing day, too, which
    are mended then and wrong again from `back_day` on."""

    users: int
    days: int
    turns: int
    start: str
    seeds_per_intent: int
    refine: float
    robots: int
    liars: float
    again: float = 0.8
    pace: float = 1.0
    changing_day: int | None = None
    shape: str = "command"
    mended_day: int | None = None
    back_day: int | None = None
    silent: str | None = None  # locale in which much is not heard while things are wrong

    def date(self, number: int) -> date:
        """The date of a day of the world, from 1."""
        return date.fromisoformat(self.start) + timedelta(days=number - 1)

    @property
    def manner(self) -> Manner:
        return Manner(self.again, self.refine, self.pace)


class Place:
    """A locale, `locales` of which share the turns of a world. `seed` is what its assistant learned from,
    `test` is never said. Where it is `launched`, nobody speaks before, and its seed data is the launch's."""

    def __init__(
        self,
        spoken: Language,
        rng: np.random.Generator,
        habits: Habits,
        locales: int,
        launched: Launch | None = None,
        shapes: Mapping[Shape, float] | None = None,
    ) -> None:
        """`shapes` of its sessions, with their shares, are those of the habits' shape where not given."""
        self.shapes = shapes or mixture(habits.shape)
        self.spoken, self.habits, self.rng, self.launched = spoken, habits, rng, launched
        self.wanted = max(1, habits.turns // locales)
        seeds = launched.seeds if launched else habits.seeds_per_intent
        self.seed, self.test, self.said = _split(spoken.wordings, seeds, rng)
        self.changes = self._changes()
        if self.changes:
            self.seed = self.changes.heard(self.seed)
        common = self.changes.heard(self.said) if self.changes else self.said
        self.wishes = goals(common)
        self.by_intent: dict[str, list[Wording]] = {}
        for wording in self.said:
            self.by_intent.setdefault(wording.intent, []).append(wording)
        # by the words that changed: what they mean now, and how else that is said
        self.moved: dict[str, list[Wording]] = {}
        plot = _plot(self.wishes, common, rng) if habits.liars else None
        self.people = [
            Person(
                spoken,
                _favourites(self.wishes, rng),
                self.by_intent,
                habits.manner,
                plot=plot if rng.random() < habits.liars else None,
                moved=self.moved,
            )
            for _ in range(habits.users)
        ]
        often = rng.lognormal(0.0, ACTIVITY, habits.users)
        self.often = np.cumsum(often) / often.sum()
        self.customs = Customs.of(spoken, self.by_intent, np.random.default_rng(0))
        self.breaks = self._breaks()
        self.sessions = 0
        self.bursts = 0

    def live(self, assistant: Assistant, start: date) -> "Book":
        """What is said to the assistant in the days from `start` on."""
        book = Book(self.spoken)
        end = start + timedelta(days=self.habits.days)
        if self.launched:
            start = max(start, self.launched.opens(self.habits.start))
        days = max(0, (end - start).days)
        while len(book.turns) < self.wanted * days / self.habits.days:
            user = int(np.searchsorted(self.often, self.rng.random()))
            began = _moment(start, days, self.rng)
            turns = self._session(user, began.date(), assistant)
            liar = self.people[user].plot is not None
            name = f"{self.spoken.locale}-{user}"
            session = f"{self.spoken.locale}-s{self.sessions}"
            book.record(name, session, began, turns, liar=liar)
            self.sessions += 1
        for robot in range(self.habits.robots):
            wording = self.wishes[int(self.rng.integers(len(self.wishes)))][0]
            name = f"{self.spoken.locale}-robot{robot}"
            self._robot(book, assistant, (name, wording), (start, end))
        return book

    def _changes(self) -> Changes | None:
        """What is to change, drawn apart: the people of a world are the same without."""
        if self.habits.changing_day is None:
            return None
        day = self.habits.date(self.habits.changing_day)
        return Changes(self.spoken, self.said, self.habits.users, day, self.rng.spawn(1)[0])

    def _breaks(self) -> Breaks | None:
        """What goes wrong and is mended, drawn apart as well."""
        asked = self.habits
        if self.changes is None or asked.mended_day is None:
            return None
        back = None if asked.back_day is None else asked.date(asked.back_day)
        course = Course(self.changes.day, asked.date(asked.mended_day), back)
        novel = [w for w in self.said if w.intent == self.changes.unheard]
        said = self.changes.heard(self.said), novel
        drawn = self.rng.spawn(1)[0]
        return Breaks.drawn(
            self.customs,
            course,
            said,
            asked.users,
            drawn,
            silent=asked.silent == self.spoken.locale,
        )

    def _session(self, user: int, day: date, assistant: Assistant) -> Iterable[Said]:
        person = self.people[user]
        assistant = self.breaks.over(assistant, day) if self.breaks else assistant
        if (shape := self._shape()).kind != "command":
            return self._talk(shape, person, assistant)
        if self.changes is None:
            return person.session(assistant, self.rng)
        hearing = Hearing(assistant, self.changes.speech(user, day))
        more = self.breaks.wanted(user, day) if self.breaks else []
        wanting = person.wanting([*self.changes.wanted(user, day), *more])
        return hearing.heard(wanting.session(hearing, self.rng), self.changes)

    def _shape(self) -> Shape:
        """The shape of the next session."""
        shapes = list(self.shapes)
        if len(shapes) == 1:
            return shapes[0]
        return shapes[int(self.rng.choice(len(shapes), p=list(self.shapes.values())))]

    def _talk(self, shape: Shape, person: Person, assistant: Assistant) -> list[Said]:
        """A session that is no command."""
        if shape.kind == "dialogue":
            return Dialogue(self.customs, person.goals, shape, self.rng, assistant).held()
        of = Chat if shape.kind == "chat" else SearchSession
        return of(self.customs, person.goals, shape, self.rng).held()

    def move(self, wording: Wording) -> Wording | None:
        """From now on people who use these words want something else, as often as they used them: of other
        intents what is said most like it. That, if there is any."""
        others = [ways for ways in self.wishes if ways[0].intent != wording.intent]
        if not others:
            return None
        near = max(others, key=lambda ways: max(_alike(wording, w) for w in ways))
        meant = replace(near[0], utterance=wording.utterance)
        self.moved[wording.utterance] = [meant, *near]
        return meant

    def _robot(
        self,
        book: "Book",
        assistant: Assistant,
        robot: tuple[str, Wording],
        days: tuple[date, date],
    ) -> None:
        """Something that says the same thing three times every 70 minutes, day and night."""
        name, wording = robot
        answer = assistant.answer(self.spoken.locale, wording.utterance)
        said = Said(0.5, wording.utterance, "robot", wording, answer, None, None, False)
        at, end = (datetime.combine(day, time(), UTC) for day in days)
        while at < end:
            book.record(name, f"{name}-{self.bursts}", at, [said] * 3)
            at += ROBOT_EVERY
            self.bursts += 1


@dataclass
class Book:
    """Writes down what is said in a locale: the log, and the truth beside it."""

    spoken: Language
    turns: list[dict[str, Any]] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)

    def record(
        self, user: str, session: str, at: datetime, said: Iterable[Said], *, liar: bool = False
    ) -> None:
        """The turns of a session that began at `at`."""
        ids: list[str] = []
        for turn in said:
            at += timedelta(seconds=round(turn.seconds, 3))
            content = f"{session}/{len(ids)}".encode()
            ids.append(hashlib.blake2b(content, digest_size=8).hexdigest())
            about = {"turn_id": ids[-1], "user_id": user, "session_id": session}
            spoken_at = {"timestamp": at.isoformat(timespec="milliseconds")}
            row = _log_row if turn.told is None else _told_row
            self.turns.append(about | spoken_at | row(self.spoken, turn))
            told = (_truth_row if turn.told is None else _told_truth)(self.spoken.locale, turn, ids)
            told |= {"change": turn.change} if turn.change else {}
            self.truth.append(told | ({"liar": True} if liar else {}))


def _alike(one: Wording, other: Wording) -> float:
    return ratio(one.utterance, other.utterance)


def _split(
    wordings: list[Wording], seeds: int, rng: np.random.Generator
) -> tuple[list[Wording], list[Wording], list[Wording]]:
    """(seed, test, said by people): `seeds` of each intent, a share of the rest, what remains."""
    shuffled = [wordings[i] for i in rng.permutation(len(wordings))]
    seed: list[Wording] = []
    rest: list[Wording] = []
    count: dict[str, int] = {}
    for wording in shuffled:
        count[wording.intent] = count.get(wording.intent, 0) + 1
        (seed if count[wording.intent] <= seeds else rest).append(wording)
    if len(count) < 2:
        raise BadInput("the corpus needs two intents at least")
    cut = int(len(rest) * TEST)
    test, said = rest[:cut], rest[cut:]
    if not said:
        raise BadInput("the corpus leaves nothing for people to say; lower --seeds-per-intent")
    return seed, test, said


def _plot(wishes: list[list[Wording]], said: list[Wording], rng: np.random.Generator) -> Plot:
    """A few goals, and for each a wording of another intent."""
    chosen = [wishes[int(i)] for i in rng.permutation(len(wishes))[:PLOTTED]]
    decoys = []
    for ways in chosen:
        others = [w for w in said if w.intent != ways[0].intent]
        decoys.append(others[int(rng.integers(len(others)))])
    return Plot(chosen, decoys)


def _favourites(wishes: list[list[Wording]], rng: np.random.Generator) -> list[list[Wording]]:
    """What one person wants, some things far more often than others."""
    few = rng.choice(len(wishes), size=min(25, len(wishes)), replace=False)
    return [wishes[int(i)] for i in few]


def _moment(start: date, days: int, rng: np.random.Generator) -> datetime:
    day = start + timedelta(days=int(rng.integers(days)))
    seconds = float(np.clip(rng.normal(15, 4), 0, 23.5)) * 3600
    return datetime.combine(day, time(), UTC) + timedelta(seconds=round(seconds, 3))


def _log_row(spoken: Language, said: Said) -> dict[str, Any]:
    executed = said.answer.executed
    return {
        "locale": spoken.locale,
        "utterance": said.utterance,
        "intent": executed,
        "slots": dict(said.wording.slots) if executed and said.wording else None,
        "confidence": said.answer.n_best[0][1],
        "n_best": [{"intent": i, "confidence": c} for i, c in said.answer.n_best],
        "response": spoken.sorry if executed is None else spoken.done,
        "outcome": "failure" if executed is None else "success",
        "feedback": said.feedback,
        "channel": "text",
        "interrupted": said.interrupted,
        "model_version": said.answer.model,
    } | ({} if said.answer.arm is None else _of_arm(said.answer))


def _told_row(spoken: Language, said: Said) -> dict[str, Any]:
    """The log's row of a turn that is no command."""
    assert said.told is not None
    answer = said.answer
    row = {
        "locale": spoken.locale,
        "utterance": said.utterance,
        "intent": answer.executed,
        "slots": said.told.heard,
        "confidence": answer.n_best[0][1],
        "n_best": [{"intent": i, "confidence": c} for i, c in answer.n_best],
        "response": said.told.answered,
        "outcome": said.told.outcome,
        "feedback": said.feedback,
        "channel": said.told.channel,
        "interrupted": said.interrupted,
        "model_version": answer.model,
    }
    row |= dict.fromkeys(said.told.lacks)
    return row | ({} if answer.arm is None else _of_arm(answer))


def _told_truth(locale: str, said: Said, ids: list[str]) -> dict[str, Any]:
    assert said.told is not None
    return {
        "turn_id": ids[-1],
        "intent": said.told.meant,
        "slots": said.told.values,
        "kind": said.kind,
        "rephrase_of": None if said.again is None else ids[said.again],
        "hypothesis": said.answer.n_best[0][0],
        "right": said.told.right,
        "defect": said.told.defect,
    }


def _of_arm(answer: Answer) -> dict[str, Any]:
    return {
        "executed_utterance": answer.ran,
        "arm": answer.arm,
        "propensity": answer.propensity,
    }


def _truth_row(locale: str, said: Said, ids: list[str]) -> dict[str, Any]:
    wording = said.wording
    best = said.answer.n_best[0][0]
    goal = wording and f"{locale}:{wording.intent}:" + ";".join(
        f"{k}={v}" for k, v in wording.slots
    )
    return {
        "turn_id": ids[-1],
        "intent": wording.intent if wording else None,
        "goal": goal,
        "kind": said.kind,
        "rephrase_of": ids[said.again]
        if said.again is not None and said.kind in ("rephrase", "retry")
        else None,
        "hypothesis": best,
        "right": best == wording.intent if wording else None,
    }
