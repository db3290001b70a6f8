"""Rewrites that carry values beside those that users went themselves: wins, losses, and how many turns they reach.

usage: python benchmarks/carrying.py [WORLD...] [--values 8 40 200]

A WORLD has log, truth and seed. Without one, worlds are made of the project's own English forms with so many invented VALUES of
each slot, as skewed as names are. A turn is won where the rewrite's wording is executed as was meant and what was said is not; it is
lost where that goes wrong which was right, or was left alone; a wording is right for a goal for which it was said; turns without a goal, in the midst of a dialogue, are left out.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from invented import name
from measuring import a_night
from truth import goals, rows

from flows.simulation.corpus import language
from warehouse.lake import Lake

HABITS = ["--users", "1500", "--turns", "40000", "--days", "14", "--seeds-per-intent", "6"]
DRAWS = 20_000  # of wordings for a made corpus


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("worlds", nargs="*", type=Path, metavar="WORLD")
    arguments.add_argument("--values", nargs="*", type=int, default=[8, 40, 200])
    asked = arguments.parse_args()
    print("| world | rewrites | number | wins | losses | ties | reached turns | defects removed |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for world in asked.worlds or made(Path(place), asked.values):
            home = Path(place) / f"home-{world.name}"
            subprocess.run(a_night(world, home), check=True, capture_output=True)
            show(world, Lake(home / "lake").newest("rewrites"))


def show(world: Path, rewrites: pl.DataFrame) -> None:
    """A row of those that users went themselves, one of those that carry values, one of both."""
    plain = pl.col("carried_values").is_null()
    for what, chosen in (("plain", plain), ("carried", ~plain), ("both", pl.lit(value=True))):
        mine = rewrites.filter(chosen)
        wins, losses, ties, turns, defects = outcome(world, mine)
        reached = (wins + losses + ties) / turns
        print(
            f"| {world.name} | {what} | {mine.height} | {wins} | {losses} | {ties} | {reached:.2%}"
            f" | {(wins - losses) / defects:.1%} |",
            flush=True,
        )


def outcome(world: Path, rewrites: pl.DataFrame) -> tuple[int, int, int, int, int]:
    """Wins, losses, ties, turns of people, and those that went wrong."""
    ways = rewrites.select("locale", "source", "target").iter_rows()
    to = {(locale, source): target for locale, source, target in ways}
    log = {turn["turn_id"]: turn for turn in rows(world / "log.jsonl.gz")}
    executed = {(turn["locale"], turn["utterance"]): turn["intent"] for turn in log.values()}
    meant = goals(world)
    wins = losses = ties = turns = defects = 0
    for told in rows(world / "truth.jsonl.gz"):
        if told["right"] is None or told["kind"] == "robot" or not told.get("goal"):
            continue
        turn = log[told["turn_id"]]
        was = turn["intent"] == told["intent"]
        turns, defects = turns + 1, defects + (not was)
        said = (turn["locale"], turn["utterance"])
        if said in to:
            target = (said[0], to[said])
            now = executed.get(target) == told["intent"] and told.get("goal") in meant.get(
                target, ()
            )
            broken = was or (turn["intent"] is None and executed.get(target) is not None)
            wins += now and not was
            losses += not now and broken
            ties += now == was or (not now and not broken)
    return wins, losses, ties, turns, defects


def made(folder: Path, sizes: list[int]) -> Iterator[Path]:
    """Worlds of so many values a slot."""
    for values in sizes:
        corpus, world = folder / f"corpus-{values}.jsonl", folder / f"values-{values}"
        with corpus.open("w", encoding="utf8") as out:
            out.writelines(json.dumps(row) + "\n" for row in wordings(values))
        command = ["simulate", "--out", str(world), "--corpus", str(corpus), *HABITS]
        subprocess.run([sys.executable, "-m", "flows", *command], check=True, capture_output=True)
        yield world


def wordings(values: int) -> Iterator[dict[str, object]]:
    """Wordings of the built-in English with other values in their slots, each once."""
    rng = np.random.default_rng(7)
    forms = [w for w in language("en-GB").wordings if len(w.slots) == 1]
    found = {}
    for _ in range(DRAWS):
        form = forms[int(rng.integers(len(forms)))]
        ((slot, value),) = form.slots
        other = name(int(rng.zipf(1.3)) % values) + slot[0]
        said = form.utterance.replace(value, other)
        row = {"locale": "en-GB", "utterance": said, "intent": form.intent}
        found.setdefault(said, row | {"slots": {slot: other}})
    yield from found.values()


if __name__ == "__main__":
    main()
