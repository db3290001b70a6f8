"""Rows as they are put before a person: a question, and what users did, masked.

What is believed of a row is not shown, so that it sways nobody. Internal: masked as the settings say, whatever the floor
of users.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.explaining.memory import LakeReader
from flows.steps.masking import masked
from warehouse.errors import BadInput

EXAMPLES = 2  # newest turns that are shown of a wording
AROUND = 2  # turns of its session that are shown before a turn, and after it
KEYS = {
    "pairs": ["source_turn_id", "target_turn_id"],
    "failures": ["turn_id"],
    "labels": ["locale", "utterance", "label"],
    "rewrites": ["locale", "source", "target"],
}
QUESTIONS = {
    "pairs": "Does the second marked turn say again what the first one wanted?",
    "failures": "Did the marked turn fail its user?",
    "labels": "Does {utterance!r} mean {label}?",
    "rewrites": "Would {target!r} serve who says {source!r} better?",
}
Row = dict[str, Any]


def known(subject: str) -> str:
    """The subject; BadInput where it is none."""
    if subject not in KEYS:
        raise BadInput(f"--subject {subject}: is none of {', '.join(KEYS)}")
    return subject


@dataclass(frozen=True)
class Shown:
    """How rows are put before a person: a question, and what users did, masked."""

    memory: LakeReader
    subject: str

    def rows(self, found: pl.DataFrame) -> list[Row]:
        marked = self._marked(found)
        sessions = self._sessions({turn for turns in marked for turn in turns})
        texts = self._masked(found, sessions)
        shown = []
        for row, turns in zip(found.to_dicts(), marked, strict=True):
            here = {k: texts.get((row["locale"], v), v) for k, v in row.items()}
            lines = [line for part in self._parts(turns) for line in _lines(part, sessions, texts)]
            about = {"subject": self.subject, "night": self.memory.night, "row": row["row"]}
            question = QUESTIONS[self.subject].format(**here)
            shown.append(
                {
                    **about,
                    "locale": row["locale"],
                    "question": question,
                    "shown": lines,
                    "right": None,
                }
            )
        return shown

    def _marked(self, found: pl.DataFrame) -> list[list[str]]:
        """The turns that each row is about; of a wording its newest ones."""
        if self.subject in ("pairs", "failures"):
            return [list(ids) for ids in found.select(KEYS[self.subject]).iter_rows()]
        wording = "utterance" if self.subject == "labels" else "source"
        key = ["locale", "utterance"]
        asked = found.select("locale", utterance=wording)
        turns = self.memory.lake.scan("turns", self.memory.window("turns"))
        said = turns.join(asked.lazy(), on=key, how="semi").select(*key, "turn_id", "at_ms")
        newest = said.sort("at_ms", "turn_id").group_by(key).agg(pl.col("turn_id").tail(EXAMPLES))
        ids = asked.join(newest.collect(), on=key, how="left", maintain_order="left")["turn_id"]
        return [list(each) if each is not None else [] for each in ids]

    def _parts(self, turns: list[str]) -> list[set[str]]:
        """The turns that are shown together."""
        return [set(turns)] if self.subject == "pairs" else [{turn} for turn in turns]

    def _sessions(self, ids: set[str]) -> dict[str, list[Row]]:
        """By turn, the turns of its session in order."""
        turns = self.memory.lake.scan("turns", self.memory.window("turns"))
        names = turns.filter(pl.col("turn_id").is_in(list(ids))).select("session_id").unique()
        columns = [
            "session_id",
            "turn_id",
            "at_ms",
            "locale",
            "utterance",
            "best_intent",
            "intent",
            "response",
        ]
        inside = turns.join(names, on="session_id", how="semi").select(columns).collect()
        parts = inside.sort("at_ms", "turn_id").partition_by("session_id")
        sessions = [part.to_dicts() for part in parts]
        return {
            turn["turn_id"]: session
            for session in sessions
            for turn in session
            if turn["turn_id"] in ids
        }

    def _masked(
        self, found: pl.DataFrame, sessions: dict[str, list[Row]]
    ) -> dict[tuple[str, str], str]:
        """By locale and text, the text as it is shown."""
        said = {
            (t["locale"], t[k])
            for turns in sessions.values()
            for t in turns
            for k in ("utterance", "response")
        }
        for name in ("utterance", "source", "target"):
            if name in found.columns:
                said |= set(found.select("locale", name).iter_rows())
        texts = sorted((locale, text) for locale, text in said if text)
        rows = pl.DataFrame(texts, schema=["locale", "utterance"], orient="row")
        files = self.memory.lake.files("turns", self.memory.window("turns"))
        return dict(zip(texts, masked(self.memory.settings.privacy, files, rows), strict=True))


def _lines(
    marked: set[str], sessions: dict[str, list[Row]], masked: dict[tuple[str, str], str]
) -> list[str]:
    """Marked turns of a session, and those around them."""
    turns = next((sessions[turn] for turn in sorted(marked) if turn in sessions), [])
    at = [place for place, turn in enumerate(turns) if turn["turn_id"] in marked]
    if not at:
        return []
    first, last = max(0, min(at) - AROUND), max(at) + AROUND + 1
    return [_line(turn, turn["turn_id"] in marked, masked) for turn in turns[first:last]]


def _line(turn: Row, is_marked: bool, masked: dict[tuple[str, str], str]) -> str:  # noqa: FBT001
    said, answer = (
        masked.get((turn["locale"], turn[k]), turn[k]) for k in ("utterance", "response")
    )
    heard = (
        f"{turn['best_intent'] or 'nothing understood'}{'' if turn['intent'] else ', not executed'}"
    )
    told = f"; answered {answer!r}" if answer else ""
    return f"{'>' if is_marked else ' '} {said!r} [{heard}]{told}"
