"""Which turns failed their users, and which rewrites would serve them."""

from dataclasses import asdict
from typing import Any

import dataframely as dy
import numpy as np
import numpy.typing as npt
import polars as pl

from aggregation.trust import WELL, of_failures, of_pairs, of_rewrites, table
from flows import reviewing
from flows.pipeline import Daily, Reading, Result, last_night, own, step, tonight, window
from flows.steps.audits import scaling
from flows.steps.planning import held
from flows.steps.rephrases import evidence_of
from flows.steps.utterances import mostly_answers
from mining.clustering import variants
from mining.failures import defects
from mining.failures.hypothesis_features import KEY, SURE
from mining.rewrites import carrying, experiments, proposals
from mining.sessions.blocks import blocks
from warehouse.common.reformulation import Reformulation
from warehouse.tables import (
    Audits,
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
    NightPlans,
    ReformulationRates,
    RephraseEvents,
    RewriteExperiments,
    Rewrites,
    SignalTrust,
    SlotAnswers,
    Transitions,
    Turns,
    UtteranceStats,
    Variants,
    WithheldRewrites,
    name_of,
)

MOST_PLACES = 5  # to which a chain is followed from each wording


DEFECTS = Daily(Defects, before=1, after=1)


@step(
    reads=(
        *window(Turns, Bots, RephraseEvents),
        *tonight(
            NightPlans,
            Audits,
            BestRephrases,
            HypothesisStats,
            Transitions,
            Neighbours,
            Clusters,
            ClusterReviews,
            ItemReviews,
            MixtureFits,
            UtteranceStats,
            SlotAnswers,
        ),
        *last_night(RewriteExperiments),
        *own(Defects, SignalTrust),
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
    settings=("mining.window_days", "min_users.published"),
)
def judge_turns(at: Reading) -> Result:
    """How probably each turn of the window failed its user, and which rewrites would serve them."""
    moves, neighbours = at.tonight(Transitions), at.tonight(Neighbours)
    _judge_days(at, neighbours)
    counted = at.query(
        "judged_turns",
        {"defects": at.lake.files("defects", at.days(Turns))},
        {"sure": round(SURE * 1_000_000)},
    )
    judged = defects.judge(counted.sort(KEY), at.tonight(HypothesisStats), neighbours)
    rates = judged.rates
    told = held(
        at,
        SignalTrust,
        of_pairs(_column(at, RephraseEvents, "p_rephrase"), evidence_of(at.tonight(MixtureFits))),
        of_failures(_column(at, Defects, "p_defect"), rates.if_correct, rates.if_incorrect),
    )
    chains = at.query("chains", params={"most": MOST_PLACES})
    heard, now = at.query("heard_last"), judged.now()
    answers = mostly_answers(at.tonight(UtteranceStats), at.tonight(SlotAnswers))
    ways = proposals.judged(chains, now, moves, _values(heard), answers)
    if any(verdict.verdict != WELL for verdict in told):
        ways = ways.with_columns(stage=pl.coalesce("stage", pl.lit("verdicts")))
    sure = ways.filter(pl.col("stage").is_null()).drop("stage", "breaks")
    sure = sure.with_columns(carried_values=pl.lit(None, pl.Int64()))
    if all(verdict.verdict == WELL for verdict in told):
        k = at.settings.min_users.published
        wishes = heard.join(answers, on=["locale", "utterance"], how="anti")
        carried = carrying.proposed(chains, moves, carrying.Heard.of(wishes, now), k)
        others = carried.join(sure, on=["locale", "source"], how="anti", maintain_order="left")
        sure = pl.concat([sure, others.select(sure.columns)])
    proposed = reviewing.rewritten(at.lake, at.day, sure)
    followed_up = _followed_up(at, proposed, rates)
    running = experiments.rewrites(followed_up)
    at.put(HypothesisAccuracy, judged.wordings)
    at.put(ReformulationRates, pl.DataFrame([asdict(rates)]))
    at.put(SignalTrust, table([*told, of_rewrites(running.height, *told)]))
    at.put(RewriteExperiments, followed_up)
    at.put(Rewrites, running)
    at.put(
        WithheldRewrites, proposals.withheld(proposals.unbegun(ways, proposed, followed_up), moves)
    )
    return {"rewrites": running.height, "variants": _variants(at, judged.served())}


def _judge_days(at: Reading, neighbours: pl.DataFrame) -> None:
    """Judge the turns of the window's days: all on a full night, else of those that are new or have changed."""
    days = at.days(Turns)
    standing = set() if at.full else at.standing(DEFECTS, days)
    wanted = blocks(at.lake.heights("turns", days), [d for d in days if d not in standing])
    jobs = at.block_files(wanted, Turns, Bots, RephraseEvents)
    for job in jobs[:1]:
        neighbours.write_parquet(job.folder.parent / "neighbours.parquet")
    at.engine.each(defects.judge_block, jobs)
    audited = scaling(at, "failures").of_column("p_defect")
    for job in jobs:
        for day in job.block.days:
            judged = job.left("defects").filter(pl.col("day") == day).collect()
            at.put_daily(DEFECTS, day, judged.with_columns(audited))


def _column(at: Reading, table: type[dy.Schema], name: str) -> npt.NDArray[np.float64]:
    """A column of numbers of a table of the window."""
    rows = at.lake.scan(name_of(table), at.days(Turns)).select(name).collect()
    return rows.to_series().to_numpy()


def _values(heard: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, values`: those of the slots that were heard."""
    inner = pl.col("slots").list.eval(pl.element().struct.field("value")).list.drop_nulls()
    return heard.select("locale", "utterance", values=inner)


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
