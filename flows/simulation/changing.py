"""Words that change on a known day: a new value is asked for, slang takes the place of a word, and people want
what the assistant has never heard of."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from msgspec.structs import replace as changed

from flows.simulation.corpus import Language, Wording
from flows.simulation.people import Answer, Assistant, Said, goals
from mining.trends.detection import dense, terms
from warehouse.errors import BadInput

ASKING = 0.5  # share of people who want what is new
WISHES = 3  # wishes of theirs for each new thing, beside those they had
ADOPTING = 0.8  # share of people who take to slang
RAMP = 3  # days over which they do
OPEN = 5  # slots with the most values, of which one has a new one
FEWEST = 5  # wordings that carry a value, or have an intent
TOLD = 10  # wordings of a change that are told
LENGTHS = {
    True: (5, 10),
    False: (3, 6),
}  # letters of a made-up word, in locales with spaces and without
SPELLED = {True: 2, False: 1}  # letters by which the next one is drawn
Drawn = np.random.Generator


@dataclass(frozen=True)
class Value:
    """A new `word` as a value of a slot of an intent, and how it is asked for."""

    label: str
    slot: str
    word: str
    ways: list[Wording]


@dataclass(frozen=True)
class Slang:
    """A new `word` that stands where another stood, in wordings of these intents."""

    label: str
    word: str
    before: str
    said: list[str]


class Changes:
    """What changes in a locale from `day` on: `unheard` is the intent that nobody wanted before."""

    def __init__(
        self, spoken: Language, said: list[Wording], users: int, day: date, rng: Drawn
    ) -> None:
        texts = [w.utterance for w in spoken.wordings]
        self.locale, self.day, self.whole = spoken.locale, day, not dense(texts)
        self.value = _new_value(said, lambda: _made_up(texts, rng, whole=self.whole), rng)
        named = self.value.label if self.value else None
        self.unheard = _unheard(said, named, rng, whole=self.whole)
        known = [w for w in said if w.intent != self.unheard]
        taken = [*texts, self.value.word] if self.value else texts
        self.slang = _slang(known, _made_up(taken, rng, whole=self.whole), whole=self.whole)
        self.novel = goals([w for w in said if w.intent == self.unheard])
        self.wants = [self._wants(rng) for _ in range(users)]
        after = rng.integers(RAMP, size=users)
        takes_to_it = rng.random(users) < ADOPTING
        self.adopted = [
            day + timedelta(days=int(n)) if takes else None
            for n, takes in zip(after, takes_to_it, strict=True)
        ]

    def heard(self, wordings: list[Wording]) -> list[Wording]:
        """The wordings of intents that people had before."""
        return [w for w in wordings if w.intent != self.unheard]

    def wanted(self, user: int, day: date) -> list[list[Wording]]:
        """What this one wants that day, beside what was wanted always."""
        return self.wants[user] if day >= self.day else []

    def speech(self, user: int, day: date) -> Callable[[str], str]:
        """How this one words that day what was always said otherwise."""
        began = self.adopted[user]
        if began is None or day < began or self.slang is None:
            return str
        words = self.slang
        return lambda said: _replaced(said, words.before, words.word, whole=self.whole)

    def used(self, turn: Said, said: str) -> str | None:
        """Which change a turn that is `said` so has to do with."""
        if turn.wording is None:
            return None
        if turn.wording.intent == self.unheard:
            return "intent"
        if self.value and (self.value.slot, self.value.word) in turn.wording.slots:
            return "value"
        return "slang" if said != turn.utterance else None

    def told(self) -> list[dict[str, Any]]:
        """A row a change: kind, locale, day, word or intent, and how it is said."""
        about = {"locale": self.locale, "day": self.day.isoformat()}
        rows = []
        if v := self.value:
            row = {"kind": "value", "word": v.word, "label": v.label, "slot": v.slot}
            rows.append(row | {"said": [w.utterance for w in v.ways[:TOLD]]})
        if s := self.slang:
            row = {"kind": "slang", "word": s.word, "label": s.label, "before": s.before}
            rows.append(row | {"said": s.said[:TOLD]})
        ways = [w.utterance for some in self.novel for w in some]
        named = {"kind": "intent", "intent": self.unheard, "label": self.unheard}
        rows.append(named | {"said": ways[:TOLD]})
        return [about | row for row in rows]

    def _wants(self, rng: Drawn) -> list[list[Wording]]:
        if rng.random() >= ASKING:
            return []
        chosen = rng.integers(len(self.novel), size=WISHES)
        asked = [self.value.ways] * WISHES if self.value else []
        return [*asked, *(self.novel[int(n)] for n in chosen)]


@dataclass(frozen=True)
class Hearing:
    """An assistant that hears what people say in the words of today."""

    assistant: Assistant
    speech: Callable[[str], str]

    def answer(self, locale: str, utterance: str) -> Answer:
        return self.assistant.answer(locale, self.speech(utterance))

    def heard(self, turns: Iterator[Said], changes: Changes) -> Iterator[Said]:
        """The turns as they were said, with the change that each has to do with."""
        for turn in turns:
            said = self.speech(turn.utterance)
            yield replace(turn, utterance=said, change=changes.used(turn, said))


def _new_value(said: list[Wording], word: Callable[[], str], rng: Drawn) -> Value | None:
    """A new value of one of the slots that have the most, where wordings carry the value alone."""
    carriers: dict[tuple[str, str], list[Wording]] = defaultdict(list)
    for wording in said:
        if len(wording.slots) == 1:
            name, value = wording.slots[0]
            if value != wording.utterance and wording.utterance.count(value) == 1:
                carriers[wording.intent, name].append(wording)
    enough = {key: ways for key, ways in carriers.items() if len(ways) >= FEWEST}
    values = {key: len({w.slots for w in ways}) for key, ways in enough.items()}
    if not values:
        return None
    most = sorted(values, key=lambda key: (-values[key], key))[:OPEN]
    label, slot = most[int(rng.integers(len(most)))]
    new = word()
    ways = {
        told.utterance: told for w in enough[label, slot] for told in [_with_value(w, slot, new)]
    }
    return Value(label, slot, new, list(ways.values()))


def _with_value(wording: Wording, slot: str, value: str) -> Wording:
    text = wording.utterance.replace(wording.slots[0][1], value)
    return changed(wording, utterance=text, slots=((slot, value),))


def _unheard(said: list[Wording], apart: str | None, rng: Drawn, *, whole: bool) -> str:
    """An intent that is said in many ways and has words of its own: in both, of the upper half."""
    ways = Counter(w.intent for w in said if w.intent != apart)
    if len(ways) < 2:
        raise BadInput("--changing-day: the corpus needs three intents at least")
    many = _upper_half(ways)
    held = _held(said, whole=whole)
    own = dict.fromkeys(many, 0.0)
    for by_intent in held.values():
        among = by_intent.total()
        for intent in by_intent.keys() & own.keys():
            both = by_intent[intent]
            own[intent] = max(own[intent], 2 * both / (among + ways[intent]))
    return (chosen := _upper_half(own))[int(rng.integers(len(chosen)))]


def _upper_half(worth: Mapping[str, float]) -> list[str]:
    middle = sorted(worth.values())[len(worth) // 2]
    return sorted(name for name, n in worth.items() if n >= middle)


def _held(said: list[Wording], *, whole: bool) -> dict[str, Counter[str]]:
    """In how many wordings of which intents each term is."""
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for wording in said:
        for term in terms(wording.utterance, whole=whole):
            held[term][wording.intent] += 1
    return held


def _slang(known: list[Wording], word: str, *, whole: bool) -> Slang | None:
    """The word that tells most of one intent gives way; names of things stay."""
    values = {t for w in known for _, value in w.slots for t in terms(value, whole=whole)}
    intents = Counter(w.intent for w in known)
    held = {t: n for t, n in _held(known, whole=whole).items() if t not in values}

    def told(term: str) -> float:
        n, here = len(known), held[term]
        among = here.total()
        return max(c / n * math.log(c * n / (among * intents[i])) for i, c in here.items())

    if not held:
        return None
    before = max(sorted(held), key=told)
    said = [_replaced(w.utterance, before, word, whole=whole) for w in known]
    new = [text for w, text in zip(known, said, strict=True) if text != w.utterance]
    return Slang(held[before].most_common(1)[0][0], word, before, new)


def _replaced(text: str, before: str, word: str, *, whole: bool) -> str:
    """The text with one word for the other."""
    if not whole:
        return text.replace(before, word)
    return re.sub(r"\S+", lambda m: word if terms(m[0], whole=True) == {before} else m[0], text)


def _made_up(texts: Collection[str], rng: Drawn, *, whole: bool) -> str:
    """A word that nobody says, spelled as the words of the locale are: each letter is drawn by those before
    it."""
    words = [w for t in texts for w in t.split()]
    after: dict[str, list[str]] = defaultdict(list)
    reach = SPELLED[whole]
    for word in words:
        spelled = word.casefold()
        for at in range(len(spelled)):
            after[("^" * reach + spelled)[at : at + reach]].append(spelled[at])
    shortest, longest = LENGTHS[whole]
    while True:
        new = _spelled(after, reach, int(rng.integers(shortest, longest)), rng)
        if len(new) >= shortest and not any(new in t for t in texts):
            return new


def _spelled(after: dict[str, list[str]], reach: int, letters: int, rng: Drawn) -> str:
    spelled = "^" * reach
    for _ in range(letters):
        choices = after.get(spelled[-reach:])
        if not choices:
            break
        spelled += choices[int(rng.integers(len(choices)))]
    return "".join(c for c in spelled[reach:] if unicodedata.category(c)[0] in "LM")
