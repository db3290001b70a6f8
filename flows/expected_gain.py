"""What a retraining would mend and may break, from what the night knows."""

import polars as pl

from aggregation.training_set import change, lower_bound
from retrain.registry import store
from retrain.training.model import Helpers, Model
from retrain.trigger import EXPECTED_FLIPS, ExpectedGain, drift, mended
from warehouse.home import Home, read_training_set
from warehouse.lake import Lake, days_between

KEY = ["locale", "utterance"]
MOST_LOCALES = 5  # that are named with what changed there
CHANGED = {"appeared": "appeared", "rising": "rose", "falling": "fell", "gone": "gone"}


def expected_gain(
    home: Home, lake: Lake, day: str, days: int, version: str, helpers: Helpers | None = None
) -> ExpectedGain:
    """Of a training set as of a night whose window holds so many `days` of turns; `helpers` are what a
    champion may need."""
    champion = store.champion(home)
    examples = read_training_set(home, version)
    taught = store.about(home, champion).get("training_set") if champion else None
    before = read_training_set(home, taught) if taught else None
    said = _said(lake, day)
    best = _best(examples, said)
    turns = float(said["turns"].sum()) / max(1, days)
    untold = turns - float(best["turns"].sum()) / max(1, days)
    model = store.fetch(home, champion, helpers) if champion else None
    asked = model if model and model.can_answer else None
    answers = _by_model(asked, best) if asked else _by_assistant(lake, day)
    changed = change(examples, before)
    moved: tuple[str, ...] = ()
    if before is not None and taught is not None:
        moved = drift(best, _best(before, _said(lake, taught[:10])))
    return ExpectedGain(
        examples=examples.height,
        fresh=changed.new + changed.turned,
        turns=turns,
        mended=mended(_judged(examples, best, answers)) / max(1, days),
        broken=untold * (_flips(home, champion) if champion else EXPECTED_FLIPS),
        drift=moved,
        nights=_nights(home, day),
    )


def changed(lake: Lake, day: str, k: int) -> tuple[str, ...]:
    """What changed in what people say, of `k` users or more, in sentences: how many terms in which locales, and
    how many wishes that no label explains."""
    enough = pl.col("users") >= k
    rows = lake.read("trends", [day]).filter(enough & (pl.col("kind") == "term"))
    told = []
    for (locale,), part in rows.group_by(pl.col("locale")):
        counts = dict(part["change"].cast(pl.String).value_counts().rows())
        said = [f"{counts[name]} {verb}" for name, verb in CHANGED.items() if name in counts]
        told.append((-part.height, f"terms in {locale}: {', '.join(said)}"))
    most = [text for _, text in sorted(told)]
    if len(most) > MOST_LOCALES:
        most[MOST_LOCALES:] = [f"terms changed in {len(most) - MOST_LOCALES} more locales"]
    wishes = lake.read("intent_candidates", [day]).filter(enough).height
    return (*most, *([f"{wishes} wishes that may be new intents"] if wishes else []))


def _said(lake: Lake, night: str) -> pl.DataFrame:
    return lake.read("utterance_stats", [night]).select(
        *KEY, turns=pl.col("turns").cast(pl.Float64)
    )


def _best(examples: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, believed, turns`: of each example its best label."""
    bound = lower_bound(
        examples["weight"].sqrt().to_numpy(), examples["users"].cast(pl.Float64).to_numpy()
    )
    rows = examples.select(*KEY, label=pl.col("labels").list.first(), believed=pl.Series(bound))
    return rows.join(said, on=KEY, how="left").with_columns(pl.col("turns").fill_null(0.0))


def _judged(examples: pl.DataFrame, best: pl.DataFrame, answers: pl.DataFrame) -> pl.DataFrame:
    """What `trigger.mended` takes: what is believed beside the `answers` (`locale, utterance, answer`)."""
    soft = examples.select(*KEY, answer="labels", answered="probabilities")
    given = soft.explode("answer", "answered")
    return (
        best.join(answers, on=KEY)
        .join(given, on=[*KEY, "answer"], how="left")
        .with_columns(pl.col("answered").fill_null(0.0), same=pl.col("answer") == pl.col("label"))
    )


def _by_model(model: Model, best: pl.DataFrame) -> pl.DataFrame:
    answers = model.best(best["utterance"].to_list(), best["locale"].to_list())
    return best.select(*KEY, answer=pl.Series(answers, dtype=pl.String))


def _by_assistant(lake: Lake, day: str) -> pl.DataFrame:
    """Where no champion can be asked: the hypothesis that the assistant had most often."""
    heard = lake.read("hypothesis_stats", [day]).sort(
        *KEY, "turns", "intent", descending=[False, False, True, False]
    )
    return heard.unique(KEY, keep="first", maintain_order=True).select(*KEY, answer="intent")


def _flips(home: Home, champion: str) -> float:
    """What the gate measured of the champion."""
    figures = store.table(home, champion, "evaluation").filter(locale="all", intent="all")
    seen = figures["negative_flips"].drop_nulls()
    return float(seen[0]) if len(seen) else EXPECTED_FLIPS


def _nights(home: Home, day: str) -> int | None:
    """How long before this night the last training set was that a model learned from."""
    taught = [v[:10] for v in store.versions(home) if store.about(home, v).get("training_set")]
    earlier = [night for night in taught if night <= day]
    return days_between(max(earlier), day) if earlier else None
