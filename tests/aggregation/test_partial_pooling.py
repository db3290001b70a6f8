"""What a new locale borrows from old ones, and what fades where a meaning moved."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_label_model import (
    NIGHT,
    SEED,
    a_log,
    best,
    cast,
    evidence,
    heard_and_executed,
    not_executed,
)

from aggregation.label_model import concept_drift
from aggregation.label_model.cross_lingual import Taught, together
from aggregation.label_model.evidence import Evidence
from aggregation.label_model.model import believe
from aggregation.label_model.partial_pooling import LENDS, PooledPrior, Shown, pooled_prior
from warehouse.common.reformulation import Reformulation

pytestmark = pytest.mark.quick

OLD, NEW = "en-GB", "xx"
rates = st.tuples(st.floats(0.02, 0.2), st.floats(0.3, 0.9))


def shown(right: float, wrong: float, gate: float = 0.5) -> Shown:
    return Shown(
        2 * LENDS,
        Reformulation(right, wrong),
        np.full(8, gate),
        3.0,
        np.full(6, 0.4),
        np.array([0.5, 0.5]),
    )


def test_nothing_is_lent_where_there_is_nobody_to_lend():
    assert pooled_prior([]).lenders == 0
    assert pooled_prior([]).guess.rates == PooledPrior().guess.rates


@given(st.lists(rates, min_size=1, max_size=6))
def test_what_is_lent_lies_among_what_the_lenders_showed(known):
    pooled = pooled_prior([shown(*k) for k in known])
    for got, seen in ((pooled.guess.rates.if_correct, 0), (pooled.guess.rates.if_incorrect, 1)):
        values = [k[seen] for k in known]
        assert min(values) - 1e-9 <= got <= max(values) + 1e-9


@given(st.floats(0.01, 0.5), st.floats(1.5, 4.0))
def test_the_more_alike_the_lenders_the_firmer_the_loan(apart, more):
    near, far = (
        pooled_prior([shown(0.05, 0.6, 1 - d), shown(0.05, 0.6, 1 + d)])
        for d in (apart, apart * more)
    )
    assert (near.guess.firm > far.guess.firm).all()
    near, far = (
        pooled_prior([shown(0.05, 0.6 - d / 2), shown(0.05, 0.6 + d / 2)])
        for d in (apart / 4, apart * more / 4)
    )
    assert near.guess.users >= far.guess.users


def old_locale(rounds: int = 12) -> list[tuple]:
    """Enough users to lend."""
    rows = []
    for n in range(rounds):
        for user, *rest in a_log():
            rows.append((f"{user}-{n}", *rest))
    return rows


def two_locales(new: list[tuple], seed: pl.DataFrame = SEED) -> Evidence:
    there, here = evidence(old_locale(), seed), evidence(new, seed)

    def moved(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(locale=pl.lit(NEW))

    return replace(
        there,
        votes=pl.concat([there.votes, moved(here.votes)]),
        heard=pl.concat([there.heard, moved(here.heard)]),
        neighbours=pl.concat([there.neighbours, moved(here.neighbours)]),
    )


def test_an_assistant_that_hears_one_label_everywhere_is_not_believed_where_nobody_could_flee_it():
    words = ["ab cd", "ef gh", "ij kl", "mn op", "qr st", "uv wx", "yz ba", "dc fe"]
    heard = [row for w in words for row in not_executed(w, "music_stop", 3, 3)]
    found = believe(two_locales(heard)).labels.filter(locale=NEW, label="music_stop")
    whole = found["probability"].sum() / len(words)
    elsewhere = believe(evidence(old_locale())).labels.filter(label="music_stop")
    meant = elsewhere["probability"].sum() / (4 * 8)
    assert whole <= 2.2 * max(meant, 0.25)
    assert whole < 0.9


def test_loans_names_and_numbers_reach_a_locale_without_seed_data():
    new = not_executed("lamp xx yy", "music_stop", 4, 1) + not_executed(
        "zz music", "music_stop", 1, 4
    )
    found = believe(two_locales(new)).labels.filter(locale=NEW)
    share = dict(found.filter(utterance="lamp xx yy").select("label", "probability").iter_rows())
    other = dict(found.filter(utterance="zz music").select("label", "probability").iter_rows())
    assert share["lamp_on"] > other.get("lamp_on", 0.0)


def test_an_old_locale_is_believed_alike_beside_a_new_one():
    alone = believe(evidence(old_locale())).labels
    beside = believe(two_locales(not_executed("ab cd", "lamp_on", 1, 1))).labels.filter(locale=OLD)
    both = alone.join(beside, on=["locale", "utterance", "label"], suffix="_beside")
    assert (both["probability"] - both["probability_beside"]).abs().max() < 0.1


def test_what_was_borrowed_is_told():
    told = believe(two_locales(not_executed("ab cd", "lamp_on", 1, 1))).borrowed
    assert dict(told.select("locale", "lenders").iter_rows()) == {OLD: 0, NEW: 1}


def test_one_locale_alone_has_nobody_to_read_with():
    taught = Taught(
        ["a b"],
        np.zeros(1, np.int64),
        np.ones(1),
        np.zeros(1, np.int64),
        [],
        np.zeros(0, np.int64),
        np.zeros((1, 0), np.float32),
    )
    assert together([taught], 2) == []


DAYS = [f"2026-01-{d:02}" for d in range(1, 32)]
days = st.lists(st.tuples(st.sampled_from(DAYS), st.booleans()), max_size=60)


@given(days)
def test_fading_keeps_every_vote_and_raises_none(said):
    rows = cast(
        [
            (f"u{n}", "w", "l", "reformulated" if back else "accepted", 1.0, "")
            for n, (_, back) in enumerate(said)
        ]
    )
    rows = rows.with_columns(day=pl.Series([d for d, _ in said], dtype=pl.String))
    known = concept_drift.moved(rows, NIGHT)
    after = concept_drift.faded(rows, known)
    assert after.drop("weight").equals(rows.drop("weight"))
    assert (after["weight"] <= rows["weight"]).all()
    untouched = after.filter(pl.col("day") >= (known["since"][0] if known.height else "0"))
    assert (untouched["weight"] == 1.0).all()


def test_a_wording_that_users_began_to_flee_is_learned_again():
    before = heard_and_executed("put it on", "lamp_on", 40, 2)
    after = heard_and_executed("put it on", "lamp_on", 1, 14)
    votes = pl.concat(
        [
            cast(before).with_columns(day=pl.lit("2026-01-10")),
            cast(after).with_columns(
                day=pl.lit("2026-01-30"), user_id=pl.lit("z") + pl.col("user_id")
            ),
        ]
    )
    (found,) = concept_drift.moved(votes, NIGHT).to_dicts()
    assert (found["utterance"], found["label"]) == ("put it on", "lamp_on")
    known = evidence(a_log())
    whole = replace(
        known,
        votes=pl.concat([known.votes, votes]),
        heard=pl.concat(
            [
                known.heard,
                votes.select(
                    "locale", "utterance", intent="label", confidence=pl.lit(0.5)
                ).unique(),
            ]
        ),
    )
    still = replace(
        whole, votes=pl.concat([known.votes, votes.with_columns(day=pl.lit("2026-01-10"))])
    )
    label, sure = best(believe(whole), "put it on")
    assert label != "lamp_on" or sure < 0.5
    assert best(believe(still), "put it on")[0] == "lamp_on"


def test_a_wording_that_is_fled_as_it_always_was_has_not_moved():
    each = [heard_and_executed(f"say {n}", "lamp_on", 3, 5) for n in range(30)]
    rows = cast([row for some in each for row in some])
    day = (
        pl.when(pl.int_range(pl.len()) % 2 == 0)
        .then(pl.lit("2026-01-12"))
        .otherwise(pl.lit("2026-01-29"))
    )
    assert concept_drift.moved(rows.with_columns(day=day), NIGHT).is_empty()


def test_a_multilingual_encoder_reaches_a_locale_that_shares_no_word():
    words = {"ab cd": "lamp_on", "ef gh": "music_stop"}
    new = [row for w in words for row in not_executed(w, "lamp_on", 2, 2)]
    known = two_locales(new)
    said = pl.concat(
        [known.heard.select("locale", "utterance"), known.seed.select("locale", "utterance")]
    )

    def vector(utterance: str) -> list[float]:
        about_music = "music" in utterance or "quiet" in utterance or "hush" in utterance
        return [0.0, 1.0] if words.get(utterance, "") == "music_stop" or about_music else [1.0, 0.0]

    said = said.unique(maintain_order=True)
    made = pl.Series([vector(u) for u in said["utterance"]], dtype=pl.List(pl.Float32))
    vectors = said.with_columns(vector=made)
    found = believe(replace(known, vectors=vectors, across=True))
    blind = believe(known)

    def music(believed, utterance: str) -> float:
        rows = believed.labels.filter(locale=NEW, utterance=utterance, label="music_stop")
        return rows["probability"].sum()

    assert music(found, "ef gh") > music(found, "ab cd")
    assert music(found, "ef gh") > music(blind, "ef gh")
