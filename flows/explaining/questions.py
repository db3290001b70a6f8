"""What can be asked of a home, and the answers, from a label, a cluster, a rewrite or a decision back to
its votes, pairs and turns.

Internal: reads the lake, shows wordings whatever the floor, never a user id.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.explaining import cluster, label, rewriting
from flows.explaining.memory import LakeReader
from flows.explaining.words import plain
from flows.settings import Settings, place
from warehouse.errors import BadInput
from warehouse.home import existing


@dataclass(frozen=True)
class Question:
    """One of a wording, a wording and a `target` (the rewrite of the one to the other), a cluster and a
    decision (a night, a training set or a model)."""

    wording: str | None = None
    locale: str | None = None
    target: str | None = None
    cluster: str | None = None
    decision: str | None = None


def answered(
    root: Path, settings: Settings, question: Question
) -> tuple[dict[str, Any], list[str]]:
    """What is known, and the same as lines for people; BadInput where nothing is, or too much is asked."""
    asked = [question.wording, question.cluster, question.decision]
    if sum(a is not None for a in asked) != 1:
        raise BadInput("name one thing: a wording, --cluster ID or --decision NIGHT")
    if question.wording is None and (question.target or question.locale):
        raise BadInput("--target and --locale go with a wording")
    memory = LakeReader(existing(place(root, settings)), settings)
    found, lines = _answer(memory, question)
    return found, [plain(line) for line in lines]


def _answer(memory: LakeReader, question: Question) -> tuple[dict[str, Any], list[str]]:
    if question.cluster is not None:
        found = cluster.explain(memory, question.cluster)
        return found, cluster.lines(found)
    if question.decision is not None:
        from flows.explaining import decision

        found = decision.explain(memory, question.decision)
        return found, decision.lines(found)
    wording = question.wording or ""
    if question.target is not None:
        found = rewriting.explain(memory, wording, question.target, question.locale)
        return found, rewriting.lines(found)
    found = label.explain(memory, wording, question.locale)
    return found, label.lines(found)
