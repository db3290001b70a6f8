"""Which turn says another again: told by small stories, and the laws of what it is told by."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_sql import mined

from logs import turn
from mining.engines.duckdb_engine import DuckdbEngine
from mining.rephrases import scoring
from mining.rephrases.answers import NO_ANSWER, templates
from mining.rephrases.features import compare
from mining.rephrases.log import NONE, LogArrays, share
from mining.rephrases.overlap import Words
from mining.rephrases.siblings import turns_taken
from mining.rephrases.similarity import Wordings, sound
from mining.sessions import bots

pytestmark = pytest.mark.quick

ROOMS = ["kitchen", "hall", "garage", "attic", "porch", "cellar", "study", "nursery", "pantry"]
DEVICES = ["lamp", "heater", "door", "window", "light", "radio", "fan", "blind", "kettle"]
THINGS = [f"{room} {device}" for room in ROOMS for device in DEVICES]
WISHES = ["switch on the {}", "turn the {} on please", "the {} should go on", "start the {} now"]
OTHERS = [
    f"{ask} {what}"
    for ask in ("what is", "tell me about")
    for what in ("the weather", "football", "my calendar", "the news")
]
Session = list[dict[str, Any]]


def session(user: int, *turns: dict[str, Any], start: float = 0.0) -> Session:
    """A session of one user, turns ten seconds apart where they do not say else."""
    rows, at = [], start
    for number, said in enumerate(turns):
        at += said.pop("pause", 10)
        name = {"turn_id": f"{user:04}.{number}", "session_id": f"s{user}"}
        rows.append(turn(f"u{user}", at, said.pop("utterance"), **name, **said))
    return rows


def said_again(user: int, **more: Any) -> Session:
    rng = np.random.default_rng(user)
    thing = THINGS[rng.integers(len(THINGS))]
    first, then = (WISHES[i].format(thing) for i in rng.permutation(len(WISHES))[:2])
    failed = {"intent": None, "response": "Sorry?", "outcome": "failure"}
    worked = {"intent": "on", "response": "Done.", "outcome": "success"}
    return session(
        user, {"utterance": first, **failed, **more}, {"utterance": then, **worked, **more}
    )


def moved_on(user: int, **more: Any) -> Session:
    rng = np.random.default_rng(user)
    wish = WISHES[rng.integers(len(WISHES))].format(THINGS[rng.integers(len(THINGS))])
    other = OTHERS[rng.integers(len(OTHERS))]
    worked = {"response": "Done.", "outcome": "success"}
    return session(
        user,
        {"utterance": wish, "intent": "on", **worked, **more},
        {"utterance": other, "intent": other[:4], **worked, "pause": 40, **more},
    )


def next_one(user: int) -> Session:
    """One wish is granted, and the next is the same of another thing."""
    rng = np.random.default_rng(user)
    one, other = (THINGS[i] for i in rng.permutation(len(THINGS))[:2])
    wish = WISHES[rng.integers(len(WISHES))]
    turns = [
        {
            "utterance": wish.format(thing),
            "intent": "on",
            "slots": {"thing": thing},
            "response": f"Done, {thing}.",
            "outcome": "success",
        }
        for thing in (one, other)
    ]
    return session(user, *turns)


def scored(root, sessions: list[Session]) -> pl.DataFrame:
    """The events of a log of these sessions, a pair of neighbours each where they have two turns."""
    engine = DuckdbEngine(root / "scratch")
    lake = mined(engine, root, [row for rows in sessions for row in rows])
    days = lake.days("turns")
    people = bots.people(lake, days)
    context = engine.query("context", people)
    parts = [lake.read("pairs", [d]).with_columns(day=pl.lit(d)) for d in lake.days("pairs")]
    engine.close()
    return scoring.score(pl.concat(parts), LogArrays.of(context), days).events


def mean(found: pl.DataFrame, first: int, last: int) -> float:
    user = pl.col("source_turn_id").str.head(4).cast(pl.Int64)
    return float(found.filter(user.is_between(first, last))["p_rephrase"].mean())  # type: ignore[arg-type]


def test_saying_it_again_is_told_from_moving_on_and_from_the_next_of_its_kind(tmp_path):
    found = scored(
        tmp_path,
        [said_again(n) for n in range(100)]
        + [moved_on(n) for n in range(100, 300)]
        + [next_one(n) for n in range(300, 360)],
    )
    assert mean(found, 0, 99) > 0.8
    assert mean(found, 100, 299) < 0.1
    assert mean(found, 300, 359) < 0.3


def test_words_and_times_alone_tell_much(tmp_path):
    nothing = dict.fromkeys(("intent", "outcome", "response"))
    sessions = [said_again(n, **nothing) for n in range(100)]
    found = scored(tmp_path, sessions + [moved_on(n, **nothing) for n in range(100, 300)])
    assert mean(found, 0, 99) > mean(found, 100, 299) + 0.5


def test_the_order_of_the_rows_does_not_matter(tmp_path):
    sessions = [said_again(n) for n in range(20)] + [moved_on(n) for n in range(20, 40)]
    one = scored(tmp_path / "one", sessions)
    assert one.equals(scored(tmp_path / "other", sessions[::-1]))


def test_the_same_words_are_a_retry(tmp_path):
    again = [{"utterance": "lamp on"}, {"utterance": "Lamp on"}]
    other = [{"utterance": "lamp on"}, {"utterance": "light on"}]
    found = scored(tmp_path, [session(1, *again), session(2, *other)])
    assert found.sort("source_turn_id")["kind"].to_list() == ["retry", "rephrase"]


def test_a_turn_says_at_most_one_other_again(tmp_path):
    three = [{"utterance": WISHES[n].format("red bulb"), "intent": None} for n in range(3)]
    found = scored(tmp_path, [session(0, *three), *(said_again(n) for n in range(1, 40))])
    of_last = found.filter(target_turn_id="0000.2").sort("source_turn_id", descending=True)
    assert of_last["p_rephrase"].sum() <= 1 + 1e-6
    assert of_last["p_rephrase"][0] > of_last["p_rephrase"][1]


def test_no_pairs_are_judged_without_error(tmp_path):
    found = scored(tmp_path, [session(1, {"utterance": "lamp on"})])
    assert found.is_empty()


targets = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=12)


@given(targets)
def test_probabilities_of_a_target_sum_to_one_at_most_and_keep_their_order(rows):
    of, p = pl.Series([t for t, _ in rows]), np.array([p for _, p in rows])
    found = scoring.at_most_one(of, p)
    for target in set(of):
        mine = (of == target).to_numpy()
        assert found[mine].sum() <= 1 + 1e-9
        assert (np.argsort(found[mine], kind="stable") == np.argsort(p[mine], kind="stable")).all()
        if p[mine].sum() <= 1:
            assert np.allclose(found[mine], p[mine])


words = st.text(alphabet="abc 電気をつ", max_size=12)


@given(st.lists(words, min_size=1, max_size=8), st.booleans())
def test_likeness_is_symmetric_and_of_the_same_words_whole(texts, spoken):
    found = Wordings([*texts, "anchor"], spoken=spoken)
    places = np.arange(len(texts) + 1)
    left, right = np.repeat(places, len(places)), np.tile(places, len(places))
    similar = found.alike(left, right)
    assert np.allclose(similar, found.alike(right, left))
    assert ((similar > -1e-6) & (similar < 1 + 1e-6)).all()
    assert similar[-1] == pytest.approx(1, abs=1e-5)


def test_what_sounds_alike_is_alike_where_it_was_spoken():
    said = ["play the beetles", "play the beatles", "play the planets"]
    spoken, typed = (Wordings(said, spoken=s) for s in (True, False))
    misheard = np.array([0]), np.array([1])
    assert spoken.alike(*misheard) > typed.alike(*misheard)
    assert sound("свет") == sound("sved")


@given(st.lists(st.text(alphabet="ab c", min_size=1, max_size=8), min_size=2, max_size=6))
def test_containment_is_told_as_by_hand(texts):
    often = np.ones(len(texts), np.int64)
    known = Words(texts, often)
    split = [set(t.split()) for t in texts]
    rare = {
        w: np.log1p(len(texts)) - np.log1p(sum(w in other for other in split))
        for ws in split
        for w in ws
    }
    for one, a in enumerate(split):
        for other, b in enumerate(split):
            found = known.shared(np.array([one]), np.array([other]))
            common, whole = (sum(rare[w] for w in x) / np.log1p(len(texts)) for x in (a & b, b))
            assert found.common[0] == pytest.approx(common, abs=1e-4)
            assert found.in_source[0] == pytest.approx(common / max(whole, 1e-9), abs=1e-2)


def test_fragments_are_contained_and_rare_words_count_more():
    said = ["play some jazz please", "jazz", "some please", "wake me please", "some more please"]
    found = Words(said, np.full(5, 4)).shared(np.array([0, 0]), np.array([1, 2]))
    assert found.contained == pytest.approx([1, 1])
    assert found.rarest[0] > found.rarest[1]


def test_answers_of_one_frame_are_one_template():
    places = ["york", "leeds", "hull", "bath"] * 3
    said = [f"The phone number of the {p} inn is 0{n}." for n, p in enumerate(places)]
    said += ["Sorry, I did not get that."] * 12
    found = templates(pl.Series([*said, None]), pl.Series(["en"] * 25), frozenset(places))
    assert len(set(found[:12])) == 1
    assert len(set(found[12:24])) == 1
    assert found[0] != found[12]
    assert found[-1] == NO_ANSWER


keys = st.lists(st.tuples(st.integers(-1, 3), st.booleans()), min_size=1, max_size=20)


@given(keys)
def test_a_share_leaves_its_own_row_out(rows):
    key, hit = np.array([k for k, _ in rows]), np.array([float(h) for _, h in rows])
    found = share(hit, key)
    known = key != NONE
    for row, (k, _) in enumerate(rows):
        if k == NONE:
            assert np.isnan(found[row])
            continue
        others = [h for n, (o, h) in enumerate(rows) if o == k and n != row]
        assert found[row] == pytest.approx(
            (sum(others) + 5 * hit[known].mean()) / (len(others) + 5)
        )


def of_texts(said: list[tuple[str, str]]) -> tuple[LogArrays, np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """A log of sessions of two turns, and the rows of the first and of the second ones."""
    rows = [
        {
            "turn_id": f"{n}{side}",
            "opening": f"{n}0",
            "place": side + 1,
            "at_ms": n,
            "locale": "en",
            "utterance": text,
            "channel": "text",
        }
        for n, both in enumerate(said)
        for side, text in enumerate(both)
    ]
    log = LogArrays.of(pl.DataFrame(rows))
    first, second = ([f"{n}{side}" for n in range(len(said))] for side in (0, 1))
    return log, log.at(pl.Series(first)), log.at(pl.Series(second))


def test_values_that_take_turns_in_a_frame_are_siblings():
    buses = [(f"when is the {a} bus", f"when is the {b} bus") for a, b in (("next", "last"),) * 3]
    buses += [("when is the first bus", "when is the night bus"), ("lamp on", "light it up")]
    taken = turns_taken(*of_texts(buses))
    assert taken[0] > 1
    assert taken[-1] == 0


def test_no_feature_depends_on_the_salt_or_the_names_of_users(tmp_path):
    engine = DuckdbEngine(tmp_path / "scratch")
    found = []
    for number, rename in enumerate((str, str.upper)):
        rows = [r | {"user_id": rename(r["user_id"])} for n in range(30) for r in said_again(n)]
        lake = mined(engine, tmp_path / str(number), rows)
        days = lake.days("turns")
        people = bots.people(lake, days)
        log = LogArrays.of(engine.query("context", people))
        found.append(compare(scoring.in_order(lake.read("pairs")), log).values)
    assert np.array_equal(*found, equal_nan=True)
