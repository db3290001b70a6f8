"""What the pictures of the report share: how they ask, what they tell under the pointer, how they fit the
page, and how a locale is chosen."""

import json
from collections.abc import Callable
from typing import Any

import altair as alt
import polars as pl

Ask = Callable[[str], pl.DataFrame]
Spec = dict[str, Any]

MARK = "#b3541e"
OTHER = "#2f8a8f"
MOST_LOCALES = 8  # that can be told apart by their colours
TALL = 260
PLACE = "place"  # the locale that is chosen on the page; empty where none is


def of_place(chart: Any) -> Any:
    """The rows of the locale that is chosen, all where none is."""
    return chart.transform_filter(f"{PLACE} == '' || datum.locale == {PLACE}")


def of_place_or(chart: Any, test: str) -> Any:
    """The rows of the locale that is chosen; where none is, those of which the test holds."""
    return chart.transform_filter(f"{PLACE} == '' ? {test} : datum.locale == {PLACE}")


def by_colour(rows: pl.DataFrame) -> Any:
    """The locale as a colour, with a legend where colours can be told apart."""
    if rows["locale"].n_unique() > MOST_LOCALES:
        return alt.Color("locale:N", legend=None)
    return alt.Color("locale:N", title=None)


def told(*fields: str, **formats: str) -> list[Any]:
    """What is told under the pointer."""
    whole = [alt.Tooltip(f, format=",") if f.endswith(":Q") else alt.Tooltip(f) for f in fields]
    return [*whole, *(alt.Tooltip(f"{name}:Q", format=form) for name, form in formats.items())]


def specified(chart: Any) -> Spec:
    """As wide as its place on the page; the legend below, so that a phone has room."""
    whole = (
        chart.properties(
            width="container", autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
        )
        .configure(background="transparent")
        .configure_view(stroke=None)
        .configure_legend(orient="bottom", columns=4, symbolOpacity=1)
        .configure_axis(
            labelLimit=130, labelFontSize=12, titleFontSize=12, titleFontWeight="normal"
        )
    )
    spec: Spec = json.loads(whole.to_json(validate=False))
    spec.setdefault("params", []).append({"name": PLACE, "value": ""})
    return spec
