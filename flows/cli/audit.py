"""`sayagain audit`: a few rows for a person to judge, and what the answers tell of all."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shared import AsJson, ConfigFile, HomeFolder, app, local_path, shown, written
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from flows.auditing.answers import Answer

ANSWERS = {"y": True, "n": False, "?": None}


@app.command()
def audit(
    *,
    home: HomeFolder,
    config: ConfigFile = None,
    subject: Annotated[str, typer.Option(help="labels, pairs, failures or rewrites.")] = "labels",
    rows: Annotated[
        int,
        typer.Option(
            help="Rows to judge; those drawn before of the same night stand.", min=10, max=10_000
        ),
    ] = 60,
    by: Annotated[str, typer.Option(help="Who answers, where several do.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            callback=local_path,
            help="Write the rows as JSON lines: fill in `right` (true, false).",
        ),
    ] = None,
    given: Annotated[
        Path | None, typer.Option("--from", help="Answers: JSON lines as --out writes them.")
    ] = None,
    told: Annotated[bool, typer.Option("--told", help="What the answers so far tell.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check what is believed: judge a few rows, drawn so that they tell of all, and learn how many are right, within
    which bounds; beliefs that are off are bent from the next run on. Answers label nothing by themselves.

    Internal: shows masked wordings, whatever the floor."""
    from flows import settings
    from flows.auditing import answers, drawing, telling

    asked = settings.load(config)
    if given:
        said = answers.read(given)
        answers.keep(home, said, by)
        subject = said[0].subject if said else subject
    elif not told:
        drawn = drawing.Auditing.of(home, asked, subject).rows(rows)
        if out:
            written(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in drawn))
            shown.print(f"{out}: {len(drawn)} rows; fill in `right`, then --from {out}")
            return
        if not _someone_is_there():
            raise BadInput("nobody is there to answer: --out FILE writes the rows to fill in")
        answers.keep(home, _asked(drawn), by)
    result = telling.told(home, asked, subject)
    if as_json:
        shown.print_json(json.dumps(result, ensure_ascii=False))
    else:
        nothing = [f"{subject}: nobody has answered yet"]
        shown.print("\n".join(telling.lines(result) if result else nothing))


def _someone_is_there() -> bool:
    return sys.stdin.isatty()


def _asked(drawn: list[dict[str, Any]]) -> list["Answer"]:
    """The answers that a person gives at the terminal, until all are given or the person ends it."""
    from flows.auditing.answers import Answer

    given = []
    for number, row in enumerate(drawn, start=1):
        shown.print("\n".join(["", f"{number} of {len(drawn)}, {row['locale']}", *row["shown"]]))
        key = ""
        while key not in {*ANSWERS, "q"}:
            key = (
                typer.prompt(f"{row['question']} y, n, ? (cannot tell) or q (end)").strip().lower()
            )
        if key == "q":
            break
        given.append(Answer.model_validate(row | {"right": ANSWERS[key]}))
    return given
