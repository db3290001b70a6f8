"""Slots as the assistant heard them: counted by hand."""

import polars as pl
from test_sql import mined

from logs import turn
from mining.sessions import bots


def test_a_value_is_corrected_where_the_slot_then_holds_another(tmp_path, duck):
    def play(user: str, at: int, artist: str | None, turn_id: str, intent: str = "play"):
        slots = {"artist": artist} if artist else None
        return turn(user, at, f"play {turn_id}", turn_id=turn_id, intent=intent, slots=slots)

    rows = [
        *(play("ann", 0, "beetles", "a1"), play("ann", 9, "the beatles", "a2")),
        *(play("bob", 0, "beetles", "b1"), play("bob", 9, "the beatles", "b2")),
        *(play("cy", 0, "beetles", "c1"), play("cy", 9, "Beetles", "c2")),  # says the same again
        *(play("dot", 0, "beetles", "d1"), play("dot", 9, "the beatles", "d2", "buy")),
        *(play("eve", 0, "the beatles", "e1"), play("eve", 9, None, "e2")),
    ]
    lake = mined(duck, tmp_path, rows)
    pairs = [(f"{user}1", f"{user}2") for user in "abcde"]
    followed = pl.DataFrame(pairs, ["source_turn_id", "target_turn_id"], orient="row")
    found = duck.query(
        "heard_slots",
        bots.people(lake, lake.days("turns"))
        | {
            "best_rephrases": followed.with_columns(p_rephrase=0.9),
            "defects": lake.read("turns").select("turn_id", p_defect=0.25),
        },
    )
    counts = ["heard", "users", "corrected", "users_corrected", "failed"]
    values = found.filter(pl.col("intent").is_null())
    assert dict(zip(values["value"], values.select(counts).rows(), strict=True)) == {
        "beetles": (4, 4, 2, 2, 1.0),
        "Beetles": (1, 1, 0, 0, 0.25),
        "the beatles": (4, 4, 0, 0, 1.0),
    }
    intents = found.filter(pl.col("intent").is_not_null())
    assert dict(zip(intents["intent"], intents.select(counts).rows(), strict=True)) == {
        "play": (8, 5, 2, 2, 2.0),
        "buy": (1, 1, 0, 0, 0.25),
    }
