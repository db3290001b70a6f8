"""`sayagain serve`: the Prefect deployments."""

from typing import Annotated

import typer

from flows.cli.shared import ConfigFile, HomeFolder, app


@app.command()
def serve(
    *,
    home: HomeFolder,
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG...", help="Where the nights' logs lie; may hold {day}."),
    ] = None,
    config: ConfigFile = None,
    cron: Annotated[str, typer.Option(help="When `learn` runs.")] = "0 3 * * *",
) -> None:
    """Serve the Prefect deployments `learn` (nightly) and `retrain` (when `learn` says that it pays)."""
    from flows import deployments

    deployments.serve(home, logs or [], config, cron)
