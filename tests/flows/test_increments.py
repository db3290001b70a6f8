"""Nights that apply what an earlier one learned: what they leave alone, what they count exactly, when they learn anew."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_night import assert_equal_homes, copy_of, tables

from flows import runs, settings
from flows.steps import planning
from flows.steps.labels import drift
from mining.sessions import blocks
from warehouse.lake import Lake

pytestmark = pytest.mark.long

FEW = 300  # turns that tell what a log is like, here
EXACT = ("turns", "bots", "pairs", "utterance_stats", "field_counts", "slot_answers")


@pytest.fixture(scope="module")
def days(small_world, tmp_path_factory) -> list[Path]:
    """The world's log, a file a day."""
    folder = tmp_path_factory.mktemp("days")
    whole = pl.read_ndjson(small_world / "log.jsonl.gz", infer_schema_length=None)
    by_day = whole.with_columns(night=pl.col("timestamp").str.head(10)).partition_by(
        "night", as_dict=True, include_key=False
    )
    found = [folder / f"{day}.jsonl" for (day,) in sorted(by_day)]
    for path in found:
        by_day[path.stem,].write_ndjson(path)
    return found


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(blocks, "ENOUGH", FEW)
    monkeypatch.setattr(planning, "ENOUGH", FEW)


def night(home: Path, *logs: Path, seed: Path | None = None, full: bool = False) -> dict[str, Any]:
    """What each step came to."""
    told = {}

    def watched(step: Any, *args: Any) -> Any:
        told[step.__name__] = step(*args)
        return told[step.__name__]

    request = runs.Request([str(log) for log in logs], home, seed_data=seed, full=full)
    runs.run_night(request, settings.Settings(), watched)
    return told


@pytest.fixture(scope="module")
def homes(small_world, days, tmp_path_factory) -> tuple[Path, Path, dict[str, Any]]:
    """A home that took the days before the last at once and then that one; one that took all at once; and what the last
    night of the first came to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ENOUGH", FEW)
        patch.setattr(planning, "ENOUGH", FEW)
        root, seed = tmp_path_factory.mktemp("homes"), small_world / "seed.jsonl.gz"
        before, whole = root / "before", root / "whole"
        night(before, *days[:-1], seed=seed)
        told = night(before, days[-1])
        copy_of(before, whole)
        night(whole, *days, seed=seed)
        return before, whole, told


def test_a_night_applies_what_was_learned_and_counts_exactly(homes, days):
    before, whole, told = homes
    assert told["plan_night"]["full"] is False
    lake, night_ = Lake(before / "lake"), days[-1].stem
    encoders = lake.read("encoders", lake.days("encoders")[-2:])["version"]
    assert encoders.n_unique() == 1
    assert lake.read("readings", [night_]).is_empty()
    ours, theirs = tables(before), tables(whole)
    for name in EXACT:
        mine = ours[name].filter(day=night_) if name in EXACT[3:] else ours[name]
        others = theirs[name].filter(day=night_) if name in EXACT[3:] else theirs[name]
        assert mine.equals(others), name


def test_what_is_believed_is_nearly_what_a_full_night_believes(homes, days):
    before, whole, _ = homes
    night_ = days[-1].stem
    one, other = (Lake(h / "lake").read("soft_labels", [night_]) for h in (before, whole))
    assert drift(one, other) < 0.15  # type: ignore[operator]
    events = [
        Lake(h / "lake").read("rephrase_events").sort("source_turn_id", "target_turn_id")
        for h in (before, whole)
    ]
    apart = (events[0]["p_rephrase"] - events[1]["p_rephrase"]).abs()
    assert apart.median() < 0.02  # type: ignore[operator]


def test_days_that_nothing_touched_are_not_made_again(homes, days):
    """The last night looks at its own day and at what lies beside it."""
    lake = Lake(homes[0] / "lake")
    written = {
        d: (lake.root / "rephrase_events" / f"day={d}" / "part-0.parquet").stat().st_mtime_ns
        for d in lake.days("rephrase_events")
    }
    newest = max(written.values())
    again = [d for d, at in written.items() if newest - at < 5e8]
    assert set(again) <= {days[-1].stem, days[-2].stem}


def test_the_same_night_again_computes_nothing_and_full_learns_once(homes, days, tmp_path):
    home = homes[0]
    seen = tables(home)
    told = night(home, days[-1])
    assert not any(step.get("fresh") for step in told.values())
    told = night(home, days[-1], full=True)
    assert told["plan_night"]["full"]
    assert told["plan_night"]["because"] == "it was asked for"
    assert 0 <= told["label_utterances"]["drift"] < 0.15
    after = tables(home)
    assert after["readings"].filter(day=days[-1].stem).height
    told = night(home, days[-1])
    assert not any(told[s].get("fresh") for s in ("score_pairs", "judge_turns", "label_utterances"))
    for name in EXACT:
        assert after[name].equals(seen[name]), name


def test_a_night_whose_ledger_is_lost_ends_the_same(small_world, days, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    night(one, *days[:-1], seed=small_world / "seed.jsonl.gz")
    night(one, days[-1])
    copy_of(one, other)
    night(other, *days[:-1], seed=small_world / "seed.jsonl.gz")
    night(other, days[-1])
    for entry in (other / "ledger").glob("[!n]*.json"):
        if "-day-" not in entry.name:
            entry.unlink()
    night(other, days[-1])
    assert_equal_homes(one, other)


def test_what_the_full_night_could_not_tell_waits_for_the_next_one(small_world, days, tmp_path):
    night(tmp_path, *days[:-1], seed=small_world / "seed.jsonl.gz")
    lake, full = Lake(tmp_path / "lake"), days[-2].stem
    for name, subject in (("trust", "labels"), ("signal_trust", "failures")):
        none = pl.when(subject=subject).then(pl.lit("not at all")).otherwise("verdict")
        lake.put(name, full, lake.read(name, [full]).with_columns(verdict=none))
    assert night(tmp_path, days[-1])["build_training_set"]["examples"] == 0
    told = lake.read("trust", [days[-1].stem]).filter(
        pl.col("subject").is_in(["labels", "failures"])
    )
    assert told["verdict"].to_list() == ["not at all", "not at all"]
    for because in told["because"]:
        assert because[-1] == f"told not at all on {full}, when everything was learned anew"
    assert night(tmp_path, days[-1], full=True)["build_training_set"]["examples"] > 0


@pytest.mark.quick
def test_when_everything_is_learned_anew():
    def why(
        turns: int = 2 * FEW,
        nights: int = 1,
        basis: str = "a",
        locales: tuple[str, ...] = ("en-GB",),
        *,
        asked: bool = False,
    ) -> str | None:
        last = {"night": "2026-01-05", "turns": 2 * FEW, "locales": ["en-GB"], "basis": "a"}
        on = (date(2026, 1, 5) + timedelta(days=nights)).isoformat()
        return planning._why_full(planning._Log(on, turns, list(locales), basis), last, asked=asked)

    assert why() is None
    assert why(asked=True) == "it was asked for"
    assert why(turns=FEW) == f"the window has {FEW} turns at most"
    assert "has grown" in str(why(turns=4 * FEW))
    assert "others" in str(why(basis="b"))
    assert why(locales=("de-DE", "en-GB")) == "nobody spoke de-DE then"
    assert why(nights=planning.EVERY - 1) is None
    assert why(nights=planning.EVERY) == "the last such night was 2026-01-05"
    assert (
        planning._why_full(planning._Log("2026-01-06", 9, ["en-GB"], "a"), None, asked=False)
        == "nothing was learned before"
    )
