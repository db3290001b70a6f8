"""`sayagain retrain` and `predict`: models."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shared import (
    AsJson,
    ConfigFile,
    HomeFolder,
    SeedFile,
    Steps,
    app,
    has_server,
    shown,
    told_in_lines,
)


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
    from flows import telling

    name = verdict.get("challenger", verdict["champion"])
    said = "promoted" if verdict["promoted"] else "not promoted"
    told_in_lines(f"Model {name}: {said}", telling.retrained(home, verdict))


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
