"""Which nights are run: the last one by the clock or by a schedule, those that were asked for, and those that were missed."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows import runs
from flows.pipeline import directly
from flows.settings import Log, Mining, Settings
from logs import turn, write_log
from warehouse.errors import BadInput
from warehouse.lake import Lake

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)
AT_DAWN = """
import sys
from datetime import UTC, datetime
from flows import cli, runs
runs._now = lambda settings: datetime(2026, 1, 9, 3, tzinfo=UTC)
sys.argv = ["sayagain", "run", sys.argv[1], "--home", sys.argv[2]]
cli.main()
"""  # the command, by a clock of that day
LATE = datetime(2026, 1, 9, 3, tzinfo=UTC)  # the schedule's time; the last night is that of the 8th


def wanted(logs, asked, home=None, **settings):
    chosen = Settings(log=Log(**settings))
    return [w.day for w in runs.nights([str(logs / "{day}.jsonl")], chosen, asked, home)]


def run(logs, home, day):
    """The night of that day."""
    request = runs.Request([str(logs / f"{day}.jsonl")], home, day=day)
    return runs.run_night(request, Settings(), directly)


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
    run(logs, home, "2026-01-05")
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]
    assert wanted(logs, runs.Asked(at=LATE - DAY), home) == ["2026-01-07"]
    assert wanted(logs, runs.Asked(day="2026-01-08"), home) == ["2026-01-08"]
    run(logs, home, "2026-01-04")
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]


def test_a_night_that_failed_is_tried_again_and_does_not_stop_the_next(tmp_path):
    """Its log came late, or was mended; until then it is said each night."""
    logs, home = logged(tmp_path, 5, 8), tmp_path / "home"
    (logs / "2026-01-07.jsonl").write_text("{\n")
    run(logs, home, "2026-01-05")
    with pytest.raises(BadInput):
        run(logs, home, "2026-01-07")
    told = Lake(home / "lake").read("runs")
    assert dict(told.select("night", "status").iter_rows())["2026-01-07"] == "failed"
    command = [sys.executable, "-c", AT_DAWN, str(logs / "{day}.jsonl"), str(home)]
    for broken in (True, False):
        assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]
        if not broken:
            logged(tmp_path, 7)
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        assert ("missed night 2026-01-07: " in done.stderr) is broken
    assert wanted(logs, runs.Asked(at=LATE + DAY), home) == ["2026-01-09"]
    assert {"2026-01-07", "2026-01-08"} <= set(Lake(home / "lake").days("turns"))


def test_a_night_of_a_wrong_year_hides_none(tmp_path):
    logs, home = logged(tmp_path, 5, 7, 8), tmp_path / "home"
    run(logs, home, "2026-01-05")
    request = runs.Request([str(logs / "2026-01-05.jsonl")], home, day="2062-01-05")
    runs.run_night(request, Settings(), directly)
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-07", "2026-01-08"]
    (home / "nights").write_bytes(b"\xff\xfe nonsense")
    assert wanted(logs, runs.Asked(at=LATE), home) == ["2026-01-08"]
    run(logs, home, "2026-01-08")


def test_no_more_than_a_window_is_caught_up(tmp_path):
    logs, home = logged(tmp_path, 4, 5, 6, 7, 8), tmp_path / "home"
    run(logs, home, "2026-01-04")
    chosen = Settings(mining=Mining(window_days=2))
    nights = runs.nights([str(logs / "{day}.jsonl")], chosen, runs.Asked(at=LATE), home)
    assert [w.day for w in nights] == ["2026-01-06", "2026-01-07", "2026-01-08"]


def test_from_and_to_name_every_day_between(tmp_path):
    asked = runs.Asked(first="2026-01-30", last="2026-02-02")
    days = [date(2026, 1, 30) + n * DAY for n in range(4)]
    assert wanted(tmp_path, asked) == [d.isoformat() for d in days]
    with pytest.raises(BadInput, match="is after"):
        wanted(tmp_path, runs.Asked(first="2026-02-02", last="2026-01-30"))
