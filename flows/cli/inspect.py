"""`sayagain inspect`: a log, looked at before the first run."""

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shared import ConfigFile, Source, app, local_path, shown, written
from warehouse.errors import BadInput


@app.command()
def inspect(
    logs: Annotated[list[str], typer.Argument(metavar="LOG...", help="Files, folders or globs.")],
    *,
    source: Source = None,
    config: ConfigFile = None,
    out: Annotated[
        Path | None,
        typer.Option(callback=local_path, help="TOML file for the settings that are proposed."),
    ] = None,
) -> None:
    """Look at a log before the first run: what it is, what its rows have, what would mislead."""
    from flows import inspecting, settings

    if out and out.exists():
        raise BadInput(
            f"--out {out}: is there already; name a new file, settings of yours may be in it"
        )
    lines, proposed = inspecting.inspected(logs, settings.load(config, source))
    for line in lines:
        shown.print(line)
    if out:
        written(out, proposed)
        shown.print(
            f"{out}: {'what is proposed' if proposed else 'nothing is proposed, the file is empty'}"
        )
    elif proposed:
        shown.print(f"\nproposed settings (--out FILE writes them):\n\n{proposed}")
