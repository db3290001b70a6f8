"""Words that change: how soon they are seen, and labelled rightly, and what is taken for a change that is none.

usage: python benchmarks/changes.py MASSIVE_FILE... [--turns 500] [--users 250] [--seed 1]

MASSIVE_FILEs are locales of MASSIVE as it is published (JSON lines with `utt`, `annot_utt` and `intent`). In a world of 30 days, with so
many turns a day and people in each locale, words change on day 20: in each locale a new value, slang for a word, and an
intent that the assistant does not know. Nights are run day by day from day 17 to 27 in one home; then the same in the world without changes, where
whatever is found is false.
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

import polars as pl
from massive import corpus_of

from flows import runs
from flows.pipeline import directly
from flows.settings import Settings
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from mining.trends.detection import KEY, dense, terms
from warehouse.home import existing, read_training_set, training_versions
from warehouse.lake import Lake

DAYS, CHANGE, FIRST, LAST = 30, 20, 17, 27
START = date(2026, 1, 5)
NEWEST = 7
SAID = ["locale", "utterance"]
UP, DOWN = ["appeared", "rising"], ["falling", "gone"]


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("massive", type=Path, nargs="+")
    arguments.add_argument("--turns", type=int, default=500, help="a day, in each locale")
    arguments.add_argument("--users", type=int, default=250, help="in each locale")
    arguments.add_argument("--seeds", type=int, default=20, help="utterances of each intent")
    arguments.add_argument("--seed", type=int, default=1)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        show(asked, Path(folder))


def show(asked: argparse.Namespace, folder: Path) -> None:
    began = time.perf_counter()
    with (folder / "corpus.jsonl").open("w", encoding="utf8") as corpus:
        for file in asked.massive:
            corpus.write(corpus_of(file, folder / "one.jsonl").read_text("utf8"))
    turns = DAYS * asked.turns * len(asked.massive)
    steady = Habits(asked.users, DAYS, turns, START.isoformat(), asked.seeds, 0.1, 1, 0.0)
    worlds = {"changing": replace(steady, changing_day=CHANGE), "steady": steady}
    for name, habits in worlds.items():
        facts = simulate(folder / name, folder / "corpus.jsonl", asked.seed, habits, None)
        print(f"\n### {name}\n")
        tell(folder / name, facts.get("changes", []))
        print(f"\n{name}: {time.perf_counter() - began:.0f} s since the start\n", flush=True)


def tell(world: Path, planted: list[dict]) -> None:
    for change in planted:
        named = change.get("word") or change["intent"]
        instead = f" for {change['before']}" if "before" in change else ""
        print(f"- {change['locale']}: {change['kind']} `{named}`{instead} ({change['label']})")
    print(
        "\n| day | value: right, believed | slang | found | false | values, slang, intents seen | candidates | new words | false | precision | recall, wordings | turns |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    truth, first, seen = truths(world), {}, {}
    for number, lake, home in nights(world, range(FIRST, LAST + 1)):
        day = (START + timedelta(days=number - 1)).isoformat()
        said = spoken(lake, truth, day)
        labelled = {kind: right(said, lake, home, kind) for kind in ("value", "slang")}
        for kind, share in labelled.items():
            if share > 0.5:
                first.setdefault(kind, number)
        found, false, known = changes(said, lake, planted, day)
        for key in known:
            seen.setdefault(key, number)
        cells = [f"{labelled[kind]:.2f}" for kind in ("value", "slang")] if planted else ["", ""]
        cells += [str(found), str(false), counted(seen, planted), *candidates(said, lake, day)]
        print(f"| {number} | {' | '.join(cells)} |", flush=True)
    print(f"\nMore than half labelled rightly first on day: {first}; planted seen first on: {seen}")


def nights(world: Path, numbers: range) -> Iterator[tuple[int, Lake, Path]]:
    """Each of these nights, the first of all days until then: its day, the lake, the home's folder."""
    logs, home = by_day(world), world / "home"
    for number in numbers:
        new = range(1, number + 1) if number == numbers.start else [number]
        files = [str(logs[n]) for n in new if n in logs]
        request = runs.Request(files, home, seed_data=world / "seed.jsonl.gz")
        runs.run_night(request, Settings(), directly)
        yield number, Lake(home / "lake"), home


def by_day(world: Path) -> dict[int, Path]:
    """The log in a file a day."""
    found: dict[int, list[str]] = {}
    with gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as lines:
        for line in lines:
            day = date.fromisoformat(json.loads(line)["timestamp"][:10])
            found.setdefault((day - START).days + 1, []).append(line)
    for number, rows in found.items():
        (world / f"day-{number}.jsonl").write_text("".join(rows), "utf8")
    return {number: world / f"day-{number}.jsonl" for number in found}


def truths(world: Path) -> pl.DataFrame:
    with gzip.open(world / "truth.jsonl.gz", "rt", encoding="utf8") as lines:
        rows = [json.loads(line) for line in lines]
    told = [(r["turn_id"], r["intent"], r["kind"], r.get("change")) for r in rows]
    schema = dict.fromkeys(("turn_id", "meant", "how", "change"), pl.String)
    return pl.DataFrame(told, schema, orient="row")


def spoken(lake: Lake, truth: pl.DataFrame, day: str) -> pl.DataFrame:
    """The turns of people until the day, with what they meant, and whether they are of the newest days."""
    turns = lake.read("turns", [d for d in lake.days("turns") if d <= day])
    newest = date.fromisoformat(day) - timedelta(days=NEWEST - 1)
    spoke = pl.col("timestamp").dt.date()
    rows = turns.select("turn_id", *SAID, new=spoke >= newest).join(truth, on="turn_id")
    return rows.filter(pl.col("how") != "robot", pl.col("meant").is_not_null())


