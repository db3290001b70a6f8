"""The first screen of the report: four questions that its readers have, each with an answer, why, and what to do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import Any

import polars as pl
from scipy.stats import ttest_ind_from_stats

from warehouse.report.drawing import Ask

WEEK = 7  # days
LEAST_DAYS = 3  # of a week, by which it can be compared
CHANCE = 0.05  # probability of a difference as large where nothing changed
MOST = 5  # things to do
LARGE = 0.01  # share of all turns from which a problem is a large one

DAILY = """
    select day, turns, defects from pooled
    where day is not null and intent = 'all' and locales = 'all' and turns is not null order by day
"""
PROBLEMS = """
    select told, locale, worth, worth_at_least, worth_at_most, opened, times, problem_id, how from problems
    where status = 'open' and worth is not null order by worth desc, locale, told
"""
A_DAY = """
    select sum(turns) / count(*) from pooled where day is not null and intent = 'all' and locales = 'all'
"""
WORST = """
    select locale, coalesce(intent, 'no intent') as intent, turns, defects / turns as failed from intent_totals
    where defects is not null order by defects desc, locale, intent limit 1
"""
LAST_MODEL = (
    "string_split(version, '-')[4] = (select max(string_split(version, '-')[4]) from models)"
)


@dataclass(frozen=True)
class Answer:
    """A question, its answer in a few words, how it is meant (`good`, `bad` or `plain`), what is behind it, and what to do about it:
    pairs of a reason and a command."""

    name: str
    question: str
    answer: str = ""
    tone: str = "plain"
    because: list[str] = field(default_factory=list)
    todo: list[tuple[str, str]] = field(default_factory=list)


def answers(ask: Ask, run: dict[str, Any]) -> list[Answer]:
    """The four answers of a night. `run` is its row of `runs`."""
    return [_better(ask, run), _first(ask, run), _model(ask), _now(ask)]


def changed(ask: Ask) -> list[str]:
    """What changed within a week, in sentences, the most important first."""
    return [*_problems_changed(ask), *_words_changed(ask)]


def _better(ask: Ask, run: dict[str, Any]) -> Answer:
    """Whether fewer turns fail than the week before, by Welch's test on the daily shares."""
    asked = Answer("better", "Better than last week?")
    if run["verdict_failures"] not in (None, "well"):
        return replace(asked, answer="This log cannot tell", because=_doubts(ask, "failures"))
    days = ask(DAILY)
    if days.is_empty() or days.tail(2 * WEEK)["defects"].null_count():
        return replace(
            asked,
            answer="Not known",
            because=["On some days too few users failed to tell anything of them."],
        )
    age = (pl.col("day").max() - pl.col("day")).dt.total_days()
    now, before = days.filter(age < WEEK), days.filter(age.is_between(WEEK, 2 * WEEK - 1))
    level = _share(now)
    last_day = f"On the last day {_share(days.tail(1)):.0%}."
    if now.height < LEAST_DAYS or before.height < LEAST_DAYS:
        needed = f"No week before that one to compare with: the log has {days.height} days."
        return replace(asked, answer=f"{level:.0%} of turns fail", because=[needed, last_day])
    shares = [(some["defects"] / some["turns"]).to_list() for some in (now, before)]
    moved = fmean(shares[0]) - fmean(shares[1])
    why = (
        f"{level:.0%} of turns failed their users in the last week ({now.height} days), {_share(before):.0%} in the week"
        f" before ({before.height} days)."
    )
    if not _differ(*shares):
        within = "The difference is no larger than what days differ by anyhow."
        return replace(
            asked, answer=f"No clear change: {level:.0%} fail", because=[why, within, last_day]
        )
    tone, said = ("bad", "worse") if moved > 0 else ("good", "better")
    answer = f"{said.capitalize()} by {_points(moved)}"
    return replace(asked, answer=answer, tone=tone, because=[why, last_day])


