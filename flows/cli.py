"""The command line."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from warehouse.errors import BadInput, SayagainError

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


def _local(place: Path | None) -> Path | None:
    from warehouse.home import local

    return local(place) if place else None


FULL = "No space left on device"  # strerror(ENOSPC); DuckDB and Arrow pass it on
HomeFolder = Annotated[
    Path,
    typer.Option("--home", callback=_local, help="Folder of everything that a run leaves behind."),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings, a TOML file.")]
SeedFile = Annotated[
    Path | None,
    typer.Option(
        "--seed-data", help="What the assistant knows: JSON lines of locale, utterance, intent."
    ),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="The system that wrote the log, such as rasa or lex; found where it is plain."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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


class Steps:
    """Calls steps one by one, saying what goes on and how long each took, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, step: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
        name = step.__name__.replace("_", " ")
        began = time.perf_counter()
        with told.status(f"{name} ..."):
            result = step(*args)
        self.seconds[step.__name__] = round(time.perf_counter() - began, 2)
        known = " (known)" if result.get("fresh") is False else ""
        told.print(f"{name:<22}{self.seconds[step.__name__]:>8.1f} s{known}")
        return result


@app.command()
def run(
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOG...", help="Files, folders or globs; may hold {day}."),
    ] = None,
    *,
    home: HomeFolder,
    engine: Annotated[str, typer.Option(help="auto, duckdb or spark.")] = "auto",
    seed_data: SeedFile = None,
    source: Source = None,
    config: ConfigFile = None,
    day: Annotated[
        str | None,
        typer.Option(
            help="The night, YYYY-MM-DD, for a LOG with {day}; yesterday where not given, after nights that were missed."
        ),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="Catch up: the first night.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Catch up: the last night.")] = None,
    as_json: AsJson = False,
) -> None:
    """One night: from log to training set, warehouse and decision."""
    from flows import runs, settings

    chosen = settings.load(config, source)
    nights = runs.nights(logs or [], chosen, runs.Asked(day, first, last), home)
    for paths, named, missed in nights:
        request = runs.Request(paths, home, engine, seed_data, config, named, source)
        steps = Steps()
        try:
            outcome = (
                _through_prefect(request)
                if _has_server()
                else runs.run_night(request, chosen, steps)
            )
        except BadInput as error:
            if not missed:
                raise
            told.print(f"sayagain: missed night {named}: {error}", style="red")
            continue
        if as_json:
            shown.print_json(json.dumps(runs.as_dict(outcome) | {"seconds": steps.seconds}))
        else:
            _show_night(outcome, settings.place(home, chosen))


