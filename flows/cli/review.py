"""`sayagain review`, `hold`, `approve`, `reject`, `rollback`: the side of persons."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from flows.cli.shared import AsJson, HomeFolder, app, local_path, shown, written_as_lines
from warehouse.errors import BadInput

Cluster = Annotated[str | None, typer.Option(help="Decide about this cluster, by its id.")]
Utterance = Annotated[
    str | None, typer.Option(help="Decide about this wording: with --label or --target.")
]
Label = Annotated[str | None, typer.Option(help="What the wording means, or does not.")]
Target = Annotated[str | None, typer.Option(help="What would run instead of it.")]
Locale = Annotated[str | None, typer.Option(help="BCP 47 tag of the wording.")]
ModelVersion = Annotated[str | None, typer.Option("--model", help="Decide about this model.")]
Accept = Annotated[bool, typer.Option("--accept", help="It is right.")]
Reject = Annotated[bool, typer.Option("--reject", help="It is not.")]
Name = Annotated[str | None, typer.Option(help="What to call the cluster.")]
Given = Annotated[
    Path | None, typer.Option("--from", help="Decisions: JSON lines as --out writes them.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        callback=local_path,
        help="Write what waits as JSON lines: fill in `verdict` (accepted, rejected).",
    ),
]
Decided = Annotated[bool, typer.Option("--decided", help="List what was decided.")]
Most = Annotated[int, typer.Option(help="Rows of each kind.", min=1)]


@app.command()
def review(
    *,
    home: HomeFolder,
    cluster: Cluster = None,
    utterance: Utterance = None,
    label: Label = None,
    target: Target = None,
    locale: Locale = None,
    model: ModelVersion = None,
    accept: Accept = False,
    reject: Reject = False,
    name: Name = None,
    given: Given = None,
    out: Out = None,
    decided: Decided = False,
    most: Most = 30,
    as_json: AsJson = False,
) -> None:
    """What waits for a person: models, messages, rewrites, labels and clusters; and what was decided, which
    every later night remembers.

    Internal: shows wordings whatever the floor."""
    from flows import reviewing, waiting

    if accept and reject:
        raise BadInput("--accept or --reject, not both")
    verdict = "accepted" if accept else "rejected" if reject else None
    asked = {"cluster_id": cluster, "utterance": utterance, "label": label, "target": target}
    asked |= {"locale": locale, "version": model}
    if given:
        count = reviewing.decide(home, reviewing.read(given))
        shown.print(f"{count} decisions: remembered; they count from the next run on")
    elif verdict or name is not None:
        reviewing.decide(home, [reviewing.of_options(asked, verdict, name)])
        shown.print("remembered; it counts from the next run on")
    elif any(asked.values()):
        raise BadInput("say what: --accept or --reject, or --name of a cluster")
    else:
        rows = waiting.decided(home) if decided else waiting.waiting(home, most)
        _list(rows, out, as_json=as_json)


def _list(rows: list[dict[str, Any]], out: Path | None, *, as_json: bool) -> None:
    if out:
        written_as_lines(out, rows)
        shown.print(f"{out}: {len(rows)} rows; fill in `verdict`, then --from {out}")
    elif as_json:
        shown.print_json(json.dumps(rows, ensure_ascii=False))
    else:
        shown.print(_waiting_table(rows))


def _waiting_table(rows: list[dict[str, Any]]) -> Table:
    table = Table("kind", "what", "locale", "because", "users")
    for row in rows:
        what = row.get("version") or row.get("cluster_id") or row.get("utterance", "")
        aim = row.get("target") or row.get("label") or row.get("receiver") or row.get("name") or ""
        cells = (row["kind"], f"{what} > {aim}" if aim else what, row.get("locale"))
        rest = (row.get("because") or row.get("verdict"), row.get("users"))
        table.add_row(*("" if cell is None else str(cell) for cell in (*cells, *rest)))
    return table


@contextmanager
def _held(root: Path) -> Iterator[Any]:
    """The home, while no run is at work in it."""
    from warehouse.home import alone, existing

    home = existing(root)
    with alone(home):
        yield home


@app.command()
def hold(
    *,
    home: HomeFolder,
    because: Annotated[str, typer.Option(help="Why; shown wherever it stops something.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Hold no longer.")] = False,
) -> None:
    """Stop retraining and promotion until released. Nights go on; challengers wait."""
    from retrain.registry import overrides

    with _held(home) as place:
        if release:
            overrides.release(place)
        else:
            overrides.hold(place, because or "no reason given")
    shown.print("released" if release else "held")


@app.command()
def approve(
    model: Annotated[
        str | None, typer.Argument(help="Version; the model trained last where not given.")
    ] = None,
    *,
    home: HomeFolder,
) -> None:
    """Let a model serve, whatever the gate or a hold says."""
    from retrain.registry import overrides

    with _held(home) as place:
        shown.print(f"{overrides.approve(place, model)} serves")


@app.command()
def reject(
    version: Annotated[str, typer.Argument(help="A model or a training set.")],
    *,
    home: HomeFolder,
    because: Annotated[str, typer.Option(help="Why; remembered.")] = "no reason given",
) -> None:
    """Never let a model, or any of its training set, serve. Where it serves, the one before it does."""
    from retrain.registry import overrides

    with _held(home) as place:
        shown.print(f"{version} is rejected; {overrides.reject(place, version, because)} serves")


@app.command()
def rollback(*, home: HomeFolder) -> None:
    """Let the model before the champion serve again, and remember that the champion was rejected."""
    from retrain.registry import overrides

    with _held(home) as place:
        shown.print(f"{overrides.rollback(place)} serves")
