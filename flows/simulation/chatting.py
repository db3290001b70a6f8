"""People in chats without intents, and people who search."""

from dataclasses import dataclass, field

from rapidfuzz.fuzz import ratio

from flows.simulation.corpus import Wording
from flows.simulation.people import Answer, Said, Told
from flows.simulation.sessions import WORD, Session, spoiled
from flows.simulation.shapes import MANNERS
from flows.simulation.talking import MOST_TURNS

PATIENCE = 4
NOTHING = Answer(None, [("", 0.0)])
PASTE = (10, 70)  # words of a pasted text
EDITED = 0.1  # share of the words of a pasted text that are new when it is pasted again
ECHOED = 0.4  # times that a bad answer takes up what was said, beside a good one
QUERY = 4  # words of a query at most


@dataclass
class Quiet(Session):
    """A session of which the log has no hypotheses."""

    def _turn(
        self, heard: str, kind: str, again: int | None, thumbs: int | None, told: Told
    ) -> None:
        wait = self._pause(kind)
        self.said.append(Said(wait, heard, kind, None, NOTHING, again, thumbs, False, told=told))


@dataclass
class Chat(Quiet):
    """A chat: wishes are `framed` or not, and a text may be `pasted` that comes up again."""

    framed: bool = field(default=False, init=False)
    pasted: str = field(default="", init=False)

    def held(self) -> list[Said]:
        """All turns of the session."""
        talk, shape = self.customs.talk, self.shape
        self.framed = self._chance(0.5)
        if self._chance(shape.greets):
            self._line(talk.greet, "greet")
        ways = self._draw(self.goals)
        while len(self.said) < MOST_TURNS:
            if self.said and self._chance(shape.remarks):
                self._remark()
            elif self._chance(shape.chatter):
                self._line(talk.chatter, "chatter")
            else:
                self._pursue(ways)
                near = self._chance(shape.follow_ups)
                ways = self._near(ways[0]) if near else self._draw(self.goals)
            if self._chance(1 / max(shape.tasks * (1 + shape.chatter), 1.0)):
                break
        if self._chance(shape.closes):
            self._line(talk.bye, "goodbye")
        return self.said

    def _pursue(self, ways: list[Wording]) -> None:
        wording = self._draw(ways)
        if not (self.pasted and self._chance(self.shape.follow_ups)):
            self.pasted = self._paste() if self._chance(self.shape.pasted) else ""
        pasted = self.pasted
        text, kind, before = self._framed(wording), "new", None
        for _ in range(PATIENCE):
            bad = self._chance(self.shape.bad)
            self._record(f"{text}\n{pasted}" if pasted else text, kind, before, bad=bad)
            before = len(self.said) - 1
            if not bad or not self._chance(self.shape.notices):
                return
            if not self._chance(self.shape.again):
                if self._chance(self.shape.chatter):
                    self._line(self.customs.talk.chatter, "chatter")
                return
            kind, text, wording = self._again(wording, ways, text)
            pasted = self.pasted = self._edited(pasted) if pasted and self._chance(0.5) else ""
            if self._chance(self.shape.detours):
                self._between()

    def _again(self, wording: Wording, ways: list[Wording], text: str) -> tuple[str, str, Wording]:
        manner = str(self.rng.choice(MANNERS, p=self.shape.manners))
        talk = self.customs.talk
        others = [w for w in ways if w.utterance != wording.utterance] or ways
        if manner == "retry":
            return "retry", text, wording
        if manner == "reject":
            self._line(talk.no, "reject")
        if manner == "fragment":
            words = WORD.findall(wording.utterance)
            values = [v for _, v in wording.slots]
            return "rephrase", " ".join(values or words[len(words) // 2 :]), wording
        if manner == "correct":
            return "rephrase", f"{self._draw(talk.correction)} {wording.utterance}", wording
        if manner == "other words":
            wording = min(others, key=lambda w: ratio(w.utterance, wording.utterance))
        else:
            wording = wording if self._chance(0.5) else self._draw(others)
        return "rephrase", self._framed(wording), wording

    def _between(self) -> None:
        """Something else, before it is said again."""
        for _ in range(int(self.rng.integers(1, 3))):
            if self._chance(self.shape.remarks):
                self._remark()
            else:
                self._line(self.customs.talk.chatter, "chatter")

    def _remark(self) -> None:
        """A few words of what was said last, by either, among others: on the subject, but no wish said again."""
        last = self.said[-1] if self._chance(0.75) else self._draw(self.said)
        answered = last.told.answered if last.told else None
        source = answered if answered and self._chance(0.4) else last.utterance
        words = WORD.findall(source)[:20]
        size = int(self.rng.integers(1, min(5, len(words)) + 1)) if words else 0
        start = int(self.rng.integers(len(words) - size + 1)) if words else 0
        kept = words[start : start + size]
        others = WORD.findall(self._draw(self.customs.talk.chatter))
        if self._chance(0.4):
            others = WORD.findall(self._draw(self._draw(self.goals)).utterance)
        parts = [*kept, *others] if self._chance(0.5) else [*others, *kept]
        self._record(" ".join(parts), "remark", None, bad=self._chance(self.shape.bad))

    def _near(self, wording: Wording) -> list[Wording]:
        """Another wish on the same subject, often in the same words."""
        near = [w for w in self.customs.by_intent[wording.intent] if w.slots != wording.slots]
        if not near:
            return self._draw(self.goals)
        some = [self._draw(near) for _ in range(6)]
        if self._chance(0.5):
            return [max(some, key=lambda w: ratio(w.utterance, wording.utterance))]
        return some[:1]

    def _framed(self, wording: Wording) -> str:
        if not self.framed or self._chance(0.3):
            return wording.utterance
        return self._draw(self.customs.talk.frame).format(what=wording.utterance)

    def _line(self, phrases: list[str], kind: str) -> None:
        self._record(self._draw(phrases), kind, None, bad=self._chance(self.shape.bad * 0.7))

    def _record(self, text: str, kind: str, again: int | None, *, bad: bool) -> None:
        heard = "\n".join(
            spoiled(line, self.shape.spoils, self.customs.words, self.rng)
            for line in text.split("\n")
        )
        reply = self._reply(text, bad=bad)
        told = Told(reply, None, None, {}, None, bad, None, self.shape.lacks, self.shape.channel)
        thumbs = (-1 if bad else 1) if self._chance(0.03) else None
        self._turn(heard, kind, again, thumbs, told)

    def _reply(self, text: str, *, bad: bool) -> str:
        """A good answer takes up what was said more often than a bad one."""
        before = self.said[-1].told if self.said else None
        if before and before.answered and self._chance(self.shape.stuck):
            return before.answered
        ramble = self.customs.talk.ramble
        parts = [self._draw(ramble) for _ in range(int(self.rng.integers(1, 4)))]
        if self._chance(self.shape.echoes * (ECHOED if bad else 1.0)):
            words = WORD.findall(text)[:12]
            kept = [w for w in words if self._chance(0.7)]
            parts.insert(int(self.rng.integers(len(parts) + 1)), " ".join(kept))
        if bad and self._chance(0.3):
            parts = [self._draw(self.customs.talk.sorry)]
        return " ".join(p for p in parts if p)

    def _paste(self) -> str:
        size = int(self.rng.integers(*PASTE))
        return " ".join(self._token() for _ in range(size))

    def _edited(self, pasted: str) -> str:
        words = pasted.split()
        return " ".join(self._token() if self._chance(EDITED) else w for w in words)

    def _token(self) -> str:
        word = self._draw(self.customs.words)
        return f"{word}{self._draw(['', '()', ' =', ':', '_' + str(self.rng.integers(20))])}"


@dataclass
class SearchSession(Quiet):
    """Queries of a session."""

    def held(self) -> list[Said]:
        """All queries of the session."""
        while len(self.said) < MOST_TURNS:
            self._pursue(self._draw(self.goals))
            if self._chance(1 / max(self.shape.tasks, 1.0)):
                return self.said
        return self.said

    def _pursue(self, ways: list[Wording]) -> None:
        wording = self._draw(ways)
        query, kind, before = self._query(wording), "new", None
        for _ in range(PATIENCE):
            content = self._chance(self.shape.clicks)
            clicked = self._chance(0.85 if content else 0.2)
            self._record(query, kind, before, content=content, clicked=clicked)
            before = len(self.said) - 1
            if content:
                if self._chance(self.shape.siblings):
                    other = self._draw(self.customs.by_intent[wording.intent])
                    self._record(self._query(other), "refine", None, content=True, clicked=True)
                return
            if not self._chance(self.shape.again):
                return
            kind, query, wording = self._again(query, wording, ways)

    def _again(self, query: str, wording: Wording, ways: list[Wording]) -> tuple[str, str, Wording]:
        manner = str(self.rng.choice(MANNERS, p=self.shape.manners))
        words = query.split()
        if manner == "retry":
            return "retry", query, wording
        if manner == "fragment" and len(words) > 1:
            drop = int(self.rng.integers(len(words)))
            return "rephrase", " ".join(w for i, w in enumerate(words) if i != drop), wording
        other = self._draw(ways)
        fresh = self._query(other)
        if manner == "reword" and self._chance(0.5):
            return "rephrase", " ".join(dict.fromkeys([*words, *fresh.split()])), other
        return "rephrase", fresh, other

    def _query(self, wording: Wording) -> str:
        """The values and a few words of a wording, as people type them."""
        values = " ".join(v for _, v in wording.slots)
        words = [w for w in WORD.findall(wording.utterance) if w not in values.split()]
        size = min(len(words), max(1, QUERY - len(values.split())))
        chosen = sorted(int(i) for i in self.rng.permutation(len(words))[:size])
        parts = [words[i] for i in chosen] + ([values] if values else [])
        return " ".join(parts) or wording.utterance

    def _record(
        self, query: str, kind: str, again: int | None, *, content: bool, clicked: bool
    ) -> None:
        heard = spoiled(query, self.shape.spoils, self.customs.words, self.rng)
        outcome = "success" if clicked else None
        told = Told(
            None, None, None, {}, None, not content, outcome, self.shape.lacks, self.shape.channel
        )
        self._turn(heard, kind, again, None, told)
