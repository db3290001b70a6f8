"""The launches on the report: each locale of the last 90 days, with what failed since, what is believed, what
waits, which wordings hurt most, and an estimate of what could be mended by now."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import polars as pl

from warehouse.report.drawing import MARK, OTHER, TALL, Ask, Spec, specified, told

MOST_SHOWN = 6  # the others where they are chosen
MOST_HURTS = 8
HURTS = ["utterance", "failed", "users", "label", "probability"]
FAILED, NOW, THEN = "failed", "could be mended, as of now", "the same, as of that night"


@dataclass(frozen=True)
class LaunchRow:
    """A locale's launch in sentences, its curves (None where there is no day to draw), and the wordings
    that hurt most; whether it is shown only where it is chosen."""

    locale: str
    told: list[str]
    picture: Spec | None
    hurts: pl.DataFrame
    more: bool


def launches(ask: Ask) -> list[LaunchRow]:
    """The launches, the newest first."""
    found = ask("""
        select * from launches left join locale_priors using (locale)
        where days <= 90 order by launched desc, turns desc nulls last, locale
    """)
    days = ask("select * from launch_days order by locale, since")
    hurts = ask("select * from launch_hurts order by failed desc, utterance")
    return [
        LaunchRow(
            row["locale"],
            _sentences(row),
            _curves(days.filter(locale=row["locale"])),
            hurts.filter(locale=row["locale"]).select(HURTS).head(MOST_HURTS),
            place >= MOST_SHOWN,
        )
        for place, row in enumerate(found.iter_rows(named=True))
    ]


def _sentences(row: dict[str, Any]) -> list[str]:
    told = [
        f"{row['days']} days since the launch on {row['launched']}, with {row['seed']:,} utterances of seed data."
    ]
    weeks = [
        f"{row[f'failed_{week}']:.0%} in the {week} 7 days"
        f" ({row[f'failed_{week}_at_least']:.0%} to {row[f'failed_{week}_at_most']:.0%})"
        for week in ("first", "last")
        if row[f"failed_{week}"] is not None
    ]
    if weeks:
        told.append(f"Turns that failed their users: {', '.join(weeks)}.")
    if row["recovered_share"] is not None:
        told.append(
            f"Of what failed, {row['recovered_share']:.0%} could be mended by now"
            f" ({row['recovered_at_least']:.0%} to {row['recovered_at_most']:.0%}): an estimate, without truth."
        )
    if row["elsewhere"]:
        share = row["elsewhere"] / (row["own"] + row["elsewhere"])
        told.append(
            f"It borrows from {row['lenders']} locales: of what the words say, {share:.0%} is read with all"
            " locales."
        )
    wordings = {name: _count(row[name]) for name in ("wordings", "believed", "unsure")}
    waits = {name: _count(row[name]) for name in ("unlabelled", "too_few", "waiting")}
    told.append(
        f"Of {wordings['wordings']} wordings {wordings['believed']} are believed. What waits: {waits['unlabelled']}"
        f" have no label, {waits['too_few']} have too few users behind one, {wordings['unsure']} are not believed by"
        f" enough; {waits['waiting']} a person could tell."
    )
    return told


def _curves(days: pl.DataFrame) -> Spec | None:
    parts = [
        days.select(
            "day", "since", "turns", what=pl.lit(FAILED), share="failed_share",
            at_least="failed_at_least", at_most="failed_at_most",
        ),
        *(
            days.select("day", "since", "turns", what=pl.lit(what), share=column)
            for what, column in ((NOW, "recovered_share"), (THEN, "recovered_then"))
        ),
    ]  # fmt: skip
    rows = pl.concat(parts, how="diagonal").filter(pl.col("share").is_not_null())
    if rows.is_empty():
        return None
    axis = alt.Axis(format="%")
    base = alt.Chart(rows.with_columns(pl.col("day").cast(pl.String)), height=TALL).encode(
        x=alt.X("since:Q", title="days since the launch", axis=alt.Axis(tickMinStep=1, grid=False)),
        color=alt.Color(
            "what:N",
            title=None,
            scale=alt.Scale(domain=[FAILED, NOW, THEN], range=[MARK, OTHER, OTHER]),
            legend=alt.Legend(columns=1, labelLimit=300),
        ),
        tooltip=told("day:N", "what:N", "turns:Q", share="%", at_least="%", at_most="%"),
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("at_least:Q", title=None, axis=axis, scale=alt.Scale(domain=[0, 1])),
        y2="at_most:Q",
    )
    lines = base.mark_line(point=True).encode(
        y=alt.Y("share:Q", axis=axis),
        strokeDash=alt.StrokeDash(
            "what:N",
            title=None,
            scale=alt.Scale(domain=[FAILED, NOW, THEN], range=[[1, 0], [1, 0], [3, 4]]),
            legend=alt.Legend(columns=1, labelLimit=300),
        ),
    )
    return specified(band.transform_filter("isValid(datum.at_least)") + lines)


def _count(number: int | None) -> str:
    return "few" if number is None else f"{number:,}"
