"""A person's side of what hurts: what each problem is made of, and which are dismissed."""

from pathlib import Path
from typing import Any

import polars as pl

from warehouse.errors import BadInput
from warehouse.home import alone, existing
from warehouse.lake import Lake
from warehouse.queries import ask
from warehouse.tables import ProblemReviews

MOST_WORDINGS = 20
OPEN = """
    select problem_id, told, locale, worth, worth_at_least, worth_at_most, status, opened, closed
    from problems
    where status = 'open' or {every} order by status = 'open' desc, worth desc nulls last, locale, told
"""
TO_TEST = """
    select w.locale, w.utterance, w.label as intent, w.probability, w.heard, w.users, w.problem_id, p.told as problem
    from problem_wordings as w inner join problems as p using (problem_id)
    order by p.worth desc nulls last, w.problem_id, w.users desc, w.utterance
"""
ONE = "select * from problems where problem_id = '{}'"


def listed(root: Path, *, every: bool) -> pl.DataFrame:
    """The open problems as they are published, those worth most first; with `every` also those that are closed or dismissed."""
    return ask(root, OPEN.format(every=str(every).lower()))


def evaluation_set(root: Path) -> list[dict[str, Any]]:
    """What to test an assistant with: the wordings of open problems that k users or more said, as they may be shown, with the intent that is
    believed, if one is."""
    return ask(root, TO_TEST).to_dicts()


def explained(root: Path, problem: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A published problem, and its wordings with the hypothesis under which they fail, those of most turns first. Internal: shows
    wordings whatever the floor."""
    lake = Lake(existing(root).lake)
    named = _named(lake, problem)
    found = ask(root, ONE.format(named)).to_dicts()
    rows = lake.newest("problem_members").filter(problem_id=named)
    rows = rows.sort("turns", "locale", "utterance", descending=[True, False, False])
    about = (
        found[0] if found else lake.newest("problems").filter(problem_id=named).row(0, named=True)
    )
    return about, rows.head(MOST_WORDINGS).to_dicts()


def review(root: Path, problem: str, because: str | None, *, dismissed: bool) -> str:
    """Remember that a person dismissed the problem, or does so no longer; its id."""
    home = existing(root)
    with alone(home):
        lake = Lake(home.lake)
        lake.recover()
        named = _named(lake, problem)
        night = lake.days("problems")[-1]
        known = lake.read("problem_reviews", [night]).filter(pl.col("problem_id") != named)
        row = {"problem_id": named, "because": because, "dismissed": night}
        more = pl.DataFrame([row] if dismissed else [], ProblemReviews.create_empty().schema)
        lake.put("problem_reviews", night, pl.concat([known, more]).sort("problem_id"))
    return named


def _named(lake: Lake, problem: str) -> str:
    """The id that begins so; BadInput where none does, or several do."""
    ids = [name for name in lake.newest("problems")["problem_id"] if name.startswith(problem)]
    if len(ids) != 1:
        what = "begins several ids" if ids else "is no problem of the newest night"
        raise BadInput(f"{problem}: {what}; `sayagain problems --all` lists them")
    return str(ids[0])