def _differ(now: list[float], before: list[float]) -> bool:
    """Whether two weeks of daily shares differ beyond what their days do."""
    told = [(fmean(some), stdev(some), len(some)) for some in (now, before)]
    if told[0][1] == told[1][1] == 0:
        return told[0][0] != told[1][0]
    return bool(ttest_ind_from_stats(*told[0], *told[1], equal_var=False).pvalue < CHANCE)


def _share(days: pl.DataFrame) -> float:
    return float(days["defects"].sum()) / float(days["turns"].sum())


def _points(share: float) -> str:
    points = abs(share) * 100
    return f"{points:.0f} points" if points >= 1.5 else "a point"


def _doubts(ask: Ask, subject: str) -> list[str]:
    rows = ask(
        f"select because from trust where subject = '{subject}' and night = (select max(night) from trust)"
    )
    return [f"{why[:1].upper()}{why[1:]}." for row in rows["because"] for why in row]


def _first(ask: Ask, run: dict[str, Any]) -> Answer:
    """The open problem that is worth most."""
    asked = Answer("first", "What to fix first?")
    for subject, what in (("pairs", "is said again"), ("failures", "failed")):
        if run[f"verdict_{subject}"] not in (None, "well"):
            doubt = f"What {what} is not known well enough to say what hurts."
            return replace(
                asked, answer="This log cannot tell", because=[doubt, *_doubts(ask, subject)]
            )
    rows = ask(PROBLEMS).to_dicts()
    if not rows:
        return replace(asked, answer="No single problem", because=list(_worst(ask)))
    first, a_day = rows[0], ask(A_DAY).item()
    part = f" of {a_day:,.0f}" if a_day else ""
    why = [
        f"In {first['locale']}, since {first['opened']}. Solving it is worth {first['worth']:g}{part} turns a day"
        f" ({first['worth_at_least']:g} to {first['worth_at_most']:g}).",
        f"What mends it: {first['how']}.",
    ]
    if len(rows) > 1:
        rest = sum(row["worth"] for row in rows[1:])
        why.append(
            f"{len(rows) - 1} more are open, worth {rest:,.0f} turns a day together: sayagain problems."
        )
    tone = "bad" if a_day and first["worth"] >= LARGE * a_day else "plain"
    told = re.sub("^(what|a) ", lambda found: found[0].capitalize(), first["told"])
    return replace(asked, answer=told, tone=tone, because=why)


def _worst(ask: Ask) -> Iterator[str]:
    """Where most fails, where no problem stands out."""
    yield "Nothing stands out that users enough showed."
    rows = ask(WORST).to_dicts()
    if rows:
        worst = rows[0]
        yield (
            f"Most fails in what is heard as {worst['intent']} ({worst['locale']}): {worst['failed']:.0%} of"
            f" {worst['turns']:,} turns."
        )


def _model(ask: Ask) -> Answer:
    """What the gate found of the last model."""
    asked = Answer("model", "Is the new model safe?")
    models = ask(f"select version, champion, rejected from models where {LAST_MODEL}").to_dicts()
    if not models:
        return replace(asked, answer="There is none yet", because=["No model was taught yet."])
    model = models[0]
    judged = ask(
        f"select * from evaluations where challenger = '{model['version']}' and locale = 'all' and intent = 'all'"
    ).to_dicts()
    why = [_compared(row) for row in judged]
    if model["champion"]:
        others = "Turns that failed until now were answered by what ran then."
        return replace(asked, answer="Yes, and it is live", tone="good", because=[*why, others])
    reasons = [f"{row['because'][0].capitalize()}." for row in judged if row["because"]]
    if model["rejected"]:
        return replace(asked, answer="A person rejected it", because=[*reasons, *why])
    todo = [("let it serve nevertheless", f"sayagain approve {model['version']}")]
    return replace(asked, answer="Not let through", tone="bad", because=[*reasons, *why], todo=todo)


