"""What a night or a retraining came to, in at most MOST lines that a person reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.night import Outcome
from warehouse.lake import Lake
from warehouse.queries import opened
from warehouse.report.drawing import Ask

MOST = 12
Line = tuple[str, str]  # what it is about, and what there is to say

WHOLE = """
    select defects / turns as failed, defects_at_least as at_least, defects_at_most as at_most
    from pooled where day is null and intent = 'all' and locales = 'all'
"""
PROBLEMS = """
    select told, locale, worth, worth_at_least, worth_at_most, (count(*) over ()) - 2 as others from problems
    where status = 'open' and worth is not null order by worth desc, locale, told limit 2
"""
HURTS = """
    select locale, coalesce(intent, 'no hypothesis') as intent, defects, turns from intent_totals
    where defects is not null order by defects desc, locale, intent limit 2
"""
WAITING = "select kind, count(*) as many from waiting group by kind order by kind"
DOOR = """
    select reason from withheld where stage = 'door' and night = (select max(night) from runs where status <> 'failed')
    order by rows desc nulls last, reason limit 1
"""


def lines(home: Path, outcome: Outcome) -> list[Line]:
    """The night as its published warehouse tells it, the most important first."""
    rewrites = Lake(home / "lake").newest("rewrites").height
    with opened(home / "warehouse.duckdb") as asked:
        found = [
            ("read", _read(outcome, asked)),
            *_believed(outcome, rewrites, asked),
            *_waits(asked),
            *_sent(outcome),
        ]
    odd = _shortened("noticed", outcome.noticed, MOST - len(found) - 1, "-v")
    following = "retrain" if outcome.retrain else "report"
    return [*found, *odd, ("next", f"sayagain {following} --home {home}")]


def retrained(home: Path, verdict: dict[str, Any]) -> list[Line]:
    """A retraining: how right both models were, why the challenger serves or does not, and what to do next."""
    found = (
        list(_judged(verdict["figures"])) if verdict.get("before") and "figures" in verdict else []
    )
    serves = verdict["champion"]
    following = "predict" if verdict["promoted"] else "review" if serves else "run LOG"
    because = _shortened("because", verdict["because"], MOST - len(found) - 2, "--json")
    ends = [("serves", serves or "nothing"), ("next", f"sayagain {following} --home {home}")]
    return [*found, *because, *ends]


def _judged(figures: dict[str, Any]) -> Iterator[Line]:
    cases = f"of {figures['cases']:,.0f} cases that no model saw"
    kinds = {
        "intents right": ("champion_accuracy", "challenger_accuracy", "negative_flips"),
        "with all slots": ("champion_exact", "challenger_exact", "negative_exact_flips"),
    }
    for about, names in kinds.items():
        before, after, flips = (figures.get(name) for name in names)
        if before is not None and after is not None and flips is not None:
            yield (
                about,
                f"{before:.1%}, now {after:.1%} {cases}; {flips:.1%} were right and went wrong",
            )
            cases = "of those with slots"


def _shortened(about: str, texts: Sequence[str], room: int, how: str) -> list[Line]:
    """As many as there is room for."""
    if len(texts) <= room:
        return [(about, text) for text in texts]
    kept = [(about, text) for text in texts[: room - 1]]
    return [*kept, (about, f"and {len(texts) - room + 1} more ({how} tells all)")]


def _read(outcome: Outcome, asked: Ask) -> str:
    intake = outcome.intake
    told = f"{intake['read']:,} rows, {intake['kept']:,} kept"
    if not intake["set_aside"]:
        return f"{told}, none set aside"
    reasons = asked(DOOR)
    first = f" (most: {reasons['reason'][0]})" if reasons.height else ""
    return f"{told}, {intake['set_aside']:,} set aside{first}"


def _believed(outcome: Outcome, rewrites: int, asked: Ask) -> Iterator[Line]:
    if outcome.training_set is None:
        why = "no person says anything" if outcome.intake["kept"] else "the log holds no turn"
        yield "nothing to learn", why
        return
    verdicts = {v["subject"]: v for v in outcome.verdicts}
    by_verdict = ", ".join(f"{subject} {v['verdict']}" for subject, v in verdicts.items())
    doubts = sorted({reason for v in verdicts.values() for reason in v["because"]})
    yield "this log tells", by_verdict + (f": {doubts[0]}" if doubts else "")
    said = outcome.counts["examples"]
    yield "believed", f"{said:,} wordings (training set {outcome.training_set})"
    if verdicts["failures"]["verdict"] == "well":
        yield from _failures(asked)
    yield "rewrites", f"{rewrites:,} may run" if rewrites else "none"
    yield "retrain", ("yes: " if outcome.retrain else "no: ") + "; ".join(outcome.because)


def _failures(asked: Ask) -> Iterator[Line]:
    """How many turns failed, and where most did."""
    (whole,) = asked(WHOLE).to_dicts() or [{"failed": None}]
    if whole["failed"] is not None:
        bounds = f"{whole['at_least']:.0%} to {whole['at_most']:.0%}"
        yield "failed", f"{whole['failed']:.0%} of turns ({bounds})"
    problems = asked(PROBLEMS).to_dicts()
    if problems:
        told = [
            f"{r['told']} ({r['locale']}): {r['worth']:g} turns a day"
            f" ({r['worth_at_least']:g} to {r['worth_at_most']:g})"
            for r in problems
        ]
        others = problems[0]["others"]
        more = [f"{others} more: sayagain problems"] if others > 0 else []
        yield "hurts most", "; ".join([*told, *more])
        return
    worst = [
        f"{r['intent']} in {r['locale']}, {r['defects']:,} of {r['turns']:,} turns"
        for r in asked(HURTS).to_dicts()
    ]
    if worst:
        yield "hurts most", "; ".join(worst)


def _sent(outcome: Outcome) -> Iterator[Line]:
    if outcome.told:
        told = (f"{m['receiver']}: {m['status']}, {m['answer']}" for m in outcome.told)
        yield "sent", "; ".join(told)


def _waits(asked: Ask) -> Iterator[Line]:
    waiting = [
        f"{many} {kind}{'s' if many > 1 else ''}" for kind, many in asked(WAITING).iter_rows()
    ]
    if waiting:
        yield "waits for you", f"{', '.join(waiting)} (sayagain review)"
