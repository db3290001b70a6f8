"""A person's side of the clusters: what was accepted, rejected or named, and what that does."""

from pathlib import Path
from typing import Any, Literal

import polars as pl

from warehouse.errors import BadInput
from warehouse.home import alone, existing
from warehouse.lake import Lake

Verdict = Literal["accepted", "rejected"]


def decide(root: Path, cluster_id: str, verdict: Verdict | None, name: str | None) -> None:
    """Remember what a person decided about a cluster of the newest night; what is None stays."""
    home = existing(root)
    with alone(home):
        lake = Lake(home.lake)
        lake.recover()
        night = lake.days("clusters")[-1:]
        if cluster_id not in lake.read("clusters", night)["cluster_id"]:
            raise BadInput(f"{cluster_id}: is no cluster of the newest night; `review` lists them")
        known = lake.read("verdicts", night)
        mine = known.filter(cluster_id=cluster_id).to_dicts()
        row = mine[0] if mine else {"verdict": None, "name": None, "first_id": cluster_id}
        row |= {"cluster_id": cluster_id}
        row |= {k: v for k, v in (("verdict", verdict), ("name", name)) if v is not None}
        rest = known.filter(pl.col("cluster_id") != cluster_id)
        lake.put("verdicts", night[0], pl.concat([rest, pl.DataFrame([row], schema=known.schema)]))


def clusters(root: Path, most: int) -> list[dict[str, Any]]:
    """The clusters of several wordings with the most users, and what was decided about them."""
    lake = Lake(existing(root).lake)
    night = lake.days("clusters")[-1:]
    rows = (
        lake.read("clusters", night)
        .group_by("cluster_id")
        .agg(
            pl.col("locale").first(),
            central=pl.col("utterance").filter("central").first(),
            wordings=pl.len(),
            users=pl.col("users").sum(),
        )
    )
    verdicts = lake.read("verdicts", night).select("cluster_id", "verdict", "name")
    return (
        rows.filter(pl.col("wordings") > 1)
        .join(verdicts, on="cluster_id", how="left")
        .sort("users", "cluster_id", descending=[True, False])
        .head(most)
        .to_dicts()
    )


def accepted(lake: Lake, night: str) -> pl.DataFrame:
    """The clusters of a night; wordings of a rejected one stand each for itself."""
    rejected = lake.read("verdicts", [night]).filter(verdict="rejected")["cluster_id"]
    alone_now = pl.format("{}/{}", "cluster_id", "utterance")
    return lake.read("clusters", [night]).with_columns(
        cluster_id=pl.when(pl.col("cluster_id").is_in(rejected.implode()))
        .then(alone_now)
        .otherwise("cluster_id")
    )
