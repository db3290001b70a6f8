"""The launch of each locale, gathered once the night's training set is there: since when it is spoken, what
fails, what is believed, what waits, and how much of what failed could be mended by now."""

from typing import Any

import polars as pl

from aggregation.training_set import best
from flows import seed
from flows.settings import Settings
from mining import launches, pairs
from mining.engine import Engine
from warehouse.home import Home, read_training_set
from warehouse.lake import Lake

KEY = ["locale", "utterance"]


def gather(
    home: Home, settings: Settings, engine: Engine, people: dict[str, Any], day: str, version: str
) -> dict[str, int]:
    """Write `launches` and `launch_days` of a night; how many rows each has. `people` are the inputs of the
    engine's queries about what people said, with their defects; `version` is the night's training set."""
    lake, k = Lake(home.lake), settings.floors.published
    launched = _launched(lake, engine, k, day)
    labels, examples = lake.read("soft_labels", [day]), read_training_set(home, version)
    believed = best(labels).join(examples, on=KEY, how="semi").sort(KEY)
    user_days = engine.query("user_days", people | {"believed": believed})
    whole = launches.by_locale(user_days, launched, day).join(_seeds(home), on="locale", how="left")
    wordings = _wordings(lake.read("wordings", [day]), labels, believed, settings.floors.training)
    rows = whole.join(wordings, on="locale", how="left")
    bounds = [name for name in rows.columns if name.startswith("recovered_at")]
    rows = rows.with_columns(pl.all().exclude("locale", "launched", *bounds).fill_null(0))
    daily = launches.by_day(user_days, launched).join(
        _then(lake, rows, k, day), on=["locale", "day"], how="left"
    )
    return {
        "launches": lake.put("launches", day, rows),
        "launch_days": lake.put("launch_days", day, daily),
    }


def _launched(lake: Lake, engine: Engine, k: int, day: str) -> pl.DataFrame:
    """`locale, launched`: as an earlier night had it, where what was said before is erased since."""
    days = [d for d in lake.days("turns") if d <= day]
    people: dict[str, Any] = {
        "turns": lake.files("turns", days),
        "robots": pairs.robots(lake, days),
    }
    found = engine.query("launched", people, {"k": k})
    earlier = [d for d in lake.days("launches") if d < day][-1:]
    known = lake.read("launches", earlier).select("locale", "launched")
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


def _then(lake: Lake, rows: pl.DataFrame, k: int, day: str) -> pl.DataFrame:
    """`locale, day, recovered_then`: what each night told of its window, where k users or more failed."""
    nights = [(d, lake.read("launches", [d])) for d in lake.days("launches") if d < day]
    told = [
        r.filter(pl.col("users_failed") >= k).with_columns(day=pl.lit(d))
        for d, r in [*nights, (day, rows)]
    ]
    share = pl.col("recovered") / pl.col("failed").clip(1e-9)
    return pl.concat(r.select("locale", "day", recovered_then=share.clip(0, 1)) for r in told)
