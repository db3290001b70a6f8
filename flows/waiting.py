"""What waits for a person, in the form in which it can be decided about. Internal: shows wordings whatever
the floor."""

from pathlib import Path
from typing import Any

import polars as pl

from aggregation.training_set import best
from retrain.delivery import outbox
from retrain.registry import overrides, store
from warehouse.home import Home, existing
from warehouse.lake import Lake

UNSURE = 0.6  # probability below which a label waits
Row = dict[str, Any]


def waiting(root: Path, most: int) -> list[Row]:
    """Models, messages, rewrites, labels and clusters that nobody decided about, at most so many of each
    kind, those of most users first. `verdict` is null: to be filled in."""
    home = existing(root)
    lake = Lake(home.lake)
    night = lake.days("clusters")[-1:]
    parts = [_models(home), _messages(home), _rewrites(lake, night), _labels(lake, night)]
    return [row for part in [*parts, _clusters(lake, night)] for row in part[:most]]


def decided(root: Path) -> list[Row]:
    """What a person decided about clusters, rewrites and labels; and what is held or rejected."""
    home = existing(root)
    lake = Lake(home.lake)
    night = lake.days("clusters")[-1:]
    verdicts = [
        {"kind": "cluster", **row}
        for row in lake.read("cluster_reviews", night)
        .select("cluster_id", "verdict", "name")
        .to_dicts()
    ]
    brakes = overrides.read(home)
    models = [
        {"kind": "model", "version": version, "verdict": "rejected", "because": why}
        for version, why in brakes.rejected.items()
    ]
    held = [{"kind": "hold", "because": brakes.held}] if brakes.held is not None else []
    return [*held, *models, *lake.read("item_reviews", night).to_dicts(), *verdicts]


def _models(home: Home) -> list[Row]:
    """The model that was trained last, where it does not serve."""
    brakes, serving = overrides.read(home), store.champion(home)
    last = max(store.versions(home), key=lambda v: int(v.split("-")[3]), default=None)
    if last is None or last == serving or last in brakes.rejected:
        return []
    because = "; ".join(store.about(home, last)["because"])
    return [{"kind": "model", "version": last, "because": because, "verdict": None}]


def _messages(home: Home) -> list[Row]:
    """Messages that a hold keeps back."""
    held = overrides.read(home).held
    if held is None:
        return []
    names = outbox.waiting(home).select("version", "receiver").to_dicts()
    why = f"held: {held}; `sayagain hold --release` sends it"
    return [{"kind": "message", **row, "because": why} for row in names]


def _rewrites(lake: Lake, night: list[str]) -> list[Row]:
    told = lake.read("item_reviews", night).filter(kind="rewrite")
    rows = lake.read("rewrite_experiments", night).rename({"source": "utterance"})
    rows = rows.join(told, on=["locale", "utterance", "target"], how="anti")
    because = pl.format("{}, better with {}", "status", pl.col("p_better").round(2))
    return _rows("rewrite", rows.with_columns(because=because), "locale", "utterance", "target")


def _labels(lake: Lake, night: list[str]) -> list[Row]:
    told = lake.read("item_reviews", night).filter(kind="label")
    key = ["locale", "utterance"]
    said = lake.read("utterance_stats", night).select(*key, "users")
    rows = best(lake.read("soft_labels", night)).filter(pl.col("probability") < UNSURE)
    rows = rows.join(told, on=[*key, "label"], how="anti").join(said, on=key)
    because = pl.format("believed at {}", pl.col("probability").round(2))
    return _rows("label", rows.with_columns(because=because), "locale", "utterance", "label")


def _clusters(lake: Lake, night: list[str]) -> list[Row]:
    seen = lake.read("cluster_reviews", night).drop_nulls("verdict")
    rows = (
        lake.read("clusters", night)
        .group_by("cluster_id")
        .agg(
            pl.col("locale").first(),
            central=pl.col("utterance").filter("central").first(),
            wordings=pl.len(),
            users=pl.col("users").sum(),
        )
        .filter(pl.col("wordings") > 1)
        .join(seen, on="cluster_id", how="anti")
    )
    names = lake.read("cluster_reviews", night).select("cluster_id", "name")
    because = pl.format("{} wordings, such as {}", "wordings", "central")
    named = rows.join(names, on="cluster_id", how="left").with_columns(because=because)
    return _rows("cluster", named, "cluster_id", "locale", "name", "central", "wordings")


def _rows(kind: str, found: pl.DataFrame, *columns: str) -> list[Row]:
    first = found.sort("users", *columns, descending=[True] + [False] * len(columns))
    picked = first.select(pl.lit(kind).alias("kind"), *columns, "because", "users")
    return picked.with_columns(verdict=pl.lit(None, pl.String)).to_dicts()
