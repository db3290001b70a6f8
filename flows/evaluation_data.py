"""What a retraining learns from and is judged by, and a challenger with the scores of its cases."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from retrain.gate.judging import INCUMBENT_BONUSES, MUST_PASS, SEED, USERS, Cases, Cost
from retrain.registry import store
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
class Tried:
    """A challenger, and the cases by which it is judged, those of the seed data first."""

    model: Model
    cases: Cases
    seeds: int
    taught: int  # believed wordings

    def serving(self, champion: Model | None, incumbent_bonus: float) -> Model:
        """What would serve, its probabilities fitted to the cases of the seed data."""
        model = self.model.after(champion, incumbent_bonus) if champion else self.model
        known = np.flatnonzero(self.cases.truth[: self.seeds] >= 0)
        sharp = sharpest(self.cases.serving(incumbent_bonus)[known], self.cases.truth[known])
        return replace(model, sharpness=sharp)

    def unseen(self, incumbent_bonus: float) -> pl.DataFrame:
        """`utterance, slots_right, labels, scores` of what would serve, by models that never saw the utterance."""
        scores = self.cases.serving(incumbent_bonus)[: self.seeds]
        assert self.cases.slots_after is not None
        return pl.DataFrame(
            {
                "utterance": self.cases.rows["utterance"][: self.seeds],
                "slots_right": self.cases.slots_after[: self.seeds],
                "labels": [self.cases.labels] * self.seeds,
                "scores": scores.astype(np.float32).tolist(),
            }
        )


def tried(
    home: Home,
    before: tuple[str | None, Model | None],
    material: Material,
    fitted: tuple[Model, Floats],
    tagged: Sequence[Sequence[Slot]],
    *,
    small: bool = False,
) -> Tried:
    """A challenger of the model `before`, `fitted` with scores of the seed data by models that never saw
    them, `tagged` with their slots by taggers that did not; the scores of all cases. A `small` one holds no answers for which another one's encoder would be needed."""
    (serving, champion), (model, scores) = before, fitted
    labels = sorted({*model.labels, *(champion.labels if champion else [])})
    after = np.vstack(
        [aligned(scores, model.labels, labels), _scores(model, material.others, labels)]
    )
    held = None
    if champion and serving:
        unseen = store.unseen(home, serving, material.seed, champion, labels)
        held = np.vstack([unseen, _scores(champion, material.others, labels)])
    rows = pl.concat(
        [material.seed.with_columns(weight=pl.lit(1.0), kind=pl.lit(SEED)), material.others]
    ).drop("slots")
    of_seed = pl.Series(right(tagged, material.seed["slots"].to_list()), dtype=pl.Boolean)
    slots_after = pl.concat([of_seed, _slots_right(model, material.others)])
    may_hold = not small or champion is None or model.may_hold(champion)
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
        _slots_before(home, serving, champion, material),
        slots_after,
    )
    return Tried(model, measured, material.seed.height, material.taught.height)


def _slots_before(
    home: Home, serving: str | None, champion: Model | None, material: Material
) -> pl.Series | None:
    """Whether the champion has the slots of each case right, as far as its taggers never saw the case."""
    if champion is None or serving is None:
        return None
    kept = store.slots_right(home, serving)
    seeds = _slots_right(champion, material.seed)
    unseen = [
        kept.get(u.casefold(), own)
        for u, own in zip(material.seed["utterance"], seeds, strict=True)
    ]
    return pl.concat([pl.Series(unseen, dtype=pl.Boolean), _slots_right(champion, material.others)])


def _slots_right(model: Model, cases: pl.DataFrame) -> pl.Series:
    found = model.slots(cases["utterance"].to_list(), cases["intent"].to_list())
    return pl.Series(right(found, cases["slots"].to_list()), dtype=pl.Boolean)


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
        taken.append(time.perf_counter() - began)
    more = max(0.0, taken[2] - taken[1]) / max(1, len(wordings) - 1)
    return Cost(1000 * more, model.mib)


def _without(rows: pl.DataFrame, others: pl.DataFrame, column: str = "utterance") -> pl.DataFrame:
    """The rows without those whose column is a wording of the others, letter case apart."""
    said = others.select(pl.col("utterance").str.to_lowercase())
    mine = pl.col(column).str.to_lowercase()
    return rows.join(said, left_on=mine, right_on="utterance", how="anti", maintain_order="left")
