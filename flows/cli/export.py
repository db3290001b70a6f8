"""`sayagain export`: a training set for other trainers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shared import AsJson, HomeFolder, app, local_path, shown
from warehouse.errors import BadInput


@app.command()
def export(
    *,
    home: HomeFolder,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="parquet or jsonl (Hugging Face datasets), rasa (NLU YAML), lex (a zip a locale), csv.",
        ),
    ] = "parquet",
    out: Annotated[Path, typer.Option(callback=local_path, help="A new folder.")],
    version: Annotated[
        str | None, typer.Option(help="Training set; the newest where not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The training set for other trainers. Internal: holds wordings whatever the floor.

    rasa and lex take one label a wording: they get those of the split `train` that are believed at 0.5 and
    more and have no brackets."""
    from flows import exporting

    if form not in exporting.WRITERS:
        raise BadInput(f"--format {form}: is none of {', '.join(exporting.WRITERS)}")
    done = exporting.export(home, form, out, version)
    if as_json:
        shown.print_json(json.dumps(done))
        return
    left = f" ({done['left_out']:,} left out: see the help)" if done["left_out"] else ""
    shown.print(f"{out}: {done['rows']:,} wordings of training set {done['training_set']}{left}")
    for name in done["files"]:
        shown.print(f"  {name}")
