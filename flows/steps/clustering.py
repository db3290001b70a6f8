"""Neighbours and clusters of wordings."""

from flows import reviewing
from flows.pipeline import Reading, Result, every, last_night, own, step, tonight, window
from flows.steps.embedding import stored
from mining.clustering import constraints, grouping, lineage
from mining.clustering.neighbours import Search
from warehouse.tables import (
    Clusters,
    Embeddings,
    Encoders,
    Lineage,
    Memberships,
    Moves,
    Neighbours,
    Reviews,
    Searches,
    Turns,
    Utterances,
    Verdicts,
    Wordings,
)

KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(Turns),
        *tonight(Wordings, Utterances, Moves, Encoders),
        *every(Embeddings),
        *last_night(Clusters, Verdicts, Reviews),
        *own(Verdicts, Reviews),
    ),
    writes=(Neighbours, Searches, Clusters, Memberships, Lineage, Verdicts, Reviews),
    settings=(*("mining.window_days", "mining.similar", "mining.recall", "mining.across_locales"),),
)
def cluster_wordings(at: Reading) -> Result:
    """Find each wording's neighbours, and the clusters; they keep the names of the night before."""
    wordings = at.tonight(Wordings).sort(KEY)
    version = at.tonight(Encoders)["version"].item()
    known = stored(at.lake, version, at.lake.days("embeddings"))
    vectors = wordings.join(known, on=KEY, maintain_order="left")["vector"]
    log = grouping.Log(
        at.tonight(Utterances),
        at.tonight(Moves),
        constraints.slot_values(at.files(Turns)),
        at.last_night(Clusters),
    )
    mining = at.settings.mining
    found = grouping.group(
        wordings,
        vectors.list.to_array(len(vectors[0])).to_numpy(),
        log,
        Search(threshold=mining.similar, floor=mining.recall),
        across=mining.across_locales,
    )
    clusters, events = lineage.inherit(found.clusters, log.before, at.home.salt(), at.day)
    names = clusters.select("community", "cluster_id").unique()
    at.put(Neighbours, found.neighbours)
    at.put(Searches, found.searches)
    at.put(Clusters, clusters.sort(KEY))
    at.put(Memberships, found.memberships.join(names, on="community"))
    at.put(Lineage, events)
    at.put(Verdicts, lineage.follow(at.last_night(Verdicts), at.tonight(Verdicts), events))
    at.put(Reviews, reviewing.joined(at.last_night(Reviews), at.tonight(Reviews)))
    return {
        "clusters": clusters["cluster_id"].n_unique(),
        "recall": float(found.searches["recall"].min()),  # type: ignore[arg-type]
    }
