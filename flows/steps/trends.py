"""What changed in what people say, and what may be a new intent."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import polars.selectors as cs

from flows.pipeline import Reading, Result, last_night, step, tonight, window
from mining.trends import candidates, detection
from mining.trends.detection import FALSE, KEY, WINDOWS
from warehouse.tables import (
    Bots,
    ChainEnds,
    Clusters,
    Defects,
    IntentCandidateMembers,
    IntentCandidates,
    SoftLabels,
    Transitions,
    Trends,
    Turns,
    UtteranceStats,
)

DAY = 86_400_000  # milliseconds
LONGEST = WINDOWS[-1]  # days


@step(
    reads=(
        *window(Turns, Bots, Defects),
        *tonight(UtteranceStats, Clusters, SoftLabels, Transitions, ChainEnds),
        *last_night(Trends, IntentCandidates, IntentCandidateMembers),
    ),
    writes=(Trends, IntentCandidates, IntentCandidateMembers),
    settings=("mining.window_days",),
)
def detect_trends(at: Reading) -> Result:
    """What rises, falls or is new in what people say, and what may be a new intent."""
    wordings, clusters = at.tonight(UtteranceStats), at.tonight(Clusters)
    grouped = detection.units(wordings.sort("locale", "utterance"), clusters)
    counts = _counts(at, grouped)
    changed = detection.changes(counts, at.day)
    found = _candidates(at, changed, grouped, clusters)
    members = found.members.select("locale", "utterance", group_id="candidate_id")
    users = at.query("support", {"grouped": members})
    rows = found.candidates.join(users, left_on="candidate_id", right_on="group_id", how="left")
    told = _told(at, changed, grouped, wordings).join(
        counts.clumps.select(*KEY, "users", "users_now"), on=KEY, maintain_order="left"
    )
    rows = rows.with_columns(pl.col("since").fill_null(at.day), pl.col("users").fill_null(0))
    return {
        "changes": at.put(Trends, told),
        "candidates": at.put(IntentCandidates, rows),
        "candidate_members": at.put(IntentCandidateMembers, found.members),
    }


def earlier(days: list[str], day: str) -> list[str]:
    """Of these days those that are not the newest as of `day`."""
    first = date.fromisoformat(day) - timedelta(days=LONGEST - 1)
    return [d for d in days if d < first.isoformat()]


def _end(day: str) -> int:
    """When the day ends, in milliseconds since 1970."""
    return (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY + DAY


def _counts(at: Reading, grouped: pl.DataFrame) -> detection.Counts:
    units = grouped.select(KEY).unique(maintain_order=True).with_row_index("number")
    units = units.with_columns(pl.col("number").cast(pl.Int64))
    numbered = grouped.join(units, on=KEY).select("locale", "utterance", unit="number")

    def named(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.rename({"unit": "number"}).join(units, on="number").drop("number")

    daily = at.query("unit_days", {"grouped": numbered})
    everybody = daily.filter(pl.col("unit").is_null()).drop("unit")
    end = _end(at.day)
    past = end - LONGEST * DAY
    bounds = {"until": past, "now_7": past, "now_3": end - 3 * DAY}
    bounds |= {"before_3": past - 3 * DAY, "before_7": past - LONGEST * DAY}
    clumps = at.query("unit_counts", {"grouped": numbered}, bounds)
    return detection.Counts(named(daily.drop("locale")), everybody, named(clumps))


def _candidates(
    at: Reading, changed: pl.DataFrame, grouped: pl.DataFrame, clusters: pl.DataFrame
) -> candidates.Found:
    known = at.last_night(IntentCandidateMembers)
    since = at.last_night(IntentCandidates).select("locale", "candidate_id", "since")
    asked = candidates.asked(changed, grouped, known)
    newest = {"since": _end(at.day) - LONGEST * DAY}
    said = candidates.Outcomes(
        at.query("outcomes", {"grouped": asked}, newest),
        at.tonight(SoftLabels),
        at.tonight(Transitions),
        clusters,
        _old(at).join(known, on=["locale", "utterance"], how="anti"),
    )
    return candidates.candidates(changed, asked, said, since)


def _old(at: Reading) -> pl.DataFrame:
    """`locale, utterance`: what was said before the newest days."""
    files: Any = at.lake.files("turns", earlier(at.days(Turns), at.day))
    if not files:
        return pl.DataFrame(schema={"locale": pl.String, "utterance": pl.String})
    return at.query("utterance_stats", {"turns": files}).select("locale", "utterance")


def _told(
    at: Reading, changed: pl.DataFrame, grouped: pl.DataFrame, wordings: pl.DataFrame
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
    before = at.last_night(Trends).with_columns(cs.enum().cast(pl.String))
    known = before.select(*KEY, "since", up=up)
    return (
        found.with_columns(up=up)
        .join(most, on=KEY)
        .join(known, on=[*KEY, "up"], how="left")
        .with_columns(pl.col("since").fill_null(at.day))
        .sort(KEY)
    )
