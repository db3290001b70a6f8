"""Languages launched beside old ones, the loop closed: what the people of each new language can be understood by, day by day.

usage: python benchmarks/launch.py MASSIVE_FOLDER --old en-US,de-DE --launch ja-JP,sw-KE [--seeds 5] [--days 14] [--each 2] [--turns 1000] [--encoder FOLDER] [--json FILE]

MASSIVE_FOLDER has a file a locale, as MASSIVE is published. People of all locales talk from the first day; the assistant knows `--old-seeds` labelled
utterances an intent of the old locales, and `--seeds` of the new ones (0: none at all). After every `--each` days there is a night (`sayagain run`), a
retraining where it pays, and people talk to what serves then. The rival is `../bench/handscript.py` where it lies: its labels teach the same trainer
(n-grams), which serves at once, ungated, people talking to it in a world of its own.

Right: of test utterances that nobody says. Start: seed data alone, which for a locale without any is plain zero-shot, by the reference trainer; with
`--encoder` (a folder of sentence-transformers) it is what served before the first night, else with the encoder of the last night. Annotated: that trainer and encoder taught the true label of everything that was said in all days. Recovered is the share of the
way from start to annotated. The vectors of `--encoder` are kept in `--vectors`, so that each text is embedded once in all runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from many_locales import FAMILIES, SCRIPTS, group_of
from massive import corpus_of

from flows import encoders, seed
from flows.pipeline import directly
from flows.settings import Settings
from flows.simulation import loop, world
from flows.simulation.assistant import LearningAssistant, Served
from flows.simulation.launching import Launch
from flows.simulation.place import Habits, Place
from retrain.training.data import training_data
from retrain.training.model import Model
from retrain.training.trainer import train
from warehouse.home import Home, existing

Right = dict[str, float]  # by locale


def right(model: Model, places: list[Place]) -> Right:
    return {
        p.spoken.locale: float(
            np.mean(
                np.array(model.best([w.utterance for w in p.test], [p.spoken.locale] * len(p.test)))
                == [w.intent for w in p.test]
            )
        )
        for p in places
    }


def ours(
    out: Path, places: list[Place], habits: Habits, cycles: int, settings: Settings
) -> Iterator[Right]:
    """First what serves before the first night, then after each."""
    for row in loop.run(out, places, habits, loop.Loop(cycles), settings, directly):
        if row["cycle"] == 1:
            yield {locale: r["right_before"] for locale, r in row["by_locale"].items()}
        yield {locale: r["right"] for locale, r in row["by_locale"].items()}


def rival(
    out: Path, places: list[Place], habits: Habits, cycles: int, script: Path
) -> Iterator[Right]:
    world.begin(out, places)
    known = seed.read(out / "seed.jsonl.gz")
    model, rng, log = train(training_data(known)), np.random.default_rng(1), []
    for n in range(cycles):
        start = date.fromisoformat(habits.start) + timedelta(days=n * habits.days)
        assistant = LearningAssistant(Served(str(n), model), None, 0.0, {}, rng)
        log += world.ordered([p.live(assistant, start) for p in places])[0]
        world.write(out / "log.jsonl.gz", log)
        home = out / f"home-{n}"
        home.mkdir()
        command = [sys.executable, str(script), str(out / "log.jsonl.gz"), str(home)]
        subprocess.run(command, check=True, capture_output=True)
        examples = pl.read_parquet(home / "training_sets" / "1" / "examples.parquet")
        model = train(training_data(known, examples))
        yield right(model, places)


def ends(out: Path, places: list[Place], settings: Settings) -> tuple[Right, Right]:
    """(start, annotated) with the encoder of the last night."""
    home = existing(out / "home")
    known = seed.kept(home)
    encoder = encoders.last(home, settings)
    told = loop.told(out)
    return (
        right(train(training_data(known), encoder), places),
        right(train(training_data(pl.concat([known, told])), encoder), places),
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("massive", type=Path)
    arguments.add_argument("--old", required=True)
    arguments.add_argument("--launch", required=True)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--old-seeds", type=int, default=15)
    arguments.add_argument("--days", type=int, default=14)
    arguments.add_argument("--each", type=int, default=2)
    arguments.add_argument("--turns", type=int, default=1_000, help="a locale and day")
    arguments.add_argument("--users", type=int, default=800, help="of a locale")
    arguments.add_argument("--rival", type=Path, default=Path("../shared/bench/handscript.py"))
    arguments.add_argument("--encoder", type=Path, help="folder of sentence-transformers")
    arguments.add_argument(
        "--vectors", type=Path, help="folder that keeps its vectors, for all runs"
    )
    arguments.add_argument("--keep", type=Path, help="folder for the worlds and the home")
    arguments.add_argument("--json", type=Path, help="figures, for a picture")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(asked, asked.keep or Path(folder))


def settings_of(asked: argparse.Namespace) -> Settings:
    if asked.vectors:
        Home.vectors = property(lambda home: asked.vectors.resolve())  # shared by all runs
    mining = {"encoder": str(asked.encoder.resolve())} if asked.encoder else {}
    return Settings.model_validate({"trigger": {"cool_down": 0}, "mining": mining})


def show(asked: argparse.Namespace, folder: Path) -> None:
    old, new = asked.old.split(","), asked.launch.split(",")
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus.jsonl"
    corpus.write_text(
        "".join(
            corpus_of(asked.massive / f"{name}.jsonl.gz", folder / "one.jsonl").read_text("utf8")
            for name in (*old, *new)
        ),
        "utf8",
    )
    turns = asked.turns * asked.each * (len(old) + len(new))
    habits = Habits(asked.users, asked.each, turns, "2026-01-05", asked.old_seeds, 0.1, 1, 0.0)
    cycles = asked.days // asked.each

    def places() -> list[Place]:
        return world.settled(corpus, 1, habits, None, Launch(tuple(new), seeds=asked.seeds))

    began = time.perf_counter()

    def told(name: str, rows: Iterator[Right]) -> list[Right]:
        kept = []
        for row in rows:
            kept.append(row)
            seconds, shown = time.perf_counter() - began, {k: round(row[k], 3) for k in new}
            print(f"# {name}, {seconds:.0f} s: {shown}", file=sys.stderr, flush=True)
        return kept

    mine = places()
    settings = settings_of(asked)
    before, *by_us = told("ours", ours(folder / "ours", mine, habits, cycles, settings))
    start, annotated = ends(folder / "ours", mine, settings)
    theirs = places()
    script = asked.rival.resolve()
    by_rival = (
        told("rival", rival(folder / "rival", theirs, habits, cycles, script))
        if script.is_file()
        else []
    )
    figures = {
        "launched": new,
        "seeds": asked.seeds,
        "each": asked.each,
        "start": before if asked.encoder else start,
        "annotated": annotated,
        "ours": by_us,
        "rival": by_rival,
    }
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=1))
    table(figures, old, new)


def table(figures: dict, old: list[str], new: list[str]) -> None:
    each, cycles = figures["each"], len(figures["ours"])
    start, annotated = figures["start"], figures["annotated"]

    def recovered(name: str, right: float) -> str:
        way = annotated[name] - start[name]
        return f"{(right - start[name]) / way:.2f}" if way > 0 else ""

    days = [(n + 1) * each for n in range(cycles)]
    print(f"\n{figures['seeds']} seed utterances an intent in the launched locales\n")
    print(
        "| | start | "
        + " | ".join(f"day {d}" for d in days)
        + " | annotated | recovered | rival right | rival recovered |"
    )
    print("|---" * (len(days) + 6) + "|")
    for name in (*new, *old):
        last = figures["rival"][-1][name] if figures["rival"] else None
        cells = [name + (" (old)" if name in old else ""), f"{start[name]:.3f}"]
        cells += [f"{row[name]:.3f}" for row in figures["ours"]]
        cells += [f"{annotated[name]:.3f}", recovered(name, figures["ours"][-1][name])]
        cells += ["", ""] if last is None else [f"{last:.3f}", recovered(name, last)]
        print("| " + " | ".join(cells) + " |")
    for title, groups, rest in (("script", SCRIPTS, "Latin"), ("family", FAMILIES, "")):
        by: dict[str, list[str]] = defaultdict(list)
        for name in new:
            by[group_of(groups, name, rest)].append(name)
        print(
            f"\n| launched, by {title} | locales | start | last day | annotated |\n|---|---|---|---|---|"
        )
        for group, names in sorted(by.items()):
            shown = [
                f"{np.mean([of[n] for n in names]):.3f}"
                for of in (start, figures["ours"][-1], annotated)
            ]
            print(f"| {group} | {len(names)} | {' | '.join(shown)} |")


if __name__ == "__main__":
    main()
