"""Launches: since when a locale is spoken, what failed, what could be mended, and the small ones together."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import pooled
from mining.engines.duckdb_engine import DuckdbEngine
from mining.trends import launches
from warehouse.tables import LaunchDays

pytestmark = pytest.mark.quick

DAYS = [f"2026-01-{n:02}" for n in range(1, 15)]
ROBOTS = {"user_id": pl.String, "locale": pl.String, "utterance": pl.String, "day": pl.String}

spoken = st.lists(
    st.tuples(
        st.sampled_from(["en-GB", "sw-KE"]),
        st.sampled_from(["ann", "bob", "cem", "dee"]),
        st.sampled_from(DAYS),
    ),
    min_size=1,
    max_size=30,
)


def people(rows: list[tuple[str, str, str]], **more: list[object]) -> dict[str, pl.DataFrame]:
    """Turns of users on days, without robots."""
    turns = pl.DataFrame(rows, ["locale", "user_id", "day"], orient="row").with_columns(
        turn_id=pl.format("t{}", pl.int_range(pl.len())),
        utterance=pl.lit("lamp on"),
        executed_utterance=pl.lit(None, pl.String),
        best_intent=pl.lit("lamp"),
        intent=pl.lit("lamp"),
        outcome=pl.lit(None, pl.String),
        timestamp=pl.col("day").str.to_datetime("%Y-%m-%d", time_zone="UTC", time_unit="ms"),
    )
    told = {name: pl.Series(values) for name, values in more.items()}
    return {"turns": turns.with_columns(**told).drop("day"), "bots": pl.DataFrame(schema=ROBOTS)}


@given(spoken, st.integers(1, 3))
@settings(max_examples=40)
def test_a_locale_is_launched_when_enough_people_have_spoken_it(tmp_path_factory, rows, k):
    engine = DuckdbEngine(tmp_path_factory.mktemp("launched"))
    found = dict(engine.query("launched", people(rows), {"k": k}).iter_rows())
    for locale in {row[0] for row in rows}:
        met: dict[str, str] = {}
        for _, user, day in sorted((r for r in rows if r[0] == locale), key=lambda r: r[2]):
            met.setdefault(user, day)
        first = sorted(met.values())
        assert found[locale] == (first[k - 1] if len(first) >= k else first[0])


def test_what_could_be_mended_is_what_another_label_is_believed_for(tmp_path):
    """Four turns failed, so probably. Of the first, another label is believed; the second was answered so
    already; of the third, nothing was executed; of the fourth, nothing is believed."""
    said = ["lamp on", "light", "shine", "hum"]
    heard = ["music", "lamp", None, "music"]
    asked = people([("sw-KE", "ann", DAYS[0])] * 4, utterance=said, intent=heard)
    believed = pl.DataFrame(
        {"locale": "sw-KE", "utterance": said[:3], "label": "lamp", "probability": [0.9, 0.8, 0.5]}
    )
    failed = pl.DataFrame({"turn_id": ["t0", "t1", "t2", "t3"], "p_defect": [0.8, 0.6, 0.5, 1.0]})
    row = DuckdbEngine(tmp_path).query(
        "user_days", asked | {"believed": believed, "defects": failed}
    )
    assert row.height == 1
    told = row.row(0, named=True)
    assert (told["turns"], told["believed"]) == (4, 3)
    assert told["failed"] == pytest.approx(2.9e6)
    assert told["recovered"] == pytest.approx(1e6 * (0.8 * 0.9 + 0.5 * 0.5))
    assert (told["failures"], told["recoverable"]) == (4, 2)


user_days = st.lists(
    st.tuples(
        st.sampled_from(["en-GB", "sw-KE"]),
        st.sampled_from(["ann", "bob", "cem"]),
        st.sampled_from(DAYS),
        st.integers(1, 5),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:3],
)


def user_days_of(rows: list[tuple[str, str, str, int, float, float]]) -> pl.DataFrame:
    """Rows of `user_days`: so many turns, a share of which failed, a share of which could be mended."""
    return pl.DataFrame(
        [
            {
                "locale": locale,
                "user_id": user,
                "day": day,
                "turns": turns,
                "believed": turns // 2,
                "failed": round(1e6 * turns * bad),
                "recovered": round(1e6 * turns * bad * other),
                "failures": int(turns * bad > 0.5),
                "recoverable": int(turns * bad * other > 0.5),
            }
            for locale, user, day, turns, bad, other in rows
        ]
    )


@given(user_days)
def test_days_and_weeks_add_up_to_the_whole(rows):
    found = user_days_of(rows)
    launched = found.group_by("locale").agg(launched=pl.col("day").min())
    whole = launches.by_locale(found, launched, DAYS[-1])
    daily = launches.by_day(found, launched)
    sums = daily.group_by("locale").agg(pl.col("turns", "failed", "recovered").sum())
    both = whole.join(sums, on="locale", suffix="_of_days")
    assert both.height == whole.height == found["locale"].n_unique()
    for name in ("turns", "failed", "recovered"):
        assert both[name].to_list() == pytest.approx(both[f"{name}_of_days"].to_list())
    assert (whole["recovered"] <= whole["failed"] + 1e-9).all()
    for row in whole.iter_rows(named=True):
        ours = [r for r in rows if r[0] == row["locale"]]
        start = min(r[2] for r in ours)
        assert row["users"] == len({r[1] for r in ours})
        assert row["days"] == DAYS.index(DAYS[-1]) - DAYS.index(start)
        first = [r for r in ours if DAYS.index(r[2]) < DAYS.index(start) + 7]
        last = [r for r in ours if DAYS.index(r[2]) >= 7]
        assert row["first_turns"] == sum(r[3] for r in first)
        assert (row["last_turns"] or 0) == sum(r[3] for r in last)
    dealt = daily.select(c for c in daily.columns if c in LaunchDays.column_names())
    assert dealt.select("locale", "day").is_duplicated().sum() == 0


@pytest.mark.parametrize("users", [20, 200, 2_000])
def test_the_interval_of_what_is_recovered_holds_its_share_and_is_narrower_with_more_users(users):
    rows = [("sw-KE", f"u{n:04}", DAYS[0], 1, 1.0, 0.9 if n % 2 else 0.1) for n in range(users)]
    (row,) = launches.bounds(user_days_of(rows)).iter_rows(named=True)
    assert row["recovered_at_least"] < 0.5 < row["recovered_at_most"]
    wide = row["recovered_at_most"] - row["recovered_at_least"]
    assert wide == pytest.approx(2 * 1.645 * 0.4 / users**0.5, rel=0.25)


def test_small_locales_count_a_user_of_several_once(tmp_path):
    """Two locales of too few users, one of enough whose turns did not fail, and a large one."""
    rows = [("sw-KE", "ann", DAYS[0]), ("th-TH", "ann", DAYS[0]), ("th-TH", "bob", DAYS[1])]
    rows += [(locale, f"u{n}", DAYS[0]) for locale in ("en-GB", "nl-NL") for n in range(4)]
    asked = people(rows)
    asked["turns"].write_parquet(tmp_path / "turns.parquet")
    engine = DuckdbEngine(tmp_path)
    bad = asked["turns"].select("turn_id", p_defect=(pl.col("locale") == "en-GB").cast(pl.Float64))
    told = pl.DataFrame(schema={"source_turn_id": pl.String, "p_rephrase": pl.Float64})
    known = asked | {"turns": [tmp_path / "turns.parquet"], "best_rephrases": told, "defects": bad}
    counted = engine.query("daily_intents", known)
    found = pooled.intents(engine, known, counted, 3)
    told = found.filter(day="all", intent="*").select("locale", "turns", "users").rows()
    assert sorted(told) == [("all", 11, 6), ("small locales (3)", 7, 6)]
    alone = counted.filter(pl.col("locale").is_in(["en-GB", "nl-NL"]))
    assert pooled.intents(engine, known, alone, 3).is_empty()


@pytest.mark.slow
def test_a_night_tells_of_launches_what_nights_before_it_told(nights):
    lakes = [published.lake for published in nights]
    before, after = (lake.newest("launches") for lake in lakes)
    assert before["launched"].to_list() == after["launched"].to_list()
    assert (after["days"] - before["days"] == 1).all()
    daily = lakes[1].newest("launch_days").drop_nulls("recovered_then")
    assert daily["day"].unique().sort().to_list() == [lake.days("launches")[-1] for lake in lakes]
    assert daily.group_by("locale").len()["len"].to_list() == [2, 2]
    waits = pl.sum_horizontal("believed", "unlabelled", "too_few", "unsure")
    assert after.filter(waits != pl.col("wordings")).is_empty()
    shown = nights[1].ask("select locale, recovered_share, recovered_at_most from launches")
    assert shown.height == 2
    assert shown.filter(pl.col("recovered_share") > pl.col("recovered_at_most")).is_empty()
