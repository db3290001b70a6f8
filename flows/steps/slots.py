"""What slots users' wordings hold, and what the assistant heard in them."""

import polars as pl

from aggregation import slots
from aggregation.training_set import best
from flows import seed
from flows.pipeline import Reading, Result, step, tonight, window
from flows.steps import facts, masking
from warehouse.tables import (
    BestRephrases,
    Bots,
    Defects,
    FieldCounts,
    ProjectedSlots,
    SlotFigures,
    SlotValues,
    SoftLabels,
    Transitions,
    Turns,
)

VALUE = ["locale", "name", "value"]


@step(
    reads=(
        *window(Turns, Bots, Defects),
        *tonight(SoftLabels, Transitions, BestRephrases, FieldCounts),
    ),
    writes=(ProjectedSlots, SlotFigures, SlotValues),
    settings=(
        "mining.window_days",
        "min_users.training",
        "privacy.mask",
        "privacy.name_slots",
    ),
    facts=(facts.SEED_DATA,),
)
def mine_slots(at: Reading) -> Result:
    """The slots of wordings as users showed them, which slots fail and are corrected, and which values are new."""
    named = int(at.tonight(FieldCounts)["slots"].item() > 0)
    filled = at.query("filled_slots", params={"slots": named})
    held = slots.project(best(at.tonight(SoftLabels)), filled, at.tonight(Transitions))
    at.put(ProjectedSlots, held)
    heard = at.query("heard_slots") if named else pl.DataFrame()
    if heard.is_empty():
        at.put(SlotFigures, SlotFigures.create_empty())
        at.put(SlotValues, SlotValues.create_empty())
        return {"slots": 0, "candidates": 0}
    figures = heard.drop_nulls("intent").drop("value", "first_day")
    values = _values(at, heard.filter(pl.col("intent").is_null()).drop("intent", "failed"))
    at.put(SlotValues, values.sort(VALUE))
    return {
        "slots": at.put(SlotFigures, figures.sort("locale", "intent", "name")),
        "candidates": values["candidate"].sum(),
    }


def _values(at: Reading, heard: pl.DataFrame) -> pl.DataFrame:
    """Values that were heard, which of them are new, and how they may be shown. Without slots in the seed data nothing can be told to be
    new."""
    seen = slots.values_of(seed.kept(at.home)).with_columns(known=True)
    least = at.settings.min_users.training
    texts = heard.select("locale", utterance="value")
    return (
        heard.with_columns(
            folded=pl.col("value").str.to_lowercase(),
            shown=masking.shown(at, texts),
        )
        .join(seen, left_on=["locale", "name", "folded"], right_on=VALUE, how="left")
        .with_columns(pl.col("known").fill_null(value=False))
        .with_columns(
            candidate=pl.lit(seen.height > 0)
            & ~pl.col("known")
            & (pl.col("users") >= least)
            & (2 * pl.col("users_corrected") < pl.col("users"))
        )
        .drop("folded")
    )
