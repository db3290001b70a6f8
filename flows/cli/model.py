"""`sayagain retrain` and `predict`: models."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.shared import AsJson, ConfigFile, HomeFolder, SeedFile, Steps, app, has_server, shown


@app.command()
def retrain(
    *,
    home: HomeFolder,
    seed_data: SeedFile = None,
    promises: Annotated[
        Path | None,
        typer.Option(
            help="Utterances that must never break: JSON lines of locale, utterance, intent."
        ),
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Train, compare with the champion, promote or refuse, with the reasons."""
    from flows import runs, settings

    verdict = (
        _retrained_through_prefect(home, seed_data, promises, config)
        if has_server()
        else runs.run_retraining(home, settings.load(config), seed_data, promises, Steps())
    )
    if as_json:
        shown.print_json(json.dumps(verdict))
        return
    said = "promoted" if verdict["promoted"] else "not promoted"
    name = verdict.get("challenger", verdict["champion"])
    table = Table(title=f"Model {name}: {said}", show_header=False, title_justify="left")
    for reason in verdict["because"]:
        table.add_row("because", reason)
    if "figures" in verdict and verdict.get("before"):
        figures = verdict["figures"]
        table.add_row(
            "champion right",
            f"{figures['champion_accuracy']:.1%} of {figures['cases']:.0f} cases that no model saw",
        )
        table.add_row("challenger right", f"{figures['challenger_accuracy']:.1%}")
        table.add_row("right, now wrong", f"{figures['negative_flips']:.1%}")
    table.add_row("serves", str(verdict["champion"]))
    shown.print(table)


def _retrained_through_prefect(home: Path, *files: Path | None) -> dict[str, Any]:
    from flows import deployments

    seed_data, promises, config = (str(f) if f else None for f in files)
    return deployments.retrain(str(home), seed_data, promises, config)


@app.command()
def predict(
    *,
    home: HomeFolder,
    best: Annotated[int, typer.Option(help="Labels a line.", min=1)] = 5,
    config: ConfigFile = None,
) -> None:
    """Read utterances from stdin, a line each (plain, or JSON); write labels, best first, and the slots under the best."""
    from flows import serving, settings

    chosen = settings.load(config)
    root = settings.place(home, chosen)
    for answer in serving.answers(root, sys.stdin.buffer, best, chosen):
        sys.stdout.write(answer + "\n")
