"""What users and the assistant did: votes, moves from one wording to another, what was heard."""

from typing import Any

import polars as pl

from flows.explaining.memory import MOST, LakeReader
from flows.explaining.words import count

HEARD = ["intent", "turns", "users", "executed_users", "came_back"]


def votes(cast: pl.DataFrame) -> list[dict[str, Any]]:
    """Votes by label and source: their weight, and the distinct users behind them."""
    users = pl.col("user_id").filter(pl.col("user_id") != "").n_unique()
    return (
        cast.group_by("label", "source")
        .agg(votes=pl.col("weight").sum(), users=users)
        .sort("votes", "label", "source", descending=[True, False, False])
        .to_dicts()
    )


def moves(memory: LakeReader, among: pl.Expr) -> pl.DataFrame:
    """The moves with the most users, of those that an expression chooses."""
    rows = memory.state("transitions").filter(among)
    order = ["users", "source", "target"]
    return rows.sort(order, descending=[True, False, False]).head(MOST).collect()


def heard(memory: LakeReader, wording: str, locale: str) -> list[dict[str, Any]]:
    """What the assistant heard in a wording, and how many of its users came back; the newest first."""
    back = pl.min_horizontal("reformulated", "executed_users") + pl.col("reformulated_unexecuted")
    rows = memory.of("hypothesis_stats", wording, locale).sort("last_ms", "intent", descending=True)
    return rows.with_columns(came_back=back).select(HEARD).to_dicts()


def vote_lines(found: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"  {r['votes']:8.2f}  {r['source']:<23} {r['label']} ({count(r['users'], 'user')})"
        for r in found
    ]
    return ["votes, by weight:", *rows] if rows else ["no votes"]


def move_lines(title: str, end: str, found: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"  {r[end]!r} ({count(r['users'], 'user')}, same with p {r['p_same']:.2f})" for r in found
    ]
    return [title, *rows] if rows else []


def heard_lines(wording: str, found: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"  {r['intent'] or 'no hypothesis'}: {r['came_back']:.1f} of {count(r['users'], 'user')} came back,"
        f" executed for {r['executed_users']}"
        for r in found
    ]
    return [f"heard in {wording!r}, the newest first:", *rows] if rows else []
