"""Problems: when they open, close and open again, and which wordings count towards which."""

from dataclasses import replace
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mining.problems import levels, life, units
from mining.problems.life import NONE, WINDOWS, Counts, Problem, Shown
from warehouse.common.reformulation import Reformulation
from warehouse.lake import shifted

FIRST = "2026-03-01"
K = 5
SALT = b"s" * 32
ABOUT = {"kind": "eaten", "locale": "en-GB", "meant": "alarm", "heard": "timer", "utterance": "wake me", "named": 0.9}  # fmt: skip


def counted(failing: list[int], night: int, *, p: float = 0.97) -> dict[int, Counts]:
    """What is counted on a night, where `failing` people met the problem on each day, one turn each, in many clusters."""
    found = {}
    for window in WINDOWS:
        days = range(max(0, night - window + 1), night + 1)
        met = sum(failing[d] for d in days)
        found[window] = Counts(met, p * met, p * (1 - p) * met, met, met)
    return found


def course(failing: list[int], k: int = K, p: float = 0.97) -> list[Problem | None]:
    """The life of a problem, night by night, in a locale where a hundred speak a day."""
    before: dict[str, Problem] = {}
    lived: list[Problem | None] = []
    spoke = {w: {"en-GB": 100.0 * w} for w in WINDOWS}
    for night in range(len(failing)):
        counts = counted(failing, night, p=p)
        here = any(c.users for c in counts.values())
        shown = Shown(
            shifted(FIRST, night),
            {w: {"one": c} if here else {} for w, c in counts.items()},
            spoke,
            {"one": ABOUT} if here else {},
            frozenset(),
            {w: min(w, night + 1) for w in WINDOWS},
        )
        before = {problem.problem_id: problem for problem in life.followed(before, shown, k)}
        lived.append(before.get("one"))
    return lived


def is_open(problem: Problem | None) -> bool:
    return problem is not None and problem.status == "open"


def test_a_problem_opens_closes_and_comes_back():
    lived = course([0] * 3 + [6] * 9 + [0] * 8 + [6] * 4)
    nights = [n for n, problem in enumerate(lived) if is_open(problem)]
    assert nights[0] == 3
    closed = next(n for n in range(12, 20) if not is_open(lived[n]))
    assert closed - 12 < 5
    assert lived[closed].closed == shifted(FIRST, closed)
    assert lived[closed].failed == 0
    again = next(n for n in range(20, 24) if is_open(lived[n]))
    assert again - 20 < 3
    assert (lived[again].times, lived[again].closed) == (2, None)
    assert lived[again].opened == shifted(FIRST, again)


def test_what_it_is_worth_is_told_by_the_day_with_bounds():
    worth = course([6] * 9)[-1]
    assert worth.days == 7
    assert worth.failed_at_least / 7 < 6 * 0.97 < worth.failed_at_most / 7
    assert worth.failed == round(0.97 * 42, 6)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20), st.floats(0.5, 0.99))
def test_nothing_is_told_of_fewer_than_k_or_of_what_mostly_serves(failing, p):
    for night, problem in enumerate(course(failing, p=p)):
        if problem is not None:
            assert problem.most_users >= K or not is_open(problem)
            counts = counted(failing, night, p=p)
            known = problem.opened < shifted(FIRST, night)
            assert known or any(c.users >= K and c.surely for c in counts.values())


@given(st.integers(1, 40))
def test_what_goes_on_as_it_did_stays_open(people):
    lived = course([people] * 30)
    opened = next(n for n, problem in enumerate(lived) if is_open(problem))
    assert all(is_open(problem) for problem in lived[opened:])
    assert all(problem.times == 1 for problem in lived[opened:])


@given(st.lists(st.integers(0, 9), min_size=12, max_size=24))
def test_it_opens_again_by_days_alone_that_came_after_it_closed(failing):
    lived = course(failing)
    for before, now in pairwise(lived):
        if before is not None and now is not None and not is_open(before) and is_open(now):
            assert life.days_between(before.closed, now.opened) >= min(WINDOWS)


def test_a_closed_problem_is_forgotten_in_the_end():
    lived = course([6] * 5 + [0] * (life.KEPT + 12))
    assert is_open(lived[4])
    assert lived[-1] is None
    assert lived[life.KEPT] is not None


def test_few_people_who_stay_away_for_three_days_do_not_close_it():
    old = Problem("one", "eaten", "en-GB", "alarm", "timer", "wake me", FIRST, 0.01)
    quiet = {w: replace(NONE, spoke=100.0 * w) for w in WINDOWS}
    assert not life.stopped(old.rate, {w: c for w, c in quiet.items() if w < 7}, 5)
    assert life.stopped(old.rate, quiet, 7)