def _compared(row: dict[str, Any]) -> str:
    cases = f"{row['cases']:,} cases that neither model had seen" if row["cases"] else "few cases"
    if row["challenger_accuracy"] is None:
        return "It could not be judged: there was no case."
    told = f"Right in {row['challenger_accuracy']:.0%} of {cases}"
    if row["champion_accuracy"] is None:
        return f"{told}; there was no model before."
    return (
        f"{told}; the model before it, in {row['champion_accuracy']:.0%}. {row['negative_flips']:.1%} of all cases were right before"
        f" and are wrong now ({row['flips_at_most']:.1%} at most)."
    )


def _now(ask: Ask) -> Answer:
    """What only a person can do, the most urgent first."""
    todo = list(_todo(ask))[:MOST]
    said = {0: "Nothing", 1: "One thing"}.get(len(todo), f"{len(todo)} things")
    why = [] if todo else ["Nights go on by themselves."]
    return Answer("now", "What must I do now?", said, "plain" if todo else "good", why, todo)


def _todo(ask: Ask) -> Iterator[tuple[str, str]]:
    last = ask("select night, status from runs order by night desc, status limit 1").to_dicts()
    if last and last[0]["status"] == "failed":
        yield f"the night {last[0]['night']} failed", "sayagain run LOG -v"
    due = ask(
        """
        select d.version from decisions as d where d.retrain and d.night = (select max(night) from decisions)
            and d.version not in (select training_set from models where training_set is not null)
        """
    )
    if due.height:
        yield "retrain: it pays", "sayagain retrain"
    waiting = dict(
        ask("select kind, count(*) from waiting group by kind order by kind").iter_rows()
    )
    if waiting.get("model"):
        yield "a model waits for a person", "sayagain review"
    if waiting.get("message"):
        yield f"{waiting['message']} messages were not delivered", "sayagain review"
    first = [row["problem_id"] for row in ask(PROBLEMS).head(1).to_dicts()]
    if first:
        yield "look at the problem that is worth most", f"sayagain problems {first[0]}"
    missing = ask(
        "select problem_id, told from problems where status = 'open' and kind = 'missing' order by worth desc nulls last"
    )
    others = [name for name in missing["problem_id"] if name not in first]
    if others:
        several = f"{len(others)} wishes have" if len(others) > 1 else "a wish has"
        yield f"{several} no intent", "sayagain problems"
    if not ask("from audits").height:
        yield "check sixty rows by hand; nobody has yet", "sayagain audit"
    rest = {kind: waiting[kind] for kind in ("rewrite", "label", "cluster") if kind in waiting}
    if rest:
        told = " and ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in rest.items())
        yield f"decide, when there is time, about {told}", "sayagain review"


def _problems_changed(ask: Ask) -> Iterator[str]:
    recent = f"> (select max(night) from runs) - {WEEK}"
    rows = ask(
        f"""
        select status, told, locale, times, worth from problems
        where (status = 'open' and worth is not null and opened {recent} and opened > (select min(night) from runs))
            or (status = 'closed' and closed {recent})
        order by status = 'open' desc, worth desc nulls last, locale, told
        """
    )
    for status, what in (("closed", "no longer seen"), ("open", "new")):
        part = rows.filter(status=status)
        if part.height:
            first = part.row(0, named=True)
            more = f" and {part.height - 1} more" if part.height > 1 else ""
            again = ", again" if status == "open" and first["times"] > 1 else ""
            yield f"{what.capitalize()}{again}: {first['told']} ({first['locale']}){more}."


def _words_changed(ask: Ask) -> Iterator[str]:
    rows = ask(
        """
        select locale, change, coalesce(term, example) as what from trends
        where term is not null or (kind = 'cluster' and example is not null)
        order by users desc nulls last, locale, what
        """
    )
    for change, said in (("appeared", "New in what people say"), ("rising", "Said more"), ("gone", "Said no more")):  # fmt: skip
        part = rows.filter(change=change)
        if part.height:
            named = ", ".join(f"{what} ({locale})" for locale, _, what in part.head(3).iter_rows())
            more = f" and {part.height - 3} more" if part.height > 3 else ""
            yield f"{said}: {named}{more}."
