"""`sayagain explain`: back to what made it."""

import json
from typing import Annotated

import typer

from flows.cli.shared import AsJson, ConfigFile, HomeFolder, app, shown


@app.command()
def explain(
    utterance: Annotated[str | None, typer.Argument(help="A wording.")] = None,
    *,
    home: HomeFolder,
    locale: Annotated[
        str | None, typer.Option(help="BCP 47 tag, where several locales have the wording.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Another wording: why it runs instead, or does not.")
    ] = None,
    cluster: Annotated[str | None, typer.Option(help="A cluster, by its id.")] = None,
    decision: Annotated[
        str | None, typer.Option(help="A night, YYYY-MM-DD, or a training set or model.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Walk a label, cluster, rewrite or decision back to what made it, or say at which step it stopped.

    Internal: shows wordings and turns, never a user."""
    from flows import settings
    from flows.explaining import questions

    asked = questions.Question(utterance, locale, target, cluster, decision)
    found, lines = questions.answered(home, settings.load(config), asked)
    if as_json:
        shown.print_json(json.dumps(found, default=str, ensure_ascii=False))
    else:
        shown.print("\n".join(lines))
