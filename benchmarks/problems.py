"""Problems with a known life: how soon they open, close after their mend and open again, and how many that opened are none.

usage: python benchmarks/problems.py MASSIVE_FILE... [--turns 500] [--users 250] [--seed 1]

MASSIVE_FILEs are locales of MASSIVE as it is published (JSON lines with `utt`, `annot_utt` and `intent`). A planted problem is open while more than half of what an open problem counts is of it. In a world of 38 days,
with so many turns a day and people in each locale, on day 18 in each locale an intent begins to be eaten by another, a wording
that many want is not understood, and an intent that nobody knew is wanted; in the last locale two of five turns are not
heard. On day 25 all that is mended, on day 33 it is back. Nights are run day by day from day 16 to 37 in one home. A problem that opened is
none where fewer than half of the turns that it counts had failed (of a locale: where less than half of the excess was there); an
eaten intent is named wrongly where fewer than half of them meant it.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

import polars as pl
from changes import START, nights
from massive import corpus_of

from flows.simulation.place import Habits
from flows.simulation.world import simulate
from mining.problems.life import LONGEST
from warehouse.lake import Lake

DAYS, SINCE, MENDED, BACK, FIRST, LAST = 38, 18, 25, 33, 16, 37
SAID = ["locale", "utterance"]
HALF = 0.5
NAMED = 0.9  # probability from which on the intent that is eaten is named without a doubt


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("massive", type=Path, nargs="+")
    arguments.add_argument("--turns", type=int, default=500, help="a day, in each locale")
    arguments.add_argument("--users", type=int, default=250, help="in each locale")
    arguments.add_argument("--seeds", type=int, default=20, help="utterances of each intent")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", type=Path, help="keep the world and its home here")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(asked, asked.out or Path(folder))


def show(asked: argparse.Namespace, folder: Path) -> None:
    began = time.perf_counter()
    folder.mkdir(exist_ok=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf8") as corpus:
        for file in asked.massive:
            corpus.write(corpus_of(file, folder / "one.jsonl").read_text("utf8"))
    turns = DAYS * asked.turns * len(asked.massive)
    steady = Habits(asked.users, DAYS, turns, START.isoformat(), asked.seeds, 0.1, 1, 0.0)
    habits = replace(steady, changing_day=SINCE, mended_day=MENDED, back_day=BACK)
    planted = simulate(folder, folder / "corpus.jsonl", asked.seed, habits, None)["problems"]
    truth = truths(folder)
    days = range(FIRST, LAST + 1)
    found = {number: problems(lake, number) for number, lake, _ in nights(folder, days)}
    tell(planted, found, truth)
    print(f"\n{time.perf_counter() - began:.0f} s")


def truths(world: Path) -> pl.DataFrame:
    """A row a turn of a person: number of its day, SAID, what was heard, executed and meant."""
    rows = []
    with (
        gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as log,
        gzip.open(world / "truth.jsonl.gz", "rt", encoding="utf8") as truth,
    ):
        for line, told in zip(log, truth, strict=True):
            turn, true = json.loads(line), json.loads(told)
            if true["kind"] == "robot":
                continue
            day = (date.fromisoformat(turn["timestamp"][:10]) - START).days + 1
            said = " ".join(normalize("NFC", turn["utterance"]).split())
            about = (turn["locale"], said, turn["n_best"][0]["intent"])
            rows.append((day, *about, turn["intent"], true["intent"]))
    schema = {"number": pl.Int64} | dict.fromkeys((*SAID, "intent", "executed", "meant"), pl.String)
    failed = pl.col("meant").is_not_null() & pl.col("executed").ne_missing(pl.col("meant"))
    return pl.DataFrame(rows, schema, orient="row").with_columns(failed=failed)


def problems(lake: Lake, number: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The problems of a night, and their wordings."""
    day = (START + timedelta(days=number - 1)).isoformat()
    found = lake.read("problems", [day]).with_columns(pl.col("kind", "status").cast(pl.String))
    return found, lake.read("problem_members", [day])


