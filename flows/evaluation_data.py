"""What a retraining learns from and is judged by, and a challenger with the scores of its cases."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from flows.seed import SLOTS
from retrain.gate.judging import INCUMBENT_BONUSES, MUST_PASS, SEED, USERS, Cases, Cost
from retrain.registry import store
from retrain.slots.scoring import evaluated
from retrain.slots.tagger import Slot, right
from retrain.training.model import Model, aligned
from retrain.training.solver import Floats
from retrain.training.trainer import sharpest
from warehouse.encoders.centres import CentredEncoder
from warehouse.encoders.kept import Kept
from warehouse.home import Home
from warehouse.tables import Examples, ExampleVariants

TIMED = 200  # wordings


@dataclass(frozen=True)
class Material:
    """What there is to learn from and to measure by: `seed`, `taught` examples, and `others`: cases
    (`locale, utterance, intent, weight, kind`) of users set apart, which no model learns, and promises.
    `variants` of examples are taught, too, but none that is a case or was made of one.
    """

    seed: pl.DataFrame
    taught: pl.DataFrame
    others: pl.DataFrame
    variants: pl.DataFrame

    @staticmethod
    def of(
        known: pl.DataFrame,
        examples: pl.DataFrame | None,
        promises: pl.DataFrame | None,
        variants: pl.DataFrame | None,
    ) -> "Material":
        promised = (known.clear() if promises is None else promises).with_columns(
            weight=pl.lit(1.0), kind=pl.lit(MUST_PASS)
        )
        rows = Examples.create_empty() if examples is None else examples
        taught = rows.filter(pl.col("split") != "validation")
        apart = _without(_without(rows.filter(split="validation"), known), taught).select(
            "locale",
            "utterance",
            intent=pl.col("labels").list.first(),
            slots=pl.lit(None, known.schema["slots"]),
            weight=pl.col("probabilities").list.first(),
            kind=pl.lit(USERS),
        )
        others = pl.concat([apart, promised])
        made = ExampleVariants.create_empty() if variants is None else variants
        for cases in (known, others):
            made = _without(_without(made, cases), cases, "source")
        return Material(known, taught, others, made)


@dataclass(frozen=True)
class Fitted:
    """A model, and of the seed data the `scores` (cases x labels) and `slots` by models that never saw them; what the champion has for
    slots there is `held`, None where none serves."""

    model: Model
    scores: Floats
    slots: Sequence[Sequence[Slot]]
    held: Sequence[Sequence[Slot]] | None


@dataclass(frozen=True)
class Tried:
    """A challenger, and the cases by which it is judged, those of the seed data first."""

    model: Model
    cases: Cases
    seeds: int
    taught: int  # believed wordings
    slots: Sequence[Sequence[Slot]]  # of the seed data
    held: Sequence[Sequence[Slot]] | None  # what the champion has of it
    known: Sequence[list[dict[str, Any]] | None]  # and what is true

    def serving(self, champion: Model | None, incumbent_bonus: float) -> Model:
        """What would serve, its probabilities fitted to the cases of the seed data."""
        model = self.model.after(champion, incumbent_bonus) if champion else self.model
        known = np.flatnonzero(self.cases.truth[: self.seeds] >= 0)
        sharp = sharpest(self.cases.serving(incumbent_bonus)[known], self.cases.truth[known])
        return replace(model, sharpness=sharp)

    def by_slot(self, challenger: str, champion: str | None) -> pl.DataFrame:
        """Rows of `SlotEvaluations`."""
        return evaluated(challenger, champion, (self.held, self.slots), self.known)

    def unseen(self, incumbent_bonus: float) -> pl.DataFrame:
        """`utterance, slots, labels, scores` of what would serve, by models that never saw the utterance."""
        scores = self.cases.serving(incumbent_bonus)[: self.seeds]
        return pl.DataFrame(
            {
                "utterance": self.cases.rows["utterance"][: self.seeds],
                "slots": pl.Series([[s._asdict() for s in of] for of in self.slots], dtype=SLOTS),
                "labels": [self.cases.labels] * self.seeds,
                "scores": scores.astype(np.float32).tolist(),
            }
        )


def tried(
    home: Home,
    before: tuple[str | None, Model | None],
    material: Material,
    fitted: Fitted,
    *,
    small: bool = False,
) -> Tried:
    """A challenger of the model `before`, `fitted` to the material; the scores of all cases. A `small` one holds no answers for which another one's encoder would be needed."""
    (serving, champion), model = before, fitted.model
    labels = sorted({*model.labels, *(champion.labels if champion else [])})
    after = np.vstack(
        [aligned(fitted.scores, model.labels, labels), _scores(model, material.others, labels)]
    )
    held = None
    if champion and serving:
        unseen = store.unseen(home, serving, material.seed, champion, labels)
        held = np.vstack([unseen, _scores(champion, material.others, labels)])
    rows = pl.concat(
        [material.seed.with_columns(weight=pl.lit(1.0), kind=pl.lit(SEED)), material.others]
    ).drop("slots")
    may_hold = not small or champion is None or model.may_hold(champion)
    serves = model.after(champion, 0) if champion and may_hold else model
    dearest = model.after(champion, max(INCUMBENT_BONUSES)) if champion and may_hold else model
    cost = _cost(_asking(dearest), material.seed.head(TIMED))
    measured = Cases(
        rows,
        labels,
        held,
        after,
        cost,
        tuple(material.taught["locale"].unique().sort()),
        may_hold,
        None if fitted.held is None else _slots_right(champion, material, fitted.held),
        _slots_right(serves, material, fitted.slots),
    )
    sizes = material.seed.height, material.taught.height
    known = material.seed["slots"].to_list()
    return Tried(model, measured, *sizes, fitted.slots, fitted.held, known)


