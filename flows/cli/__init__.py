"""The command line: a file a command or two."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from flows.cli import (
    ask,
    audit,
    explain,
    export,
    inspect,
    model,
    night,
    problems,
    review,
    serve,
    simulate,
)
from flows.cli.shared import app, told
from warehouse.errors import BadInput, SayagainError

__all__ = ["app", "main"]
__all__ += [
    "ask",
    "audit",
    "explain",
    "export",
    "inspect",
    "model",
    "night",
    "problems",
    "review",
    "serve",
    "simulate",
]
ORDER = (  # in which the help lists the commands
    *(
        "run",
        "inspect",
        "retrain",
        "predict",
        "sql",
        "report",
        "problems",
        "metrics",
        "explain",
        "review",
        "audit",
        "hold",
        "approve",
    ),
    *("reject", "rollback", "held", "forget", "export", "simulate", "serve"),
)
app.registered_commands.sort(key=lambda c: ORDER.index(c.callback.__name__ if c.callback else ""))
FULL = "No space left on device"  # strerror(ENOSPC); DuckDB and Arrow pass it on


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"sayagain {version('sayagain')}")
        raise typer.Exit


@app.callback()
def sayagain(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Learns from what users say again: an assistant's logs in, training data and a better model out."""


def main() -> None:
    """Run the command line; errors are one line, exit code 2 for bad input and 1 for the rest."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except SayagainError as error:
        told.print(f"sayagain: {error}", style="red")
        sys.exit(2 if isinstance(error, BadInput) else 1)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SAYAGAIN_TRACEBACK"):
            raise
        line = (str(error) or "no message").splitlines()[0]
        if FULL in str(error):
            line = f"{FULL}; free some and run it again, it goes on where it stopped"
        told.print(f"sayagain: {type(error).__name__}: {line} (SAYAGAIN_TRACEBACK=1 shows where)")
        sys.exit(1)
