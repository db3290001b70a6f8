"""`sayagain simulate`: an invented assistant with known truth."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.cli.shared import AsJson, ConfigFile, app, local_path, shown

Out = Annotated[
    Path, typer.Option(callback=local_path, help="Folder for log, truth, seed and test.")
]
Corpus = Annotated[
    Path | None,
    typer.Option(
        help="Labelled corpus instead of the built-in wordings: JSON lines of locale, utterance, intent, optionally slots."
    ),
]
Seed = Annotated[int, typer.Option(help="The same seed gives the same world.")]
Users = Annotated[int, typer.Option(help="Users of each locale.", min=1)]
Days = Annotated[int, typer.Option(help="Days; of each cycle.", min=1)]
Turns = Annotated[int, typer.Option(help="About so many turns in all; in each cycle.", min=1)]
Start = Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")]
Locales = Annotated[str | None, typer.Option(help="Locales, by commas; all where not given.")]
SeedsPerIntent = Annotated[
    int,
    typer.Option(help="Labelled utterances of each intent that the assistant learns from.", min=1),
]
Refine = Annotated[
    float, typer.Option(help="Share of goals followed by a refinement.", min=0, max=0.99)
]
ReformulationRate = Annotated[
    float,
    typer.Option(help="Share of the failures they notice that people say again.", min=0, max=1),
]
Pace = Annotated[
    float, typer.Option(help="Pauses of people, as a factor: 0.5 is fast chat.", min=0.05, max=20)
]
Bots = Annotated[int, typer.Option(help="Bots of each locale.", min=0)]
AdversaryShare = Annotated[
    float,
    typer.Option(help="Share of users who lie, all about the same few goals.", min=0, max=1),
]
Cycles = Annotated[
    int | None,
    typer.Option(
        help="Close the loop: a night and, where it pays, a retraining after each cycle; then people talk to what serves.",
        min=1,
    ),
]
Holdout = Annotated[
    bool,
    typer.Option(help="Leave a random share of the turns to what served before (--cycles)."),
]
DriftCycle = Annotated[
    int | None,
    typer.Option(help="Cycle in which rewrites go bad, and words change their meaning (--cycles)."),
]
Moved = Annotated[int, typer.Option(help="How many of each do.", min=1)]
Launch = Annotated[
    str | None,
    typer.Option(
        help="Locales, by commas, that are launched beside the others: what serves them was taught by these."
    ),
]
LaunchDay = Annotated[int, typer.Option(help="Day of the launch, from 1.", min=1)]
LaunchSeeds = Annotated[
    int, typer.Option(help="Labelled utterances of each intent in a launched locale.", min=0)
]
LaunchEncoder = Annotated[
    Path | None,
    typer.Option(help="Folder of a multilingual sentence-transformers model that serves them."),
]
ChangingDay = Annotated[
    int | None,
    typer.Option(
        help="Day, from 1, on which words change: a new value, slang, and an intent that nobody knew.",
        min=2,
    ),
]
MendedDay = Annotated[
    int | None,
    typer.Option(
        help="Day on which what went wrong is mended: an intent eaten by another, a wording not understood, the new intent,"
        " and in one locale much that is not heard; they begin on --changing-day.",
        min=3,
    ),
]
BackDay = Annotated[
    int | None, typer.Option(help="Day from which on the same is wrong again.", min=4)
]
Shape = Annotated[
    str,
    typer.Option(
        help="What people do with the assistant: command, dialogue, chat, search, or mixed (all, in shares)."
    ),
]


@app.command()
def simulate(
    *,
    out: Out,
    corpus: Corpus = None,
    seed: Seed = 1,
    users: Users = 120,
    days: Days = 7,
    turns: Turns = 12_000,
    start: Start = "2026-01-05",
    locales: Locales = None,
    seeds_per_intent: SeedsPerIntent = 6,
    refine: Refine = 0.1,
    reformulation_rate: ReformulationRate = 0.8,
    pace: Pace = 1.0,
    bots: Bots = 1,
    adversary_share: AdversaryShare = 0.0,
    cycles: Cycles = None,
    holdout: Holdout = True,
    drift_cycle: DriftCycle = None,
    moved: Moved = 5,
    launch: Launch = None,
    launch_day: LaunchDay = 1,
    launch_seeds: LaunchSeeds = 0,
    launch_encoder: LaunchEncoder = None,
    changing_day: ChangingDay = None,
    mended_day: MendedDay = None,
    back_day: BackDay = None,
    shape: Shape = "mixed",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """An invented assistant with known truth: people, failures, and what they meant.

    With --cycles, a world that answers each new champion: OUT/home is what sayagain made of it, OUT/logs and OUT/truth what was said and meant."""
    from flows.simulation import place, world
    from flows.simulation.loop import Loop

    who = (users, days, turns, start, seeds_per_intent, refine, bots, adversary_share)
    habits = place.Habits(*who, reformulation_rate, pace, changing_day, shape)
    habits = replace(habits, mended_day=mended_day, back_day=back_day)
    spoken = locales.split(",") if locales else None
    started = _launched(launch, launch_day, launch_seeds, launch_encoder)
    if cycles:
        places = world.settled(corpus, seed, habits, spoken, started)
        loop = Loop(cycles, seed, holdout, drift_cycle, moved)
        _run_loop(out, (places, habits, loop), config, as_json=as_json)
        return
    facts = world.simulate(out, corpus, seed, habits, spoken, started)
    shown.print(
        f"{out}: {facts['turns']} turns of {len(facts['locales'])} locales, {facts['wrong_share']:.0%} of them answered wrongly"
    )


def _launched(locales: str | None, day: int, seeds: int, encoder: Path | None) -> Any:
    from flows.simulation import launching

    return launching.Launch(tuple(locales.split(",")), day, seeds, encoder) if locales else None


def _run_loop(out: Path, world: Any, config: Path | None, *, as_json: bool) -> None:
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
    ceiling = loop.annotated(out, existing(settings.place(out / "home", chosen)), places, chosen)
    recovered = loop.recovered(rows, ceiling)
    if as_json:
        shown.print_json(json.dumps({"cycles": rows, "annotated": ceiling, "recovered": recovered}))
        return
    told = ", ".join(f"{share:.2f}" for share in recovered)
    shown.print(f"true labels of all that was said: {ceiling:.1%} of test right")
    shown.print(f"recovered of the way there, by cycle: {told}")
