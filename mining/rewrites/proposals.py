"""Wordings that fail, and the one that would serve their users: proposed only where we are sure, where users went from
the one to the other and came out well, and where both speak of the same values."""

import polars as pl
from anyascii import anyascii
from rapidfuzz.fuzz import partial_ratio

from mining.rephrases.similarity import sound

HARM = 4.0  # a turn that breaks weighs as much as so many that are mended
KEPT = 0.5  # probability from which users stayed with where they ended
ALIKE = 75.0  # of 100, from which a value was said
KEY = ["locale", "utterance"]


def rewrites(chains: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """For each wording its best target, where there is one: `locale, source, target, p_better, users,
    occurrences, p_same`, and the expected success of the target for these users and of the wording alone.

    `now`: the judged wordings as the assistant takes them now. A rewrite is proposed where it mends more than it breaks, HARM to one. A turn that was
    not understood breaks if it is misunderstood instead.
    """
    served = pl.when(pl.col("executed") > 0).then(pl.col("right")).otherwise(0.0)
    sides = now.select(*KEY, executed="executed", served=served)
    both = chains.join(
        sides.rename({"utterance": "source", "served": "alone"}), on=["locale", "source"]
    ).join(sides.select("locale", target="utterance", served="served"), on=["locale", "target"])
    success, alone = pl.col("served") * pl.col("p_same"), pl.col("alone")
    idle = 1 - pl.col("executed")
    weighed = both.with_columns(
        success=success.round(6),
        p_better=(success * (1 - alone)).round(6),
        breaks=((1 - success) * (alone + idle * (1 - alone))).round(6),
    )
    gain = pl.col("p_better") - HARM * pl.col("breaks")
    return (
        weighed.with_columns(gain=gain.round(6))
        .filter(pl.col("gain") > 0)
        .sort(
            ["locale", "source", "gain", "reach", "target"],
            descending=[False, False, True, True, False],
        )
        .unique(["locale", "source"], keep="first", maintain_order=True)
        .select(
            "locale",
            "source",
            "target",
            "p_better",
            "users",
            "occurrences",
            "p_same",
            "success",
            success_alone="alone",
        )
    )


def fitting(proposed: pl.DataFrame, moves: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
    """The rewrites that may go live: users went that way themselves and stayed with where they ended, and no
    value that the assistant heard in one of both is missing in the other.

    `moves` as the SQL file of the name has them; `values`: `locale, utterance, values`, those heard last.
    """
    went = moves.filter(pl.col("p_kept") >= KEPT)
    rows = proposed.join(
        went.select("locale", "source", "target"), on=["locale", "source", "target"], how="semi"
    )
    for side in ("source", "target"):
        heard = values.rename({"utterance": side, "values": f"{side}_values"})
        rows = rows.join(heard, on=["locale", side], how="left", maintain_order="left")
    fits = [
        held(r["target_values"], r["source"]) and held(r["source_values"], r["target"])
        for r in rows.select("source", "target", "source_values", "target_values").to_dicts()
    ]
    return rows.filter(pl.Series(fits, dtype=pl.Boolean)).select(proposed.columns)


def held(values: list[str] | None, wording: str) -> bool:
    """Whether a wording holds each of the values, misheard or misspelt perhaps.

    >>> held(["the beatles"], "play some beetles"), held(["monday"], "wake me on friday")
    (True, False)
    """
    return all(_alike(value, wording) >= ALIKE for value in values or [] if value)


def _alike(value: str, wording: str) -> float:
    """How alike a value is to the best matching stretch of a wording, 0 to 100: mean of letters and sound."""
    letters = partial_ratio(anyascii(value).lower(), anyascii(wording).lower())
    return float(letters + partial_ratio(sound(value), sound(wording))) / 2
