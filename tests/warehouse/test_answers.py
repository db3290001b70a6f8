"""The first screen's answers, by what little is published."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.report import answers
from warehouse.report.cells import cells_of, pasted

pytestmark = pytest.mark.quick
RUN = {"verdict_pairs": "well", "verdict_failures": "well"}
LAST = date(2026, 3, 14)


def asked(
    defects: list[int | None], problems: Sequence[tuple[str, str, float | None]] = ()
) -> Callable[[str], pl.DataFrame]:
    """Questions to a warehouse of so many days, and of problems: id, kind, worth."""
    con = duckdb.connect()
    days = [LAST - timedelta(days=n) for n in reversed(range(len(defects)))]
    schema = {"day": pl.Date, "intent": pl.String, "locales": pl.String, "turns": pl.Int64, "defects": pl.Int64}  # fmt: skip
    con.register("pooled", pl.DataFrame([(d, "all", "all", 100, n) for d, n in zip(days, defects, strict=True)], schema, orient="row").to_arrow())  # fmt: skip
    con.execute(
        "create table problems (problem_id text, kind text, worth double, worth_at_least double, worth_at_most double, told text,"
        " locale text, opened date, times int, how text, status text)"
    )
    for name, kind, worth in problems:
        row = [name, kind, worth, worth, worth, f"{name} fails", "en-GB", LAST, 1, "a look", "open"]
        con.execute(f"insert into problems values ({', '.join('?' * len(row))})", row)
    con.execute(
        "create table trust (subject text, because text[], night date);"
        "create table runs (night date, status text); create table audits (subject text);"
        "create table decisions (night date, version text, retrain bool); create table models (version text, training_set text);"
        "create table waiting (kind text); create table intent_totals (locale text, intent text, turns int, defects int)"
    )
    return lambda query: con.sql(query).pl()


def better(defects: list[int | None]) -> answers.Answer:
    return answers.answers(with_models(asked(defects)), RUN)[0]


def with_models(ask: Callable[[str], pl.DataFrame]) -> Callable[[str], pl.DataFrame]:
    """No model was ever taught."""
    none = pl.DataFrame(schema={"version": pl.String, "champion": pl.Boolean})
    return lambda query: none if "champion, rejected" in query else ask(query)


def test_a_week_is_better_or_worse_only_beyond_what_days_differ_by():
    calm = [20, 22, 18, 21, 19, 20, 20]
    assert better([*calm, *calm]).answer == "No clear change: 20% fail"
    worse = better([*calm, *(n + 20 for n in calm)])
    assert (worse.answer, worse.tone) == ("Worse by 20 points", "bad")
    gain = better([*(n + 20 for n in calm), *calm])
    assert (gain.answer, gain.tone) == ("Better by 20 points", "good")
    assert better([5, 60, 10, 50, 0, 70, 20, 40, 60, 10, 80, 20, 60, 40]).tone == "plain"


@given(st.integers(0, 13))
def test_a_day_of_which_nothing_is_told_leaves_the_weeks_untold(day):
    defects: list[int | None] = [20] * 14
    defects[day] = None
    assert better(defects).answer == "Not known"


def test_a_short_log_tells_its_level():
    assert better([20, 20, 20]).answer == "20% of turns fail"


def test_what_a_log_cannot_tell_is_not_told():
    for subject in ("verdict_pairs", "verdict_failures"):
        told = answers.answers(with_models(asked([20] * 14)), RUN | {subject: "weakly"})
        assert told[1].answer == "This log cannot tell"


@pytest.mark.parametrize(
    ("problems", "told"),
    [
        ([("a", "missing", None)], ["a wish has no intent"]),
        ([("a", "missing", 3.0)], ["look at the problem that is worth most"]),
        ([("a", "eaten", 3.0), ("b", "missing", 2.0)], ["look at the problem that is worth most", "a wish has no intent"]),
        ([], []),
    ],
)  # fmt: skip
def test_what_is_to_be_done_about_problems(problems, told):
    now = answers.answers(with_models(asked([20] * 14, problems=problems)), RUN)[3]
    assert [what for what, _ in now.todo if "sixty rows" not in what] == told


def test_cells_hold_a_figure_with_its_bounds_and_small_counts_as_small():
    found = pl.DataFrame({"failed": [0.245], "at_least": [0.2], "at_most": [0.3], "users": [None], "turns_a_day": [1234.5]}, {"failed": pl.Float64, "at_least": pl.Float64, "at_most": pl.Float64, "users": pl.Int64, "turns_a_day": pl.Float64})  # fmt: skip
    assert cells_of(found, 5) == {
        "failed": ["24% (20% to 30%)"],
        "users": ["<5"],
        "turns_a_day": ["1,234"],
    }


def test_commands_are_marked_and_the_rest_escaped():
    text = str(pasted("<b> see: sayagain problems 0123456789"))
    assert text == "<span>&lt;b&gt; see: <code>sayagain problems 0123456789</code></span>"
