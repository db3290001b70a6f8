"""The picture of launches: recovered by day, of us and of the rival, a line a locale.

usage: python benchmarks/launch_picture.py FIGURES... PICTURE

FIGURES are what `launch.py --json` wrote; PICTURE is an SVG or PNG file.
"""

import json
import sys
from pathlib import Path

import altair as alt
import polars as pl


def rows(figures: dict) -> list[dict]:
    found = []
    for name in figures["launched"]:
        start = figures["start"][name]
        way = figures["annotated"][name] - start
        for who in ("ours", "rival"):
            shares = [(right[name] - start) / way for right in figures[who]]
            found += [
                {
                    "locale": name,
                    "who": "sayagain" if who == "ours" else "rival",
                    "day": n * figures["each"],
                    "recovered": share,
                    "seeds": f"{figures['seeds']} seed utterances an intent",
                }
                for n, share in enumerate([0.0, *shares])
            ]
    return found


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    *figures, out = sys.argv[1:]
    points = [row for place in figures for row in rows(json.loads(Path(place).read_text()))]
    chart = (
        alt.Chart(pl.DataFrame(points), width=380, height=300)
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("day:Q", title="days since the launch"),
            y=alt.Y("recovered:Q", title="recovered", axis=alt.Axis(format="%")),
            color=alt.Color("locale:N", title=None),
            strokeDash=alt.StrokeDash("who:N", title=None, sort=["sayagain", "rival"]),
            opacity=alt.condition("datum.who == 'rival'", alt.value(0.5), alt.value(1.0)),
        )
        .facet(column=alt.Column("seeds:N", title=None))
    )
    chart.save(out, **({"ppi": 96} if out.endswith(".png") else {}))


if __name__ == "__main__":
    main()