JUDGED = pl.DataFrame(
    {
        "locale": ["en-GB"] * 5,
        "utterance": ["wake me", "wake me", "light", "a cab", "hm"],
        "intent": ["timer", "alarm", "light_on", "", "timer"],
        "turns": [9, 4, 6, 8, 3],
        "users": [4, 2, 3, 5, 1],
        "many": [False, False, False, True, False],
        "right": [0.1, 0.95, 0.8, 0.1, 0.3],
        "executed": [1.0, 1.0, 0.25, 1.0, 1.0],
        "again": [0.5, 0.0, 0.9, 0.2, 0.2],
    }
)
RATES = Reformulation(0.05, 0.6)
NOTHING = pl.DataFrame(schema=dict.fromkeys(("locale", "utterance", "problem_id"), pl.String))
KNOWN = units.Known(
    pl.DataFrame(
        {
            "locale": ["en-GB"] * 3,
            "utterance": ["wake me", "light", "a cab"],
            "label": ["alarm", "light_on", "taxi"],
            "probability": [0.8, 0.9, 0.6],
        }
    ),
    pl.DataFrame({"locale": ["en-GB"], "utterance": ["a cab"], "problem_id": ["w1"]}),
    NOTHING,
    pl.DataFrame({"locale": ["en-GB"] * 2, "utterance": ["wake me", "light"], "cluster_id": ["c1", "c2"]}),
    SALT,
)  # fmt: skip


def test_each_failing_wording_counts_towards_what_is_behind_it():
    rows = units.failing(JUDGED, KNOWN, RATES)
    told = {(r["utterance"], r["intent"]): r for r in rows.to_dicts()}
    assert set(told) == {
        ("wake me", "timer"),
        ("light", "light_on"),
        ("a cab", ""),
        ("hm", "timer"),
    }
    kinds = {key: row["kind"] for key, row in told.items()}
    assert kinds == {
        ("wake me", "timer"): "eaten",
        ("light", "light_on"): "intent",
        ("a cab", ""): "missing",
        ("hm", "timer"): "wording",
    }
    eaten = told["wake me", "timer"]
    assert (eaten["meant"], eaten["heard"], eaten["p"]) == ("alarm", "timer", 0.9)
    assert told["a cab", ""]["problem_id"] == "w1"
    assert rows["problem_id"].n_unique() == 4


def test_a_wording_of_k_users_stands_for_itself():
    (row,) = (
        units.failing(JUDGED.with_columns(many=pl.col("users") >= 3), KNOWN, RATES)
        .filter(utterance="light")
        .to_dicts()
    )
    assert (row["kind"], row["meant"], row["heard"]) == ("wording", "light_on", None)


def test_what_is_not_carried_out_fails_where_people_come_back():
    idle = JUDGED.filter(utterance="light").with_columns(right=pl.lit(0.9), executed=pl.lit(0.0))
    (row,) = units.failing(idle, KNOWN, RATES).to_dicts()
    assert row["p"] > 0.9
    content = idle.with_columns(again=pl.lit(0.0))
    assert units.failing(content, KNOWN, RATES).is_empty()
    unknown = idle.with_columns(utterance=pl.lit("hm"))
    assert units.failing(unknown, KNOWN, RATES).is_empty()


def test_a_wording_keeps_its_problem_whatever_is_believed_of_it():
    (named,) = units.failing(JUDGED.with_columns(many=pl.lit(value=True)), KNOWN, RATES).filter(
        utterance="light"
    )["problem_id"]
    before = pl.DataFrame({"locale": ["en-GB"], "utterance": ["light"], "problem_id": [named]})
    nothing = replace(KNOWN, meant=KNOWN.meant.clear(), alone=before)
    low = JUDGED.with_columns(right=pl.lit(0.1))
    rows = units.failing(low, nothing, RATES).filter(utterance="light")
    assert rows["problem_id"].to_list() == [named]


def test_ids_are_the_same_in_whatever_order_the_rows_come():
    rows = units.failing(JUDGED, KNOWN, RATES).sort("utterance", "intent")
    turned = units.failing(JUDGED.reverse(), KNOWN, RATES).sort("utterance", "intent")
    assert rows.equals(turned)


def test_clusters_fail_together_and_apart_from_each_other():
    rows = units.failing(JUDGED, KNOWN, RATES).with_columns(problem_id=pl.lit("one"))
    people = pl.DataFrame({"problem_id": ["one"], "turns": [26], "users": [9], "user_days": [12]})  # fmt: skip
    (row,) = units.counted(rows, people).to_dicts()
    assert row["utterance"] == "wake me"
    p, n = rows["p"].to_numpy(), rows["turns"].to_numpy()
    assert abs(row["failed"] - (p * n).sum()) < 1e-9
    assert abs(row["variance"] - (n**2 * p * (1 - p)).sum()) < 1e-9
    together = units.counted(rows.with_columns(cluster_id=pl.lit("c")), people)["variance"][0]
    assert together > row["variance"]


