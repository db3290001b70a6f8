"""What is believed of each wording's meaning."""

import polars as pl

from aggregation import support
from aggregation.label_model.evidence import NO_VECTORS, Evidence
from aggregation.label_model.model import believe
from aggregation.label_model.recalled import Recalled
from aggregation.label_model.votes import weights
from aggregation.training_set import best
from flows import encoders, languages, reviewing, seed
from flows.pipeline import Reading, Result, every, last_night, own, step, tonight, window
from flows.steps import facts, voter
from flows.steps.audits import scaling
from flows.steps.embedding import vectors
from flows.steps.utterances import MOST_ITEMS, wished
from warehouse import tables
from warehouse.common.platt import PlattScaling
from warehouse.common.reformulation import Reformulation
from warehouse.tables import (
    Audits,
    BestRephrases,
    Bots,
    Calibration,
    ChainEnds,
    ClusterReviews,
    Clusters,
    ConceptDrift,
    Embeddings,
    Encoders,
    HypothesisStats,
    ItemReviews,
    LocaleCentres,
    LocalePriors,
    Neighbours,
    NightPlans,
    Readings,
    ReformulationRates,
    Reliability,
    SlotAnswers,
    SoftLabels,
    Turns,
    UtteranceStats,
    VoterAnswers,
    Votes,
)

KEY = ["locale", "utterance"]
BEHIND = 1e-9  # by which no other label passes one whose belief was bent down


@step(
    reads=(
        *window(Turns, Bots),
        *tonight(
            UtteranceStats,
            HypothesisStats,
            BestRephrases,
            ChainEnds,
            SlotAnswers,
            tables.FieldCounts,
            Encoders,
            LocaleCentres,
        ),
        *tonight(Neighbours, Clusters, ClusterReviews, ItemReviews, ReformulationRates),
        *tonight(VoterAnswers),
        *tonight(NightPlans, Audits),
        *last_night(LocalePriors),
        *every(Embeddings),
        *own(Readings, SoftLabels),
    ),
    writes=(Votes, SoftLabels, Reliability, LocalePriors, ConceptDrift, Calibration, Readings),
    settings=("mining.window_days", *encoders.SETTINGS, "languages"),
    facts=(facts.SEED_DATA, facts.LANGUAGE_FILES, facts.ENCODER_FILES),
)
def label_utterances(at: Reading) -> Result:
    """Votes, and what is believed of each wording, with the users behind its cluster and label."""
    cast_votes = pl.concat([_votes(at), voter.cast(at.tonight(VoterAnswers), at.day)])
    spoken = wished(at.tonight(UtteranceStats), at.tonight(SlotAnswers))
    near, taught = at.tonight(Neighbours), seed.taught(seed.kept(at.home))
    asked = pl.concat([spoken.select(KEY), taught.select(KEY)]).unique()
    recalled = None if at.full else _recalled(at)
    found = believe(
        Evidence(
            cast_votes.join(spoken, on=KEY, how="semi"),
            at.day,
            at.tonight(HypothesisStats).join(spoken, on=KEY, how="semi"),
            near,
            taught,
            NO_VECTORS if recalled else vectors(at, asked),
            languages.read_as(at.settings, asked),
            across=bool(at.settings.mining.encoder),
            rates=Reformulation(*at.tonight(ReformulationRates).row(0)),
        ),
        recalled,
    )
    clusters = reviewing.accepted(at.lake, at.day)
    backers = at.query("support", {"grouped": support.groups(found.labels, clusters, near)})
    rows = support.with_users(found.labels, clusters, backers).join(
        weights(cast_votes), on=[*KEY, "label"], how="left"
    )
    bent = as_audited(rows.with_columns(pl.col("votes").fill_null(0.0)), scaling(at, "labels"))
    rows = reviewing.labelled(at.lake, at.day, bent)
    at.put(Votes, cast_votes)
    at.put(Reliability, found.reliability)
    at.put(LocalePriors, found.borrowed)
    at.put(ConceptDrift, found.moved)
    at.put(Calibration, found.calibration)
    at.put(Readings, found.readings)
    drifted = drift(_before(at), rows) if at.full else None
    at.put(SoftLabels, rows.sort(*KEY, "label"))
    return {"votes": cast_votes.height, "soft_labels": rows.height, "drift": drifted}


def as_audited(labels: pl.DataFrame, scaling: PlattScaling) -> pl.DataFrame:
    """Soft labels whose best is bent as an audit says. No other becomes the best by that: an audit that finds the best label
    wrong does not say which one is right."""
    if scaling == PlattScaling():
        return labels
    ranked = labels.sort([*KEY, "probability", "label"], descending=[False, False, True, False])
    rows = ranked.with_columns(
        best=pl.col("probability").first().over(KEY), first=pl.int_range(pl.len()).over(KEY) == 0
    )
    rows = rows.with_columns(bent=pl.Series(scaling(rows["best"].to_numpy())))
    rest = ((1 - pl.col("bent")) / (1 - pl.col("best"))).fill_nan(1.0).clip(upper_bound=1.0)
    others = pl.min_horizontal(pl.col("probability") * rest, pl.col("bent") * (1 - BEHIND))
    return rows.with_columns(probability=pl.when("first").then("bent").otherwise(others)).select(
        labels.columns
    )


def drift(before: pl.DataFrame, now: pl.DataFrame) -> float | None:
    """The share of the wordings of both whose best label is another; None where there is none to compare."""
    both = best(before).join(best(now), on=KEY)
    return float((both["label"] != both["label_right"]).mean()) if both.height else None  # type: ignore[arg-type]


def _before(at: Reading) -> pl.DataFrame:
    """What was believed last, tonight where the night was gone through before."""
    nights = [d for d in at.lake.days("soft_labels") if d <= at.day]
    return at.lake.read("soft_labels", nights[-1:])


def _recalled(at: Reading) -> Recalled:
    """What the last night that learned everything read in the words."""
    readings = at.lake.read("readings", [at.tonight(NightPlans)["since"].item()])
    return Recalled(readings, at.last_night(LocalePriors))


def _votes(at: Reading) -> pl.DataFrame:
    named = int(at.tonight(tables.FieldCounts)["intent"].item() > 0)
    answers = at.tonight(SlotAnswers)
    votes = at.query("votes", {"answers": answers}, {"most_items": MOST_ITEMS, "intents": named})
    return votes.sort("locale", "utterance", "label", "source", "via", "user_id")
