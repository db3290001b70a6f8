"""The rival: the same in Polars. One sort, then shifts over a session instead of a self-join.

usage: polars_script.py FOLDER OUT GAP_MS
"""

import sys
from pathlib import Path

import polars as pl

ORDER = ["user_id", "at_ms", "turn_id"]
REACH = 3
SOURCE = {
    "source_turn_id": "turn_id",
    "source": "utterance",
    "source_intent": "best_intent",
    "source_outcome": "outcome",
    "source_confidence": "best_confidence",
    "source_response": "response",
    "source_ms": "at_ms",
    "source_lost": "lost",
    "source_slots": "slots",
    "source_n_best": "n_best",
    "source_executed": "target_executed",
    "source_locale": "locale",
    "source_session": "session_id",
    "repeated_itself": "repeated",
    "interrupted": "interrupted",
    "feedback": "feedback",
}


def sessions(files: list[Path], gap_ms: int) -> pl.DataFrame:
    rows = pl.scan_parquet(files).drop("file", "line", "field", "reason", "source").collect()
    rows = rows.unique("turn_id", keep="any").sort(ORDER)
    silence = pl.col("at_ms").diff()
    starts = (pl.col("user_id") != pl.col("user_id").shift(1)).fill_null(value=True) | (
        silence > gap_ms
    )
    return rows.with_columns(
        day=pl.col("timestamp").dt.strftime("%Y-%m-%d"),
        session_id=pl.when(starts).then("turn_id").forward_fill(),
    )


def robots(turns: pl.DataFrame) -> pl.DataFrame:
    wording = ["user_id", "day", "locale", "utterance"]
    by_user = (
        turns.select("user_id", "day", "at_ms")
        .with_columns(burst=pl.col("at_ms") - pl.col("at_ms").shift(19).over("user_id", "day"))
        .group_by("user_id", "day")
        .agg(all_turns=pl.len(), shortest=pl.col("burst").min())
    )
    spacing = (pl.col("at_ms").diff() // 1000).drop_nulls()
    counted = turns.group_by(wording).agg(
        turns=pl.len(), n=spacing.len(), s1=spacing.sum(), s2=(spacing * spacing).sum()
    )
    regular = 100 * (pl.col("n") * pl.col("s2") - pl.col("s1") ** 2) <= pl.col("s1") ** 2
    reason = (
        pl.when(pl.col("all_turns") > 500)
        .then(pl.lit("rate"))
        .when(pl.col("shortest") <= 60_000)
        .then(pl.lit("burst"))
        .when(pl.col("turns") > 10)
        .then(pl.lit("repetition"))
        .when((pl.col("n") >= 5) & (pl.col("s1") >= pl.col("n") * 60) & regular)
        .then(pl.lit("periodicity"))
    )
    judged = counted.join(by_user, on=["user_id", "day"]).with_columns(reason=reason)
    return judged.filter(pl.col("reason").is_not_null()).select(*wording, "reason", "turns")


def pairs(turns: pl.DataFrame, aside: pl.DataFrame, gap_ms: int) -> pl.DataFrame:
    people = turns.join(aside, on=["user_id", "day", "locale", "utterance"], how="anti").sort(ORDER)
    same_session = pl.col("session_id") == pl.col("session_id").shift(1)
    near = same_session & (pl.col("at_ms").diff() <= gap_ms)
    people = people.with_columns(
        lost=pl.col("best_intent").is_null().cum_sum().cast(pl.Int64),
        target_executed=pl.col("intent").is_not_null(),
        repeated=pl.when(near).then(pl.col("response") == pl.col("response").shift(1)),
    )
    found = []
    for apart in range(1, REACH + 1):
        shifted = people.with_columns(
            **{name: pl.col(column).shift(apart) for name, column in SOURCE.items()}
        )
        kept = shifted.filter(
            (pl.col("source_session") == pl.col("session_id"))
            & (pl.col("source_locale") == pl.col("locale"))
            & (pl.col("at_ms") - pl.col("source_ms") <= gap_ms)
        )
        found.append(
            kept.select(
                "source_turn_id",
                "user_id",
                "session_id",
                "locale",
                "channel",
                "source",
                "source_intent",
                "source_executed",
                "target_executed",
                "source_confidence",
                "source_outcome",
                "source_response",
                "repeated_itself",
                "interrupted",
                "feedback",
                "day",
                target_turn_id="turn_id",
                target="utterance",
                seconds=(pl.col("at_ms") - pl.col("source_ms")) / 1000,
                apart=pl.lit(apart, pl.Int64),
                lost_between=pl.col("lost")
                - pl.col("source_lost")
                - pl.col("best_intent").is_null(),
                target_intent="best_intent",
                source_values=pl.col("source_slots").list.eval(pl.element().struct.field("value")),
                target_values=pl.col("slots").list.eval(pl.element().struct.field("value")),
                source_known=pl.col("source_n_best").list.eval(pl.element().struct.field("intent")),
                target_confidence="best_confidence",
                target_outcome="outcome",
            )
        )
    return pl.concat(found)


def main(folder: Path, out: Path, gap_ms: int) -> None:
    turns = sessions(sorted(folder.glob("*.parquet")), gap_ms)
    aside = robots(turns)
    for name, rows in (("turns", turns), ("bots", aside), ("pairs", pairs(turns, aside, gap_ms))):
        rows.write_parquet(pl.PartitionBy(out / name, key="day"), mkdir=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