def wishes_of(before: pl.DataFrame, said: list[str], clusters: dict[str, str]) -> dict[str, str]:
    candidates = pl.DataFrame({"locale": "en-GB", "utterance": said, "candidate_id": "c9"})
    names = dict.fromkeys(("locale", "utterance", "cluster_id"), pl.String)
    grouped = pl.DataFrame({"locale": "en-GB", "utterance": list(clusters), "cluster_id": list(clusters.values())}, names)  # fmt: skip
    rows = units.wishes(before, candidates, grouped, grouped.select("locale", "utterance"), SALT)
    return dict(rows.select("utterance", "problem_id").iter_rows())


def test_a_candidate_that_is_mostly_a_known_wish_is_that_wish():
    first = wishes_of(NOTHING, ["a cab", "taxi please"], {})
    (name,) = set(first.values())
    before = pl.DataFrame({"locale": "en-GB", "utterance": list(first), "problem_id": name})
    later = wishes_of(before, ["a cab", "taxi please", "a cab now"], {})
    assert set(later.values()) == {name}
    assert "a cab now" in later


def test_what_lies_in_a_cluster_that_is_mostly_a_wish_belongs_to_it():
    clusters = {
        "a cab": "k1",
        "taxi please": "k1",
        "cab to town": "k1",
        "light": "k2",
        "lamp": "k2",
    }
    found = wishes_of(NOTHING, ["a cab", "taxi please"], clusters)
    assert set(found) == {"a cab", "taxi please", "cab to town"}
    lonely = wishes_of(NOTHING, ["a cab"], {"a cab": "k1", "light": "k1"})
    assert set(lonely) == {"a cab"}


def days(shares: list[float], turns: int = 200) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "locale": "de-DE",
            "day": [shifted(FIRST, n) for n in range(len(shares))],
            "turns": turns,
            "defects": [share * turns for share in shares],
            "users_failed": 20,
        }
    )


def places(shares: list[float]) -> list[Problem | None]:
    """The life of a locale's problem, night by night."""
    before: dict[str, Problem] = {}
    lived: list[Problem | None] = []
    for night in range(len(shares)):
        found = levels.levels(days(shares[: night + 1]), shifted(FIRST, night), before)
        rows = levels.followed(before, found, shifted(FIRST, night), K, SALT)
        before = {p.problem_id: p for p in rows}
        lived.append(rows[0] if rows else None)
    return lived


USUAL = [0.2, 0.21, 0.19, 0.2, 0.22, 0.18, 0.2] * 2


def test_a_locale_that_fails_more_is_a_problem_until_it_fails_as_before():
    lived = places(USUAL + [0.4] * 8 + USUAL[:7] + [0.4] * 4)
    opened = next(n for n, problem in enumerate(lived) if is_open(problem))
    assert 14 <= opened < 17
    assert abs(lived[20].failed - 0.2 * 7 * 200) < 30
    assert lived[20].failed_at_least < 0.2 * 7 * 200 < lived[20].failed_at_most
    closed = next(n for n in range(22, 29) if not is_open(lived[n]))
    assert closed - 22 < 5
    assert any(is_open(problem) for problem in lived[29:32])


def test_where_a_locale_settles_is_usual_from_then_on():
    lived = places(USUAL + [0.5] * 8 + [0.27, 0.26, 0.28, 0.27] * 3)
    nights = [n for n, problem in enumerate(lived) if is_open(problem)]
    assert 14 <= nights[0] < 17
    assert nights == list(range(nights[0], nights[-1] + 1))
    assert nights[-1] < 27


def test_days_without_a_word_neither_close_nor_open_it():
    before: dict[str, Problem] = {}
    told = days(USUAL + [0.5] * 8)
    for night in range(14, 27):
        now = told.filter(pl.col("day") <= shifted(FIRST, min(night, 21)))
        found = levels.levels(now, shifted(FIRST, night), before)
        rows = levels.followed(before, found, shifted(FIRST, night), K, SALT)
        before = {p.problem_id: p for p in rows}
    (problem,) = before.values()
    assert (problem.status, problem.times) == ("open", 1)


def test_a_turn_on_the_last_day_is_no_share():
    one = days([*USUAL, 0.2, 0.2, 0.2, 0.2])
    late = pl.DataFrame({"locale": "de-DE", "day": [shifted(FIRST, 20)], "turns": [1], "defects": [1.0], "users_failed": [1]})  # fmt: skip
    told = pl.concat([one, late.cast(one.schema)])
    found = levels.levels(told, shifted(FIRST, 20), {})
    assert levels.followed({}, found, shifted(FIRST, 20), K, SALT) == []


def test_a_locale_of_a_few_days_tells_nothing():
    assert all(problem is None for problem in places([0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]))
