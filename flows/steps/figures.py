"""What is worked out for analysts alone: figures by intent, which wordings may be published and how they
are shown, a map of the clusters, and what was left after each step."""

import hashlib
from typing import Any

import numpy as np
import polars as pl

from aggregation.training_set import best
from flows import pooled
from flows.pipeline import Reading, Result, every, last_night, step, tonight, window
from flows.steps.embedding import of_tonight
from mining.clustering import constraints
from mining.release import k_anonymity, projection, redaction
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.tables import (
    BestRephrases,
    Bots,
    ChainEnds,
    Channels,
    ClusterMap,
    Clusters,
    ClusterUsers,
    Confusions,
    DailyIntents,
    Defects,
    Embeddings,
    Encoders,
    FailingUtterances,
    Lineage,
    LocaleCentres,
    PooledIntents,
    ReleasedLineage,
    ReleasedTransitions,
    ReleasedUtterances,
    SoftLabels,
    Suppressed,
    Turns,
    UtteranceStats,
)

KEY = ["locale", "utterance"]
BELIEVED = 0.5  # probability of a label that counts as what was meant


@step(
    reads=(
        *window(Turns, Bots, Defects),
        *tonight(
            UtteranceStats,
            BestRephrases,
            ChainEnds,
            Clusters,
            Lineage,
            SoftLabels,
            Encoders,
            LocaleCentres,
        ),
        *every(Embeddings),
        *last_night(ClusterUsers),
    ),
    writes=(
        *(DailyIntents, PooledIntents, Channels, ClusterUsers, ReleasedLineage, Confusions),
        *(FailingUtterances, ReleasedUtterances, ReleasedTransitions, Suppressed, ClusterMap),
    ),
    settings=("mining.window_days", "min_users.published", "privacy"),
)
def gather_figures(at: Reading) -> Result:
    """What analysts alone ask for: figures by intent, wordings as they may be published, a map."""
    k = at.settings.min_users.published
    meant = best(at.tonight(SoftLabels)).filter(pl.col("probability") >= BELIEVED)
    shown, withheld = _released(at)
    users = _cluster_users(at, shown)
    counted = at.query("daily_intents")
    asked = at.inputs(Turns, Bots, Defects, BestRephrases)
    clusters, lineage = at.tonight(Clusters), at.tonight(Lineage)
    known = of_tonight(at)
    found = {
        DailyIntents: counted.filter(pl.col("locale") != "*"),
        PooledIntents: pooled.intents(at.engine, asked, counted, k),
        Channels: at.query("channels"),
        ClusterUsers: users,
        ReleasedLineage: _lineage(lineage, users, at.last_night(ClusterUsers), k),
        Confusions: at.query("confusions", {"meant": meant}),
        FailingUtterances: at.query(
            "failing_utterances", {"released": shown.select(*KEY, "shown")}
        ),
        ReleasedUtterances: shown,
        ReleasedTransitions: at.query("released_transitions", {"released": shown}),
        Suppressed: withheld.select(pl.lit("warehouse").alias("stage"), "reason", "rows"),
        ClusterMap: _places(clusters, shown, known),
    }
    return {table.__name__: at.put(table, _sorted(rows)) for table, rows in found.items()}


def funnel(lake: Lake, day: str, intake: dict[str, Any], turns: int) -> pl.DataFrame:
    """What was left after each step of the night; `turns` are those of its window."""
    wordings, examples = lake.read("utterance_stats", [day]), lake.read("training_sets", [day])
    labelled = lake.read("soft_labels", [day]).select("locale", "utterance").unique()
    steps = [
        ("read", "rows", intake["read"] - intake["forgotten"]),
        ("kept at the door", "rows", intake["kept"]),
        ("in the window", "turns", turns),
        ("of people", "turns", int(wordings["turns"].sum())),
        ("said", "wordings", wordings.height),
        ("with a label", "wordings", labelled.height),
        ("believed", "wordings", examples["examples"][-1] if examples.height else 0),
        (
            "published",
            "wordings",
            lake.read("released_utterances", [day]).select("locale", "shown").n_unique(),
        ),
    ]
    rows = pl.DataFrame(steps, ["step", "unit", "count"], orient="row")
    return rows.with_row_index("place")


def _released(at: Reading) -> tuple[pl.DataFrame, pl.DataFrame]:
    asked, k = at.settings.privacy, at.settings.min_users.published
    return k_anonymity.release(
        at.engine,
        at.inputs(Turns, Bots),
        at.tonight(UtteranceStats),
        constraints.slot_values(at.files(Turns)),
        redaction.Mask(asked.mask, asked.name_slots),
        k_anonymity.Release(
            k, asked.epsilon, asked.delta, asked.max_utterances_per_user, _seed(at.home, at.day)
        ),
    )


def _seed(home: Home, day: str) -> int:
    """Of a night's noise: the same whenever the night is run again, and known to nobody."""
    key = hashlib.blake2b(day.encode(), key=home.salt(), person=b"release")
    return int.from_bytes(key.digest(), "big")


def _places(clusters: pl.DataFrame, shown: pl.DataFrame, vectors: pl.DataFrame) -> pl.DataFrame:
    """The map of the clusters of the wordings that are published."""
    members = clusters.join(shown, on=KEY, how="semi").join(vectors, on=KEY).sort(KEY)
    if members.is_empty():
        return ClusterMap.create_empty()
    flat = members["vector"].list.to_array(len(members["vector"][0])).to_numpy()
    return projection.places(members.select("cluster_id", "users"), flat.astype(np.float32))


def _cluster_users(at: Reading, shown: pl.DataFrame) -> pl.DataFrame:
    clusters = at.tonight(Clusters).select(*KEY, group_id="cluster_id")
    named = clusters.join(shown, on=KEY, how="semi")
    grouped = clusters.join(named, on="group_id", how="semi")
    return at.query("support", {"grouped": grouped}).rename({"group_id": "cluster_id"})


def _lineage(
    lineage: pl.DataFrame, users: pl.DataFrame, before: pl.DataFrame, k: int
) -> pl.DataFrame:
    """What became of clusters of `k` users or more, that night or the night before, with their users now."""
    known = pl.concat([users, before]).filter(pl.col("users") >= k)
    told = known["cluster_id"].unique().implode()
    return (
        lineage.filter(pl.col("cluster_id").is_in(told))
        .drop("users")
        .join(users, on="cluster_id", how="left")
        .with_columns(
            pl.col("users").fill_null(0),
            other_id=pl.when(pl.col("other_id").is_in(told)).then("other_id"),
        )
    )


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort([name for name in rows.columns if rows[name].dtype == pl.String])
