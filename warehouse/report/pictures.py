"""The pictures of the report, as Vega-Lite specifications. Data come from the published warehouse alone."""

from typing import Any

import altair as alt
import polars as pl

from warehouse.report.drawing import (
    MARK,
    MOST_LOCALES,
    TALL,
    Ask,
    Spec,
    by_colour,
    of_place,
    of_place_or,
    specified,
    told,
)
from warehouse.report.trends import changed

MOST_INTENTS = 15
MOST_JUDGED = 12  # locales


def pictures(ask: Ask) -> dict[str, Spec]:
    """Each picture by name; one without data is left out."""
    drawn = {
        "pulse": _pulse(ask),
        "funnel": _funnel(ask),
        "locales": _locales(ask),
        "intents": _intents(ask),
        "map": _map(ask),
        "calibration": _calibration(ask),
        "gate": _gate(ask),
        "changed": changed(ask),
    }
    return {name: specified(chart) for name, chart in drawn.items() if chart is not None}


def _funnel(ask: Ask) -> Any:
    rows = ask("""
        with steps as (
            select 'all' as locale, place, step || ' (' || unit || ')' as step, count from funnel
            where night = (select max(night) from funnel)
            union all
            select locale, unnest([2, 4, 5, 6, 7]), unnest([
                'in the window (turns)', 'said (wordings)', 'with a label (wordings)', 'believed (wordings)',
                'published (wordings)'
            ]), unnest([turns, wordings, labelled, believed, published])
            from launches
        )
        select locale, place, step, count from steps where count is not null order by locale <> 'all', locale, place
    """)
    if rows.is_empty():
        return None
    base = of_place_or(
        alt.Chart(rows, height=26 * rows["step"].n_unique()), "datum.locale == 'all'"
    ).encode(
        y=alt.Y(
            "step:N",
            sort=None,
            title=None,
            axis=alt.Axis(ticks=False, domain=False),
        ),
        x=alt.X("count:Q", title=None, axis=None),
        tooltip=["step:N", alt.Tooltip("count:Q", format=",")],
    )
    numbers = base.mark_text(align="left", dx=5).encode(text=alt.Text("count:Q", format=","))
    return base.mark_bar(color=MARK, opacity=0.8) + numbers


def _pulse(ask: Ask) -> Any:
    """All locales together."""
    rows = ask("""
        select day::varchar as day, turns, defects / turns as failed, defects_at_least as at_least, defects_at_most as at_most
        from pooled where day is not null and intent = 'all' and locales = 'all' and defects is not null order by day
    """)
    if rows.is_empty():
        return None
    share = alt.Axis(format="%", tickCount=4)
    base = alt.Chart(rows, height=150).encode(
        x=alt.X(
            "yearmonthdate(day):T",
            title=None,
            axis=alt.Axis(
                format="%b %d",
                tickMinStep=86_400_000,
                grid=False,
                labelOverlap="greedy",
                labelSeparation=8,
            ),
        ),
        tooltip=told("day:N", "turns:Q", failed="%", at_least="%", at_most="%"),
    )
    band = base.mark_area(opacity=0.2, color=MARK).encode(
        y=alt.Y("at_least:Q", title=None, axis=share), y2="at_most:Q"
    )
    line = base.mark_line(point=alt.OverlayMarkDef(color=MARK), color=MARK)
    return band + line.encode(y=alt.Y("failed:Q", axis=share))


def _locales(ask: Ask) -> Any:
    """Each locale that has a rate of its own, and the small ones together."""
    rows = ask(f"""
        with every as (
            select day, locale, turns, defects, defects_at_least, defects_at_most from days
            where locale in (select locale from locale_totals where defects is not null)
            union all
            select day, locales, turns, defects, defects_at_least, defects_at_most from pooled
            where day is not null and intent = 'all' and locales <> 'all'
        ),
        largest as (
            select locale from every group by locale order by sum(turns) desc, locale limit {MOST_LOCALES}
        )
        select day::varchar as day, locale, turns, defects / turns as failed, defects_at_least as at_least,
            defects_at_most as at_most, locale in (select locale from largest) as large
        from every where defects is not null
        order by day, locale
    """)
    if rows.is_empty():
        return None
    share = alt.Axis(format="%")
    base = of_place_or(alt.Chart(rows, height=TALL), "datum.large").encode(
        x=alt.X(
            "yearmonthdate(day):T",
            title=None,
            axis=alt.Axis(format="%b %d", tickMinStep=86_400_000),
        ),
        color=alt.Color("locale:N", title=None),
        tooltip=told("day:N", "locale:N", "turns:Q", failed="%", at_least="%", at_most="%"),
    )
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("at_least:Q", title="share of turns that failed", axis=share), y2="at_most:Q"
    )
    return band + base.mark_line(point=True).encode(y=alt.Y("failed:Q", axis=share))


