"""Coordinated liars: how many labels they turn that honest users gave.

usage: python benchmarks/liars.py [--rival HANDSCRIPT]

An invented world (`sayagain simulate`, English, one seed) without liars and with 1, 3 and 5% of its users lying:
they ask for the same five goals, praise and stay with what is wrong, and give up what is right for a wording of
another intent. Judged are wordings that at least 5 honest users said and that are labelled rightly in the world as it
is: turned is a wording whose best label is wrong, beside how many are wrong without any liar. The rival is a script that
takes a log and writes a training set; it is run where it is given.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from truth import intents, speakers

SHARES = (0.0, 0.01, 0.03, 0.05)
FEWEST = 5
WORLD = ["--locales", "en-GB", "--users", "400", "--turns", "20000", "--days", "14", "--seed", "11"]


def sayagain(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "flows", *arguments], check=True, capture_output=True, text=True
    )


def labels(home: Path) -> dict[tuple[str, str], str]:
    """The best label of each wording of a home's newest training set."""
    newest = sorted(home.glob("training_sets/*/examples.parquet"))[-1]
    rows = pl.read_parquet(newest, columns=["locale", "utterance", "labels", "probabilities"])
    return {
        (locale, utterance): names[max(range(len(names)), key=shares.__getitem__)]
        for locale, utterance, names, shares in rows.iter_rows()
    }


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rival", type=Path)
    asked = arguments.parse_args()
    print(
        "| liars | wordings of 5 honest users | wrong, sayagain | wrong, rival | of the plot: sayagain | rival |"
    )
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for share in SHARES:
            print(row(Path(folder), share, asked.rival), flush=True)


def row(folder: Path, share: float, rival: Path | None) -> str:
    world, home, theirs = (folder / f"{kind}-{share}" for kind in ("world", "home", "rival"))
    sayagain("simulate", "--out", str(world), "--adversary-share", str(share), *WORLD)
    log = world / "log.jsonl.gz"
    sayagain("run", str(log), "--home", str(home), "--seed-data", str(world / "seed.jsonl.gz"))
    found = [labels(home)]
    if rival:
        theirs.mkdir()
        subprocess.run(
            [sys.executable, str(rival), str(log), str(theirs)], check=True, capture_output=True
        )
        found.append(labels(theirs))
    truth, said = intents(world), speakers(world)
    lied_about = {w for w, by in said.items() if by.liars}
    firm = {w for w, by in said.items() if by.honest >= FEWEST}
    cells = [f"{share:.0%}", str(len(firm))]
    cells += [turned(f, truth, firm) for f in found] + [""] * (2 - len(found))
    cells += [turned(f, truth, firm & lied_about) for f in found] + [""] * (2 - len(found))
    return "| " + " | ".join(cells) + " |"


def turned(found: dict[tuple[str, str], str], truth: dict[tuple[str, str], str], among: set) -> str:
    judged = [w for w in among if w in found]
    return f"{sum(found[w] != truth[w] for w in judged)} of {len(judged)}"


if __name__ == "__main__":
    main()
