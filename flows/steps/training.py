"""The training set of a night, what the log can tell of labels, and an account of what was left out."""

from pathlib import Path

import polars as pl

from aggregation import training_set
from aggregation.trust import NOT_AT_ALL, Verdict, of_labels, table
from flows import languages, reviewing, trusting
from flows.pipeline import Reading, Result, own, step, tonight, window
from flows.settings import Settings
from flows.steps import facts
from flows.steps.accounts import answers, bots, cut, rejected, unlabelled, without_label
from flows.steps.planning import held
from warehouse.home import read_training_set, training_versions
from warehouse.lake import typed
from warehouse.tables import (
    Bots,
    Calibration,
    Examples,
    ExampleVariants,
    HypothesisAccuracy,
    ItemReviews,
    NightPlans,
    ProjectedSlots,
    Rejects,
    SignalTrust,
    SlotAnswers,
    SoftLabels,
    TrainingSets,
    Trust,
    Turns,
    UtteranceStats,
    Votes,
    Withheld,
    WithheldUtterances,
)

PRIVATE = {"delivery", "trainer", "alert"}  # settings that may hold addresses and secrets


@step(
    reads=(
        *window(Turns, Bots),
        *tonight(SoftLabels, Votes, UtteranceStats, ProjectedSlots, ItemReviews, SignalTrust),
        *tonight(Calibration, HypothesisAccuracy, SlotAnswers, Rejects, NightPlans),
        *own(Trust),
    ),
    writes=(TrainingSets, Trust, Withheld, WithheldUtterances),
    settings=sorted(Settings.model_fields.keys() - PRIVATE),  # the card tells them all
    facts=(facts.LANGUAGE_FILES,),
)
def build_training_set(at: Reading) -> Result:
    """The immutable training set of what is believed; empty where the log cannot tell labels."""
    labels, wordings = at.tonight(SoftLabels), at.tonight(UtteranceStats)
    built = training_set.build(
        training_set.SetInputs(
            labels,
            at.tonight(Votes),
            at.tonight(ProjectedSlots),
            wordings,
            reviewing.by_person(at.lake, at.day),
        ),
        training_set.Floors(users=at.settings.min_users.training),
    )
    told = {v["subject"]: Verdict(**v) for v in at.tonight(SignalTrust).to_dicts()}
    labelled = trusting.labelled(at.lake, at.day, built.examples)
    (told["labels"],) = held(at, Trust, of_labels(labelled, told["pairs"], told["failures"]))
    if told["labels"].verdict == NOT_AT_ALL:
        built = training_set.emptied(built, told["labels"].because)
    made = languages.variants(at.settings, training_set.sure(built.examples))
    built = training_set.varied(built, made, wordings)
    version, fresh = _kept(at, built)
    row = {
        "version": version,
        "night": at.day,
        "examples": built.examples.height,
        "believed_weight": round(float(built.examples["weight"].sum()), 6),
        "fresh": fresh,
    }
    at.put(Trust, table(told.values()))
    at.put(TrainingSets, pl.DataFrame([row]))
    accounts = [of(at.lake, at.day) for of in (rejected, bots, cut, answers)]
    nameless = unlabelled(wordings, labels, at.tonight(SlotAnswers))
    accounts += [without_label(nameless), training_set.counted(built.withheld)]
    at.put(Withheld, pl.concat(accounts))
    at.put(WithheldUtterances, pl.concat([built.withheld, nameless]).sort("locale", "utterance"))
    return {"version": version, "examples": built.examples.height}


def _kept(at: Reading, built: training_set.TrainingSet) -> tuple[str, int]:
    """Keep the training set; its version, and how many rows the set before it did not have so."""
    content = training_set.content_hash(built)
    number = at.ledger.number("training_set", f"{at.day}-{content}")
    version = f"{at.day}-{number:04}-{content}"
    earlier = [v for v in training_versions(at.home) if v < version][-1:]
    before = read_training_set(at.home, earlier[0]) if earlier else None
    changed = training_set.change(built.examples, before)
    last = earlier[0] if earlier else None
    card = training_set.card(version, built, changed, last, at.settings_as_json())
    _keep(at, version, built, card)
    return version, changed.new + changed.turned


def _keep(at: Reading, version: str, built: training_set.TrainingSet, card: str) -> None:
    checked = Examples.validate(typed(Examples, built.examples))
    made = ExampleVariants.validate(typed(ExampleVariants, built.variants))

    def fill(draft: Path) -> None:
        checked.write_parquet(draft / "examples.parquet")
        if made.height:
            made.write_parquet(draft / "variants.parquet")
        (draft / "card.md").write_text(card)

    at.keep(at.home.training_sets / version, fill)
