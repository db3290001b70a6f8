"""Labels against true ones: ours, each part of it removed, and others on the very same votes.

usage: python benchmarks/labels.py WORLD HOME [--rivals PYTHON]

HOME is what `sayagain run` left of the world's log. PYTHON is an interpreter that has crowd-kit and Snorkel
(benchmarks/rivals/requirements.txt). Everyone gets the same votes, one a user, source and label that is more likely cast than
not: those of the lake, the reader's best label of each wording, and that of its neighbours; a source is a source of
evidence. What votes cannot say, that a user reformulated, and how sure anything is, others do not use.

All distinct wordings with a true label are judged: accuracy of the best label, log-loss (floor 0.001), calibration error in
ten bins, seconds of one run.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix
from truth import intents

from aggregation.label_model import locale as of_locale
from aggregation.label_model import model as believing
from aggregation.label_model.classifier import Read
from aggregation.label_model.dawid_skene import CastVotes, Cells, em
from aggregation.label_model.evidence import Evidence
from aggregation.label_model.model import believe
from aggregation.label_model.sparse import row_shares
from aggregation.label_model.votes import (
    CHAIN_END,
    FOR,
    N_BEST,
    NEIGHBOURS,
    REFORMULATED,
    TARGET,
    THUMBS_DOWN,
    THUMBS_UP,
    UNEXECUTED_REFORMULATED,
)
from flows import seed
from warehouse.encoders.transformer import Folder
from warehouse.home import existing
from warehouse.lake import Lake

KEY = ["locale", "utterance"]
LONGEST = 300  # seconds that a rival is given
Labels = pl.DataFrame  # locale, utterance, label, probability


def evidence_of(home: Path) -> Evidence:
    """What the newest night of a home believed its labels by."""
    lake = Lake(existing(home).lake)
    night = lake.days("soft_labels")[-1]
    spoken = lake.read("utterance_stats", [night])
    taught = seed.taught(seed.kept(existing(home)))
    asked = pl.concat([spoken.select(KEY), taught.select(KEY)]).unique(maintain_order=True)
    newest = sorted((home / "encoders").glob("[!.]*"))[-1]
    vectors = Folder(newest).embed(asked["utterance"].to_list())
    return Evidence(
        lake.read("votes", [night]).join(spoken, on=KEY, how="semi"),
        night,
        lake.read("hypothesis_stats", [night]).join(spoken, on=KEY, how="semi"),
        lake.read("neighbours", [night]),
        taught,
        asked.with_columns(vector=pl.Series(vectors.astype(np.float32)).arr.to_list()),
    )


def ours(evidence: Evidence) -> Labels:
    return believe(evidence).labels


def parts_removed(evidence: Evidence) -> dict[str, Callable[[], Labels]]:
    """Ours with one part each left out."""

    def without(*sources: str) -> Evidence:
        return replace(evidence, votes=evidence.votes.filter(~pl.col("source").is_in(sources)))

    return {
        "without neighbours": lambda: ours(
            replace(evidence, neighbours=evidence.neighbours.clear())
        ),
        "without who reformulated": lambda: ours(without(REFORMULATED, UNEXECUTED_REFORMULATED)),
        "without ends": lambda: ours(without(CHAIN_END, TARGET)),
        "without n-best": lambda: ours(without(N_BEST)),
        "without thumbs": lambda: ours(without(THUMBS_UP, THUMBS_DOWN)),
        "without seed data": lambda: ours(replace(evidence, seed=evidence.seed.clear())),
        "without vectors": lambda: ours(replace(evidence, vectors=evidence.vectors.clear())),
        "without the reader": lambda: _with_reader(evidence, _blind),
    }


def _blind(
    _texts: object, _belief: object, _weight: object, asked: csr_matrix, _others: object
) -> Read:
    """A reader to whom all labels that were voted for are alike."""
    alike = (asked > 0).astype(np.float64)
    return Read(csr_matrix(alike.multiply(1 / np.maximum(alike.sum(axis=1), 1))), np.zeros(1))


def _with_reader(evidence: Evidence, reader: Callable[..., Read]) -> Labels:
    usual = of_locale.read
    of_locale.read = reader
    try:
        return ours(evidence)
    finally:
        of_locale.read = usual


def same_votes(evidence: Evidence) -> pl.DataFrame:
    """`locale, utterance, source, label`, a row a vote."""
    read: list[pl.DataFrame] = []
    usual, usual_reader = believing.Locale, of_locale.read

    class Noted(usual):  # keeps what the reader and the neighbours say at last
        def _votes(self, cast, cells, before, sure):
            meant = (row_shares(self.near.power(of_locale.CLOSE)) @ sure).tocsr()
            read.append(self._said(NEIGHBOURS, meant))
            return super()._votes(cast, cells, before, sure)

        def _round(self, *known):
            def noted(*of_texts) -> Read:
                found = usual_reader(*of_texts)
                read.append(self._said("words", found.words))
                return found

            of_locale.read = noted
            return super()._round(*known)

        def _said(self, source: str, meant: csr_matrix) -> pl.DataFrame:
            some = np.flatnonzero(np.diff(meant.indptr))
            best = np.asarray(meant.argmax(axis=1)).ravel()[some]
            return pl.DataFrame(
                {
                    "locale": self.name,
                    "utterance": np.array(self.wordings, object)[some],
                    "source": source,
                    "label": np.array(self.labels, object)[best],
                },
                schema_overrides={"utterance": pl.String(), "label": pl.String()},
            )

    believing.Locale = Noted
    try:
        believe(evidence)
    finally:
        believing.Locale, of_locale.read = usual, usual_reader
    of_models = pl.concat(read).unique([*KEY, "source"], keep="last", maintain_order=True)
    cast = evidence.votes.filter(
        pl.col("source").is_in(FOR) & ((pl.col("weight") >= 0.5) | (pl.col("source") == N_BEST))
    )
    return pl.concat(
        [
            cast.select(*KEY, source="source", label="label"),
            of_models.select(*KEY, "source", "label"),
        ]
    ).sort(*KEY, "source", "label")


def shares(votes: pl.DataFrame) -> Labels:
    counted = votes.group_by(*KEY, "label").agg(n=pl.len())
    whole = pl.col("n").sum().over(KEY)
    return counted.select(*KEY, "label", probability=pl.col("n") / whole)


def majority(votes: pl.DataFrame) -> Labels:
    first = shares(votes).sort(*KEY, "probability", "label", descending=[False, False, True, False])
    return first.unique(KEY, keep="first").with_columns(probability=pl.lit(1.0))


def by_em(votes: pl.DataFrame, *, confusions: bool) -> Labels:
    """Our solver on the votes alone, a locale at a time."""
    found = []
    for (locale,), mine in votes.partition_by("locale", as_dict=True).items():
        columns = {c: mine[c].unique().sort() for c in ("utterance", "label", "source")}
        item, label, source = (
            mine[c].replace_strict(columns[c], range(len(columns[c]))).to_numpy().astype(np.int64)
            for c in columns
        )
        cells = Cells.of(item, label, len(columns["utterance"]), len(columns["label"]))
        cast = CastVotes(cells.find(item, label), source, np.ones(len(item)))
        estimate = em(cells, cast, len(columns["source"]), confusions=confusions)
        found.append(
            pl.DataFrame(
                {
                    "utterance": columns["utterance"][cells.item],
                    "label": columns["label"][cells.label],
                    "probability": estimate.belief,
                }
            ).select(pl.lit(locale).alias("locale"), pl.all())
        )
    return pl.concat(found)


def of_rival(python: str, name: str, votes: pl.DataFrame) -> tuple[Labels, float]:
    """Labels by a rival, and its seconds without reading and writing."""
    script = Path(__file__).parent / "rivals" / "votes_to_labels.py"
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "votes.parquet", Path(folder) / "labels.parquet"
        votes.write_parquet(given)
        done = subprocess.run(
            [python, str(script), name, str(given), str(made)],
            check=True,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        return pl.read_parquet(made), float(done.stdout.split()[-1])


def figures(found: Labels, truth: dict[tuple[str, str], str]) -> tuple[float, float, float]:
    """Accuracy, log-loss and calibration error over all wordings with a true label."""
    gold = pl.DataFrame(
        [(*wording, label) for wording, label in truth.items()], [*KEY, "gold"], orient="row"
    )
    best = found.sort("probability", "label", descending=[True, False]).unique(KEY, keep="first")
    judged = gold.join(best, on=KEY, how="left").with_columns(
        hit=(pl.col("label") == pl.col("gold")).fill_null(value=False),
        sure=pl.col("probability").fill_null(0.0),
    )
    given = gold.join(found, left_on=[*KEY, "gold"], right_on=[*KEY, "label"], how="left")
    loss = -np.log(given["probability"].fill_null(0.0).clip(1e-3, 1.0).to_numpy()).mean()
    tenths = judged.group_by((pl.col("sure") * 10).floor().clip(0, 9)).agg(
        off=(pl.col("hit").mean() - pl.col("sure").mean()).abs() * pl.len()
    )
    return judged["hit"].mean(), float(loss), tenths["off"].sum() / judged.height


def curve(found: Labels, truth: dict[tuple[str, str], str]) -> str:
    best = found.sort("probability", "label", descending=[True, False]).unique(
        KEY, keep="first", maintain_order=True
    )
    judged = [
        truth[locale, utterance] == label
        for locale, utterance, label in best.select(*KEY, "label").iter_rows()
        if (locale, utterance) in truth
    ]
    parts = (0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    return ", ".join(f"{p:.2f}: {np.mean(judged[: int(p * len(truth))]):.3f}" for p in parts)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("world", type=Path, metavar="WORLD")
    arguments.add_argument("home", type=Path, metavar="HOME")
    arguments.add_argument("--rivals", metavar="PYTHON")
    asked = arguments.parse_args()
    truth, evidence = intents(asked.world), evidence_of(asked.home)

    def show(name: str, found: Labels, seconds: float) -> None:
        accuracy, loss, off = figures(found, truth)
        print(f"| {name} | {accuracy:.3f} | {loss:.3f} | {off:.3f} | {seconds:.1f} |", flush=True)

    def timed(name: str, make: Callable[[], Labels]) -> Labels:
        began = time.perf_counter()
        found = make()
        show(name, found, time.perf_counter() - began)
        return found

    print("| | accuracy | log-loss | calibration error | seconds |\n|---|---|---|---|---|")
    whole = timed("ours", lambda: ours(evidence))
    for name, make in parts_removed(evidence).items():
        timed(f"ours, {name}", make)
    votes = same_votes(evidence)
    timed("raw shares", lambda: shares(votes))
    timed("majority", lambda: majority(votes))
    timed("one coin (our solver)", lambda: by_em(votes, confusions=False))
    timed("Dawid-Skene (our solver)", lambda: by_em(votes, confusions=True))
    rivals = ("DawidSkene", "OneCoinDawidSkene", "MACE", "LabelModel") if asked.rivals else ()
    for name in rivals:
        try:
            show(name, *of_rival(asked.rivals, name, votes))
        except subprocess.TimeoutExpired:
            print(f"| {name} | | | | more than {LONGEST} |", flush=True)
    print(f"\n{votes.height} votes; accuracy at coverage: {curve(whole, truth)}")


if __name__ == "__main__":
    main()
