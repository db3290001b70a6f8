"""The picture of what changed, on the report."""

from typing import Any

import altair as alt

from warehouse.report.drawing import MARK, OTHER, Ask, of_place_or, told

MOST = 16  # units, of all locales and of one that is chosen
KINDS = ["appeared", "rising", "falling", "gone"]
COLOURS = [MARK, "#d99a6c", OTHER, "#8a94a0"]


def changed(ask: Ask) -> Any:
    """How surely how much more, or less, is said of what changed; None where nothing did."""
    rows = ask(f"""
        with named as (
            select locale, coalesce(term, example) as what, change, users, ratio, at_least, at_most,
                case when change in ('falling', 'gone') then at_most else at_least end as surely
            from trends
            where term is not null or (kind = 'cluster' and example is not null)
        ),
        ranked as (
            select *, row_number() over (order by abs(ln(surely)) desc, locale, what, change) as place,
                row_number() over (partition by locale order by abs(ln(surely)) desc, what, change) as place_there
            from named where surely > 0
        )
        select *, place <= {MOST} as shown from ranked where place <= {MOST} or place_there <= {MOST}
        order by place
    """)
    if rows.is_empty():
        return None
    chart = alt.Chart(rows, height=20 * min(rows.height, MOST)).mark_point(filled=True, size=90)
    return of_place_or(chart, "datum.shown").encode(
        y=alt.Y("what:N", title=None, sort=None, axis=alt.Axis(grid=True)),
        x=alt.X("surely:Q", title="times as often as before", scale=alt.Scale(type="log")),
        color=alt.Color("change:N", title=None, scale=alt.Scale(domain=KINDS, range=COLOURS)),
        tooltip=told(
            "locale:N", "what:N", "change:N", "users:Q", ratio=".2g", at_least=".2g", at_most=".2g"
        ),
    )
