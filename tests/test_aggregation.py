"""What is believed, who is behind it, and what enters a training set."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from aggregation import backing, training_set
from aggregation.believe import believe
from aggregation.fleeing import Rates
from aggregation.votes import votes
from warehouse.tables import Examples, Moves, Utterances, Votes

KEY = ["locale", "utterance"]
SEED = pl.DataFrame(
    {
        "locale": "en-GB",
        "utterance": ["switch on the lamp", "lamp on please", "stop the music", "music off now"],
        "intent": ["lamp_on", "lamp_on", "music_stop", "music_stop"],
    }
)
ROOMS = ["kitchen", "hall", "attic", "cellar", "study", "porch", "garage", "bedroom"]


def heard(rows: list[tuple[str, str, int, int, float]]) -> pl.DataFrame:
    """(wording, best hypothesis, users, users for whom it was executed, how many of them fled)."""
    names = ["utterance", "intent", "users", "executed_users", "fled"]
    frame = pl.DataFrame(rows, names, orient="row")
    ignored = (pl.col("users") - pl.col("executed_users")) * 0.5
    more = {
        "locale": pl.lit("en-GB"),
        "last_ms": pl.lit(0),
        "turns": pl.col("users"),
        "confidence": pl.lit(0.5),
    }
    return (
        frame.with_columns(**more, fled_unexecuted=ignored)
        .select(Utterances.column_names())
        .cast({"fled": pl.Float64})
    )


def a_log() -> pl.DataFrame:
    """Many wordings whose users stay, and one kind whose users flee to the other intent."""
    good = [(f"switch on the lamp in the {r}", "lamp_on", 9, 9, 0.4) for r in ROOMS]
    quiet = [(f"stop the music in the {r}", "music_stop", 9, 9, 0.4) for r in ROOMS]
    fled = [(f"make it quiet in the {r}", "lamp_on", 9, 9, 6.0) for r in ROOMS]
    null = [(f"hush the {r}", "lamp_on", 9, 0, 0.0) for r in ROOMS]
    return heard(good + quiet + fled + null)


def moves(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    rows = [("en-GB", s, t, 5, 5, 0.95, 0.9) for s, t in pairs]
    return pl.DataFrame(rows, {n: c.dtype for n, c in Moves.columns().items()}, orient="row")


def best(found: pl.DataFrame, utterance: str) -> tuple[str, float]:
    row = found.filter(utterance=utterance).sort("probability", descending=True).row(0, named=True)
    return row["label"], row["probability"]


def test_a_hypothesis_that_users_flee_loses_to_where_they_end_up():
    fled = [(f"make it quiet in the {r}", f"stop the music in the {r}") for r in ROOMS]
    found = believe(a_log(), moves(fled), SEED)
    assert best(found, "stop the music in the hall")[0] == "music_stop"
    assert best(found, "make it quiet in the hall")[0] == "music_stop"
    label, probability = best(found, "switch on the lamp in the hall")
    assert label == "lamp_on"
    assert probability > 0.8


def test_probabilities_of_a_wording_sum_to_one_at_most():
    found = believe(a_log(), moves([]), SEED).group_by(KEY).agg(pl.col("probability").sum())
    assert found.height == 32
    assert found["probability"].is_between(0.9, 1 + 1e-6).all()


def test_without_seed_and_without_moves_there_are_labels():
    found = believe(a_log(), moves([]), SEED.clear())
    assert best(found, "switch on the lamp in the hall")[0] == "lamp_on"


def test_wordings_without_any_hypothesis_and_seed_give_nothing():
    assert believe(heard([("hm", "", 3, 0, 0.0)]), moves([]), SEED.clear()).is_empty()


@given(st.floats(0.01, 0.4), st.floats(0.5, 0.95), st.floats(0.05, 0.95))
def test_staying_speaks_for_and_fleeing_against(right, wrong, was_right):
    rates = Rates(right, wrong)
    prior = np.array([was_right])
    odds = [rates.odds(prior, np.array([s]), np.array([f]))[0] for s, f in ((3, 0), (0, 0), (0, 3))]
    assert odds[0] > odds[1] > odds[2]
    assert np.all(np.diff(rates.was_right(np.linspace(right, wrong, 9))) <= 0)


def test_votes_count_each_user_once_and_are_conserved():
    log = a_log()
    found = Votes.validate(votes(log, moves([])))
    own = found.filter(pl.col("kind").is_in(["stayed", "fled", "unexecuted"]))
    assert np.isclose(own["votes"].sum(), log["users"].sum())


def soft(rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["utterance", "label", "probability"], orient="row").select(
        pl.lit("en").alias("locale"), pl.all()
    )


def test_a_wording_said_once_has_its_cluster_behind_it():
    believed = soft([("lamp on", "on", 0.9), ("lamp on pls", "on", 0.8), ("lamp off", "off", 0.9)])
    clusters = pl.DataFrame(
        {"locale": "en", "utterance": ["lamp on", "lamp on pls", "lamp off"], "cluster_id": "c1"}
    )
    none = pl.DataFrame(
        schema={
            "locale": pl.String(),
            "utterance": pl.String(),
            "neighbour": pl.String(),
            "similarity": pl.Float64(),
        }
    )
    said = {"lamp on": {"a", "b"}, "lamp on pls": {"c"}, "lamp off": {"d"}}
    grouped = backing.groups(believed, clusters, none)
    counted = grouped.group_by("group_id").agg(pl.col("utterance"))
    users = [len(set().union(*(said[u] for u in us))) for us in counted["utterance"]]
    backers = counted.select("group_id", users=pl.Series(users, dtype=pl.Int64))
    found = backing.with_users(believed, clusters, backers)
    assert dict(found.select("utterance", "users").rows()) == {
        "lamp on": 3,
        "lamp on pls": 3,
        "lamp off": 1,
    }


probabilities = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4)


@given(st.lists(st.tuples(probabilities, st.integers(0, 4)), min_size=1, max_size=12))
def test_what_is_believed_enters_and_the_rest_is_counted(rows):
    labels = pl.concat(
        [
            soft(
                [(f"w{n}", f"l{i}", p / sum(ps) * min(1, sum(ps))) for i, p in enumerate(ps)]
            ).with_columns(users=pl.lit(users if users else 0, dtype=pl.Int64), votes=1.0)
            for n, (ps, users) in enumerate(rows)
        ]
    )
    built = training_set.build(labels, Votes.create_empty(), training_set.Floors())
    examples = Examples.cast(built.examples)
    Examples.validate(examples)
    assert built.examples.height + built.withheld["rows"].sum() == len(rows)
    assert (built.examples["users"] >= 2).all()


def test_fresh_counts_what_the_set_before_did_not_say():
    before = pl.DataFrame({"locale": "en", "utterance": ["a", "b"], "labels": [["x"], ["x"]]})
    now = pl.DataFrame(
        {"locale": "en", "utterance": ["a", "b", "c"], "labels": [["x"], ["y"], ["x"]]}
    )
    assert training_set.fresh(now, before) == 2
    assert training_set.fresh(now, None) == 3
