"""What the commands share: how they speak, and the options that several have."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from warehouse.errors import BadInput

app = typer.Typer(
    help="Learns from what users say again: an assistant's logs in, training data and a better model out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
WIDE = 1_000  # columns where nobody looks: a table in a pipe or a file is not folded
told = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
shown = Console(
    highlight=False,
    soft_wrap=True,
    markup=False,
    emoji=False,
    width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE,
)
SLOW = 10.0  # seconds from which a step is told of while it is not asked for


def local_path(place: Path | None) -> Path | None:
    from warehouse.home import local

    return local(place) if place else None


HomeFolder = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="SAYAGAIN_HOME",
        callback=local_path,
        help="Folder of everything that a run leaves behind.",
    ),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, a TOML file.")]
SeedFile = Annotated[
    Path | None,
    typer.Option(
        "--seed-data",
        help="What the assistant knows: JSON lines of locale, utterance, intent, and slots.",
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="The system that wrote the log, such as rasa or lex; found where it is plain."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell of each step, its time, and what was known.")
]


class Steps:
    """Calls steps one by one, saying what goes on. How long each took, in seconds, is told of each where that is asked
    for, else of slow ones."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.verbose = verbose
        self.seconds: dict[str, float] = {}
        self.known = 0

    def __call__(self, step: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
        name = step.__name__.replace("_", " ")
        began = time.perf_counter()
        with told.status(f"{name} ..."):
            result = step(*args)
        seconds = time.perf_counter() - began
        self.seconds[step.__name__] = round(seconds, 2)
        self.known += result.get("fresh") is False
        if self.verbose or seconds >= SLOW:
            known = " (known)" if result.get("fresh") is False else ""
            told.print(f"{name:<22}{seconds:>8.1f} s{known}")
        return result

    def summed(self) -> None:
        """Say how many steps there were, what they took, and of how many nothing was computed."""
        if self.seconds:
            took = f"{len(self.seconds)} steps in {sum(self.seconds.values()):.1f} s"
            told.print(f"{took}, {self.known} of them known" if self.known else took)


def written(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf8")
    except OSError as error:
        raise BadInput(
            f"{place}: cannot be written ({error.strerror}); give another --out"
        ) from None


def written_as_lines(place: Path, rows: Iterable[dict[str, Any]]) -> None:
    """The rows as JSON lines."""
    written(place, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def told_in_lines(title: str, lines: list[tuple[str, str]]) -> None:
    """What a person reads of a command that is done: a line of what it is about, and what there is to say, each."""
    shown.print(title)
    for about, text in lines:
        shown.print(f"  {about:<16}{text}")


def has_server() -> bool:
    """Whether runs go through a Prefect server."""
    return bool(os.environ.get("PREFECT_API_URL"))
