"""What is worked out for analysts alone: figures by intent, which wordings may be published and how they
are shown, a map of the clusters, and what was left after each step."""

import hashlib
from typing import Any

import numpy as np
import polars as pl

from aggregation.training_set import best
from flows import pooled
from flows.settings import Privacy, Settings
from mining import atlas, guards, masks, release
from mining.engine import Engine
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tables import Places

BELIEVED = 0.5  # probability of a label that counts as what was meant


def gather(
    home: Home,
    settings: Settings,
    engine: Engine,
    people: dict[str, Any],
    vectors: pl.DataFrame,
    day: str,
) -> dict[str, int]:
    """Write the tables of a night for analysts; how many rows each has.

    `people` are the inputs of the engine's queries about what people said, with their defects; `vectors`
    (`locale, utterance, vector`) those of all wordings.
    """
    lake = Lake(home.lake)
    followed = {"followed": lake.read("followed", [day])}
    ends = {"ends": lake.read("ends", [day])}
    meant = best(lake.read("soft_labels", [day])).filter(pl.col("probability") >= BELIEVED)
    shown, withheld = _released(home, settings, engine, people, day)
    users = _cluster_users(lake, engine, people, shown, day)
    counted = engine.query("daily_intents", people | followed)
    k = settings.floors.published
    found = {
        "daily_intents": counted.filter(pl.col("locale") != "*"),
        "pooled_intents": pooled.intents(engine, people | followed, counted, k),
        "channels": engine.query("channels", people),
        "cluster_users": users,
        "shown_lineage": _lineage(lake, users, k, day),
        "confusions": engine.query("confusions", people | {"meant": meant}),
        "hurts": engine.query(
            "hurts", people | {"shown": shown.select("locale", "utterance", "shown")}
        ),
        "shown": shown,
        "shown_moves": engine.query("shown_moves", people | followed | ends | {"shown": shown}),
        "unpublished": withheld.select(pl.lit("warehouse").alias("stage"), "reason", "rows"),
        "places": _places(lake.read("clusters", [day]), shown, vectors),
    }
    return {table: lake.put(table, day, _sorted(rows)) for table, rows in found.items()}


def funnel(lake: Lake, day: str, intake: dict[str, Any], turns: int) -> pl.DataFrame:
    """What was left after each step of the night; `turns` are those of its window."""
    wordings, examples = lake.read("wordings", [day]), lake.read("training_sets", [day])
    labelled = lake.read("soft_labels", [day]).select("locale", "utterance").unique()
    steps = [
        ("read", "rows", intake["read"] - intake["forgotten"]),
        ("kept at the door", "rows", intake["kept"]),
        ("in the window", "turns", turns),
        ("of people", "turns", int(wordings["turns"].sum())),
        ("said", "wordings", wordings.height),
        ("with a label", "wordings", labelled.height),
        ("believed", "wordings", examples["examples"][-1] if examples.height else 0),
        ("published", "wordings", lake.read("shown", [day]).select("locale", "shown").n_unique()),
    ]
    rows = pl.DataFrame(steps, ["step", "unit", "count"], orient="row")
    return rows.with_row_index("place")


def _released(
    home: Home, settings: Settings, engine: Engine, people: dict[str, Any], day: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    asked: Privacy = settings.privacy
    k, wordings = settings.floors.published, Lake(home.lake).read("wordings", [day])
    return release.release(
        engine,
        people,
        wordings,
        guards.slot_values(people["turns"]),
        masks.Mask(asked.mask, asked.name_slots),
        release.Privacy(k, asked.epsilon, asked.delta, asked.most_wordings, _seed(home, day)),
    )


def _seed(home: Home, day: str) -> int:
    """Of a night's noise: the same whenever the night is run again, and known to nobody."""
    key = hashlib.blake2b(day.encode(), key=home.salt(), person=b"release")
    return int.from_bytes(key.digest(), "big")


def _places(clusters: pl.DataFrame, shown: pl.DataFrame, vectors: pl.DataFrame) -> pl.DataFrame:
    """The map of the clusters of the wordings that are published."""
    key = ["locale", "utterance"]
    members = clusters.join(shown, on=key, how="semi").join(vectors, on=key).sort(key)
    if members.is_empty():
        return Places.create_empty()
    flat = members["vector"].list.to_array(len(members["vector"][0])).to_numpy()
    return atlas.places(members.select("cluster_id", "users"), flat.astype(np.float32))


def _cluster_users(
    lake: Lake, engine: Engine, people: dict[str, Any], shown: pl.DataFrame, day: str
) -> pl.DataFrame:
    key = ["locale", "utterance"]
    clusters = lake.read("clusters", [day]).select(*key, group_id="cluster_id")
    named = clusters.join(shown, on=key, how="semi")
    grouped = clusters.join(named, on="group_id", how="semi")
    return engine.query("backers", people | {"grouped": grouped}).rename({"group_id": "cluster_id"})


def _lineage(lake: Lake, users: pl.DataFrame, k: int, day: str) -> pl.DataFrame:
    """What became of clusters of `k` users or more, that night or the night before, with their users now."""
    before = [d for d in lake.days("cluster_users") if d < day][-1:]
    known = pl.concat([users, lake.read("cluster_users", before)]).filter(pl.col("users") >= k)
    told = known["cluster_id"].unique().implode()
    return (
        lake.read("lineage", [day])
        .filter(pl.col("cluster_id").is_in(told))
        .drop("users")
        .join(users, on="cluster_id", how="left")
        .with_columns(
            pl.col("users").fill_null(0),
            other_id=pl.when(pl.col("other_id").is_in(told)).then("other_id"),
        )
    )


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort([name for name in rows.columns if rows[name].dtype == pl.String])