@app.command()
def inspect(
    logs: Annotated[list[str], typer.Argument(metavar="LOG...", help="Files, folders or globs.")],
    *,
    source: Source = None,
    config: ConfigFile = None,
    out: Annotated[
        Path | None,
        typer.Option(callback=_local, help="TOML file for the settings that are proposed."),
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
        _written(out, proposed)
        shown.print(
            f"{out}: {'what is proposed' if proposed else 'nothing is proposed, the file is empty'}"
        )
    elif proposed:
        shown.print(f"\nproposed settings (--out FILE writes them):\n\n{proposed}")


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
        if _has_server()
        else runs.run_retraining(home, settings.load(config), seed_data, promises, Steps())
    )
    if as_json:
        shown.print_json(json.dumps(verdict))
        return
    said = "promoted" if verdict["promoted"] else "not promoted"
    name = verdict.get("challenger", verdict["champion"])
    table = Table(title=f"Model {name}: {said}", show_header=False, title_justify="left")
    for reason in verdict["because"]:
        table.add_row("because", reason)
    if "figures" in verdict and verdict.get("before"):
        figures = verdict["figures"]
        table.add_row(
            "champion right",
            f"{figures['champion_accuracy']:.1%} of {figures['cases']:.0f} cases that no model saw",
        )
        table.add_row("challenger right", f"{figures['challenger_accuracy']:.1%}")
        table.add_row("right, now wrong", f"{figures['negative_flips']:.1%}")
    table.add_row("serves", str(verdict["champion"]))
    shown.print(table)


@app.command()
def predict(
    *,
    home: HomeFolder,
    best: Annotated[int, typer.Option(help="Labels a line.", min=1)] = 5,
    config: ConfigFile = None,
) -> None:
    """Read utterances from stdin, a line each (plain, or JSON); write labels, best first."""
    from flows import programs, serving, settings

    chosen = settings.load(config)
    root, program = settings.place(home, chosen), programs.trainer(chosen)
    for answer in serving.answers(root, sys.stdin.buffer, best, program):
        sys.stdout.write(answer + "\n")


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="SELECT", help="A query on the published views.")
    ] = None,
    *,
    home: HomeFolder,
    name: Annotated[
        str | None, typer.Option("--query", help="A query of the cookbook, by name.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="A day, YYYY-MM-DD: fills $since of a query.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A read-only query on the warehouse. Without a query: the views, and the cookbook."""
    from warehouse import queries

    if query and name:
        raise BadInput("give a query or --query NAME, not both")
    text = queries.named(name) if name else query or queries.CONTENTS
    rows = queries.ask(home, text, queries.day("--since", since) if since else None)
    if as_json:
        shown.print_json(json.dumps(rows.to_dicts(), default=str))
        return
    table = Table(*rows.columns)
    for row in rows.iter_rows():
        table.add_row(*("" if v is None else str(v) for v in row))
    shown.print(table)
    if not query and not name:
        cookbook = Table("--query NAME", "asks")
        for known in queries.names():
            cookbook.add_row(known, queries.question(known))
        shown.print(cookbook)


@app.command()
def report(
    *,
    home: HomeFolder,
    out: Annotated[
        Path | None,
        typer.Option(callback=_local, help="HTML file; HOME/report.html where not given."),
    ] = None,
    night: Annotated[
        str | None, typer.Option(help="An earlier night, YYYY-MM-DD; the newest where not given.")
    ] = None,
) -> None:
    """One self-contained HTML page with pictures, made from the warehouse; it loads nothing."""
    from warehouse.report import page

    place = out or home / "report.html"
    _written(place, page.render(home, night))
    shown.print(str(place))


def _written(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf8")
    except OSError as error:
        raise BadInput(
            f"{place}: cannot be written ({error.strerror}); give another --out"
        ) from None


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


@app.command()
def review(
    *,
    home: HomeFolder,
    cluster: Annotated[
        str | None, typer.Option(help="Decide about this cluster, by its id.")
    ] = None,
    utterance: Annotated[
        str | None, typer.Option(help="Decide about this wording: with --label or --target.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="What the wording means, or does not.")] = None,
    target: Annotated[str | None, typer.Option(help="What would run instead of it.")] = None,
    locale: Annotated[str | None, typer.Option(help="BCP 47 tag of the wording.")] = None,
    model: Annotated[str | None, typer.Option(help="Decide about this model.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="It is right.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="It is not.")] = False,
    name: Annotated[str | None, typer.Option(help="What to call the cluster.")] = None,
    given: Annotated[
        Path | None, typer.Option("--from", help="Decisions: JSON lines as --out writes them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            callback=_local,
            help="Write what waits as JSON lines: fill in `verdict` (accepted, rejected).",
        ),
    ] = None,
    decided: Annotated[bool, typer.Option("--decided", help="List what was decided.")] = False,
    most: Annotated[int, typer.Option(help="Rows of each kind.", min=1)] = 30,
    as_json: AsJson = False,
) -> None:
    """What waits for a person: models, messages, rewrites, labels and clusters; and what was decided, which
    every later night remembers.

    Internal: shows wordings whatever the floor."""
    from flows import reviewing, waiting

    if accept and reject:
        raise BadInput("--accept or --reject, not both")
    verdict = "accepted" if accept else "rejected" if reject else None
    asked = {
        "cluster_id": cluster,
        "utterance": utterance,
        "label": label,
        "target": target,
        "locale": locale,
        "version": model,
    }
    if given:
        count = reviewing.decide(home, reviewing.read(given))
        shown.print(f"{count} decisions: remembered; they count from the next run on")
        return
    if verdict or name is not None:
        reviewing.decide(home, [reviewing.of_options(asked, verdict, name)])
        shown.print("remembered; it counts from the next run on")
        return
    if any(asked.values()):
        raise BadInput("say what: --accept or --reject, or --name of a cluster")
    rows = waiting.decided(home) if decided else waiting.waiting(home, most)
    if out:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        _written(out, "".join(lines))
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


@app.command()
def forget(
    user: Annotated[str, typer.Argument(help="Who, by the user_id of the log.")],
    *,
    home: HomeFolder,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase a user: turns, evidence, and wordings that nobody else said, also from training sets.

    What the user said until today never comes back, even if the same log is read again."""
    from flows import runs, settings

    done = runs.run_forgetting(home, settings.load(config), user, Steps())
    if as_json:
        shown.print_json(json.dumps(done))
    elif not done["turns"]:
        shown.print("already forgotten; nothing was said since")
    else:
        shown.print(
            f"forgotten: {done['turns']:,} turns, {done['wordings']:,} wordings that nobody else"
            f" said, {done['examples']:,} rows of training sets (erasure {done['erasure']})"
        )
        if done["models"]:
            names = ", ".join(done["models"])
            shown.print(f"learned from them, until a retraining replaces them: {names}")


@app.command()
def export(
    *,
    home: HomeFolder,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="parquet or jsonl (Hugging Face datasets), rasa (NLU YAML), csv.",
        ),
    ] = "parquet",
    out: Annotated[Path, typer.Option(callback=_local, help="A new folder.")],
    version: Annotated[
        str | None, typer.Option(help="Training set; the newest where not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The training set for other trainers. Internal: holds wordings whatever the floor.

    rasa takes one label a wording: it gets those of the split `train` that are believed at 0.5 and
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


@app.command()
def simulate(
    *,
    out: Annotated[
        Path, typer.Option(callback=_local, help="Folder for log, truth, seed and test.")
    ],
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="Labelled corpus instead of the built-in wordings: JSON lines of locale, utterance, intent, optionally slots."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 1,
    users: Annotated[int, typer.Option(help="Users of each locale.", min=1)] = 120,
    days: Annotated[int, typer.Option(help="Days; of each cycle.", min=1)] = 7,
    turns: Annotated[
        int, typer.Option(help="About so many turns in all; in each cycle.", min=1)
    ] = 12_000,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")] = "2026-01-05",
    locales: Annotated[
        str | None, typer.Option(help="Locales, by commas; all where not given.")
    ] = None,
    seeds_per_intent: Annotated[
        int,
        typer.Option(
            help="Labelled utterances of each intent that the assistant learns from.", min=1
        ),
    ] = 6,
    refine: Annotated[
        float, typer.Option(help="Share of goals followed by a refinement.", min=0, max=0.99)
    ] = 0.1,
    again: Annotated[
        float,
        typer.Option(help="Share of the failures they notice that people say again.", min=0, max=1),
    ] = 0.8,
    pace: Annotated[
        float,
        typer.Option(help="Pauses of people, as a factor: 0.5 is fast chat.", min=0.05, max=20),
    ] = 1.0,
    robots: Annotated[int, typer.Option(help="Robots of each locale.", min=0)] = 1,
    liars: Annotated[
        float,
        typer.Option(help="Share of users who lie, all about the same few goals.", min=0, max=1),
    ] = 0.0,
    cycles: Annotated[
        int | None,
        typer.Option(
            help="Close the loop: a night and, where it pays, a retraining after each cycle; then people talk to what serves.",
            min=1,
        ),
    ] = None,
    holdout: Annotated[
        bool,
        typer.Option(help="Leave a random share of the turns to what served before (--cycles)."),
    ] = True,
    turning: Annotated[
        int | None,
        typer.Option(
            help="Cycle in which rewrites go bad, and words change their meaning (--cycles)."
        ),
    ] = None,
    moved: Annotated[int, typer.Option(help="How many of each do.", min=1)] = 5,
    launch: Annotated[
        str | None,
        typer.Option(
            help="Locales, by commas, that are launched beside the others: what serves them was taught by these."
        ),
    ] = None,
    launch_day: Annotated[int, typer.Option(help="Day of the launch, from 1.", min=1)] = 1,
    launch_seeds: Annotated[
        int, typer.Option(help="Labelled utterances of each intent in a launched locale.", min=0)
    ] = 0,
    launch_encoder: Annotated[
        Path | None,
        typer.Option(help="Folder of a multilingual sentence-transformers model that serves them."),
    ] = None,
    changing_day: Annotated[
        int | None,
        typer.Option(
            help="Day, from 1, on which words change: a new value, slang, and an intent that nobody knew.",
            min=2,
        ),
    ] = None,
    shape: Annotated[
        str,
        typer.Option(
            help="What people do with the assistant: command, dialogue, chat, search, or mixed (all, in shares)."
        ),
    ] = "mixed",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """An invented assistant with known truth: people, failures, and what they meant.

    With --cycles, a world that answers each new champion: OUT/home is what sayagain made of it, OUT/logs and OUT/truth what was said and meant."""
    from flows.simulation import launching, place, world

    asked = place.Habits(
        users,
        days,
        turns,
        start,
        seeds_per_intent,
        refine,
        robots,
        liars,
        again,
        pace,
        changing_day,
        shape,
    )
    spoken = locales.split(",") if locales else None
    started = None
    if launch:
        named = tuple(launch.split(","))
        started = launching.Launch(named, launch_day, launch_seeds, launch_encoder)
    if cycles:
        from flows.simulation.loop import Loop

        places = world.settled(corpus, seed, asked, spoken, started)
        loop = Loop(cycles, seed, holdout, turning, moved)
        _run_loop(out, (places, asked, loop), config, as_json)
        return
    facts = world.simulate(out, corpus, seed, asked, spoken, started)
    shown.print(
        f"{out}: {facts['turns']} turns of {len(facts['locales'])} locales, {facts['wrong_share']:.0%} of them answered wrongly"
    )


def _run_loop(out: Path, world: Any, config: Path | None, as_json: bool) -> None:
    from flows import settings
    from flows.pipeline import directly
    from flows.simulation import loop
    from warehouse.home import existing

    places, habits, asked = world
    chosen = settings.load(config)
    rows = []
    for row in loop.run(out, places, habits, asked, chosen, directly):
        rows.append(row)
        if not as_json:
            did = "promoted" if row["promoted"] else "refused" if row["retrained"] else "waited"
            shown.print(
                f"cycle {row['cycle']} ({row['night']}): {row['wrong_share']:.1%} of {row['turns']:,} turns wrong;"
                f" {did}; {row['right']:.1%} of test right, {row['flips']:.1%} broken;"
                f" {row['fixes']} rewrites run, {row['withdrawn']} withdrawn"
            )
    ceiling = loop.annotated(out, existing(settings.place(out / "home", chosen)), places)
    recovered = loop.recovered(rows, ceiling)
    if as_json:
        shown.print_json(json.dumps({"cycles": rows, "annotated": ceiling, "recovered": recovered}))
        return
    told = ", ".join(f"{share:.2f}" for share in recovered)
    shown.print(f"true labels of all that was said: {ceiling:.1%} of test right")
    shown.print(f"recovered of the way there, by cycle: {told}")


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


def _has_server() -> bool:
    return bool(os.environ.get("PREFECT_API_URL"))


def _retrained_through_prefect(home: Path, *files: Path | None) -> dict[str, Any]:
    from flows import deployments

    seed_data, promises, config = (str(f) if f else None for f in files)
    return deployments.retrain(str(home), seed_data, promises, config)


def _through_prefect(request: Any) -> Any:
    """The same night as a run of the flow `learn`, seen on the server."""
    from flows import deployments, night

    paths = [str(Path(p).resolve()) if Path(p).exists() else p for p in request.logs]
    done = deployments.learn(
        home=str(request.home),
        logs=paths,
        engine=request.engine,
        seed_data=str(request.seed_data) if request.seed_data else None,
        config=str(request.config) if request.config else None,
        day=request.day,
        source=request.source,
    )
    return night.Outcome(**done)


TOLD = (
    "rephrases",
    "variants",
    "clusters",
    "rewrites",
    "examples",
)  # of all counts; --json has the others


def _show_night(outcome: Any, home: Path) -> None:
    intake = outcome.intake
    table = Table(
        title=f"Night {outcome.night}: {outcome.status}", show_header=False, title_justify="left"
    )
    table.add_row(
        "rows read",
        f"{intake['read']:,}: {intake['kept']:,} kept, {intake['set_aside']:,} set aside",
    )
    for name in TOLD:
        if name in outcome.counts:
            table.add_row(name.replace("_", " "), f"{outcome.counts[name]:,}")
    if outcome.evidence:
        table.add_row("told by", ", ".join(outcome.evidence))
    if outcome.training_set:
        table.add_row("training set", outcome.training_set)
        for told in outcome.verdicts:
            because = f": {'; '.join(told['because'])}" if told["because"] else ""
            table.add_row(f"{told['subject']} are told", f"{told['verdict']}{because}")
        table.add_row(
            "retrain", ("yes: " if outcome.retrain else "no: ") + "; ".join(outcome.because)
        )
    else:
        why = "no person says anything" if intake["kept"] else "the log holds no turn"
        table.add_row("nothing to learn", why)
    for line in outcome.noticed:
        table.add_row("noticed", line)
    for message in outcome.told:
        table.add_row(message["receiver"], f"{message['status']}: {message['answer']}")
    table.add_row(
        "open next",
        f"sayagain retrain --home {home}   |   sayagain export --home {home} --out NEW_FOLDER   |"
        f"   sayagain report --home {home}   |   duckdb -readonly {home / 'warehouse.duckdb'}",
    )
    shown.print(table)