def right(said: pl.DataFrame, lake: Lake, home: Path, kind: str) -> float:
    """Of the wordings of a change, the share whose best label is right and that are in the training set."""
    meant = (
        said.filter(change=kind)
        .group_by(*SAID, "meant")
        .len()
        .sort("len", "meant")
        .unique(SAID, keep="last")
    )
    best = lake.newest("soft_labels").sort("probability", "label").unique(SAID, keep="last")
    taught = read_training_set(existing(home), training_versions(existing(home))[-1])
    rows = meant.join(best, on=SAID).join(taught.select(SAID), on=SAID, how="semi")
    return rows.filter(pl.col("label") == pl.col("meant")).height / max(1, meant.height)


def changes(
    said: pl.DataFrame, lake: Lake, planted: list[dict], day: str
) -> tuple[int, int, list[tuple[str, str]]]:
    """How many changes were found, how many falsely, and which of the planted ones are among them."""
    found = lake.read("trends", [day]).with_columns(pl.col("kind", "change").cast(pl.String))
    units = holding(said, lake, found, day)
    changed = pl.col("change").is_not_null()
    now = units.filter("new").group_by(KEY).agg(changed=changed.mean())
    up = found.filter(pl.col("change").is_in(UP)).join(now, on=KEY, how="left")
    told = [
        (change["locale"], change["kind"])
        for change in planted
        if not up.join(
            units.filter("new", change=change["kind"], locale=change["locale"])
            .group_by(KEY)
            .len("of_it")
            .join(units.filter("new").group_by(KEY).len("of_all"), on=KEY)
            .filter(pl.col("of_it") > pl.col("of_all") / 2),
            on=KEY,
            how="semi",
        ).is_empty()
    ]
    false = up.filter(pl.col("changed").fill_null(0.0) <= 0.5).height
    down = found.filter(pl.col("change").is_in(DOWN))
    return found.height, false + untrue(units, down, planted), told


def holding(said: pl.DataFrame, lake: Lake, found: pl.DataFrame, day: str) -> pl.DataFrame:
    """The turns of each unit that was found to change."""
    rows = []
    for (locale,), part in said.group_by("locale"):
        wordings = part["utterance"].unique().to_list()
        whole = not dense(wordings)
        sought = set(found.filter(locale=locale, kind="term")["unit"])
        rows += [(locale, "term", t, u) for u in wordings for t in terms(u, whole=whole) & sought]
    schema = dict.fromkeys((*KEY, "utterance"), pl.String)
    clusters = lake.read("clusters", [day]).select(
        "locale", kind=pl.lit("cluster"), unit="cluster_id", utterance="utterance"
    )
    every = pl.concat([pl.DataFrame(rows, schema, orient="row"), clusters])
    return every.join(said.drop("how"), on=SAID).join(found.select(KEY), on=KEY, how="semi")


def untrue(units: pl.DataFrame, down: pl.DataFrame, planted: list[dict]) -> int:
    """How many units fall that have little to do with a word that slang replaced."""
    gone = {c["locale"]: c["before"] for c in planted if c["kind"] == "slang"}
    false = 0
    for row in down.iter_rows(named=True):
        before = units.filter(~pl.col("new"), locale=row["locale"], unit=row["unit"])
        held = (
            before["utterance"]
            .str.to_lowercase()
            .str.contains(gone.get(row["locale"], "\0"), literal=True)
        )
        false += (held.mean() or 0.0) <= 0.5
    return false


def counted(seen: dict[tuple[str, str], int], planted: list[dict]) -> str:
    kinds = [sum(kind == k for _, k in seen) for kind in ("value", "slang", "intent")]
    return (
        " ".join(map(str, kinds)) + f" of {len({c['locale'] for c in planted})}" if planted else ""
    )


def candidates(said: pl.DataFrame, lake: Lake, day: str) -> list[str]:
    """How many candidates there are, how many of them are new words for what was wanted before, how many
    are nothing new; of the members of the true ones, precision, and recall of the new wordings of the planted
    intents and of their turns."""
    intent = (pl.col("change") == "intent").fill_null(value=False)
    other = pl.col("change").is_in(["value", "slang"]).fill_null(value=False)
    wordings = (
        said.filter("new")
        .group_by(SAID)
        .agg(true=intent.mean() > 0.5, other=other.mean() > 0.5, turns=pl.len())
    )
    members = lake.read("intent_candidate_members", [day]).join(wordings, on=SAID)
    by = members.group_by("locale", "candidate_id").agg(
        true=pl.col("true").mean() > 0.5, other=pl.col("other").mean() > 0.5
    )
    others = by.filter("other").height
    false = by.height - others - by.filter("true").height
    mine = members.join(by.filter("true"), on=["locale", "candidate_id"], how="semi")
    planted = wordings.filter("true")
    held = planted.join(mine.select(SAID).unique(), on=SAID, how="semi")
    if planted.is_empty():
        return [str(by.height), str(others), str(false), "", "", ""]
    shares = [
        mine["true"].mean(),
        held.height / planted.height,
        held["turns"].sum() / planted["turns"].sum(),
    ]
    locales = by.filter("true")["locale"].n_unique()
    return [
        f"{by.height} ({locales} locales)",
        str(others),
        str(false),
        *(f"{s:.2f}" if s is not None else "" for s in shares),
    ]


if __name__ == "__main__":
    main()
