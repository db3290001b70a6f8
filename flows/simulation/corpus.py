"""Wordings with known meaning: from the grammar that ships with the project, or from any labelled
corpus. Either way a wording has a locale, an intent and slots."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mining.ingest.rows import Broken, Raw, rows
from warehouse.errors import BadInput

CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
SLOT = re.compile(r"\{(\w+)\}")


class Wording(msgspec.Struct, frozen=True):
    """A way to say something. `slots` are (name, value), sorted."""

    locale: str
    utterance: str
    intent: str
    slots: tuple[tuple[str, str], ...] = ()

    @property
    def goal(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What is wanted: wordings with one goal can be said for each other."""
        return self.intent, self.slots


class Talk(msgspec.Struct, frozen=True):
    """What is said in a locale beside wishes. Of people: who `greet`, part (`bye`), say `yes` and `no`, open a
    `correction`, ask `politely`, do not care (`whatever`), make conversation (`chatter`), and put a wish
    ({what}) into a `frame`. Of the assistant: it `ask`s for a {slot}, wants {values} `confirm`ed, is `sorry`, has
    `done` something ({intent}, {values}), goes on regardless (`drift`), or `ramble`s."""

    greet: list[str]
    bye: list[str]
    yes: list[str]
    no: list[str]
    correction: list[str]
    politely: list[str]
    whatever: list[str]
    chatter: list[str]
    frame: list[str]
    ask: list[str]
    confirm: list[str]
    sorry: list[str]
    done: list[str]
    drift: list[str]
    ramble: list[str]


@dataclass(frozen=True)
class Language:
    """The wordings of a locale, and what its assistant and its users say beside them."""

    locale: str
    wordings: list[Wording]
    sorry: str = "?"
    done: str = "ok"
    no: list[str] = field(default_factory=lambda: ["no"])
    talk: Talk | None = None

    def talking(self) -> Talk:
        """Its own talk; where a corpus has none, that of the built-in locale of its language, or English."""
        return self.talk or _talk(_grammar(_nearest(self.locale)))


def built_in() -> list[str]:
    """Locales of the project's own grammar."""
    return sorted(
        f.name.removesuffix(".toml") for f in _folder().iterdir() if f.name.endswith(".toml")
    )


def language(locale: str) -> Language:
    """All that the project's own grammar can say in a locale."""
    if locale not in built_in():
        raise BadInput(f"--locales {locale}: is not built in; known: {', '.join(built_in())}")
    grammar = _grammar(locale)
    said = {w.utterance: w for w in _spoken(locale, grammar)}
    return Language(
        locale,
        list(said.values()),
        grammar["sorry"],
        grammar["done"],
        grammar["no"],
        _talk(grammar),
    )


def languages_of(path: Path) -> list[Language]:
    """The locales of a labelled corpus: JSON lines (or CSV) of locale, utterance, intent, slots."""
    found: dict[str, dict[str, Wording]] = {}
    for number, raw in rows(path, ["utterance", "intent"]):
        wording = _read(path, number, raw)
        found.setdefault(wording.locale, {}).setdefault(wording.utterance, wording)
    if not found:
        raise BadInput(f"{path}: holds no wording")
    return [Language(locale, list(said.values())) for locale, said in sorted(found.items())]


def expand(pattern: str) -> Iterator[str]:
    """Every reading of a pattern: "(a|b) c" is "a c" and "b c"."""
    parts = CHOICE.split(pattern)
    for chosen in product(*(p.split("|") if i % 2 else [p] for i, p in enumerate(parts))):
        yield "".join(chosen).strip()


def _grammar(locale: str) -> dict[str, Any]:
    return tomllib.loads((_folder() / f"{locale}.toml").read_text(encoding="utf8"))


def _talk(grammar: dict[str, Any]) -> Talk:
    return msgspec.convert(grammar["talk"], Talk)


def _nearest(locale: str) -> str:
    """The built-in locale of the same language, or the English one."""
    return next(
        (x for x in built_in() if x.split("-")[0] == locale.split("-", maxsplit=1)[0]), "en-GB"
    )


def _spoken(locale: str, grammar: dict[str, Any]) -> Iterator[Wording]:
    for intent, patterns in grammar["intents"].items():
        for shape in (reading for pattern in patterns for reading in expand(pattern)):
            names = SLOT.findall(shape)
            for values in product(*(grammar["slots"][name] for name in names)):
                slots = dict(zip(names, values, strict=True))
                utterance = SLOT.sub(lambda m, slots=slots: slots[m.group(1)], shape)  # type: ignore[misc]
                yield Wording(locale, utterance, intent, tuple(sorted(slots.items())))


class _Row(msgspec.Struct):
    """A row of a labelled corpus."""

    utterance: Annotated[str, msgspec.Meta(min_length=1)]
    intent: Annotated[str, msgspec.Meta(min_length=1)]
    locale: str = "und"
    slots: dict[str, str | int | float] | None = None


def _read(path: Path, number: int, raw: Raw) -> Wording:
    if isinstance(raw, Broken):
        raise BadInput(f"{path}, row {number}: {raw}")
    try:
        if isinstance(raw, bytes):
            row = msgspec.json.decode(raw, type=_Row)
        else:
            row = msgspec.convert(raw, _Row)
    except msgspec.MsgspecError as error:
        raise BadInput(
            f"{path}, row {number}: {error}; a row is"
            ' {"locale": "en-GB", "utterance": "...", "intent": "...", "slots": {"name": "value"}}'
        ) from None
    slots = sorted((name, str(value)) for name, value in (row.slots or {}).items())
    return Wording(row.locale, row.utterance, row.intent, tuple(slots))


def _folder() -> Any:
    return files("flows.simulation") / "wordings"
