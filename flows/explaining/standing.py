"""How far a wording came: into the training set, or at which step it stopped; into what is published, or
why not."""

from typing import Any

import polars as pl

from flows.explaining.memory import LakeReader, Spoken, said
from flows.explaining.words import count
from warehouse.home import training_versions

ANSWERS = "it is said in answer to the assistant's questions, which is no wording of an intent"


def standing(
    memory: LakeReader, spoken: Spoken, labels: pl.DataFrame, verdict: str | None
) -> dict[str, Any]:
    """`labels` are the wording's, the most probable first; `verdict` a person's on its cluster."""
    sets = training_versions(memory.home)
    rows = [examples(memory, v, said(spoken.wording, spoken.locale)) for v in sets[-1:]]
    found = rows[0].collect().to_dicts() if rows else []
    step, why = (None, None) if found else _stopped(memory, spoken, labels, sets[-1:])
    told = memory.of("item_reviews", spoken.wording, spoken.locale).filter(kind="label")
    if why and verdict == "rejected":
        why += "; its cluster was rejected in review, so the wording stands alone"
    return {
        "published": _published(memory, spoken),
        "training_set": sets[-1] if sets else None,
        "example": found[0] if found else None,
        "stopped_at": step,
        "withheld_because": why,
        "reviewed": told.select("label", pl.col("verdict").cast(pl.String)).to_dicts(),
    }


def examples(memory: LakeReader, version: str, among: pl.Expr) -> pl.LazyFrame:
    """The rows of a training set that an expression chooses."""
    return pl.scan_parquet(memory.home.training_sets / version / "examples.parquet").filter(among)


def _stopped(
    memory: LakeReader, spoken: Spoken, labels: pl.DataFrame, sets: list[str]
) -> tuple[str, str]:
    """The step at which a wording that is in no training set stopped, and why."""
    if not spoken.turns:
        return _unheard(memory, spoken)
    if labels.is_empty():
        answers = memory.of("slot_answers", spoken.wording, spoken.locale).height
        return "labels", ANSWERS if answers else "no label was ever heard for it"
    if because := _untold(memory):
        return "verdict", f"this log cannot tell labels: {because}"
    return _unbelieved(memory, labels, sets)


def _unbelieved(memory: LakeReader, labels: pl.DataFrame, sets: list[str]) -> tuple[str, str]:
    """Which floor a wording does not reach, and by how much."""
    best = labels.row(0, named=True)
    floor = memory.settings.min_users.training
    believed = f"its best label {best['label']} is believed at {best['probability']:.2f}"
    if best["users"] < floor:
        behind = f"with {count(best['users'], 'user')} behind its cluster and label, {floor} needed"
        return "floor of users", f"{believed} {behind}"
    from aggregation.training_set import Floors, lower_bound

    bound = lower_bound(
        *labels.select("probability", "users").head(1).cast(pl.Float64).to_numpy().T
    )
    if bound[0] < Floors().belief:
        least = f"at least at {bound[0]:.2f}, {Floors().belief:.2f} needed"
        return "floor of belief", f"{believed} by {count(best['users'], 'user')}: {least}"
    if not sets:
        return "training set", "no training set was built yet"
    return "training set", f"it passes these settings; {sets[0]} was built with others"


def _untold(memory: LakeReader) -> str | None:
    """Why the log of the night tells no labels at all; None where it does."""
    from aggregation.trust import NOT_AT_ALL

    rows = memory.lake.newest("trust", memory.night).filter(subject="labels", verdict=NOT_AT_ALL)
    return "; ".join(rows["because"].to_list()[0]) if rows.height else None


def _unheard(memory: LakeReader, spoken: Spoken) -> tuple[str, str]:
    if spoken.aside:
        told = ", ".join(
            f"{r['reason']}: {count(r['turns'], 'turn')} on {count(r['days'], 'day')}"
            for r in spoken.aside
        )
        return "robots", f"set aside, as no person says it so ({told})"
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
