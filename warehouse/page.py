"""The report: one self-contained page with pictures, made from the published warehouse alone."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.errors import BadInput
from warehouse.queries import ask, named

MOST = 15
WIDTH = 640


def render(root: Path) -> str:
    """The page of the newest night, as HTML. Wordings are escaped: a log is not trusted."""
    from jinja2 import Environment

    runs = ask(root, "select * from runs order by night desc limit 1").to_dicts()
    if not runs:
        raise BadInput(f"{root}: no night was run yet; `sayagain run LOG --home {root}`")
    page = Environment(autoescape=True).from_string((files("warehouse") / "page.html").read_text())
    return page.render(
        run=runs[0],
        k=_floor(root),
        lead=_lead(root, runs[0]),
        funnel=_funnel(root, runs[0]),
        days=_days(root),
        hurts=_rows(root, named("where_it_hurts")),
        rewrites=_rows(root, named("helpful_rewrites")),
        clusters=_rows(root, "select locale, representative, wordings, users, turns from clusters"),
        sessions=_rows(root, "select * exclude (learned), learned from sessions"),
        decisions=_rows(root, named("decisions")),
        evaluations=_rows(root, GATE),
        withheld=_rows(
            root,
            "select stage, reason, rows from withheld where night = (select max(night) from withheld)",
        ),
    )


GATE = """
select challenger, locale, cases, champion_accuracy as champion_right,
    challenger_accuracy as challenger_right, negative_flips as went_wrong, promoted, because
from evaluations where intent = 'all' order by challenger desc, locale = 'all' desc, locale
"""


def _rows(root: Path, query: str) -> list[dict[str, Any]]:
    return ask(root, query).head(MOST).to_dicts()


def _floor(root: Path) -> int:
    return int(ask(root, "select k from schema_version").item())


def _lead(root: Path, run: dict[str, Any]) -> str:
    said = f"{run['read']:,} rows read, {run['set_aside']:,} of them set aside. {run['turns']:,} turns count tonight."
    if run["evidence"]:
        said += f" What is said again was told from: {', '.join(run['evidence'])}."
    sets = ask(
        root, "select version, examples from training_sets order by version desc limit 1"
    ).to_dicts()
    if sets:
        said += (
            f" {sets[0]['examples']:,} wordings are believed (training set {sets[0]['version']})."
        )
    decided = ask(
        root, "select retrain, because from decisions order by night desc limit 1"
    ).to_dicts()
    if decided:
        verdict = "Retraining pays" if decided[0]["retrain"] else "Retraining does not pay"
        said += f" {verdict}: {'; '.join(decided[0]['because'])}."
    return said


def _funnel(root: Path, run: dict[str, Any]) -> str:
    import altair as alt

    sums = ask(root, "select sum(turns) as turns, sum(said_again) as again from days").to_dicts()[0]
    believed = ask(root, "select examples from training_sets order by version desc limit 1")
    published = ask(root, "select count(*) as n from variants").item()
    steps = [
        ("rows read", run["read"]),
        ("turns of the window", run["turns"]),
        ("turns said again", round(sums["again"] or 0)),
        ("believed wordings", believed.item() if believed.height else 0),
        ("published wordings", published),
    ]
    rows = pl.DataFrame(steps, {"step": pl.String(), "count": pl.Int64()}, orient="row")
    base = alt.Chart(rows, width=WIDTH - 160, height=170).encode(
        y=alt.Y("step:N", sort=None, title=None),
        x=alt.X("count:Q", title=None, axis=alt.Axis(grid=False, ticks=False, labels=False)),
    )
    bars = base.mark_bar(color="#b3541e", opacity=0.75)
    return _svg(
        bars + base.mark_text(align="left", dx=5).encode(text=alt.Text("count:Q", format=","))
    )


def _days(root: Path) -> str:
    import altair as alt

    rows = ask(
        root,
        "select day::varchar as day, locale, said_again / turns as share from days where said_again is not null order by day, locale",
    )
    if rows.is_empty():
        return ""
    chart = (
        alt.Chart(rows, width=WIDTH - 120, height=220)
        .mark_line(point=True)
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y(
                "share:Q",
                title="share of turns said again",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(zero=True),
            ),
            color=alt.Color("locale:N", title=None),
        )
    )
    return _svg(chart)


def _svg(chart: Any) -> str:
    """A chart as inline SVG, drawn here: the page runs no script and loads nothing."""
    import vl_convert

    plain = chart.configure(background="transparent").configure_view(stroke=None)
    svg: str = vl_convert.vegalite_to_svg(plain.to_json(validate=False))
    return svg
