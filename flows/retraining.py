"""Retraining: train a champion on seed alone where there is none, then let a challenger that learned
from the newest training set pass the gate, or refuse it with the reasons."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from flows import encoders, newest, programs, seed
from flows.auditing import telling
from flows.evaluation_data import Fitted, Material, Tried, slots_before, tried
from flows.pipeline import Caller, Result
from flows.reach import code_of
from flows.settings import Settings
from flows.steps.facts import digest_of
from retrain.gate.judging import GateConfig, GateVerdict, judge
from retrain.registry import overrides, store
from retrain.slots.cross_fitting import Asked, cross_tagged
from retrain.slots.lesson import TaggedWordings
from retrain.slots.tagger import CAPACITY, SMALL, Slot, teach
from retrain.training.data import FIRM, CrossFitter, TrainingData, taught_by, training_data
from retrain.training.distillation import Student
from retrain.training.external import OutsideTrainer
from retrain.training.model import Model
from retrain.training.program import asked, scored
from retrain.training.solver import Capacity, Floats
from retrain.training.trainer import Reference
from warehouse.common.digests import digest
from warehouse.errors import BadInput
from warehouse.home import Home, read_training_set, read_variants
from warehouse.lake import Lake, typed
from warehouse.ledger import Ledger
from warehouse.publish import publish
from warehouse.tables import Evaluations, SlotEvaluations

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
    newest_set = newest.training_set(job.home)
    if not first["champion"]:
        verdict = first
    elif newest_set is None:
        told = ["no training set yet: `sayagain run` makes one", *first["because"]]
        verdict = first | {"because": told}
    else:
        verdict = call(challenge, job, newest_set)
    call(publish_models, job)
    return verdict


def train_first(job: Retraining) -> Result:
    """A champion on seed data alone, where there is no champion."""
    serving = store.champion(job.home)
    if serving:
        return {"champion": serving, "promoted": False, "because": []}
    version, verdict = _train_and_judge(job, None)
    return {
        "champion": store.champion(job.home),
        "challenger": version,
        "promoted": verdict.promote,
        "because": list(verdict.because),
    }


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
    if refused := overrides.read(job.home).refused(training_set) or unaudited(job):
        return {"champion": serving, "promoted": False, "because": [refused]}
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
    return {"views": publish(job.home, Lake(job.home.lake), job.settings.min_users.published)}


def _train_and_judge(job: Retraining, training_set: str | None) -> tuple[str, GateVerdict]:
    home = job.home
    known, promises = seed.kept(home), seed.read(job.promises) if job.promises else None
    if known["intent"].n_unique() < 2:
        raise BadInput(
            f"{home.root}: has no seed data of two intents or more; give --seed-data FILE"
        )
    serving = store.champion(home)
    helpers = encoders.helpers(home, job.settings)
    encoder = encoders.of_night(home, training_set, known, helpers.encoder)
    facts = [
        code_of(_train_and_judge),
        training_set,
        serving,
        encoder.encoder.version if encoder else None,
        digest_of(home.seed_data),
        str(job.settings.gate),
        str(job.settings.trainer),
        programs.files(job.settings),
        str(overrides.read(home)),
        digest(promises.rows() if promises is not None else []),
    ]
    number = Ledger(home.root / "ledger").number("model", digest(facts))
    version = f"{training_set[:10] if training_set else DAWN}-{number:04}-{digest(facts)[:8]}"
    if (home.models / version).exists():
        return version, _known(home, version)
    examples = read_training_set(home, training_set) if training_set else None
    made = read_variants(home, training_set) if training_set else None
    material = Material.of(known, examples, promises, made)
    champion = store.fetch(home, serving, helpers) if serving else None
    with tempfile.TemporaryDirectory(prefix="sayagain-") as place:
        trainer: CrossFitter = Reference(encoder)
        if job.settings.trainer.small:
            trainer = Student(Reference(encoder), _said(home, training_set, material))
        if helpers.program:
            trainer = OutsideTrainer(helpers.program, Path(place))
        taught = _distilled(job.settings, material, Path(place))
        model, scores = trainer.cross_fit(taught, material.seed)
        before = slots_before(home, (serving, champion), material.seed)
        small = job.settings.trainer.small
        model, slots = _tagged(material, (model, scores), before, SMALL if small else CAPACITY)
        fitted = Fitted(model, scores, slots, before)
        challenger = tried(home, (serving, champion), material, fitted, small=small)
        return version, _settled(job, version, training_set, (champion, challenger))


def _tagged(
    material: Material,
    found: tuple[Model, Floats],
    before: list[list[Slot]] | None,
    may: Capacity,
) -> tuple[Model, list[list[Slot]]]:
    """The model with a tagger, where any slots are known; and the slots of the seed data by taggers that never saw them, which hold to
    those `before`. The scores found are those of the seed data by models that never saw it."""
    model, scores = found
    known = material.seed.select("utterance", "intent", "slots", weight=pl.lit(FIRM))
    believed = material.taught.filter(pl.col("slots_known").fill_null(value=False)).select(
        "utterance",
        "slots",
        weight=pl.col("weight") / material.taught["weight"].mean(),
        intent=pl.col("labels").list.first(),
    )
    taught = TaggedWordings.of(pl.concat([known, believed.select(known.columns)]))
    if not any(taught.slots):
        return model, [[] for _ in range(known.height)]
    believed_intents = [model.labels[n] for n in scores.argmax(axis=1)]
    columns = (known["utterance"].to_list(), known["intent"].to_list(), believed_intents)
    asked = Asked(*columns, known["slots"].to_list(), before or ())
    told, platt = cross_tagged(taught, asked, may)
    return replace(model, tagger=replace(teach(taught, may), platt=platt)), told


def _settled(
    job: Retraining, version: str, training_set: str | None, found: tuple[Model | None, Tried]
) -> GateVerdict:
    """Judge the challenger, keep it, and let it serve if it may."""
    home, (champion, challenger) = job.home, found
    serving = store.champion(home)
    verdict = judge(challenger.cases, GateConfig(**job.settings.gate.model_dump()))
    if verdict.promote and (stopped := overrides.read(home).against(training_set)):
        verdict = replace(verdict, promote=False, because=(stopped, *verdict.because))
    model = challenger.serving(champion, verdict.incumbent_bonus)
    about = {
        "training_set": training_set,
        "before": serving,
        "examples": challenger.taught,
        "incumbent_bonus": verdict.incumbent_bonus,
        "promoted": verdict.promote,
        "because": list(verdict.because),
    }
    _keep(home, version, model, about, (verdict, challenger))
    if verdict.promote:
        store.promote(home, version)
    return verdict


def unaudited(job: Retraining) -> str | None:
    """Why nothing is learned from labels yet, where the settings ask for an audit before any model of them serves."""
    serving = store.champion(job.home)
    before = serving and store.about(job.home, serving).get("training_set")
    if not job.settings.trust.audit or before:
        return None
    if telling.told(job.home.root, job.settings, "labels"):
        return None
    return "no person has audited labels yet: `sayagain audit`, then this again"


def _said(home: Home, training_set: str | None, material: Material) -> pl.DataFrame:
    """`locale, utterance` of the training set's night, but for what nobody may learn: cases of users set apart."""
    nights = [training_set[:10]] if training_set else []
    said = Lake(home.lake).read("utterance_stats", nights).select("locale", "utterance")
    apart = {u.casefold() for u in material.others["utterance"]}
    mine = [u.casefold() not in apart for u in said["utterance"]]
    return said.filter(pl.Series(mine, dtype=pl.Boolean))


