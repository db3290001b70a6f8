"""A world with known truth: an assistant that really learned from a few utterances and really fails,
invented people who use it for some days, and robots.

    log.jsonl.gz     what an assistant would have written: the only file that a miner may read
    seed.jsonl.gz    labelled utterances that the assistant's model learned from
    truth.jsonl.gz   what each turn meant
    test.jsonl.gz    labelled utterances for measuring a retrained model
    world.json       how it was made
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from flows.simulation.assistant import WeakAssistant
from flows.simulation.corpus import Wording, built_in, language, languages_of
from flows.simulation.launching import Launch, check
from flows.simulation.people import Assistant
from flows.simulation.place import Book, Habits, Place
from warehouse.errors import BadInput
from warehouse.queries import day


def simulate(
    out: Path,
    corpus: Path | None,
    seed: int,
    habits: Habits,
    locales: list[str] | None,
    launch: Launch | None = None,
) -> dict[str, Any]:
    """Write a world into `out`; its facts. The same arguments give the same bytes."""
    _check(habits)
    places = settled(corpus, seed, habits, locales, launch)
    begin(out, places)
    start = date.fromisoformat(habits.start)
    books = [
        p.live(assistant, start) for p, assistant in zip(places, assistants(places), strict=True)
    ]
    log, truth = ordered(books)
    write(out / "log.jsonl.gz", log)
    write(out / "truth.jsonl.gz", truth)
    kinds = ("new", "rephrase", "retry", "refine", "reject", "robot")
    facts = {
        "parameters": {k: v for k, v in asdict(habits).items() if v is not None} | {"seed": seed},
        "launched": [p.spoken.locale for p in places if p.launched],
        "locales": [p.spoken.locale for p in places],
        "turns": len(log),
        "wrong_share": wrong_share(truth),
        "kinds": {k: sum(t["kind"] == k for t in truth) for k in kinds},
    }
    if habits.changing_day is not None:
        facts["changes"] = [row for p in places if p.changes for row in p.changes.told()]
    if habits.mended_day is not None:
        facts["problems"] = [row for p in places if p.breaks for row in p.breaks.told()]
    (out / "world.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False), "utf8")
    return facts


def _check(habits: Habits) -> None:
    """BadInput where the days on which something happens are none of the world's, or in another order."""
    names = ("changing_day", "mended_day", "back_day")
    days = [(f"--{name.replace('_', '-')}", getattr(habits, name)) for name in names]
    for name, number in days:
        if number is not None and number > habits.days:
            raise BadInput(f"{name} {number}: is after the last of {habits.days} days")
    for (earlier, before), (name, number) in pairwise(days):
        if number is not None and (before is None or number <= before):
            raise BadInput(f"{name} {number}: needs a {earlier} before it")


def assistants(places: list[Place]) -> list[Assistant]:
    """What answers in each place: launched ones share one, which all seed data taught."""
    shared: list[Assistant] = []
    for launch in {p.launched for p in places if p.launched}:
        told = [w for p in places for w in p.seed]
        rest = [w for p in places if not p.launched for w in p.test]
        shared.append(WeakAssistant(told, rest, launch.encoder))
    return [shared[0] if p.launched else WeakAssistant(p.seed, p.test) for p in places]


def settled(
    corpus: Path | None,
    seed: int,
    habits: Habits,
    locales: list[str] | None,
    launch: Launch | None = None,
) -> list[Place]:
    """The locales of a world, their people in them, before anybody spoke."""
    day("--start", habits.start)
    spoken = languages_of(corpus) if corpus else [language(x) for x in locales or built_in()]
    if corpus and locales:
        spoken = [s for s in spoken if s.locale in locales]
    if not spoken:
        raise BadInput(f"--locales {','.join(locales or [])}: are not in {corpus}")
    if launch:
        check(launch, [s.locale for s in spoken])
    if habits.mended_day is not None and len(spoken) > 1:
        habits = replace(habits, silent=spoken[-1].locale)
    return [
        Place(
            s,
            np.random.default_rng([seed, n]),
            habits,
            len(spoken),
            launch if launch and s.locale in launch.locales else None,
        )
        for n, s in enumerate(spoken)
    ]


def begin(out: Path, places: list[Place]) -> None:
    """Write what is known before anybody speaks: `seed.jsonl.gz` and `test.jsonl.gz`."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be written ({error.strerror})") from None
    write(out / "seed.jsonl.gz", (labelled(w) for p in places for w in p.seed))
    write(out / "test.jsonl.gz", (labelled(w) for p in places for w in p.test))


def ordered(books: list[Book]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All turns as time has them, and the truth of each."""
    log = sorted(
        (turn for b in books for turn in b.turns), key=lambda t: (t["timestamp"], t["turn_id"])
    )
    truth = {t["turn_id"]: t for b in books for t in b.truth}
    return log, [truth[turn["turn_id"]] for turn in log]


def wrong_share(truth: list[dict[str, Any]]) -> float:
    """Of the turns that had something to be right about."""
    judged = [t for t in truth if t["right"] is not None]
    return round(sum(not t["right"] for t in judged) / max(1, len(judged)), 4)


def labelled(wording: Wording) -> dict[str, Any]:
    """A row of seed or test; its slots, unless one has two values, which no mapping of names can tell."""
    row = {"locale": wording.locale, "utterance": wording.utterance, "intent": wording.intent}
    slots = dict(wording.slots)
    return row | {"slots": slots} if len(slots) == len(wording.slots) else row


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        for line in _lines(rows):
            packed.write(line)


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"
