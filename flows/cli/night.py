"""`sayagain run`, `held` and `forget`: a night, and a user who asks what is held, or is to be forgotten."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.shared import (
    AsJson,
    ConfigFile,
    HomeFolder,
    SeedFile,
    Source,
    Steps,
    Verbose,
    app,
    has_server,
    local_path,
    shown,
    told,
    told_in_lines,
    written,
)
from warehouse.errors import BadInput


@app.command()
def run(
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG...", help="Files, folders or globs; may hold {day}."),
    ] = None,
    *,
    home: HomeFolder,
    engine: Annotated[str, typer.Option(help="auto, duckdb or spark.")] = "auto",
    seed_data: SeedFile = None,
    source: Source = None,
    config: ConfigFile = None,
    day: Annotated[
        str | None,
        typer.Option(
            help="The night, YYYY-MM-DD, for a LOG with {day}; yesterday where not given, after nights that were missed."
        ),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="Catch up: the first night.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Catch up: the last night.")] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Learn everything anew, not from what is new alone; tell how far that had drifted.",
        ),
    ] = False,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """One night: from log to training set, warehouse and decision."""
    from flows import runs, settings

    chosen = settings.load(config, source)
    nights = runs.nights(logs or [], chosen, runs.Asked(day, first, last), home)
    for paths, named, missed in nights:
        request = runs.Request(paths, home, engine, seed_data, config, named, source, full)
        steps = Steps(verbose=verbose)
        try:
            outcome = (
                _through_prefect(request)
                if has_server()
                else runs.run_night(request, chosen, steps)
            )
        except BadInput as error:
            if not missed:
                raise
            told.print(f"sayagain: missed night {named}: {error}", style="red")
            continue
        if as_json:
            shown.print_json(json.dumps(runs.as_dict(outcome) | {"seconds": steps.seconds}))
            continue
        if verbose:
            _show_all(outcome)
        else:
            steps.summed()
        _show(outcome, settings.place(home, chosen))


def _through_prefect(request: Any) -> Any:
    """The same night as a run of the flow `learn`, seen on the server."""
    from flows import deployments, night

    paths = [str(Path(p).resolve()) if Path(p).exists() else p for p in request.logs]
    done = deployments.learn(
        home=str(request.home),
        logs=paths,
        engine=request.engine,
        seed_data=str(request.seed_data) if request.seed_data else None,
        config=str(request.config) if request.config else None,
        day=request.day,
        source=request.source,
        full=request.full,
    )
    return night.Outcome(**done)


def _show(outcome: Any, home: Path) -> None:
    """What a person reads of a night."""
    from flows import telling

    title = f"Night {outcome.night}: {outcome.status}"
    told_in_lines(title, telling.lines(home, outcome))


def _show_all(outcome: Any) -> None:
    """The counts of all that the night left, and all that was noticed."""
    table = Table(title=f"Night {outcome.night}", show_header=False, title_justify="left")
    for name, count in outcome.counts.items():
        table.add_row(name.replace("_", " "), f"{count:,}")
    table.add_row("told by", ", ".join(outcome.evidence))
    for verdict in outcome.verdicts:
        because = f": {'; '.join(verdict['because'])}" if verdict["because"] else ""
        table.add_row(f"{verdict['subject']} are told", f"{verdict['verdict']}{because}")
    for line in outcome.noticed:
        table.add_row("noticed", line)
    shown.print(table)


@app.command()
def held(
    user: Annotated[str, typer.Argument(help="Who, by the user_id of the log.")],
    *,
    home: HomeFolder,
    config: ConfigFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=local_path, help="Write the user's turns as JSON lines, to be handed over."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What is held about a user: turns, wordings that nobody else said, and what was made of them.

    Internal: what --out writes is the user's own."""
    from flows import holding, settings

    found = holding.held(home, settings.load(config), user)
    if out:
        written(out, "".join(holding.turns(home, user)))
    if as_json:
        shown.print_json(json.dumps(found))
    else:
        shown.print("\n".join(holding.lines(found)))


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="Who, by the user_id of the log.")],
    *,
    home: HomeFolder,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase a user: turns, evidence, and wordings that nobody else said, also from training sets.

    What the user said until today never comes back, even if the same log is read again."""
    from flows import runs, settings

    done = runs.run_forgetting(home, settings.load(config), user, Steps())
    if as_json:
        shown.print_json(json.dumps(done))
    elif not done["turns"]:
        shown.print("already forgotten; nothing was said since")
    else:
        shown.print(
            f"forgotten: {done['turns']:,} turns, {done['wordings']:,} wordings that nobody else"
            f" said, {done['examples']:,} rows of training sets (erasure {done['erasure']})"
        )
        if done["models"]:
            names = ", ".join(done["models"])
            shown.print(f"learned from them, until a retraining replaces them: {names}")
