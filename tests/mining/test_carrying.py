"""Rewrites that carry values: what users did with other values is done with one's own."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mining.rewrites import carrying

pytestmark = pytest.mark.quick

SONGS = ["jazz", "salsa", "the blue kettles", "lind", "fado", "swing", "polka"]
words = st.text(alphabet="abc", min_size=1, max_size=3)


def night(
    went: list[tuple[str, str]], right: dict[str, float], heard: dict[str, tuple[str, dict]]
) -> pl.DataFrame:
    """What is proposed of users who `went` from one wording to another, `right` shares of wordings, and what was `heard` in them."""
    ways = {"locale": "en-GB", "source": [s for s, _ in went], "target": [t for _, t in went]}
    moves = pl.DataFrame(ways).with_columns(p_kept=0.9)
    chains = moves.drop("p_kept").with_columns(p_same=0.95, users=pl.lit(2, pl.Int64()))
    now = pl.DataFrame(
        {
            "locale": "en-GB",
            "utterance": list(right),
            "executed": [1.0 if w in heard else 0.0 for w in right],
            "right": list(right.values()),
        }
    )
    last = pl.DataFrame(
        {
            "locale": "en-GB",
            "utterance": list(heard),
            "intent": [intent for intent, _ in heard.values()],
            "slots": [
                [{"name": n, "value": v} for n, v in slots.items()] for _, slots in heard.values()
            ],
        }
    )
    return carrying.proposed(chains, moves, carrying.Heard.of(last, now), 5)


def world(songs: list[str], served: list[str] | None = None) -> pl.DataFrame:
    """Users of all `songs` but the last went from "put on" to "play"; `served` songs are played when asked for so."""
    known = songs if served is None else served
    went = [(f"put on {song} please", f"play {song}") for song in songs[:-1]]
    right = {f"put on {song} please": 0.05 for song in songs}
    right |= {f"play {song}": 0.95 for song in known}
    heard = {f"play {song}": ("play", {"song": song}) for song in known}
    heard |= {f"who sings {songs[-1]}": ("ask", {"song": songs[-1]})}
    return night(went, right, heard)


def test_a_song_that_nobody_carried_goes_the_way_of_the_others():
    found = world(SONGS).filter(source=f"put on {SONGS[-1]} please")
    (row,) = found.to_dicts()
    assert (row["target"], row["carried_values"]) == ("play polka", len(SONGS) - 1)
    assert row["p_better"] > 0.7


def test_fewer_values_than_k_carry_nothing():
    assert world(SONGS[:5]).is_empty()
    assert world(SONGS[:6])["source"].to_list() == ["put on swing please"]


def test_what_the_assistant_is_not_known_to_serve_is_not_proposed():
    assert f"put on {SONGS[-1]} please" not in world(SONGS, SONGS[:-1])["source"].to_list()


def test_a_wording_that_works_is_left_alone():
    went = [(f"put on {song}", f"play {song}") for song in SONGS[:-1]]
    right = {f"put on {song}": 0.95 for song in SONGS} | {f"play {song}": 0.95 for song in SONGS}
    heard = {f"play {song}": ("play", {"song": song}) for song in SONGS}
    assert night(went, right, heard).is_empty()


def test_users_who_went_elsewhere_speak_against_it():
    apart = [(f"put on {song} please", f"buy {song}") for song in SONGS[:-1]]
    went = [(f"put on {song} please", f"play {song}") for song in SONGS[:-1]] + apart
    right = {f"put on {song} please": 0.05 for song in SONGS}
    right |= {f"{verb} {song}": 0.95 for song in SONGS for verb in ("play", "buy")}
    heard = {f"play {song}": ("play", {"song": song}) for song in SONGS}
    heard |= {f"buy {song}": ("buy", {"song": song}) for song in SONGS}
    assert night(went, right, heard).is_empty(), "half of them wanted the one, half the other"
    assert night(went[: len(SONGS) - 1], right, heard).height


@given(st.lists(words, min_size=3, max_size=5), st.data())
def test_a_wording_is_its_form_with_its_values(said, data):
    wording = " ".join(said)
    value = data.draw(st.sampled_from(said))
    found = list(carrying.forms(wording, {value: frozenset(["a", "b"])}))
    assert all(carrying.filled(form, values) == wording for form, values in found)
    assert all(v == value for _, values in found for _, v in values)
    whole = carrying.form(wording, (("a", value),))
    alone = said.count(value) == 1 and wording.count(value) == 1
    assert (whole is not None) == alone
    if whole is not None:
        assert (whole, (("a", value),)) in found


def test_a_very_long_wording_has_no_forms():
    known = {"a": frozenset(["x"])}
    assert list(carrying.forms("a " * 60, known))
    assert not list(carrying.forms("a " * 100_000, known))
