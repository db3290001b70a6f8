"""What changed in what people say, and what may be a new intent: counts by the engine, rows into the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl
import polars.selectors as cs

from mining import candidates, changes
from mining.changes import FALSE, KEY, WINDOWS
from mining.engine import Engine
from warehouse.lake import Lake

DAY = 86_400_000  # milliseconds
LONGEST = WINDOWS[-1]
Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Tonight:
    """`day` is the night, `people` are the inputs of queries about what people said in its window, `earlier` those of the days of
    it that are not the newest, and `before` is the last night that knew changes, if there was one."""

    lake: Lake
    engine: Engine
    day: str
    people: Inputs
    earlier: Inputs
    before: list[str]

    @property
    def end(self) -> int:
        """When the day ends, in milliseconds since 1970."""
        return (date.fromisoformat(self.day) - date(1970, 1, 1)).days * DAY + DAY


def detect(night: Tonight) -> dict[str, int]:
    """Write `changes`, `candidates` and `candidate_members`; how many rows each has."""
    wordings = night.lake.read("wordings", [night.day])
    clusters = night.lake.read("clusters", [night.day])
    grouped = changes.units(wordings.sort("locale", "utterance"), clusters)
    counts = _counts(night, grouped)
    changed = changes.changes(counts, night.day)
    found = _candidates(night, changed, grouped, clusters)
    members = found.members.select("locale", "utterance", group_id="candidate_id")
    users = night.engine.query("backers", {**night.people, "grouped": members})
    rows = found.candidates.join(users, left_on="candidate_id", right_on="group_id", how="left")
    tables = {
        "changes": _told(night, changed, grouped, wordings).join(
            counts.clumps.select(*KEY, "users", "users_now"), on=KEY, maintain_order="left"
        ),
        "candidates": rows.with_columns(
            pl.col("since").fill_null(night.day), pl.col("users").fill_null(0)
        ),
        "candidate_members": found.members,
    }
    return {table: night.lake.put(table, night.day, told) for table, told in tables.items()}


def earlier(days: list[str], day: str) -> list[str]:
    """Of these days those that are not the newest as of `day`."""
    first = date.fromisoformat(day) - timedelta(days=LONGEST - 1)
    return [d for d in days if d < first.isoformat()]


def _counts(night: Tonight, grouped: pl.DataFrame) -> changes.Counts:
    asked = {**night.people, "grouped": grouped}
    daily = night.engine.query("by_day", asked)
    everybody = daily.filter(kind="people").select("locale", "day", "users")
    past = night.end - LONGEST * DAY
    bounds = {"until": past, "now_7": past, "now_3": night.end - 3 * DAY}
    bounds |= {"before_3": past - 3 * DAY, "before_7": past - LONGEST * DAY}
    clumps = night.engine.query("clumps", asked, bounds)
    return changes.Counts(daily.filter(pl.col("kind") != "people"), everybody, clumps)


def _candidates(
    night: Tonight, changed: pl.DataFrame, grouped: pl.DataFrame, clusters: pl.DataFrame
) -> candidates.Found:
    lake, key = night.lake, ["locale", "utterance"]
    known = lake.read("candidate_members", night.before)
    since = lake.read("candidates", night.before).select("locale", "candidate_id", "since")
    asked = candidates.asked(changed, grouped, known)
    ends = {"ends": lake.read("ends", [night.day]), "grouped": asked}
    newest = {"since": night.end - LONGEST * DAY}
    said = candidates.Said(
        night.engine.query("outcomes", {**night.people, **ends}, newest),
        lake.read("soft_labels", [night.day]),
        lake.read("moves", [night.day]),
        clusters,
        _old(night).join(known, on=key, how="anti"),
    )
    return candidates.candidates(changed, asked, said, since)


def _old(night: Tonight) -> pl.DataFrame:
    """`locale, utterance`: what was said before the newest days."""
    if not night.earlier["turns"]:
        return pl.DataFrame(schema={"locale": pl.String, "utterance": pl.String})
    return night.engine.query("speakers", night.earlier).select("locale", "utterance")


def _told(
    night: Tonight, changed: pl.DataFrame, grouped: pl.DataFrame, wordings: pl.DataFrame
) -> pl.DataFrame:
    """The changes that are found, each with the wording that says it most, and the night since which it is known."""
    found = changed.filter(pl.col("q") <= FALSE)
    most = (
        grouped.join(found, on=KEY, how="semi")
        .join(wordings, on=["locale", "utterance"])
        .sort(*KEY, "users", "utterance", descending=[False, False, False, True, False])
        .unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "utterance")
    )
    up = pl.col("change").is_in(["appeared", "rising"])
    before = night.lake.read("changes", night.before).with_columns(cs.enum().cast(pl.String))
    known = before.select(*KEY, "since", up=up)
    return (
        found.with_columns(up=up)
        .join(most, on=KEY)
        .join(known, on=[*KEY, "up"], how="left")
        .with_columns(pl.col("since").fill_null(night.day))
        .sort(KEY)
    )
