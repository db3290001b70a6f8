"""`sayagain sql`, `report` and `metrics`: what is published."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from flows.cli.shared import AsJson, HomeFolder, app, local_path, shown, written
from warehouse.errors import BadInput


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="SELECT", help="A query on the published views.")
    ] = None,
    *,
    home: HomeFolder,
    name: Annotated[
        str | None, typer.Option("--query", help="A query of the cookbook, by name.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="A day, YYYY-MM-DD: fills $since of a query.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A read-only query on the warehouse. Without a query: the views, and the cookbook."""
    from warehouse import queries

    if query and name:
        raise BadInput("give a query or --query NAME, not both")
    text = queries.named(name) if name else query or queries.CONTENTS
    rows = queries.ask(home, text, queries.day("--since", since) if since else None)
    if as_json:
        shown.print_json(json.dumps(rows.to_dicts(), default=str))
        return
    table = Table(*rows.columns)
    for row in rows.iter_rows():
        table.add_row(*("" if v is None else str(v) for v in row))
    shown.print(table)
    if not query and not name:
        cookbook = Table("--query NAME", "asks")
        for known in queries.names():
            cookbook.add_row(known, queries.question(known))
        shown.print(cookbook)


@app.command()
def report(
    *,
    home: HomeFolder,
    out: Annotated[
        Path | None,
        typer.Option(callback=local_path, help="HTML file; HOME/report.html where not given."),
    ] = None,
    night: Annotated[
        str | None, typer.Option(help="An earlier night, YYYY-MM-DD; the newest where not given.")
    ] = None,
) -> None:
    """One self-contained HTML page with pictures, made from the warehouse; it loads nothing."""
    from warehouse.report import page

    place = out or home / "report.html"
    written(place, page.render(home, night))
    shown.print(str(place))


@app.command()
def metrics(
    *,
    home: HomeFolder,
    out: Annotated[
        Path | None,
        typer.Option(callback=local_path, help="File; printed where not given."),
    ] = None,
) -> None:
    """Figures of the newest night as OpenMetrics text, for Prometheus: how the night went, what fails, what waits."""
    from warehouse import metrics

    found = metrics.text(home)
    if out:
        written(out, found)
        shown.print(str(out))
    else:
        shown.print(found, end="")
