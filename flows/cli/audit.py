"""`sayagain audit`: a few rows for a person to judge, and what the answers tell of all."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shared import (
    AsJson,
    ConfigFile,
    HomeFolder,
    app,
    local_path,
    shown,
    written_as_lines,
)
from warehouse.errors import BadInput

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

    if sum(map(bool, (out, given, told))) > 1:
        raise BadInput("--out, --from or --told: one at a time")
    asked, subjects = settings.load(config), [subject]
    if given:
        said = answers.read(given)
        answers.keep(home, said, by)
        subjects = sorted({a.subject for a in said}) or subjects
    elif not told:
        drawn = drawing.Auditing.of(home, asked, subject).rows(rows)
        if out:
            written_as_lines(out, drawn)
            shown.print(f"{out}: {len(drawn)} rows; fill in `right`, then --from {out}")
            return
        if not _someone_is_there():
            raise BadInput("nobody is there to answer: --out FILE writes the rows to fill in")
        _ask(drawn, home, by)
    for each in subjects:
        result = telling.told(home, asked, each)
        if as_json:
            shown.print_json(json.dumps(result, ensure_ascii=False))
        else:
            nothing = [f"{each}: nobody has answered yet"]
            shown.print("\n".join(telling.lines(result) if result else nothing))


def _someone_is_there() -> bool:
    return sys.stdin.isatty()


def _ask(drawn: list[dict[str, Any]], home: Path, by: str) -> None:
    """Ask a person at the terminal what was not answered yet, until all is or the person ends it; each answer is kept at once."""
    from flows.auditing import answers

    known = answers.given(home, drawn[0]["night"], by) if drawn else set()
    for number, row in enumerate(drawn, start=1):
        if (row["subject"], row["row"]) in known:
            continue
        shown.print("\n".join(["", f"{number} of {len(drawn)}, {row['locale']}", *row["shown"]]))
        key = ""
        try:
            while key not in {*ANSWERS, "q"}:
                told = f"{row['question']} y, n, ? (cannot tell) or q (end)"
                key = typer.prompt(told).strip().lower()
        except typer.Abort:
            key = "q"
        if key == "q":
            break
        given = answers.Answer.model_validate(row | {"right": ANSWERS[key]})
        answers.keep(home, [given], by)
