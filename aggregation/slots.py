"""Slot values for a wording: its own, or those of the wording with which its users ended up, where they
are found in it.

A user who says "wake me at seven" after "get me up at seven" tells that "seven" is the time in both.
The value is looked for in the failed wording, letter by letter, then as a near match (typed or heard
wrongly); what is not found is not projected. Label projection after Yarowsky et al. 2001, with the
value itself as the alignment, as in Falke et al. 2020.

Notation and constants: docs/method.md, 6.
"""

import polars as pl
from rapidfuzz import fuzz

from aggregation import slot_belief
from aggregation.slot_belief import SLOT

KEY = ["locale", "utterance"]
FOUND = ["name", "value", "start", "end", "probability"]
NEAR = (
    85.0  # similarity (0 to 100) from which a stretch of the wording is the value, spelt otherwise
)
SHORTEST = 5  # letters that a value needs to be looked for otherwise than letter by letter
AGREED = 0.7  # share of the users' weight that one value of a slot must have
SUREST = 0.5  # least product of label, likeness and share of a projected slot
# Shares of those who showed anything of a wording's slots: a slot that fewer showed is a slip, one that more did is there;
# set by hand.
FEW, MOST = 0.1, 0.5


def project(best: pl.DataFrame, filled: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, slots, slots_known`: slots of wordings under their best label, where any verifies, or where users accepted
    that there are none; and whether those are all of its slots, as far as users showed.

    `best` is `locale, utterance, label, probability`; `filled` (`locale, utterance, label, name, value,
    users`) what was executed and accepted, without a name where no slot was; `moves` where users ended up. `value` is what was
    executed, `start` and `end` (exclusive) the characters of the utterance that say it, however spelt.
    """
    under_best = filled.join(best, on=[*KEY, "label"])
    told = _told(best, filled, moves)
    whole = told.group_by(SLOT).agg(whole=pl.col("weight").sum())
    kept = _apart(_agreed(told, whole, slot_belief.under_another_label(filled, best)))
    none = under_best.filter(name="").group_by(KEY).agg(none=pl.col("users").sum())
    found = kept.group_by(KEY, maintain_order=True).agg(slots=pl.struct(FOUND))
    every = found.join(_known(whole, kept, none), on=KEY, how="full", coalesce=True)
    nothing = pl.lit([], found.schema["slots"])
    return (
        every.with_columns(
            slots=pl.when("slots_known").then(pl.col("slots").fill_null(nothing)).otherwise("slots")
        )
        .drop_nulls("slots")
        .sort(KEY)
    )


def _told(best: pl.DataFrame, filled: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, name, value, probability, weight`: what users of a wording showed of its slots under its best label, in it and where they
    ended, and that this was the same wish."""
    named = filled.filter(pl.col("name") != "")
    own = named.join(best, on=[*KEY, "label"]).select(
        *SLOT, "value", "probability", weight=pl.col("users").cast(pl.Float64)
    )
    ended = (
        moves.rename({"source": "utterance", "users": "moved"})
        .join(best, on=KEY)
        .join(named.rename({"utterance": "target"}), on=["locale", "target", "label"])
        .select(
            *SLOT,
            "value",
            probability=pl.col("probability") * pl.col("p_same"),
            weight=pl.min_horizontal("moved", "users") * pl.col("p_same"),
        )
    )
    return pl.concat([own, ended])


def _agreed(told: pl.DataFrame, whole: pl.DataFrame, other: float) -> pl.DataFrame:
    """Of what was told the values on which users agree, with their places. `whole`: weight by slot; `other`: the probability that a slot
    is right under another label."""
    places = told.select("utterance", "value").unique()
    spans = [span(utterance, value) for utterance, value in places.iter_rows()]
    placed = places.with_columns(
        start=pl.Series([s[0] if s else None for s in spans], dtype=pl.Int64),
        end=pl.Series([s[1] if s else None for s in spans], dtype=pl.Int64),
        alike=pl.Series([s[2] if s else None for s in spans], dtype=pl.Float64),
    )
    label, alike = pl.col("probability"), pl.col("alike")
    return (
        told.join(placed.drop_nulls(), on=["utterance", "value"])
        .group_by(*SLOT, "value", "start", "end")
        .agg(pl.col("weight").sum(), alike.max(), label.max())
        .join(whole, on=SLOT)
        .with_columns(share=pl.col("weight") / pl.col("whole"))
        .filter(pl.col("share") >= AGREED, label * alike * pl.col("share") >= SUREST)
        .join(slot_belief.agreed(told), on=[*SLOT, "value"])
        .with_columns(
            probability=(pl.col("agreed") * alike * (label + (1 - label) * other)).round(6)
        )
    )


def values_of(rows: pl.DataFrame) -> pl.DataFrame:
    """`locale, name, value` in lower case: the values that the slots of these rows (`locale, slots`) hold."""
    held = rows.select("locale", "slots").explode("slots").drop_nulls("slots")
    inner = (pl.col("slots").struct.field(name) for name in ("name", "value"))
    return held.select("locale", *inner).with_columns(pl.col("value").str.to_lowercase()).unique()


def _known(whole: pl.DataFrame, kept: pl.DataFrame, none: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, slots_known`: whether each slot that users showed of a wording, but for what few did, most of them did,
    and it was found (`kept`). `whole`: weight by wording and slot; `none`: users who accepted that there is none."""
    place = kept.select(SLOT).unique().with_columns(found=True)
    weighed = (
        whole.join(place, on=SLOT, how="left")
        .join(none, on=KEY, how="full", coalesce=True)
        .with_columns(pl.col("whole", "none").fill_null(0.0))
    )
    speaking = pl.col("none") + pl.col("whole").max().over(KEY)
    share = pl.col("whole") / speaking
    sound = (share < FEW) | ((share >= MOST) & pl.col("found").fill_null(value=False))
    return weighed.group_by(KEY).agg(slots_known=sound.all())


def span(utterance: str, value: str) -> tuple[int, int, float] | None:
    """Where a value stands in a wording: start, end (exclusive) and how alike (to 1); None where it
    does not, or where it stands twice."""
    text, sought = utterance.lower(), value.lower()
    if len(text) != len(utterance):  # a letter that is two in lower case: places would shift
        text, sought = utterance, value
    start = text.find(sought)
    if start >= 0:
        end = start + len(sought)
        twice = text.find(sought, start + 1) >= 0
        return None if twice or not _whole(text, start, end) else (start, end, 1.0)
    if len(sought) < SHORTEST:
        return None
    found = fuzz.partial_ratio_alignment(sought, text, score_cutoff=NEAR)
    if found is None:
        return None
    start, end = _widened(text, found.dest_start, found.dest_end)
    alike = fuzz.ratio(sought, text[start:end])
    return (start, end, alike / 100) if alike >= NEAR else None


def _whole(text: str, start: int, end: int) -> bool:
    """Whether no word is cut, in scripts that part words by spaces."""
    if " " not in text:
        return True
    return not (_inside(text, start) or _inside(text, end))


def _inside(text: str, place: int) -> bool:
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """To whole words, where spaces part them."""
    if " " in text:
        while _inside(text, start):
            start -= 1
        while _inside(text, end):
            end += 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _apart(slots: pl.DataFrame) -> pl.DataFrame:
    """Slots that do not overlap: the more probable stays, then the longer."""
    ordered = slots.sort(
        *KEY,
        "probability",
        pl.col("end") - pl.col("start"),
        "name",
        "start",
        descending=[False, False, True, True, False, False],
    )
    kept: list[int] = []
    taken: list[tuple[int, int]] = []
    before = None
    for row, (locale, utterance, start, end) in enumerate(
        ordered.select(*KEY, "start", "end").iter_rows()
    ):
        if (locale, utterance) != before:
            before, taken = (locale, utterance), []
        if all(end <= first or start >= last for first, last in taken):
            taken.append((start, end))
            kept.append(row)
    return ordered[kept].sort(*KEY, "start")