def slots_before(
    home: Home, before: tuple[str | None, Model | None], seed: pl.DataFrame
) -> list[list[Slot]] | None:
    """The slots that the champion has of the seed data, as far as can be by taggers that never saw them; None where none serves."""
    serving, champion = before
    if champion is None or serving is None:
        return None
    wordings, kept = seed["utterance"].to_list(), store.unseen_slots(home, serving)
    own = champion.slots(wordings, seed["intent"].to_list())
    return [kept.get(u.casefold(), slots) for u, slots in zip(wordings, own, strict=True)]


def _slots_right(
    model: Model | None, material: Material, of_seed: Sequence[Sequence[Slot]]
) -> pl.Series:
    """Whether all slots of each case are right; null where they are not known."""
    others = material.others
    told = model.slots(others["utterance"].to_list(), others["intent"].to_list()) if model else []
    known = [*material.seed["slots"].to_list(), *others["slots"].to_list()]
    return pl.Series(right([*of_seed, *told], known), dtype=pl.Boolean)


def _scores(model: Model, cases: pl.DataFrame, labels: list[str]) -> Floats:
    return model.scores_of(cases["utterance"].to_list(), labels, cases["locale"].to_list())


def _asking(model: Model) -> Model:
    """The model, with an encoder that is asked for every vector, as in what serves."""
    before = _asking(model.before) if model.before else None
    if model.encoder and isinstance(model.encoder.encoder, Kept):
        asked = CentredEncoder(model.encoder.encoder.asked, model.encoder.centres)
        return replace(model, encoder=asked, before=before)
    return replace(model, before=before)


def _cost(model: Model, wordings: pl.DataFrame) -> Cost:
    """What many wordings take more than one; the first go loads the encoder."""
    taken = []
    for some in (wordings.head(1), wordings.head(1), wordings):
        began = time.perf_counter()
        _scores(model, some, model.labels)
        model.slots(some["utterance"].to_list(), some["intent"].to_list())
        taken.append(time.perf_counter() - began)
    more = max(0.0, taken[2] - taken[1]) / max(1, len(wordings) - 1)
    return Cost(1000 * more, model.mib)


def _without(rows: pl.DataFrame, others: pl.DataFrame, column: str = "utterance") -> pl.DataFrame:
    """The rows without those whose column is a wording of the others, letter case apart."""
    said = others.select(pl.col("utterance").str.to_lowercase())
    mine = pl.col(column).str.to_lowercase()
    return rows.join(said, left_on=mine, right_on="utterance", how="anti", maintain_order="left")