def _distilled(settings: Settings, material: Material, place: Path) -> TrainingData:
    """The lesson; where the settings name a teacher, with what it answers for the believed wordings."""
    taught = training_data(material.seed, material.taught, material.variants)
    program = programs.teacher(settings)
    wordings = material.taught["utterance"].unique().sort().to_list()
    if program is None or not wordings:
        return taught
    (place / "teacher").mkdir()
    scores = scored(asked(program, place / "teacher", wordings), taught.labels)
    return taught_by(taught, wordings, scores, settings.trainer.teacher_share)


def _known(home: Home, version: str) -> GateVerdict:
    """The verdict on a model that was trained and judged already; it serves now, where a run was killed
    before it did."""
    about = store.about(home, version)
    if about["promoted"]:
        store.promote(home, version)
    return GateVerdict(
        about["promoted"],
        about["incumbent_bonus"],
        tuple(about["because"]),
        store.table(home, version, "evaluation"),
        store.table(home, version, "flipped"),
    )


def _keep(
    home: Home, version: str, model: Model, about: dict[str, Any], found: tuple[GateVerdict, Tried]
) -> None:
    verdict, challenger = found
    before = about["before"]
    evaluation = verdict.figures.with_columns(
        challenger=pl.lit(version),
        champion=pl.lit(before, dtype=pl.String),
        promoted=verdict.promote,
        because=pl.lit(list(verdict.because)),
    )
    tables = {
        "evaluation": Evaluations.validate(typed(Evaluations, evaluation)),
        "slot_evaluation": SlotEvaluations.validate(challenger.by_slot(version, before)),
        "unseen": challenger.unseen(verdict.incumbent_bonus),
        "flipped": verdict.flipped,
    }
    store.keep(home, version, model, about, _card(version, about, verdict), tables)


