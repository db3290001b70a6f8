"""People in dialogues: they are asked for what they left out, confirm, correct themselves, ask for the next thing; and
where they were failed they say it again in one of many ways, change the subject, or give up."""

from dataclasses import dataclass, field

from rapidfuzz.fuzz import ratio

from flows.simulation.corpus import Wording
from flows.simulation.people import Answer, Assistant, Said, Told
from flows.simulation.sessions import WORD, Session, spoiled
from flows.simulation.shapes import MANNERS, REPAIRS, SMALL_TALK

PATIENCE = 5  # times something is said at most
SURE = (0.75, 0.95)  # confidence in what is understood by its context
UNSURE = 0.1
PERSISTENT = 4.0  # times that somebody would say again what was understood wrongly, before giving up what was not at all
GARBLED = 0.75  # share of the words that are lost or mistaken in a garbled turn
MOST_TURNS = 40


@dataclass(frozen=True)
class Exchange:
    """What was heard of a turn, its `intent` and values as they were `meant` and as they were heard, the reply, and
    whether that was right."""

    heard: str
    kind: str
    intent: str | None
    meant: dict[str, str]
    answer: Answer
    values: dict[str, str]
    again: int | None
    reply: str
    right: bool


@dataclass
class Dialogue(Session):
    """A dialogue: it has a `question` that waits for its answer, a `state` of values, and a `running` intent."""

    assistant: Assistant
    question: str | None = field(default=None, init=False)
    state: list[str] = field(default_factory=list, init=False)
    running: str | None = field(default=None, init=False)

    def held(self) -> list[Said]:
        """All turns of the session."""
        shape, talk = self.shape, self.customs.talk
        if self._chance(shape.greets):
            self._small("greet", talk.greet)
        ways = self._draw(self.goals)
        while len(self.said) < MOST_TURNS:
            if self._chance(self.shape.noise):
                self._noise()
            went = self._pursue(ways)
            if not went and not self._chance(shape.changes):
                break
            if went and self._chance(shape.closes / max(shape.tasks, 1.0)):
                self._small("goodbye", talk.bye)
                return self.said
            if self._chance(1 / max(shape.tasks, 1.0)):
                break
            ways = self._next(ways, went=went)
        if self.said and self._chance(shape.closes):
            self._small("goodbye", talk.bye)
        return self.said

    def _next(self, ways: list[Wording], *, went: bool) -> list[Wording]:
        """The next thing that is wanted."""
        custom = self.customs.after.get(ways[0].intent)
        if went and custom and self._chance(self.shape.habit):
            same = dict(ways[0].slots)
            choices = self.customs.by_intent[custom]
            fitting = [w for w in choices if dict(w.slots).items() & same.items()] or choices
            chosen = self._draw(fitting)
            return [w for w in choices if w.slots == chosen.slots]
        others = [goal for goal in self.goals if goal[0].goal != ways[0].goal] or self.goals
        return self._draw(others)

    def _pursue(self, ways: list[Wording]) -> bool:
        """Ask for one thing until it is there or given up; whether it went well."""
        wording = self._draw(ways)
        went = self._ask(wording, ways, "new")
        while went and len(self.said) < MOST_TURNS:
            if self._chance(self.shape.repeats):
                went = self._ask(self._draw(ways), ways, "new")
            elif wording.slots and self._chance(self.shape.siblings):
                wording = self._sibling(wording)
                ways = self._goal(wording)
                went = self._ask(wording, ways, "refine")
            else:
                break
        return went

    def _ask(self, wording: Wording, ways: list[Wording], kind: str) -> bool:
        values = dict(wording.slots)
        left = self._draw(sorted(values)) if values and self._chance(self.shape.asks) else None
        text, meant = wording.utterance, values
        if left:
            text, meant = (
                _without(text, values[left]),
                {k: v for k, v in values.items() if k != left},
            )
        before: int | None = None
        for _ in range(PATIENCE):
            right, asked, checked = self._say(text, kind, wording.intent, meant, before, left)
            before = len(self.said) - 1
            if right and asked and left:
                return self._tell(wording.intent, left, values[left])
            if checked:
                return self._confirm(wording, before, right=right)
            if right or not self._chance(
                self.shape.notices if self.said[-1].answer.executed else 1
            ):
                return right
            if not self._chance(self._persists()):
                return False
            kind, text, meant, wording = self._again(wording, ways, text, meant)
            left = None
            if self._chance(self.shape.detours):
                self._detour()
        return False

    def _persists(self) -> float:
        """The chance that it is said again: greater where nothing at all was understood."""
        again = self.shape.again
        return 1 - (1 - again) ** PERSISTENT if self.said[-1].answer.executed is None else again

    def _detour(self) -> None:
        """Something else in between."""
        if self._chance(0.5):
            self._noise()
            return
        other = self._draw(self._draw(self.goals))
        text = other.utterance if self._chance(0.5) else self._fragment(other)
        self._say(text, "new", other.intent, dict(other.slots), None, None)

    def _noise(self) -> None:
        """What is heard where nobody wishes anything."""
        words = self.customs.words
        count = int(self.rng.integers(1, 4))
        heard = " ".join(self._draw(words) for _ in range(count))
        if self._chance(0.4):
            heard = self._draw(self.customs.talk.politely)
        answer = self.assistant.answer(self.customs.language.locale, heard)
        reply = self._filled("done", answer.executed, {}) if answer.executed else self._repair()
        right = answer.executed is None
        self._record(Exchange(heard, "noise", None, {}, answer, {}, None, reply, right))

    def _again(
        self, wording: Wording, ways: list[Wording], text: str, meant: dict[str, str]
    ) -> tuple[str, str, dict[str, str], Wording]:
        """How somebody says it again: kind, text, values meant."""
        manner = str(self.rng.choice(MANNERS, p=self.shape.manners))
        talk, values = self.customs.talk, dict(wording.slots)
        others = [w for w in ways if w.utterance != wording.utterance] or ways
        if manner == "retry":
            return "retry", text, meant, wording
        if manner == "reject":
            self._small("deny", talk.no, "reject")
        if manner == "fragment":
            return "rephrase", self._fragment(wording), values, wording
        if manner == "correct":
            rest = wording.utterance if self._chance(0.6) else self._fragment(wording)
            return "rephrase", _joined(self._draw(talk.correction), rest), values, wording
        if manner == "other words":
            other = min(others, key=lambda w: ratio(w.utterance, text))
            if values and self._chance(0.5):
                return "rephrase", _without(other.utterance, *values.values()), {}, other
        else:
            other = self._draw(others)
        return "rephrase", other.utterance, dict(other.slots), other

    def _fragment(self, wording: Wording) -> str:
        values = [v for _, v in wording.slots if v in wording.utterance]
        if values and self._chance(0.8):
            return " ".join(values)
        words = WORD.findall(wording.utterance)
        if len(words) < 2:
            return wording.utterance
        size = int(self.rng.integers(1, max(2, len(words) // 2 + 1)))
        return " ".join(words[-size:] if self._chance(0.7) else words[:size])

    def _tell(self, intent: str, slot: str, value: str) -> bool:
        """Answer a question, and again where that was not understood; whether it was in the end."""
        talk = self.customs.talk
        before: int | None = None
        kind = "answer"
        for _ in range(PATIENCE - 1):
            manner = self.rng.random()
            text = value
            if manner < 0.2:
                text = _joined(self._draw(talk.politely), value)
            elif manner < 0.3:
                text = _joined(value, self._draw(talk.politely))
            elif manner < 0.37:
                text = _joined(self._draw(talk.yes), value)
            right = self._answer(text, kind, intent, {slot: value}, before)
            before = len(self.said) - 1
            if right or not self._chance(self._persists()):
                return right
            kind = "rephrase"
            if self._chance(self.shape.detours):
                self._detour()
        return False

    def _confirm(self, wording: Wording, before: int, *, right: bool) -> bool:
        """Say whether the assistant heard well; if not, correct it."""
        talk = self.customs.talk
        if right:
            self._small("affirm", talk.yes, "answer")
            return True
        if not self._chance(self.shape.again):
            self._small("deny", talk.no, "reject")
            return False
        if self._chance(0.5):
            self._small("deny", talk.no, "reject")
            text = wording.utterance
        else:
            text = _joined(self._draw(talk.no + talk.correction), self._fragment(wording))
        right, _, _ = self._say(text, "rephrase", wording.intent, dict(wording.slots), before, None)
        return right

    def _say(
        self,
        text: str,
        kind: str,
        intent: str,
        meant: dict[str, str],
        again: int | None,
        left: str | None,
    ) -> tuple[bool, bool, bool]:
        """Say a wish: whether it was right, whether the assistant asks for what was `left` out, whether it asks
        for confirmation."""
        heard = self._spoiled(text)
        answer = self.assistant.answer(self.customs.language.locale, heard)
        short = len(heard) < len(text) + 1 and answer.executed != intent and self.running == intent
        if short and again is not None and self._chance(self.shape.understands / 2):
            answer = self._by_context(intent, answer)
        values = self._values(heard, meant, right=answer.executed == intent)
        right = answer.executed == intent and values == meant
        asked = checked = False
        if answer.executed is None:
            reply = self._repair()
        elif left and answer.executed == intent:
            asked, reply = True, self._draw(self._few("ask")).format(slot=left)
        elif self._chance(self.shape.confirms):
            checked, reply = True, self._filled("confirm", answer.executed, values)
        else:
            reply = self._filled("done", answer.executed, values)
        self.running = answer.executed or self.running
        self._record(Exchange(heard, kind, intent, meant, answer, values, again, reply, right))
        self.question = reply if asked else None if answer.executed else self.question
        return right, asked, checked

    def _answer(
        self, text: str, kind: str, intent: str, meant: dict[str, str], again: int | None
    ) -> bool:
        """Answer a question; whether it was understood."""
        heard = self._spoiled(text)
        answer = self.assistant.answer(self.customs.language.locale, heard)
        there = all(v in heard for v in meant.values())
        values: dict[str, str] = {}
        if there and self._chance(self.shape.understands):
            answer, values = self._by_context(intent, answer), meant
        elif answer.executed == intent:
            values = self._values(heard, meant, right=True)
        right = answer.executed == intent and values == meant
        reply = self._filled("done", intent, values) if answer.executed else self._repair()
        self._record(Exchange(heard, kind, intent, meant, answer, values, again, reply, right))
        self.question = None if right else self.question
        return right

    def _small(self, name: str, phrases: list[str], kind: str | None = None) -> None:
        """Something that is no wish."""
        phrase = self._draw(phrases)
        heard = self._spoiled(phrase)
        answer = self.assistant.answer(self.customs.language.locale, heard)
        known = heard == phrase
        if known:
            taken = name if self.customs.luck(phrase) < self.shape.knows_talk else _mistaken(name)
            own = self._by_context(taken, answer)
            nothing = Answer(None, [(h, c * UNSURE) for h, c in answer.n_best], answer.model)
            answer = own if self.shape.small_talk else nothing
        reply = self._draw(self.customs.talk.greet if name == "greet" else self.customs.talk.bye)
        if name in ("affirm", "deny"):
            reply = self._filled("done", self.running or name, {}) if known else self._repair()
        meant = name if self.shape.small_talk else None
        right = answer.executed == meant
        self._record(Exchange(heard, kind or name, meant, {}, answer, {}, None, reply, right))

    def _record(self, turn: "Exchange") -> None:
        if turn.values:
            self.state = list(turn.values.values())
        executed = turn.answer.executed
        outcome = "failure" if executed is None else "success"
        told = Told(
            turn.reply,
            turn.values,
            turn.intent,
            turn.meant,
            turn.right,
            not turn.right,
            outcome,
            self.shape.lacks,
            self.shape.channel,
        )
        thumbs = (1 if turn.right else -1) if self._chance(0.04) else None
        cut = not turn.right and executed is not None and self._chance(0.2)
        wait = self._pause(turn.kind)
        self.said.append(
            Said(wait, turn.heard, turn.kind, None, turn.answer, turn.again, thumbs, cut, told=told)
        )

    def _by_context(self, intent: str, answer: Answer) -> Answer:
        sure = round(float(self.rng.uniform(*SURE)), 4)
        rest = [(h, round(c * (1 - sure), 4)) for h, c in answer.n_best if h != intent][:4]
        return Answer(intent, [(intent, sure), *rest], answer.model)

    def _values(self, heard: str, meant: dict[str, str], *, right: bool) -> dict[str, str]:
        """The values that are heard."""
        return {
            k: v
            for k, v in meant.items()
            if v in heard and self._chance(self.shape.hears if right else 0.4)
        }

    def _repair(self) -> str:
        style = str(self.rng.choice(REPAIRS, p=self.shape.repairs))
        if style == "ask again" and self.question:
            return self.question
        if style == "drift" and self.state:
            return self._draw(self._few("drift")).format(values=", ".join(self.state))
        return self._draw(self._few("sorry"))

    def _filled(self, name: str, intent: str, values: dict[str, str]) -> str:
        """An answer of a kind, with what it speaks of. Each intent has one of the few wordings."""
        patterns = self._few(name)
        pattern = patterns[sum(map(ord, intent)) % len(patterns)]
        named = ", ".join(values.values()) if values and self._told() else intent.replace("_", " ")
        if name == "done" and self._chance(self.shape.finds):
            found = (self._draw(self.customs.words) for _ in range(int(self.rng.integers(1, 4))))
            named = f"{named} {' '.join(found)}"
        return pattern.format(values=named, intent=intent.replace("_", " "))

    def _told(self) -> bool:
        return self._chance(self.shape.tells)

    def _few(self, name: str) -> list[str]:
        found: list[str] = getattr(self.customs.talk, name)
        return found

    def _sibling(self, wording: Wording) -> Wording:
        """The same with another value, most often in the same words."""
        others = [w for w in self.customs.by_intent[wording.intent] if w.slots != wording.slots]
        if not others:
            return wording
        some = [self._draw(others) for _ in range(6)]
        return max(some, key=lambda w: ratio(w.utterance, wording.utterance))

    def _goal(self, wording: Wording) -> list[Wording]:
        return [w for w in self.customs.by_intent[wording.intent] if w.slots == wording.slots]

    def _spoiled(self, text: str) -> str:
        share = GARBLED if self._chance(self.shape.garbled) else self.shape.spoils
        return spoiled(text, share, self.customs.words, self.rng)


def _mistaken(name: str) -> str:
    """What is no wish, taken for another of its kind."""
    return SMALL_TALK[(SMALL_TALK.index(name) + 1) % len(SMALL_TALK)]


def _without(text: str, *values: str) -> str:
    """The text without some values, as somebody says it who forgot to say which."""
    left = text
    for value in values:
        left = left.replace(value, " ", 1)
    return " ".join(left.split()) or text


def _joined(one: str, other: str) -> str:
    return f"{one} {other}"
