"""Which turns failed their users, and which rewrites would serve them."""

from dataclasses import asdict
from typing import Any

import polars as pl

from aggregation.trust import WELL, of_failures, of_pairs, of_rewrites, table
from flows import reviewing
from flows.pipeline import Reading, Result, last_night, step, tonight, window
from flows.steps.rephrases import evidence_of
from mining.clustering import variants
from mining.failures import defects
from mining.rewrites import experiments, proposals
from warehouse.common.reformulation import Reformulation
from warehouse.tables import (
    BestRephrases,
    Bots,
    ClusterReviews,
    Clusters,
    Defects,
    HypothesisAccuracy,
    HypothesisStats,
    ItemReviews,
    MixtureFits,
    Neighbours,
    ReformulationRates,
    RephraseEvents,
    RewriteExperiments,
    Rewrites,
    SignalTrust,
    Transitions,
    Turns,
    Variants,
    WithheldRewrites,
)

MOST_PLACES = 5  # to which a chain is followed from each wording


@step(
    reads=(
        *window(Turns, Bots, RephraseEvents),
        *tonight(
            BestRephrases,
            HypothesisStats,
            Transitions,
            Neighbours,
            Clusters,
            ClusterReviews,
            ItemReviews,
            MixtureFits,
        ),
        *last_night(RewriteExperiments),
    ),
    writes=(
        Defects,
        HypothesisAccuracy,
        ReformulationRates,
        SignalTrust,
        RewriteExperiments,
        Rewrites,
        WithheldRewrites,
        Variants,
    ),
    settings=("mining.window_days",),
)
def judge_turns(at: Reading) -> Result:
    """How probably each turn of the window failed its user, and which rewrites would serve them."""
    context, events = at.query("context"), at.window(RephraseEvents)
    moves, neighbours = at.tonight(Transitions), at.tonight(Neighbours)
    found = defects.defects(context, events, neighbours)
    judged = defects.judge(found, at.tonight(HypothesisStats), neighbours)
    rates = judged.rates
    told = (
        of_pairs(events["p_rephrase"].to_numpy(), evidence_of(at.tonight(MixtureFits))),
        of_failures(found["p_defect"].to_numpy(), rates.if_correct, rates.if_incorrect),
    )
    chains = at.query("chains", params={"most": MOST_PLACES})
    ways = proposals.judged(chains, judged.now(), moves, defects.heard_last(context))
    if any(verdict.verdict != WELL for verdict in told):
        ways = ways.with_columns(stage=pl.coalesce("stage", pl.lit("verdicts")))
    sure = ways.filter(pl.col("stage").is_null()).drop("stage", "breaks")
    proposed = reviewing.rewritten(at.lake, at.day, sure)
    followed_up = _followed_up(at, proposed, rates)
    running = experiments.rewrites(followed_up)
    at.put_days(Defects, at.days(Turns), found.sort("turn_id"))
    at.put(HypothesisAccuracy, judged.wordings)
    at.put(ReformulationRates, pl.DataFrame([asdict(rates)]))
    at.put(SignalTrust, table([*told, of_rewrites(running.height, *told)]))
    at.put(RewriteExperiments, followed_up)
    at.put(Rewrites, running)
    at.put(
        WithheldRewrites, proposals.withheld(proposals.unbegun(ways, proposed, followed_up), moves)
    )
    return {"rewrites": running.height, "variants": _variants(at, judged.served())}


def _followed_up(at: Reading, proposed: pl.DataFrame, rates: Reformulation) -> pl.DataFrame:
    """The fixes of the night."""
    before = reviewing.rewritten(at.lake, at.day, at.last_night(RewriteExperiments))
    named = pl.concat(rows.select("locale", "source") for rows in (before, proposed)).unique()
    return experiments.follow(
        before, proposed, at.query("arms", {"experiments": named}), rates, at.day
    )


def _variants(at: Reading, served: Any) -> int:
    """Leave the wordings of different users for one goal; how many there are."""
    clusters = reviewing.accepted(at.lake, at.day)
    alike = variants.bound(at.tonight(Transitions), at.tonight(Neighbours), clusters, served)
    backers = at.query("support", {"grouped": variants.groups(alike)})
    return at.put(Variants, variants.with_users(alike, backers))