def _card(version: str, about: dict[str, Any], verdict: GateVerdict) -> str:
    figures = verdict.figures.filter(pl.col("intent") == "all")
    rows = [
        f"| {r['locale']} | {r['cases']:.0f} | {_share(r['champion_accuracy'])}"
        f" | {_share(r['challenger_accuracy'])} | {_share(r['negative_flips'])} |"
        for r in figures.iter_rows(named=True)
    ]
    lines = [
        f"# Model {version}",
        "",
        f"Learned from seed data and {about['examples']} wordings of training set"
        f" {about['training_set'] or '(none)'}. The answers of {about['before'] or 'no other model'} stay"
        f" unless another is ahead by {about['incumbent_bonus']:.1f} (log odds).",
        "",
        f"{'Promoted' if verdict.promote else 'Refused'}: {'; '.join(verdict.because)}.",
        "",
        "| locale | cases | champion right | this one right | right, now wrong |",
        "|---|---|---|---|---|",
        *rows,
        *_exact(figures),
        "",
        *_unjudged(figures),
        "Cases are the seed data, each scored by a model that never saw it, and what users set apart for",
        "it said, as far as it is believed.",
    ]
    return "\n".join(lines) + "\n"


def _exact(figures: pl.DataFrame) -> list[str]:
    """Intent and all slots right, by locale, where slots are known."""
    rows = [
        f"| {r['locale']} | {r['exact_cases']:.0f} | {_share(r['champion_exact'])}"
        f" | {_share(r['challenger_exact'])} | {_share(r['negative_exact_flips'])} |"
        for r in figures.filter(pl.col("exact_cases") > 0).iter_rows(named=True)
    ]
    head = ["", "Intent and all slots right (exact match), where the slots are known:", ""]
    columns = [
        "| locale | cases | champion | this one | right, now wrong |",
        "|---|---|---|---|---|",
    ]
    return [*head, *columns, *rows] if rows else []


def _unjudged(figures: pl.DataFrame) -> list[str]:
    """Which locales could not be judged at all, where there are any."""
    names = figures.filter(pl.col("cases") == 0)["locale"]
    told = f"Learned and not judged, for want of any case: {', '.join(names)}."
    return [told, ""] if len(names) else []


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
