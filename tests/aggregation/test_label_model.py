"""What is believed, who is behind it, and what enters a training set."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from aggregation import support, training_set
from aggregation.label_model import ambiguity, calibration
from aggregation.label_model.calibration import Held
from aggregation.label_model.dawid_skene import CastVotes, Cells, em
from aggregation.label_model.evidence import Evidence, LabelEstimates
from aggregation.label_model.model import believe
from aggregation.label_model.votes import held_back, tally
from warehouse.common.platt import PlattScaling
from warehouse.common.reformulation import Reformulation
from warehouse.tables import Examples, SoftLabels, WithheldUtterances
from warehouse.tables import Votes as VotesTable

pytestmark = pytest.mark.quick

KEY = ["locale", "utterance"]
NIGHT = "2026-01-31"
SEED = pl.DataFrame(
    {
        "locale": "en-GB",
        "utterance": ["switch on the lamp", "lamp on please", "stop the music", "music off now"],
        "intent": ["lamp_on", "lamp_on", "music_stop", "music_stop"],
    }
)
ROOMS = ["kitchen", "hall", "attic", "cellar", "study", "porch", "garage", "bedroom"]


def cast(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """(user, wording, label, source, weight, via) as votes of one night."""
    columns = {n: c.dtype for n, c in VotesTable.columns().items()}
    named = [
        {
            "locale": "en-GB",
            "utterance": wording,
            "label": label,
            "source": source,
            "via": via,
            "user_id": user,
            "day": NIGHT,
            "weight": weight,
        }
        for user, wording, label, source, weight, via in rows
    ]
    return pl.DataFrame(named, columns)


def users(name: str, number: int) -> list[str]:
    return [f"{n % 16:x}{name}{n}" for n in range(number)]


def heard_and_executed(
    wording: str, label: str, accepted: int, reformulated: int
) -> list[tuple[Any, ...]]:
    sources = ["accepted"] * accepted + ["reformulated"] * reformulated
    return [
        (u, wording, label, source, 0.95, "")
        for u, source in zip(users(wording, len(sources)), sources, strict=True)
    ]


def not_executed(
    wording: str, label: str, came_back: int, unexecuted_accepted: int
) -> list[tuple[Any, ...]]:
    sources = ["unexecuted_reformulated"] * came_back + [
        "unexecuted_accepted"
    ] * unexecuted_accepted
    return [
        (u, wording, label, source, 0.95, "")
        for u, source in zip(users(wording, len(sources)), sources, strict=True)
    ]


def ended(source: str, target: str, label: str, number: int) -> list[tuple[Any, ...]]:
    return [(u, source, label, "chain_end", 0.9, target) for u in users(source, number)]


def a_log() -> list[tuple[Any, ...]]:
    """Wordings whose users stay, a source whose users reformulate, and one that was never executed."""
    rows: list[tuple[Any, ...]] = []
    for room in ROOMS:
        rows += heard_and_executed(f"switch on the lamp in the {room}", "lamp_on", 9, 1)
        rows += heard_and_executed(f"stop the music in the {room}", "music_stop", 9, 1)
        rows += heard_and_executed(f"make it quiet in the {room}", "lamp_on", 3, 6)
        rows += not_executed(f"hush the {room}", "lamp_on", 6, 3)
    return rows


def evidence(rows: list[tuple[Any, ...]], seed: pl.DataFrame = SEED) -> Evidence:
    votes = cast(rows)
    heard = (
        votes.filter(
            pl.col("source").is_in(
                ["accepted", "reformulated", "unexecuted_accepted", "unexecuted_reformulated"]
            )
        )
        .select("locale", "utterance", intent="label", confidence=pl.lit(0.5))
        .unique()
    )
    return Evidence(votes, NIGHT, heard, near(heard["utterance"].unique().sort().to_list()), seed)


def near(wordings: list[str]) -> pl.DataFrame:
    """Wordings that differ in the last word alone are neighbours."""
    pairs = [
        ("en-GB", a, b, 0.9)
        for a, b in itertools.permutations(wordings, 2)
        if a.split()[:-1] == b.split()[:-1]
    ]
    columns = {"locale": pl.String(), "utterance": pl.String(), "neighbour": pl.String()}
    return pl.DataFrame(pairs, columns | {"similarity": pl.Float64()}, orient="row")


def best(found: LabelEstimates, utterance: str) -> tuple[str, float]:
    rows = found.labels.filter(utterance=utterance).sort("probability", descending=True)
    row = rows.row(0, named=True)
    return row["label"], row["probability"]


def test_a_hypothesis_that_users_flee_loses_to_where_they_end_up():
    rows = a_log()
    for room in ROOMS:
        rows += ended(
            f"make it quiet in the {room}", f"stop the music in the {room}", "music_stop", 4
        )
    found = believe(evidence(rows))
    assert best(found, "stop the music in the hall")[0] == "music_stop"
    assert best(found, "make it quiet in the hall")[0] == "music_stop"
    label, probability = best(found, "switch on the lamp in the hall")
    assert label == "lamp_on"
    assert probability > 0.8


def test_a_wording_is_doubted_when_users_flee_its_like():
    alone = heard_and_executed("make it quiet in the loft", "lamp_on", 1, 0)
    kept = [r for r in a_log() if not r[1].startswith("make it quiet")]
    calm = best(believe(evidence(kept + alone)), "make it quiet in the loft")
    reformulated = best(believe(evidence(a_log() + alone)), "make it quiet in the loft")
    assert calm[0] == "lamp_on"
    assert reformulated[0] != "lamp_on" or reformulated[1] < calm[1]


def test_probabilities_of_a_wording_sum_to_one_at_most():
    found = believe(evidence(a_log())).labels.group_by(KEY).agg(pl.col("probability").sum())
    assert found.height == 32
    assert found["probability"].is_between(0.9, 1 + 1e-6).all()


def test_without_seed_and_without_moves_there_are_labels():
    found = believe(evidence(a_log(), SEED.clear()))
    assert best(found, "switch on the lamp in the hall")[0] == "lamp_on"


def test_wordings_without_any_hypothesis_and_seed_give_nothing():
    heard = pl.DataFrame(
        {"locale": ["en-GB"], "utterance": ["hm"], "intent": [""], "confidence": [None]},
        schema_overrides={"confidence": pl.Float64()},
    )
    nothing = believe(Evidence(cast([]), NIGHT, heard, near([]), SEED.clear()))
    assert nothing.labels.is_empty()


@pytest.mark.parametrize("wordings", [1, 3, 7])
def test_a_log_without_hypotheses_is_read_by_the_seed_data(wordings):
    heard = pl.DataFrame(
        {"locale": "en-GB", "utterance": [f"switch on the lamp {n}" for n in range(wordings)]}
    ).with_columns(intent=pl.lit(""), confidence=pl.lit(None, dtype=pl.Float64))
    found = believe(Evidence(cast([]), NIGHT, heard, near([]), SEED))
    assert best(found, "switch on the lamp 0")[0] == "lamp_on"


def test_the_order_of_rows_does_not_matter():
    rows = a_log()
    assert_frame_equal(
        believe(evidence(rows)).labels, believe(evidence(rows[::-1])).labels, check_row_order=False
    )


def test_a_wording_with_two_meanings_stays_soft():
    rows = a_log() + heard_and_executed("play something", "lamp_on", 60, 30)
    rows += heard_and_executed("play the radio", "music_stop", 20, 0)
    rows += ended("play something", "play the radio", "music_stop", 20)
    found = believe(evidence(rows)).labels.filter(utterance="play something")
    shares = dict(found.select("label", "probability").rows())
    assert 0.2 < shares["lamp_on"] < 0.8
    assert shares["lamp_on"] + shares["music_stop"] == pytest.approx(1.0)


@given(st.integers(1, 400), st.integers(0, 400), st.booleans())
def test_disagreement_at_either_rate_is_noise(accepted, ends, right):
    """Who comes back at exactly the rate of right turns, or of wrong ones, means one thing."""
    rates = Reformulation(0.05, 0.6)
    rate = rates.if_correct if right else rates.if_incorrect
    reformulated = np.floor(np.array([accepted * rate / (1 - rate)]))
    seen = ambiguity.Disagreement(
        np.array([float(accepted)]), reformulated, np.array([float(ends)]), np.array([400.0])
    )
    assert np.isnan(ambiguity.share_of_first(seen, rates)).all()


@given(st.floats(0.01, 0.4), st.floats(0.5, 0.95))
def test_staying_speaks_for_and_fleeing_against(right, wrong):
    rates = Reformulation(right, wrong)
    odds = [
        rates.log_likelihood_ratio(np.array([s]), np.array([f]))[0]
        for s, f in ((3, 0), (0, 0), (0, 3))
    ]
    assert odds[0] > odds[1] > odds[2]
    assert np.all(np.diff(rates.p_correct(np.linspace(right, wrong, 9))) <= 0)


cells_of = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 2), st.floats(0.1, 1.0)),
    min_size=6,
    max_size=40,
)


@given(cells_of)
def test_em_agrees_with_the_slow_way(rows):
    rows = [(i, 0, 0, 0.5) for i in range(6)] + rows  # every item has a vote
    item, label, source, weight = (np.array(column) for column in zip(*rows, strict=True))
    cells = Cells.of(item, label, 6, 4)
    votes = CastVotes(cells.find(item, label), source, weight)
    estimate = em(cells, votes, 3)
    assert (np.add.reduceat(estimate.belief, cells.start[:-1]) < 1 + 1e-9).all()
    slow = slow_one_coin(rows, estimate.reliability)
    for cell, belief in enumerate(estimate.belief):
        assert belief == pytest.approx(slow[cells.item[cell], cells.label[cell]], abs=1e-9)


def slow_one_coin(rows: list[Any], reliability: np.ndarray) -> dict[tuple[int, int], float]:
    """The posterior by the formula, a label at a time."""
    total = {k: sum(w for *_, source, w in rows if source == k) + 10 for k in range(3)}
    found: dict[tuple[int, int], float] = {}
    for item in {r[0] for r in rows}:
        mine = [r for r in rows if r[0] == item]
        likelihood = {}
        for truth in range(4):
            product = 1.0
            for _, label, source, weight in mine:
                cast_so = sum(w for _, x, k, w in rows if k == source and x == label) + 2.5
                background = cast_so / total[source]
                s = reliability[source]
                product *= ((s * (label == truth) + (1 - s) * background) / background) ** weight
            likelihood[truth] = product
        for truth, value in likelihood.items():
            found[item, truth] = value / sum(likelihood.values())
    return found


@pytest.mark.parametrize("confusions", [False, True])
def test_em_finds_who_is_reliable(confusions):
    rng = np.random.default_rng(5)
    truth = rng.integers(20, size=3000)
    item = np.repeat(np.arange(3000), 3)
    source = np.tile(np.arange(3), 3000)
    honest = rng.random(9000) < np.array([0.9, 0.6, 0.2])[source]
    label = np.where(honest, truth[item], rng.integers(20, size=9000))
    cells = Cells.of(item, label, 3000, 20)
    votes = CastVotes(cells.find(item, label), source, np.ones(9000))
    estimate = em(cells, votes, 3, confusions=confusions)
    right = (cells.label[cells.best(estimate.belief)] == truth).mean()
    majority = np.array([np.bincount(label[item == i]).argmax() for i in range(3000)])
    assert right > (majority == truth).mean()
    assert estimate.reliability == pytest.approx([0.9, 0.6, 0.2], abs=0.08)


def test_votes_that_come_later_can_be_solved_alone():
    rng = np.random.default_rng(6)
    truth = rng.integers(20, size=3000)
    item, source = rng.integers(3000, size=15_000), rng.integers(3, size=15_000)
    item[:3000] = np.arange(3000)
    honest = rng.random(15_000) < np.array([0.9, 0.6, 0.2])[source]
    label = np.where(honest, truth[item], rng.integers(20, size=15_000))
    cells = Cells.of(item, label, 3000, 20)
    cell = cells.find(item, label)
    early = np.arange(15_000) < 14_000
    first = em(cells, CastVotes(cell[early], source[early], np.ones(early.sum())), 3)
    touched, place = np.unique(item[~early], return_inverse=True)
    kept = np.flatnonzero(np.isin(cells.item, touched))
    alone = Cells.of(
        np.searchsorted(touched, cells.item[kept]), cells.label[kept], len(touched), 20
    )
    night = CastVotes(alone.find(place, label[~early]), source[~early], np.ones((~early).sum()))
    later = em(alone, night, 3, earlier=first.at(kept))
    whole = em(cells, CastVotes(cell, source, np.ones(15_000)), 3)
    assert later.known.cast == pytest.approx(whole.known.cast)
    assert later.reliability == pytest.approx(whole.reliability, abs=0.01)
    assert np.abs(later.belief - whole.belief[kept]).mean() < 0.005


@pytest.mark.parametrize("stretch", [0.4, 1.0])
def test_probabilities_are_bent_where_held_back_users_call_for_it(stretch):
    rng = np.random.default_rng(7)
    believed = rng.beta(2, 1, size=4000)
    right = rng.random(4000) < PlattScaling(0.0, stretch)(believed)
    rates = Reformulation(0.05, 0.6)
    reformulated = (
        rng.random(4000) < np.where(right, rates.if_correct, rates.if_incorrect)
    ).astype(float)
    held = Held(believed, 1 - reformulated, reformulated, np.zeros(4000), {"unseen": 4000})
    bent = calibration.platt_scaling(held, rates)
    assert bent.stretch == pytest.approx(stretch, abs=0.12)
    report = calibration.report(held, rates, bent)
    assert report["bent"].to_list() == pytest.approx(report["observed"].to_list(), abs=0.05)


def test_the_error_of_what_held_back_users_find_is_what_it_varies_by():
    rates, votes, truth = Reformulation(0.1, 0.5), 60, 0.7
    rng = np.random.default_rng(7)
    off = []
    for _ in range(400):
        right = rng.random(votes) < truth
        reformulated = (
            rng.random(votes) < np.where(right, rates.if_correct, rates.if_incorrect)
        ).astype(float)
        held = Held(
            np.full(votes, truth),
            1 - reformulated,
            reformulated,
            np.zeros(votes),
            {"unseen": votes},
        )
        (row,) = calibration.report(held, rates, PlattScaling()).to_dicts()
        off.append((row["observed"] - truth) / row["error"])
    assert np.mean(off) == pytest.approx(0.0, abs=0.15)
    assert np.std(off) == pytest.approx(1.0, abs=0.15)


def test_votes_add_up_whatever_the_order_and_who_is_held_back():
    votes = cast(a_log())
    whole = tally(votes, NIGHT)["votes"].sum()
    some, rest = votes.filter(~held_back()), votes.filter(held_back())
    assert rest.height
    assert whole == pytest.approx(
        tally(some, NIGHT)["votes"].sum() + tally(rest, NIGHT)["votes"].sum()
    )
    later = tally(votes, "2026-04-01")["votes"].sum()
    assert later == pytest.approx(whole / 2, rel=1e-4)


LIES = 2  # coordinated users against ten honest ones


def test_praise_for_a_wrong_answer_turns_no_label_that_honest_users_gave():
    rows = a_log()
    for room in ROOMS[:3]:
        wording = f"switch on the lamp in the {room}"
        rows += [(f"9liar{n}", wording, "lamp_on", "reformulated", 1.0, "") for n in range(LIES)]
        rows += [(f"9liar{n}", wording, "lamp_on", "thumbs_down", 1.0, "") for n in range(LIES)]
        rows += [
            (f"9liar{n}", wording, "music_stop", "chain_end", 1.0, "stop the music in the hall")
            for n in range(LIES)
        ]
    found = believe(evidence(rows))
    for room in ROOMS[:3]:
        assert best(found, f"switch on the lamp in the {room}")[0] == "lamp_on"


def soft(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["utterance", "label", "probability"], orient="row").select(
        pl.lit("en").alias("locale"), pl.all()
    )


def test_a_wording_said_once_has_its_cluster_behind_it():
    believed = soft([("lamp on", "on", 0.9), ("lamp on pls", "on", 0.8), ("lamp off", "off", 0.9)])
    clusters = pl.DataFrame(
        {"locale": "en", "utterance": ["lamp on", "lamp on pls", "lamp off"], "cluster_id": "c1"}
    )
    said = {"lamp on": {"a", "b"}, "lamp on pls": {"c"}, "lamp off": {"d"}}
    grouped = support.groups(believed, clusters, near([]))
    counted = grouped.group_by("group_id").agg(pl.col("utterance"))
    behind = [len(set().union(*(said[u] for u in us))) for us in counted["utterance"]]
    backers = counted.select("group_id", users=pl.Series(behind, dtype=pl.Int64))
    found = support.with_users(believed, clusters, backers)
    assert dict(found.select("utterance", "users").rows()) == {
        "lamp on": 3,
        "lamp on pls": 3,
        "lamp off": 1,
    }


NOBODY = pl.DataFrame(schema=dict.fromkeys(KEY, pl.String))


def built_of(
    labels: pl.DataFrame, votes: pl.DataFrame, accepted: pl.DataFrame = NOBODY
) -> training_set.TrainingSet:
    slots = Examples.create_empty().select(*KEY, "slots", "slots_known")
    wordings = labels.select(KEY).unique().with_columns(users=pl.lit(1, dtype=pl.Int64))
    believed = training_set.SetInputs(labels, votes, slots, wordings, accepted)
    return training_set.build(believed, training_set.Floors())


probabilities = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4)


@given(st.lists(st.tuples(probabilities, st.integers(0, 9)), min_size=1, max_size=12))
def test_what_is_believed_enters_and_the_rest_is_counted(rows):
    labels = pl.concat(
        [
            soft(
                [(f"w{n}", f"l{i}", p / sum(ps) * min(1, sum(ps))) for i, p in enumerate(ps)]
            ).with_columns(users=pl.lit(behind, dtype=pl.Int64), votes=1.0)
            for n, (ps, behind) in enumerate(rows)
        ]
    )
    built = built_of(SoftLabels.cast(labels), VotesTable.create_empty())
    Examples.validate(Examples.cast(built.examples))
    assert built.examples.height + built.withheld.height == len(rows)
    WithheldUtterances.validate(WithheldUtterances.cast(built.withheld))
    assert training_set.counted(built.withheld)["rows"].sum() == built.withheld.height
    assert (built.examples["users"] >= 2).all()


@given(st.floats(0.01, 0.99), st.integers(1, 50), st.integers(1, 50))
def test_more_users_leave_less_doubt(probability, few, more):
    bounds = training_set.lower_bound(
        np.array([probability] * 2), np.array([few, few + more], np.float64)
    )
    assert bounds[0] < probability or probability < 0.15
    assert bounds[0] <= bounds[1] + 1e-9 or probability < 0.15


def test_wordings_of_users_set_apart_alone_validate():
    rows = heard_and_executed("lamp on", "on", 4, 0)
    rows += [
        ("fann", "only mine", "on", "accepted", 1.0, ""),
        ("fann", "lamp on", "on", "accepted", 1.0, ""),
    ]
    votes = cast(rows)
    labels = (
        votes.select(*KEY, "label")
        .unique()
        .with_columns(probability=pl.lit(0.99), users=pl.lit(9, dtype=pl.Int64), votes=1.0)
    )
    examples = built_of(SoftLabels.cast(labels), votes).examples
    split = dict(examples.select("utterance", "split").rows())
    assert split == {"lamp on": "train", "only mine": "validation"}


def test_a_change_counts_what_is_new_turned_and_gone():
    before = pl.DataFrame({"locale": "en", "utterance": ["a", "b", "d"], "labels": [["x"]] * 3})
    now = pl.DataFrame(
        {"locale": "en", "utterance": ["a", "b", "c"], "labels": [["x"], ["y"], ["x"]]}
    )
    assert training_set.change(now, before) == training_set.Change(new=1, turned=1, gone=1)
    assert training_set.change(now, None) == training_set.Change(new=3, turned=0, gone=0)


def test_the_card_holds_no_wording(tmp_path: Path):
    labels = soft([("my secret wish", "on", 0.99)]).with_columns(
        users=pl.lit(9, dtype=pl.Int64), votes=1.0
    )
    built = built_of(SoftLabels.cast(labels), VotesTable.create_empty())
    card = training_set.card("v1", built, training_set.change(built.examples, None), None, "{}")
    assert "1 wordings" in card
    assert "secret" not in card