def tell(
    planted: list[dict[str, Any]],
    by_night: dict[int, tuple[pl.DataFrame, pl.DataFrame]],
    truth: pl.DataFrame,
) -> None:
    print("\n| planted | locale | open since | closed | open again |\n|---|---|---|---|---|")
    for row in planted:
        days = {n: is_open(row, *found, truth) for n, found in by_night.items()}
        opened = first(n for n in days if SINCE <= n < MENDED and days[n])
        closed = first(n for n in days if MENDED <= n < BACK and not days[n])
        again = first(n for n in days if n >= BACK and days[n])
        about = (
            f"{row['meant']} > {row['heard']}" if row["kind"] == "eaten" else row.get("meant", "")
        )
        cells = [f"{x - since + 1}" if x else "never" for x, since in
                 ((opened, SINCE), (closed, MENDED), (again, BACK))]  # fmt: skip
        print(f"| {row['kind']} {about} | {row['locale']} | {' | '.join(cells)} |")
    judged = [(n, p, false(p, members, truth, n)) for n, p, members in openings(by_night)]
    wrongly = sum(misnamed(p, members, truth, n) for n, p, members in openings(by_night))
    by_kind: dict[str, list[bool]] = {}
    for _, problem, none in judged:
        by_kind.setdefault(problem["kind"], []).append(none)
    print("\n| kind | opened | none |\n|---|---|---|")
    for kind, rows in sorted(by_kind.items()):
        print(f"| {kind} | {len(rows)} | {sum(rows)} |")
    print(f"| all | {len(judged)} | {sum(none for *_, none in judged)} |\n")
    named = [p for _, p, _ in judged if p["kind"] == "eaten" and p["named"] >= NAMED]
    print(f"eaten intents that are named without a doubt: {len(named)}, wrongly: {wrongly}\n")
    for number, problem, none in judged:
        if none:
            print(number, {k: problem[k] for k in ("kind", "locale", "meant", "heard", "example", "turns", "failed", "users")})  # fmt: skip
    counts = {n: found.filter(status="open").height for n, (found, _) in by_night.items()}
    print("open, by night:", counts)


def first(numbers: Iterator[int]) -> int | None:
    return next(iter(numbers), None)


def is_open(
    row: dict[str, Any], found: pl.DataFrame, members: pl.DataFrame, truth: pl.DataFrame
) -> bool:
    """Whether a planted problem is open."""
    mine = found.filter(status="open", locale=row["locale"])
    if row["kind"] == "locale":
        return mine.filter(kind="locale").height > 0
    inside = members.join(mine.filter(pl.col("kind") != "locale"), on="problem_id", how="semi")
    inside = inside.filter(pl.col("turns_now") > 0)
    if row["kind"] == "wording":
        return (
            inside.filter(
                pl.col("utterance").is_in([normalize("NFC", text) for text in row["said"]])
            ).height
            > 0
        )
    heard = pl.lit(value=True)
    if row["kind"] == "eaten":
        heard = pl.col("intent") == row["heard"]
    meant = truth.group_by(SAID).agg(meant=pl.col("meant").mode().sort().first())
    of_it = (pl.col("meant") == row["meant"]) & heard
    told = (
        inside.join(meant, on=SAID)
        .group_by("problem_id")
        .agg(of_it=(of_it * pl.col("turns_now")).sum() / pl.col("turns_now").sum())
    )
    return bool((told["of_it"] > HALF).any())


def openings(
    by_night: dict[int, tuple[pl.DataFrame, pl.DataFrame]],
) -> Iterator[tuple[int, dict[str, Any], pl.DataFrame]]:
    """Each problem on the night on which it opened, with its wordings."""
    for number, (found, members) in by_night.items():
        day = (START + timedelta(days=number - 1)).isoformat()
        for row in found.filter(status="open", opened=day).iter_rows(named=True):
            yield number, row, members.filter(problem_id=row["problem_id"])


def false(problem: dict[str, Any], members: pl.DataFrame, truth: pl.DataFrame, number: int) -> bool:
    """Whether a problem is none, by the truth of the newest days of its night."""
    newest = pl.col("number").is_between(number - LONGEST + 1, number)
    if problem["kind"] == "locale":
        mine = truth.filter(locale=problem["locale"])
        before = mine.filter(pl.col("number") <= number - LONGEST)["failed"].mean()
        now = mine.filter(newest)["failed"].mean()
        return bool((now - before) * problem["turns"] < HALF * problem["failed"])  # type: ignore[operator]
    turns = truth.filter(newest).join(members.filter(pl.col("turns") > 0), on=[*SAID, "intent"])
    if turns.is_empty():
        return True
    return bool(turns["failed"].mean() < HALF)  # type: ignore[operator]


def misnamed(
    problem: dict[str, Any], members: pl.DataFrame, truth: pl.DataFrame, number: int
) -> bool:
    """Whether an eaten intent is another than the one that is surely named."""
    if problem["kind"] != "eaten" or problem["named"] < NAMED:
        return False
    newest = pl.col("number").is_between(number - LONGEST + 1, number)
    turns = truth.filter(newest).join(members.filter(pl.col("turns") > 0), on=[*SAID, "intent"])
    meant = (turns["meant"] == problem["meant"]).fill_null(value=False)
    return turns.height > 0 and float(meant.cast(pl.Float64).mean() or 0.0) < HALF


if __name__ == "__main__":
    main()