def _intents(ask: Ask) -> Any:
    rows = ask(f"""
        with every as (from pooled where locales = 'all' and intent <> 'all' and defects is not null),
        worst as (
            select intent from every where day is null order by defects desc, intent limit {MOST_INTENTS}
        )
        select day::varchar as day, intent, turns, defects / turns as failed, defects_at_least as at_least,
            defects_at_most as at_most
        from every where day is not null and intent in (select intent from worst)
        order by all
    """)
    if rows.is_empty():
        return None
    return (
        alt.Chart(rows, height=22 * rows["intent"].n_unique())
        .mark_rect()
        .encode(
            x=alt.X(
                "yearmonthdate(day):O", title=None, axis=alt.Axis(format="%b %d", labelOverlap=True)
            ),
            y=alt.Y(
                "intent:N", title=None, sort=alt.EncodingSortField("failed", "max", "descending")
            ),
            color=alt.Color(
                "failed:Q",
                title="failed",
                scale=alt.Scale(scheme="orangered"),
                legend=alt.Legend(format="%"),
            ),
            tooltip=told("day:N", "intent:N", "turns:Q", failed="%", at_least="%", at_most="%"),
        )
    )


def _map(ask: Ask) -> Any:
    rows = ask("""
        select c.locale, coalesce(c.name, c.representative) as wish, c.wordings, c.users, c.turns, c.x, c.y,
            array_to_string(array_agg(v.utterance order by v.users desc, v.utterance)[1:8], ' · ') as said
        from clusters as c inner join variants as v on c.cluster_id = v.cluster_id and c.locale = v.locale
        where c.x is not null
        group by all order by users, wish, c.locale, x, y, said
    """)
    if rows.is_empty():
        return None
    sought = alt.param(name="sought", value="")
    near = "indexof(lower(datum.said), lower(sought)) >= 0"
    hidden = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    return (
        of_place(alt.Chart(rows, height=440))
        .mark_circle(stroke="white", strokeWidth=0.4)
        .encode(
            x=alt.X("x:Q", title=None, axis=hidden),
            y=alt.Y("y:Q", title=None, axis=hidden),
            size=alt.Size("users:Q", legend=None, scale=alt.Scale(range=[25, 500])),
            color=by_colour(rows),
            opacity=alt.condition(near, alt.value(0.75), alt.value(0.05)),
            tooltip=told("wish:N", "locale:N", "said:N", "wordings:Q", "users:Q", "turns:Q"),
        )
        .add_params(sought)
        .interactive()
    )


def _calibration(ask: Ask) -> Any:
    rows = ask(
        "select locale, bucket, users, bent as believed, observed from calibration order by locale, bucket"
    )
    if rows.is_empty():
        return None
    both = alt.Scale(domain=[0, 1])
    axis = alt.Axis(format="%")
    line = alt.Chart(pl.DataFrame({"x": [0.0, 1.0]})).mark_line(color="gray", strokeDash=[4, 4])
    points = (
        of_place(alt.Chart(rows))
        .mark_point(filled=True, opacity=0.8)
        .encode(
            x=alt.X("believed:Q", title="believed", scale=both, axis=axis),
            y=alt.Y("observed:Q", title="showed to be right", scale=both, axis=axis),
            size=alt.Size("users:Q", legend=None, scale=alt.Scale(range=[40, 400])),
            color=by_colour(rows),
            shape=alt.Shape("bucket:N", title=None),
            tooltip=told("locale:N", "bucket:N", "users:Q", believed="%", observed="%"),
        )
    )
    return (line.encode(x="x:Q", y="x:Q") + points).properties(height=320)


def _gate(ask: Ask) -> Any:
    """The whole, the locales with the most cases, and the small ones together; another where it is chosen."""
    rows = ask(f"""
        with newest as (
            select *, row_number() over (order by locale like 'small locales (%)' desc, cases desc, locale)
                <= {MOST_JUDGED} + 1 as large
            from evaluations where intent = 'all'
                and string_split(challenger, '-')[4] = (select max(string_split(challenger, '-')[4]) from evaluations)
        )
        select locale, cases, large, 'champion' as model, champion_accuracy as accuracy from newest
        union all
        select locale, cases, large, 'challenger', challenger_accuracy from newest
        order by all
    """).drop_nulls()
    if rows.is_empty():
        return None
    return (
        of_place_or(
            alt.Chart(rows, height=24 * rows.filter("large")["locale"].n_unique() + 10),
            "datum.large",
        )
        .mark_point(filled=True, size=90)
        .encode(
            y=alt.Y("locale:N", title=None, axis=alt.Axis(grid=True)),
            x=alt.X(
                "accuracy:Q",
                title="share of cases right",
                scale=alt.Scale(zero=False),
                axis=alt.Axis(format="%"),
            ),
            color=alt.Color("model:N", title=None, scale=alt.Scale(range=["#8a94a0", MARK])),
            tooltip=told("locale:N", "model:N", "cases:Q", accuracy=".1%"),
        )
    )
