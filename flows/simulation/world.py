"""A world with known truth: an assistant that really learned from a few utterances and really fails,
invented people who use it for some days, and robots.

    log.jsonl.gz     what an assistant would have written: the only file that a miner may read
    seed.jsonl.gz    labelled utterances that the assistant's model learned from
    truth.jsonl.gz   what each turn meant
    test.jsonl.gz    labelled utterances for measuring a retrained model
    world.json       how it was made
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from flows.simulation.assistant import WeakAssistant
from flows.simulation.corpus import Language, Wording, built_in, language, languages_of
from flows.simulation.people import Manner, Person, Plot, Said, goals
from warehouse.errors import BadInput

TEST = 0.15  # share of wordings kept for testing, never said
PLOTTED = 5  # goals on which liars have agreed
ROBOT_EVERY = timedelta(minutes=70)


@dataclass(frozen=True)
class Habits:
    """How large a world is, and how its people are. `users` and `robots` of each locale."""

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

    @property
    def manner(self) -> Manner:
        return Manner(self.again, self.refine, self.pace)


def simulate(
    out: Path, corpus: Path | None, seed: int, habits: Habits, locales: list[str] | None
) -> dict[str, Any]:
    """Write a world into `out`; its facts. The same arguments give the same bytes."""
    try:
        date.fromisoformat(habits.start)
    except ValueError:
        raise BadInput(f"--start {habits.start}: is not a day; write YYYY-MM-DD") from None
    spoken = languages_of(corpus) if corpus else [language(x) for x in locales or built_in()]
    if corpus and locales:
        spoken = [s for s in spoken if s.locale in locales]
    if not spoken:
        raise BadInput(f"--locales {','.join(locales or [])}: are not in {corpus}")
    parts = [
        _locale(s, np.random.default_rng([seed, n]), habits, len(spoken))
        for n, s in enumerate(spoken)
    ]
    log = sorted(
        (turn for p in parts for turn in p.turns), key=lambda t: (t["timestamp"], t["turn_id"])
    )
    truth = {t["turn_id"]: t for p in parts for t in p.truth}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be written ({error.strerror})") from None
    _write(out / "log.jsonl.gz", log)
    _write(out / "truth.jsonl.gz", [truth[turn["turn_id"]] for turn in log])
    _write(out / "seed.jsonl.gz", (_labelled(w) for p in parts for w in p.seed))
    _write(out / "test.jsonl.gz", (_labelled(w) for p in parts for w in p.test))
    judged = [t for t in truth.values() if t["right"] is not None]
    facts = {
        "parameters": asdict(habits) | {"seed": seed},
        "locales": [s.locale for s in spoken],
        "turns": len(log),
        "wrong_share": round(sum(not t["right"] for t in judged) / max(1, len(judged)), 4),
        "kinds": {
            k: sum(t["kind"] == k for t in truth.values())
            for k in ("new", "rephrase", "retry", "refine", "reject", "robot")
        },
    }
    (out / "world.json").write_text(json.dumps(facts, indent=1))
    return facts


@dataclass(frozen=True)
class Part:
    """One locale of a world."""

    turns: list[dict[str, Any]]
    truth: list[dict[str, Any]]
    seed: list[Wording]
    test: list[Wording]


def _locale(spoken: Language, rng: np.random.Generator, habits: Habits, locales: int) -> Part:
    seed, test, said = _split(spoken.wordings, habits.seeds_per_intent, rng)
    assistant = WeakAssistant(seed, test)
    wishes = goals(said)
    by_intent: dict[str, list[Wording]] = {}
    for wording in said:
        by_intent.setdefault(wording.intent, []).append(wording)
    book = Book(spoken)
    wanted = max(1, habits.turns // locales)
    plot = _plot(wishes, said, rng) if habits.liars else None
    people = [
        Person(
            spoken,
            _favourites(wishes, rng),
            by_intent,
            habits.manner,
            plot=plot if rng.random() < habits.liars else None,
        )
        for _ in range(habits.users)
    ]
    session = 0
    while len(book.turns) < wanted:
        user = int(min(rng.zipf(1.3), habits.users)) - 1
        began = _moment(habits, rng)
        turns = people[user].session(assistant, rng)
        liar = people[user].plot is not None
        name = f"{spoken.locale}-{user}"
        book.record(name, f"{spoken.locale}-s{session}", began, turns, liar=liar)
        session += 1
    for robot in range(habits.robots):
        wording = wishes[int(rng.integers(len(wishes)))][0]
        _robot(book, assistant, f"{spoken.locale}-robot{robot}", wording, habits)
    return Part(book.turns, book.truth, seed, test)


class Book:
    """Writes down what is said in a locale: the log, and the truth beside it."""

    def __init__(self, spoken: Language) -> None:
        self.spoken = spoken
        self.turns: list[dict[str, Any]] = []
        self.truth: list[dict[str, Any]] = []

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
            self.turns.append(about | spoken_at | _log_row(self.spoken, turn))
            told = _truth_row(self.spoken.locale, turn, ids)
            self.truth.append(told | ({"liar": True} if liar else {}))


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
    if len({w.intent for w in seed}) < 2:
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


def _moment(habits: Habits, rng: np.random.Generator) -> datetime:
    day = date.fromisoformat(habits.start) + timedelta(days=int(rng.integers(habits.days)))
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
        "model_version": "seed",
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


def _robot(
    book: "Book", assistant: WeakAssistant, name: str, wording: Wording, habits: Habits
) -> None:
    """Something that says the same thing three times every 70 minutes, day and night."""
    answer = assistant.answer(book.spoken.locale, wording.utterance)
    said = Said(0.5, wording.utterance, "robot", wording, answer, None, None, False)
    at = datetime.combine(date.fromisoformat(habits.start), time(), UTC)
    end = at + timedelta(days=habits.days)
    burst = 0
    while at < end:
        book.record(name, f"{name}-{burst}", at, [said] * 3)
        at += ROBOT_EVERY
        burst += 1


def _labelled(wording: Wording) -> dict[str, Any]:
    return {"locale": wording.locale, "utterance": wording.utterance, "intent": wording.intent}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        for line in _lines(rows):
            packed.write(line)


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"
