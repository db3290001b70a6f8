"""Which nights are run: the last one by the clock or by a schedule, those that were asked for, and those that were missed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from flows import runs
from flows.night import directly
from flows.settings import Log, Mining, Settings
from logs import turn, write_log
from warehouse.errors import BadInput
from warehouse.lake import Lake

DAY = timedelta(days=1)
LATE = datetime(2026, 1, 9, 3, tzinfo=UTC)  # the schedule's time; the last night is that of the 8th


def wanted(logs, asked, home=None, **settings):
    chosen = Settings(log=Log(**settings))
    return [night for _, night in runs.nights([str(logs / "{day}.jsonl")], chosen, asked, home)]


def logged(tmp_path, *days: int):
    """A folder with a log of each of these days of January."""
    for day in days:
        write_log(
            tmp_path / f"2026-01-{day:02}.jsonl", [turn("ann", 86_400 * (day - 5), "lamp on")]
        )
    return tmp_path


def test_a_late_run_takes_the_night_of_its_schedule(tmp_path):
    assert wanted(tmp_path, runs.Asked(at=LATE)) == ["2026-01-08"]
    asked = runs.Asked(at=datetime(2026, 1, 9, 3, tzinfo=UTC))
    assert wanted(tmp_path, asked, time_zone="America/Los_Angeles") == ["2026-01-07"]


def test_nights_that_were_missed_are_caught_up_where_they_have_a_log(tmp_path):
    logs, home = logged(tmp_path, 4, 5, 7, 8), tmp_path / "home"
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-08"]  # no night was run yet
    request = runs.Request([str(logs / "2026-01-05.jsonl")], home, day="2026-01-05")
    runs.run_night(request, Settings(), directly)
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]
    assert wanted(logs, runs.Asked(at=LATE - DAY), home) == ["2026-01-07"]
    assert wanted(logs, runs.Asked(day="2026-01-08"), home) == ["2026-01-08"]
    earlier = runs.Request([str(logs / "2026-01-04.jsonl")], home, day="2026-01-04")
    runs.run_night(earlier, Settings(), directly)
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]


def test_a_night_that_failed_is_told_in_runs_and_does_not_stop_the_next(tmp_path):
    logs, home = logged(tmp_path, 5, 8), tmp_path / "home"
    (logs / "2026-01-07.jsonl").write_text("{\n")
    runs.run_night(runs.Request([str(logs / "2026-01-05.jsonl")], home, day="2026-01-05"), Settings(), directly)  # fmt: skip
    with pytest.raises(BadInput):
        runs.run_night(runs.Request([str(logs / "2026-01-07.jsonl")], home, day="2026-01-07"), Settings(), directly)  # fmt: skip
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-08"]
    told = Lake(home / "lake").read("runs")
    assert dict(told.select("night", "status").iter_rows())["2026-01-07"] == "failed"


def test_no_more_than_a_window_is_caught_up(tmp_path):
    logs, home = logged(tmp_path, 4, 5, 6, 7, 8), tmp_path / "home"
    runs.run_night(runs.Request([str(logs / "2026-01-04.jsonl")], home, day="2026-01-04"), Settings(), directly)  # fmt: skip
    chosen = Settings(mining=Mining(window_days=2))
    nights = runs.nights([str(logs / "{day}.jsonl")], chosen, runs.Asked(at=LATE), home)
    assert [night for _, night in nights] == ["2026-01-06", "2026-01-07", "2026-01-08"]


def test_from_and_to_name_every_day_between(tmp_path):
    asked = runs.Asked(first="2026-01-30", last="2026-02-02")
    days = [date(2026, 1, 30) + n * DAY for n in range(4)]
    assert wanted(tmp_path, asked) == [d.isoformat() for d in days]
    with pytest.raises(BadInput, match="is after"):
        wanted(tmp_path, runs.Asked(first="2026-02-02", last="2026-01-30"))
