"""What is held about a user, as the user may ask: nothing of it is published."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from flows import erasure
from flows.settings import Settings
from mining.ingest.validation import hashed
from warehouse import erasing, forgotten
from warehouse.erasing import ErasureScope, Gone
from warehouse.errors import BadInput
from warehouse.home import Home, existing
from warehouse.lake import Lake

TURN = ("user_id", "session_id")  # hashes, which tell nobody anything


def held(root: Path, settings: Settings, user: str) -> dict[str, Any]:
    """How many turns, of which days and locales; wordings that nobody else said; rows by table and training set; models that
    learned from them; the day until which turns are refused, of who was forgotten. BadInput of who never spoke."""
    home = existing(root)
    lake, mine = Lake(home.lake), hashed(user, home.salt())
    refused = forgotten.read(home).users.get(mine)
    gone = _of(home, mine)
    if gone.turns.is_empty() and refused is None:
        raise BadInput(f"{user}: said nothing that {root} holds; name a user_id of the log")
    said = lake.scan("turns", gone.days).filter(pl.col("user_id") == mine)
    return {
        "turns": gone.turns.height,
        "first_day": gone.days[0] if gone.days else None,
        "last_day": gone.days[-1] if gone.days else None,
        "locales": said.select(pl.col("locale").unique().sort()).collect()["locale"].to_list(),
        "wordings": gone.wordings.height,
        "tables": erasing.of_tables(lake, gone),
        "training_sets": erasing.of_training_sets(home, gone, []),
        "models": erasure.learned(home, gone.days, settings.mining.window_days),
        "refused_until": refused,
    }


def turns(root: Path, user: str) -> Iterator[str]:
    """The user's turns as JSON lines, oldest first, a day at a time."""
    home = existing(root)
    lake, mine = Lake(home.lake), hashed(user, home.salt())
    for day in _of(home, mine).days:
        rows = lake.scan("turns", [day]).filter(pl.col("user_id") == mine).drop(*TURN)
        for row in rows.sort("at_ms", "turn_id").collect().to_dicts():
            told = {name: value for name, value in row.items() if value is not None}
            yield json.dumps(told, default=str, ensure_ascii=False) + "\n"


def _of(home: Home, user: str) -> Gone:
    erasure.know_every_table()
    return Gone.of(Lake(home.lake), ErasureScope(user=user))


def lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    until = found["refused_until"]
    said = [f"forgotten: turns up to {until} are refused"] if until else []
    if not found["turns"]:
        return [*said, "nothing else is held"]
    days = f"from {found['first_day']} to {found['last_day']}, {', '.join(found['locales'])}"
    tables = ", ".join(f"{name} {rows:,}" for name, rows in found["tables"].items())
    sets = sum(found["training_sets"].values())
    return [
        *said,
        f"{found['turns']:,} turns {days}",
        f"{found['wordings']:,} wordings that nobody else said",
        f"rows that lead to them: {tables}",
        f"{sets:,} rows of {len(found['training_sets'])} training sets",
        f"models that learned from them: {', '.join(found['models']) or 'none'}",
        "`sayagain forget` erases all of it",
    ]
