"""Which slots does a wording hold, and who showed it?"""

from typing import Any

import polars as pl

from flows.explaining.memory import MOST, LakeReader, said
from flows.explaining.words import count

HEARD = ["name", "value"]


def slots(memory: LakeReader, wording: str, locale: str, ends: list[str]) -> dict[str, Any]:
    """The slots that are believed of a wording, what the assistant heard in it, and in the wordings at which its users ended."""
    rows = memory.of("projected_slots", wording, locale).to_dicts()
    believed = rows[0] if rows else {"slots": None, "slots_known": False}
    return {
        "believed": believed["slots"],
        "known": believed["slots_known"],
        "heard": _heard(memory, said(wording, locale)),
        "heard_where_users_ended": {
            end: told for end in ends if (told := _heard(memory, said(end, locale)))
        },
    }


def _heard(memory: LakeReader, among: pl.Expr) -> list[dict[str, Any]]:
    """`name, value, users`: the values that were executed, those of most users first."""
    turns = memory.lake.scan("turns", memory.window("turns"))
    held = turns.filter(among & pl.col("intent").is_not_null()).select("user_id", "slots")
    named = held.explode("slots").drop_nulls("slots").unnest("slots").drop_nulls(HEARD)
    counted = named.group_by(HEARD).agg(users=pl.col("user_id").n_unique())
    ranked = counted.sort("users", *HEARD, descending=[True, False, False])
    return ranked.head(MOST).collect().to_dicts()


def slot_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    if found["believed"] is None and not found["heard"]:
        return []
    believed = [
        f"  {s['probability']:.2f}  {s['name']} = {s['value']!r}, characters {s['start']} to {s['end']}"
        for s in found["believed"] or []
    ]
    state = (
        "all, as far as users showed"
        if found["known"]
        else "users did not show whether that is all"
    )
    nothing = "none" if found["known"] else "none that enough of its users agree on"
    return [
        *([f"slots ({state}):", *believed] if believed else [f"slots: {nothing}"]),
        *_heard_lines("it", found["heard"]),
        *(
            line
            for end, told in found["heard_where_users_ended"].items()
            for line in _heard_lines(repr(end), told)
        ),
    ]


def _heard_lines(where: str, rows: list[dict[str, Any]]) -> list[str]:
    told = ", ".join(f"{r['name']} = {r['value']!r} ({count(r['users'], 'user')})" for r in rows)
    return [f"  heard in {where}: {told}"] if told else []
