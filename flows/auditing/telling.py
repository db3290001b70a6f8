"""What the answers tell."""

from pathlib import Path
from typing import Any

from flows.auditing.showing import known
from flows.explaining.memory import LakeReader
from flows.settings import Settings
from flows.steps import audits
from warehouse.home import existing


def told(root: Path, settings: Settings, subject: str) -> dict[str, Any] | None:
    """What the answers to the newest rows that anybody judged tell: a row of `Audits`, and whether the beliefs that were judged
    were `bent` already; None where nobody could tell anything."""
    memory = LakeReader(existing(root), settings)
    answers = audits.read(memory.lake, memory.window("audit_answers"), known(subject))
    found = audits.judged(answers)
    if found is None:
        return None
    judged = answers.filter(night=found["drawn"].item())
    return found.row(0, named=True) | {"bent": bool((judged["belief"] != judged["unbent"]).any())}


def lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    subject, answered, rows = found["subject"], found["answered"], found["rows"]
    lead = f"{subject}: {answered} of {rows} rows of the night of {found['drawn']} answered"
    within = f"{found['at_least']:.0%} to {found['at_most']:.0%} in nine cases of ten"
    said = [
        f"{lead} by {found['auditors']} person{'s' * (found['auditors'] != 1)}",
        f"so: {found['observed']:.0%} of turns ({within}); believed {found['believed']:.0%}",
        _verdict(found),
        f"{4 * answered} answers would halve that interval",
    ]
    if found["kappa"] is not None:
        said.append(f"two persons agree by a kappa of {found['kappa']:.2f}")
    return said


def _verdict(found: dict[str, Any]) -> str:
    off = found["believed"] - found["observed"]
    within = found["at_least"] <= found["believed"] <= found["at_most"]
    if found["bent"] and within:
        return "beliefs hold, as they are bent by now"
    if (found["shift"], found["stretch"]) == (0.0, 1.0):
        return "beliefs hold, as far as these answers can tell"
    words = f"beliefs are off: {abs(off):.0%} too {'high' if off > 0 else 'low'} in all"
    if found["subject"] == "rewrites":
        return words
    return f"{words}; they are bent from the next run on"
