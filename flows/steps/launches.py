"""The launch of each locale, once the night's training set is there: since when it is spoken, what
fails, what is believed, what waits, and how much of what failed could be mended by now."""

import polars as pl

from aggregation.training_set import best
from flows import seed
from flows.pipeline import Reading, Result, earlier, every, step, tonight, window
from flows.steps import facts
from mining.sessions import bots
from mining.trends import launches
from warehouse.home import Home, read_training_set
from warehouse.tables import (
    Bots,
    Defects,
    LaunchDays,
    Launches,
    SoftLabels,
    TrainingSets,
    Turns,
    UtteranceStats,
)

KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(Turns, Bots, Defects),
        *every(Turns, Bots),
        *tonight(UtteranceStats, SoftLabels, TrainingSets),
        *earlier(Launches),
    ),
    writes=(Launches, LaunchDays),
    settings=("mining.window_days", "min_users"),
    facts=(facts.SEED_DATA,),
)
def track_launches(at: Reading) -> Result:
    """How each locale goes since its launch, and how much of what failed could be mended by now."""
    least = at.settings.min_users
    launched = _launched(at, least.published)
    labels, version = at.tonight(SoftLabels), at.tonight(TrainingSets)["version"].item()
    believed = best(labels).join(read_training_set(at.home, version), on=KEY, how="semi").sort(KEY)
    user_days = at.query("user_days", {"believed": believed})
    whole = launches.by_locale(user_days, launched, at.day)
    wordings = _wordings(at.tonight(UtteranceStats), labels, believed, least.training)
    rows = whole.join(_seeds(at.home), on="locale", how="left").join(
        wordings, on="locale", how="left"
    )
    bounds = [name for name in rows.columns if name.startswith("recovered_at")]
    rows = rows.with_columns(pl.all().exclude("locale", "launched", *bounds).fill_null(0))
    daily = launches.by_day(user_days, launched).join(
        _then(at, rows, least.published), on=["locale", "day"], how="left"
    )
    return {"launches": at.put(Launches, rows), "launch_days": at.put(LaunchDays, daily)}


def _launched(at: Reading, k: int) -> pl.DataFrame:
    """`locale, launched`: as an earlier night had it, where what was said before is erased since."""
    days = [d for d in at.lake.days("turns") if d <= at.day]
    found = at.query("launched", bots.people(at.lake, days), {"k": k})
    known = at.last_night(Launches).select("locale", "launched")
    known = known.join(found, on="locale", how="semi")
    return pl.concat([found, known]).group_by("locale").agg(pl.col("launched").min()).sort("locale")


def _seeds(home: Home) -> pl.DataFrame:
    return seed.kept(home).group_by("locale").agg(seed=pl.len())


def _wordings(
    wordings: pl.DataFrame, labels: pl.DataFrame, believed: pl.DataFrame, floor: int
) -> pl.DataFrame:
    """By locale, how many wordings there are, are believed, and wait for what."""
    backed = labels.group_by(KEY).agg(backing=pl.col("users").max())
    known = believed.select(*KEY, believed=pl.lit(value=True))
    placed = wordings.join(backed, on=KEY, how="left").join(known, on=KEY, how="left")
    labelled, sure = pl.col("backing").is_not_null(), pl.col("believed").is_not_null()
    few = pl.col("backing") < floor
    counts = {
        "labelled": labelled,
        "believed": sure,
        "unlabelled": ~labelled,
        "too_few": labelled & ~sure & few,
        "unsure": labelled & ~sure & ~few,
    }
    sums = {name: test.fill_null(value=False).sum() for name, test in counts.items()}
    return placed.group_by("locale").agg(wordings=pl.len(), **sums)


def _then(at: Reading, rows: pl.DataFrame, k: int) -> pl.DataFrame:
    """`locale, day, recovered_then`: what each night told of its window, where k users or more failed."""
    nights = [(d, at.lake.read("launches", [d])) for d in at.nights(Launches)]
    told = [
        r.filter(pl.col("users_failed") >= k).with_columns(day=pl.lit(d))
        for d, r in [*nights, (at.day, rows)]
    ]
    share = pl.col("recovered") / pl.col("failed").clip(1e-9)
    return pl.concat(r.select("locale", "day", recovered_then=share.clip(0, 1)) for r in told)
