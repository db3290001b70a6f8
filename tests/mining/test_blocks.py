"""Blocks of days that are told relative to each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining.sessions import blocks
from mining.sessions.blocks import ENOUGH

pytestmark = pytest.mark.quick

logs = st.lists(st.integers(0, 2 * ENOUGH), min_size=1, max_size=40)


@given(logs, st.data())
def test_each_wanted_day_is_judged_once_among_enough_turns(heights, data):
    turns = {f"2026-{1 + n // 28:02}-{1 + n % 28:02}": count for n, count in enumerate(heights)}
    days = sorted(turns)
    wanted = data.draw(st.lists(st.sampled_from(days), unique=True))
    found = blocks.blocks(turns, wanted)
    assert [d for block in found for d in block.days] == sorted(wanted)
    for block in found:
        first, last = days.index(block.read[0]), days.index(block.read[-1])
        assert block.read == days[first : last + 1]
        assert set(block.days) <= set(block.read)
        assert first == 0 or days.index(block.days[0]) > first
        assert sum(turns[d] for d in block.read) >= min(ENOUGH, sum(heights))


def test_a_short_log_is_one_block():
    turns = {"2026-01-01": ENOUGH, "2026-01-02": ENOUGH}
    (block,) = blocks.blocks(turns, ["2026-01-02"])
    assert block.days == ["2026-01-02"]
    assert block.read == sorted(turns)
    assert blocks.blocks(turns, []) == []
