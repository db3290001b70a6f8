"""Neighbours and clusters of wordings."""

import polars as pl

from flows import reviewing
from flows.pipeline import Reading, Result, every, last_night, own, step, tonight, window
from flows.steps.embedding import of_tonight
from mining.clustering import constraints, grouping, lineage, threshold
from mining.clustering.encoder import SAME
from mining.clustering.neighbours import Search
from warehouse.encoders.encoder import Vectors
from warehouse.tables import (
    ClusterReviews,
    Clusters,
    Embeddings,
    Encoders,
    HypothesisStats,
    ItemReviews,
    Lineage,
    LocaleCentres,
    Memberships,
    Neighbours,
    Searches,
    Transitions,
    Turns,
    UtteranceStats,
)

KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(Turns),
        *tonight(UtteranceStats, HypothesisStats, Transitions, Encoders, LocaleCentres),
        *every(Embeddings),
        *last_night(Clusters, ClusterReviews, ItemReviews),
        *own(ClusterReviews, ItemReviews),
    ),
    writes=(Neighbours, Searches, Clusters, Memberships, Lineage, ClusterReviews, ItemReviews),
    settings=(
        *(
            "mining.window_days",
            "mining.similarity_threshold",
            "mining.min_recall",
            "mining.across_locales",
            "mining.encoder",
        ),
    ),
)
def cluster_utterances(at: Reading) -> Result:
    """Find each wording's neighbours, and the clusters; they keep the names of the night before."""
    wordings = at.tonight(UtteranceStats).sort(KEY)
    vectors = wordings.join(of_tonight(at), on=KEY, maintain_order="left")["vector"]
    rows = vectors.list.to_array(len(vectors[0])).to_numpy()
    log = grouping.NightContext(
        at.tonight(HypothesisStats),
        at.tonight(Transitions),
        constraints.slot_values(at.files(Turns)),
        at.last_night(Clusters),
    )
    mining = at.settings.mining
    found = grouping.group(
        wordings,
        rows,
        log,
        Search(threshold=_threshold(at, wordings, rows), floor=mining.min_recall),
        across=mining.across_locales,
    )
    clusters, events = lineage.inherit(found.clusters, log.before, at.home.salt(), at.day)
    names = clusters.select("community", "cluster_id").unique()
    at.put(Neighbours, found.neighbours)
    at.put(Searches, found.searches)
    at.put(Clusters, clusters.sort(KEY))
    at.put(Memberships, found.memberships.join(names, on="community"))
    at.put(Lineage, events)
    at.put(
        ClusterReviews,
        lineage.follow(at.last_night(ClusterReviews), at.tonight(ClusterReviews), events),
    )
    at.put(ItemReviews, reviewing.joined(at.last_night(ItemReviews), at.tonight(ItemReviews)))
    return {
        "clusters": clusters["cluster_id"].n_unique(),
        "recall": float(found.searches["recall"].min()),  # type: ignore[arg-type]
    }


def _threshold(at: Reading, wordings: pl.DataFrame, vectors: Vectors) -> float:
    """The cosine from which wordings mean the same: as the settings have it, else learned for an encoder that is set."""
    named, asked = at.settings.mining.encoder, at.settings.mining.similarity_threshold
    if asked is not None:
        return asked
    return threshold.learned(wordings, vectors, at.tonight(HypothesisStats)) if named else SAME
