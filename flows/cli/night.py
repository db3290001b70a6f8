"""`sayagain run` and `forget`: a night, and a user who is to be forgotten."""

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
    shown,
    told,
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
        if not verbose:
            steps.summed()
        _show_night(outcome, settings.place(home, chosen))


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


TOLD = (
    "rephrases",
    "variants",
    "clusters",
    "rewrites",
    "examples",
)  # of all counts; --json has the others


def _show_night(outcome: Any, home: Path) -> None:
    intake = outcome.intake
    table = Table(
        title=f"Night {outcome.night}: {outcome.status}", show_header=False, title_justify="left"
    )
    table.add_row(
        "rows read",
        f"{intake['read']:,}: {intake['kept']:,} kept, {intake['set_aside']:,} set aside",
    )
    for name in TOLD:
        if name in outcome.counts:
            table.add_row(name.replace("_", " "), f"{outcome.counts[name]:,}")
    if outcome.evidence:
        table.add_row("told by", ", ".join(outcome.evidence))
    if outcome.training_set:
        table.add_row("training set", outcome.training_set)
        for told in outcome.verdicts:
            because = f": {'; '.join(told['because'])}" if told["because"] else ""
            table.add_row(f"{told['subject']} are told", f"{told['verdict']}{because}")
        table.add_row(
            "retrain", ("yes: " if outcome.retrain else "no: ") + "; ".join(outcome.because)
        )
    else:
        why = "no person says anything" if intake["kept"] else "the log holds no turn"
        table.add_row("nothing to learn", why)
    for line in outcome.noticed:
        table.add_row("noticed", line)
    for message in outcome.told:
        table.add_row(message["receiver"], f"{message['status']}: {message['answer']}")
    table.add_row(
        "open next",
        f"sayagain retrain --home {home}   |   sayagain export --home {home} --out NEW_FOLDER   |"
        f"   sayagain report --home {home}   |   duckdb -readonly {home / 'warehouse.duckdb'}",
    )
    shown.print(table)


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
