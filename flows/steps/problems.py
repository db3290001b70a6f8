"""What hurts: which problems are open, what they are worth, and which have closed."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from aggregation.training_set import best
from aggregation.trust import NOT_AT_ALL, WELL
from flows.pipeline import Reading, Result, last_night, own, step, tonight, window
from flows.steps.figures import BELIEVED
from flows.steps.utterances import told_of
from mining.failures import defects
from mining.failures.hypothesis_features import SURE
from mining.problems import levels, life, units
from mining.problems.levels import LOCALE
from mining.problems.life import LONGEST, WINDOWS, Counts, Problem
from mining.problems.units import ALONE, EATEN, INTENT, KEY, MISSING, WORDING
from mining.sessions.bots import people
from warehouse.common.reformulation import Reformulation
from warehouse.lake import shifted
from warehouse.tables import (
    BestRephrases,
    Bots,
    Clusters,
    DailyIntents,
    Defects,
    FieldCounts,
    IntentCandidateMembers,
    IntentCandidates,
    Neighbours,
    ProblemMembers,
    ProblemReviews,
    Problems,
    ReformulationRates,
    SoftLabels,
    Trust,
    Turns,
)

BY_LABEL = (EATEN, INTENT, ALONE)  # what is opened where labels are told at all
NEEDED = ("pairs", "failures")  # subjects that the log must tell well


@step(
    reads=(
        *window(Turns, Bots, Defects),
        *tonight(BestRephrases, FieldCounts, Neighbours, Clusters, SoftLabels, DailyIntents),
        *tonight(IntentCandidates, IntentCandidateMembers, ReformulationRates, Trust),
        *last_night(Problems, ProblemMembers, ProblemReviews),
        *own(ProblemReviews),
    ),
    writes=(Problems, ProblemMembers, ProblemReviews),
    settings=("mining.window_days", "min_users.published"),
)
def follow_problems(at: Reading) -> Result:
    """Open problems that users show, follow the known ones, close those that have stopped."""
    here = at.day in at.lake.days("problem_reviews")
    at.put(ProblemReviews, at.tonight(ProblemReviews) if here else at.last_night(ProblemReviews))
    known, members = at.last_night(Problems), at.last_night(ProblemMembers)
    before = life.of_rows(known)
    verdicts = dict(at.tonight(Trust).select("subject", "verdict").iter_rows())
    if any(verdicts.get(subject) != WELL for subject in NEEDED):
        at.put(ProblemMembers, members)  # what the log cannot tell neither opens nor closes
        return _put(at, [p.quiet for p in before.values()])
    untold = BY_LABEL if verdicts.get("labels") == NOT_AT_ALL else ()
    found = _found(at, members, before, labelled=not untold)
    now = [p.quiet for p in before.values() if p.kind in untold]
    daily = at.tonight(DailyIntents).filter(pl.col("intent") == "*", pl.col("day") != "all")
    followed = {n: p for n, p in before.items() if p.kind not in (LOCALE, *untold)}
    now += _followed(at, followed, found, daily)
    now += _places(at, {n: p for n, p in before.items() if p.kind == LOCALE}, daily)
    at.put(ProblemMembers, _members(found, now, members.filter(_of(untold, before))))
    return _put(at, now)


def _put(at: Reading, problems: list[Problem]) -> Result:
    """Leave the problems of the night; how many are open."""
    rows = pl.DataFrame([asdict(p) for p in problems], Problems.create_empty().schema)
    at.put(Problems, rows.sort("problem_id"))
    return {"problems": sum(p.status == life.OPEN for p in problems)}


@dataclass(frozen=True)
class _Found:
    """The wordings that fail in each of WINDOWS (`units.failing`), the wordings of wishes without an intent (`units.wishes`), and those that stood for
    themselves the night before."""

    failing: dict[int, pl.DataFrame]
    wishes: pl.DataFrame
    alone: pl.DataFrame


def _found(
    at: Reading, members: pl.DataFrame, before: dict[str, Problem], *, labelled: bool
) -> _Found:
    neighbours = at.tonight(Neighbours)
    judged = {w: _judged(at, w, neighbours) for w in WINDOWS}
    rates = Reformulation(*at.tonight(ReformulationRates).row(0))
    clusters = at.tonight(Clusters)
    known, alone = (
        members.filter(_of((kind,), before))
        .select(*WORDING, "problem_id")
        .sort(*WORDING, "problem_id")
        .unique(WORDING, keep="first", maintain_order=True)
        for kind in (MISSING, ALONE)
    )
    candidates = at.tonight(IntentCandidateMembers).select(*WORDING, "candidate_id")
    said, salt = judged[LONGEST].select(WORDING), at.home.salt()
    wishes = units.wishes(known, candidates, clusters, said, salt)
    meant = best(at.tonight(SoftLabels)).filter(pl.col("probability") >= BELIEVED)
    meant = meant.select(*WORDING, "label", "probability")
    alone = alone.join(wishes, on=WORDING, how="anti").filter(labelled)
    tells = units.Known(meant if labelled else meant.clear(), wishes, alone, clusters, salt)
    many = judged[LONGEST].select(*KEY, many=pl.col("users") >= at.settings.min_users.published)
    told = pl.lit(value=True) if labelled else ~pl.col("kind").is_in(BY_LABEL)
    failing = {
        w: units.failing(rows.join(many, on=KEY), tells, rates).filter(told)
        for w, rows in judged.items()
    }
    return _Found(failing, wishes, alone)


def _of(kinds: tuple[str, ...], problems: dict[str, Problem]) -> pl.Expr:
    """Of the problems of these kinds."""
    return pl.col("problem_id").is_in([n for n, p in problems.items() if p.kind in kinds])


def _newest(at: Reading, days: int) -> list[str]:
    """So many newest days, as far as the log has them."""
    first = shifted(at.day, 1 - days)
    return [d for d in at.days(Turns) if d >= first]


def _judged(at: Reading, window: int, neighbours: pl.DataFrame) -> pl.DataFrame:
    """What `units.failing` takes of the wordings of so many newest days, by these alone."""
    days = _newest(at, window)
    said = people(at.lake, days)
    heard = at.query("hypothesis_stats", said, told_of(at.tonight(FieldCounts)))
    inputs = said | {"defects": at.lake.files("defects", days)}
    turns = at.query("judged_turns", inputs, {"sure": round(SURE * 1_000_000)}).sort(KEY)
    judged = defects.judge(turns, heard, neighbours).wordings
    counted = turns.select(*KEY, "again", pl.col("turns").cast(pl.Int64))
    return judged.select(*KEY, "users", "right", "executed").join(counted, on=KEY)


def _followed(
    at: Reading, before: dict[str, Problem], found: _Found, daily: pl.DataFrame
) -> list[Problem]:
    """The problems of wordings. `daily`: figures of each locale and day."""
    counted = {w: _counted(at, w, rows, before.keys()) for w, rows in found.failing.items()}
    about = {r["problem_id"]: r for w in WINDOWS for r in counted[w].iter_rows(named=True)}
    counts = {
        w: {r["problem_id"]: _counts(r) for r in rows.to_dicts()} for w, rows in counted.items()
    }
    enough = at.tonight(IntentCandidates).filter(pl.col("users") >= at.settings.min_users.published)
    shown = (
        at.tonight(IntentCandidateMembers)
        .join(enough, on=["locale", "candidate_id"], how="semi")
        .join(found.wishes, on=WORDING)["problem_id"]
    )
    days = {w: len(_newest(at, w)) for w in WINDOWS}
    tells = life.Shown(at.day, counts, _spoke(daily, at.day), about, frozenset(shown), days)
    return life.followed(before, tells, at.settings.min_users.published)


def _counted(at: Reading, window: int, rows: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    """What is counted in so many newest days against problems that are known or that users enough met."""
    said = people(at.lake, _newest(at, window))
    grouped = {"grouped": rows.select(*KEY, "problem_id")}
    counted = units.counted(rows, at.query("problem_people", said | grouped))
    enough = pl.col("users") >= at.settings.min_users.published
    return counted.filter(enough | pl.col("problem_id").is_in(list(known)))


def _counts(row: dict[str, Any]) -> Counts:
    names = ("turns", "failed", "variance", "users", "user_days")
    return Counts(*(row[name] for name in names))


def _spoke(daily: pl.DataFrame, night: str) -> dict[int, dict[str, float]]:
    """How many people spoke in each locale in the newest days, each counted once a day."""
    return {
        w: dict(
            daily.filter(pl.col("day") >= shifted(night, 1 - w))
            .group_by("locale")
            .agg(pl.col("users").sum().cast(pl.Float64))
            .iter_rows()
        )
        for w in WINDOWS
    }


def _places(at: Reading, before: dict[str, Problem], daily: pl.DataFrame) -> list[Problem]:
    """The problems of locales."""
    found = levels.levels(daily, at.day, before)
    return levels.followed(before, found, at.day, at.settings.min_users.published, at.home.salt())


def _members(found: _Found, problems: list[Problem], untold: pl.DataFrame) -> pl.DataFrame:
    """The wordings of the problems that fail now, those of wishes and of wordings that stand for themselves as long as they are remembered,
    and those of which nothing can be told."""
    key = ["problem_id", *WORDING]
    windows = {"problem_id": pl.String(), "window": pl.Int32()}
    there = pl.DataFrame([(p.problem_id, p.window) for p in problems], windows, orient="row")
    newest = found.failing[WINDOWS[0]].select(*key, "intent", turns_now="turns")
    every = [rows.with_columns(window=pl.lit(w)) for w, rows in found.failing.items()]
    now = pl.concat(every).join(there, on=["problem_id", "window"], how="semi")
    now = now.join(newest, on=[*key, "intent"], how="left").with_columns(
        pl.col("turns_now").fill_null(0)
    )
    now = now.select(*key, "intent", "turns", "turns_now", "users", "p")
    remembered = pl.concat([found.wishes, found.alone]).join(there, on="problem_id", how="semi")
    nothing = dict.fromkeys(("turns", "turns_now", "users"), pl.lit(0, pl.Int64))
    quiet = remembered.join(now, on=key, how="anti").select(
        *key, intent=pl.lit(""), **nothing, p=pl.lit(0.0)
    )
    return pl.concat([now, quiet, untold]).sort(*key, "intent")
