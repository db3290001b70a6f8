"""How far a wording came: into the training set, or at which step it stopped; into what is published, or
why not."""

from typing import Any

import polars as pl

from flows import newest
from flows.explaining.memory import LakeReader, Spoken, said
from flows.explaining.words import count


def standing(memory: LakeReader, spoken: Spoken, verdict: str | None) -> dict[str, Any]:
    """`verdict` is a person's on the wording's cluster."""
    last = newest.training_set(memory.home)
    among = said(spoken.wording, spoken.locale)
    found = examples(memory, last, among).collect().to_dicts() if last else []
    step, why = (None, None) if found else _stopped(memory, spoken, last)
    told = memory.of("item_reviews", spoken.wording, spoken.locale).filter(kind="label")
    if why and verdict == "rejected":
        why += "; its cluster was rejected in review, so the wording stands alone"
    return {
        "published": _published(memory, spoken),
        "training_set": last,
        "example": found[0] if found else None,
        "stopped_at": step,
        "withheld_because": why,
        "reviewed": told.select("label", pl.col("verdict").cast(pl.String)).to_dicts(),
    }


def examples(memory: LakeReader, version: str, among: pl.Expr) -> pl.LazyFrame:
    """The rows of a training set that an expression chooses."""
    return pl.scan_parquet(memory.home.training_sets / version / "examples.parquet").filter(among)


def _stopped(memory: LakeReader, spoken: Spoken, last: str | None) -> tuple[str, str]:
    """The step at which a wording that is in no training set stopped, and why."""
    if not spoken.turns:
        return _unheard(memory, spoken)
    rows = memory.of("withheld_utterances", spoken.wording, spoken.locale).to_dicts()
    if rows:
        return rows[0]["stage"], _because(rows[0])
    if last is None:
        return "training set", "no training set was built yet"
    return "training set", f"{last} is not of this night"


def _because(row: dict[str, Any]) -> str:
    """Why it was withheld, with the figures that decided."""
    believed = f"its best label {row['label']} is believed at {row['probability'] or 0:.2f}"
    if row["stage"] == "floor of users":
        behind = f"with {count(row['users'], 'user')} behind its cluster and label"
        return f"{believed} {behind}, {row['needed']:.0f} needed"
    if row["stage"] == "floor of belief":
        least = f"at least at {row['at_least']:.2f}, {row['needed']:.2f} needed"
        return f"{believed} by {count(row['users'], 'user')}: {least}"
    return str(row["reason"])


def _unheard(memory: LakeReader, spoken: Spoken) -> tuple[str, str]:
    if spoken.aside:
        told = ", ".join(
            f"{r['reason']}: {count(r['turns'], 'turn')} on {count(r['days'], 'day')}"
            for r in spoken.aside
        )
        return "bots", f"set aside, as no person says it so ({told})"
    days = memory.settings.mining.window_days
    if spoken.last and memory.window("turns") and spoken.last >= memory.window("turns")[0]:
        return "night", f"said on {spoken.last}, which no night has counted yet"
    return "window", f"said last on {spoken.last}, before the {count(days, 'day')} that count"


def _published(memory: LakeReader, spoken: Spoken) -> dict[str, Any]:
    """Whether it may be published, as the night decided it; by its users where no night did."""
    needed = memory.settings.min_users.published
    rows = memory.of("released_utterances", spoken.wording, spoken.locale).to_dicts()
    decided = memory.night in memory.lake.days("released_utterances")
    users = rows[0]["users"] if rows else spoken.users
    published = bool(rows) if decided else users >= needed
    why = f"{count(users, 'user')} said it, {needed} needed"
    if rows and rows[0]["shown"] != spoken.wording:
        why = f"{count(users, 'user')} said what is shown so, {needed} needed"
    if decided and not published and users >= needed:
        why += "; the night left it out (differential privacy, or another floor)"
    return {
        "published": published,
        "shown": rows[0]["shown"] if rows else None,
        "users": users,
        "needed": needed,
        "because": why,
    }


def standing_lines(found: dict[str, Any]) -> list[str]:
    published, row = found["published"], found["example"]
    answer = "yes" if published["published"] else "no"
    if published["shown"] not in (None, found["utterance"]):
        answer = f"as {published['shown']!r}"
    lines = [f"published: {answer}, {published['because']}"]
    lines += [f"a person {r['verdict']} its label {r['label']}" for r in found["reviewed"]]
    if row is None:
        return [
            *lines,
            f"in no training set, stopped at: {found['stopped_at']}: {found['withheld_because']}",
        ]
    return [
        *lines,
        f"in training set {found['training_set']}: weight {row['weight']:.2f},"
        f" {count(row['users'], 'user')} behind it, from {', '.join(row['sources'])}",
    ]
