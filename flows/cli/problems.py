"""`sayagain problems`: what hurts, and what solving it is worth."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shared import AsJson, HomeFolder, app, local_path, shown, written_as_lines
from warehouse.errors import BadInput


@app.command()
def problems(
    problem: Annotated[
        str | None, typer.Argument(help="A problem, by its id or how that begins: its wordings.")
    ] = None,
    *,
    home: HomeFolder,
    every: Annotated[
        bool, typer.Option("--all", help="List closed and dismissed ones as well.")
    ] = False,
    dismiss: Annotated[
        bool, typer.Option("--dismiss", help="Tell of it no more; it is followed still.")
    ] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Tell of it again.")] = False,
    because: Annotated[str | None, typer.Option(help="Why; remembered.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=local_path,
            help="Write an evaluation set of what hurts, JSON lines: wordings of k users or more, masked, with the intent that is believed.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What hurts: problems that users show, since when, and how many turns a day solving each is worth.

    A problem opens when users enough show it, closes when they stop, and opens again if it comes back. With an id internal: shows
    wordings whatever the floor."""
    from flows import problems as of_persons

    if dismiss and restore:
        raise BadInput("--dismiss or --restore, not both")
    if (dismiss or restore or because) and not problem:
        raise BadInput("say which: sayagain problems ID --dismiss")
    if dismiss or restore:
        named = of_persons.review(home, problem or "", because, dismissed=dismiss)
        done = "dismissed; it is told no more" if dismiss else "told again"
        shown.print(f"{named}: {done}, from the next run on")
    elif out:
        rows = of_persons.evaluation_set(home)
        written_as_lines(out, rows)
        shown.print(f"{out}: {len(rows)} wordings")
    elif problem:
        about, wordings = of_persons.explained(home, problem)
        _explain(about, wordings, as_json=as_json)
    else:
        _list(of_persons.listed(home, every=every).to_dicts(), as_json=as_json)


def _explain(about: dict[str, Any], wordings: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        shown.print_json(json.dumps(about | {"wordings": wordings}, default=str))
        return
    for name, value in about.items():
        if value is not None:
            shown.print(f"{name.replace('_', ' '):<16}{value}")
    for row in wordings:
        heard = row["intent"] or "nothing that it knows"
        shown.print(f"{row['turns']:>14,}  {row['utterance']} > {heard}")


def _list(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        shown.print_json(json.dumps(rows, default=str, ensure_ascii=False))
        return
    for row in rows:
        shown.print(f"{row['problem_id']}  {row['locale']}: {row['told']}")
        shown.print(f"{'':<12}{_standing(row)}")
    if not rows:
        shown.print("no open problem, as far as this log can tell")


def _standing(row: dict[str, Any]) -> str:
    """What it is worth, and since when it is so."""
    since = f"open since {row['opened']}"
    if row["status"] != "open":
        since = f"{row['status']}; opened {row['opened']}" + (
            f", closed {row['closed']}" if row["closed"] else ""
        )
    if row["worth"] is None:
        return since
    return f"{row['worth']:g} turns a day ({row['worth_at_least']:g} to {row['worth_at_most']:g}), {since}"
