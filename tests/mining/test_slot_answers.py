"""What answers the assistant's question is no wording of the intent that was running."""

from typing import Any

import pytest
from test_sql import mined

from logs import turn
from mining.rephrases.log import LogArrays
from mining.rephrases.slot_answers import answering
from mining.sessions import bots

pytestmark = pytest.mark.quick

ASKS = "For when?"


def alarm(user: int, answer: str, **more: Any) -> list[dict[str, Any]]:
    """Somebody wants to be woken, and says when."""
    about = {"intent": "alarm_set", "session_id": f"s{user}"}
    when = {"slots": {"time": answer}, "response": "Done."} | more
    return [
        turn(f"u{user}", 0, "wake me", turn_id=f"{user}a", response=ASKS, **about),
        turn(f"u{user}", 9, answer, turn_id=f"{user}b", **about | when),
    ]


def answers(tmp_path, duck, rows: list[dict[str, Any]]) -> set[str]:
    lake = mined(duck, tmp_path, rows)
    days = lake.days("turns")
    people = bots.people(lake, days)
    found = answering(LogArrays.of(duck.query("context", people)))
    return set(found["turn_id"])


def test_a_value_after_a_question_is_an_answer(tmp_path, duck):
    said = ["tomorrow", "at seven", "noon"]
    found = answers(tmp_path, duck, [r for n in range(9) for r in alarm(n, said[n % 3])])
    assert found == {f"{n}b" for n in range(9)}


def test_a_yes_under_the_running_intent_is_an_answer_and_one_of_its_own_is_not(tmp_path, duck):
    running = [r for n in range(6) for r in alarm(n, "yes please", slots=None)]
    own = [r for n in range(6, 12) for r in alarm(n, "yes please", slots=None, intent="affirm")]
    assert answers(tmp_path, duck, running + own) == {f"{n}b" for n in range(6)}


def test_where_the_log_names_the_slot_that_was_asked_for_it_is_believed(tmp_path, duck):
    """A whole sentence may answer; another intent is a wish of its own."""
    whole = "please do that early in the morning"
    asked = {"slots": None, "prompted_slot": "time"}
    running = [r for n in range(3) for r in alarm(n, whole, **asked)]
    missed = alarm(3, "the usual", intent=None, **asked)
    other = alarm(4, "cancel that", intent="cancel", **asked)
    assert answers(tmp_path, duck, running + missed + other) == {"0b", "1b", "2b", "3b"}


def test_a_whole_wish_after_a_question_is_none(tmp_path, duck):
    whole = "wake me up early in the morning at seven"
    rows = [r for n in range(6) for r in alarm(n, whole, slots={"time": "seven"})]
    assert answers(tmp_path, duck, rows) == set()


def test_the_next_wish_of_its_kind_is_none(tmp_path, duck):
    """Nobody asked: the one who turns off two lamps says two wishes."""
    rows = [
        turn(f"u{n}", 9 * k, f"{lamp} off", turn_id=f"{n}{k}", intent="off", response="Done.", slots={"lamp": lamp})
        | {"session_id": f"s{n}"}
        for n in range(6)
        for k, lamp in enumerate(("hall lamp", "porch lamp"))
    ]  # fmt: skip
    rows += [turn(f"u{n}", 18, "good night", turn_id=f"{n}z", session_id=f"s{n}", intent="bye") for n in range(6)]  # fmt: skip
    rows += [turn(f"v{n}", 0, "porch lamp off", turn_id=f"v{n}", session_id=f"v{n}", intent="off", response="Done.") for n in range(30)]  # fmt: skip
    rows += [turn(f"v{n}", 9, "play jazz", turn_id=f"w{n}", session_id=f"v{n}", intent="play", response="Done.") for n in range(30)]  # fmt: skip
    assert answers(tmp_path, duck, rows) == set()
