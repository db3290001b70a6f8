"""Retraining: train a champion on seed alone where there is none, then let a challenger that learned
from the newest training set pass the gate, or refuse it with the reasons."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from flows import seed
from flows.night import Caller, Result, code, digest_of, read_training_set, training_versions
from flows.settings import Settings
from retrain import store
from retrain.gate import GateConfig, Verdict, compare, kept_aside
from retrain.model import Model
from retrain.trainer import lesson, sharpest, train
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake, typed
from warehouse.ledger import Ledger, digest
from warehouse.publish import publish
from warehouse.tables import Evaluations

DAWN = "0000-00-00"  # the night of a model that learned from seed data alone


@dataclass(frozen=True)
class Retraining:
    """What every step of a retraining works with. `promises` is a file of utterances that must hold."""

    home: Home
    settings: Settings
    promises: Path | None


def retrain(job: Retraining, call: Caller) -> Result:
    """The steps of a retraining, in order; the verdict on the challenger."""
    first = call(train_first, job)
    sets = training_versions(job.home)
    verdict = call(challenge, job, sets[-1]) if sets else None
    call(publish_models, job)
    return verdict or first | {
        "because": ["no training set yet: `sayagain run` makes one", *first["because"]]
    }


def train_first(job: Retraining) -> Result:
    """A champion on seed data alone, where there is no champion."""
    serving = store.champion(job.home)
    if serving:
        return {"champion": serving, "promoted": False, "because": []}
    version, verdict = _train_and_judge(job, None)
    return {"champion": version, "promoted": verdict.promote, "because": list(verdict.because)}


def challenge(job: Retraining, training_set: str) -> Result:
    """Train a challenger on the training set; promote it, or say why not."""
    serving = store.champion(job.home)
    if serving and store.about(job.home, serving).get("training_set") == training_set:
        return {
            "champion": serving,
            "challenger": serving,
            "training_set": training_set,
            "promoted": False,
            "because": ["the champion learned from this training set already"],
        }
    version, verdict = _train_and_judge(job, training_set)
    whole = verdict.figures.row(0, named=True)
    return {
        "champion": store.champion(job.home),
        "before": serving,
        "challenger": version,
        "training_set": training_set,
        "promoted": verdict.promote,
        "because": list(verdict.because),
        "figures": whole,
        "flipped": verdict.flipped.select("locale", "utterance", "intent").head(10).to_dicts(),
    }


def publish_models(job: Retraining) -> Result:
    """Publish what the gate decided, where a night was published before."""
    if not job.home.warehouse.exists():
        return {"views": {}}
    return {"views": publish(job.home, Lake(job.home.lake), job.settings.floors.published)}


def _train_and_judge(job: Retraining, training_set: str | None) -> tuple[str, Verdict]:
    home = job.home
    known = seed.kept(home)
    if known["intent"].n_unique() < 2:
        raise BadInput(
            f"{home.root}: has no seed data of two intents or more; give --seed-data FILE"
        )
    aside = kept_aside(known)
    cases, taught = known.filter(aside), known.filter(~aside)
    promises = seed.read(job.promises) if job.promises else known.clear()
    examples = (
        _unseen(read_training_set(home, training_set), [cases, promises]) if training_set else None
    )
    serving = store.champion(home)
    facts = [
        code(),
        training_set,
        serving,
        digest_of(home.seed_data),
        str(job.settings.gate),
        digest(promises.rows()),
    ]
    number = Ledger(home.root / "ledger").number("model", digest(facts))
    version = f"{training_set[:10] if training_set else DAWN}-{number:04}-{digest(facts)[:8]}"
    taught_rows = lesson(taught, examples)
    model = train(taught_rows)
    sharp = sharpest(model, cases["utterance"].to_list(), cases["intent"].to_list())
    model = replace(model, sharpness=sharp)
    champion = store.fetch(home, serving) if serving else None
    verdict = compare(champion, model, cases, promises, GateConfig(job.settings.gate.most_flips))
    about = {
        "training_set": training_set,
        "before": serving,
        "examples": len(taught_rows.wordings),
        "promoted": verdict.promote,
        "because": list(verdict.because),
    }
    _keep(home, version, model, about, verdict)
    if verdict.promote:
        store.promote(home, version)
    return version, verdict


def _unseen(examples: pl.DataFrame, measured: list[pl.DataFrame]) -> pl.DataFrame:
    """The examples without the wordings that the gate measures by."""
    said = pl.col("utterance").str.to_lowercase()
    for cases in measured:
        examples = examples.join(cases.select(said), left_on=said, right_on="utterance", how="anti")
    return examples


def _keep(home: Home, version: str, model: Model, about: dict[str, Any], verdict: Verdict) -> None:
    evaluation = verdict.figures.with_columns(
        challenger=pl.lit(version),
        champion=pl.lit(about["before"], dtype=pl.String),
        promoted=verdict.promote,
        because=pl.lit(list(verdict.because)),
    )
    checked = Evaluations.validate(typed(Evaluations, evaluation))
    store.keep(home, version, model, about, _card(version, about, verdict), checked)


def _card(version: str, about: dict[str, Any], verdict: Verdict) -> str:
    whole = verdict.figures.row(0, named=True)
    return (
        f"# Model {version}\n\n"
        f"Learned from {about['examples']} rows: seed data, training set"
        f" {about['training_set'] or '(none)'}.\n\n"
        f"{'Promoted' if verdict.promote else 'Refused'}: {'; '.join(verdict.because)}.\n\n"
        f"{whole['challenger_accuracy']:.1%} right of {whole['cases']} cases of seed data kept aside.\n"
    )
