"""What may be a problem: wordings under a hypothesis of the assistant that probably fail, put together by what is behind them.

Each such wording counts towards one problem: the wish without an intent that it belongs to; else, where another meaning is
believed than was heard, the intent that is eaten by the other. Where no meaning is believed, it stands with its cluster; where what was heard is
believed, it stands for itself as soon as k users say it, and before that with the others that are heard so.

Notation and constants: docs/method.md, 8.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from mining.failures.hypothesis_features import SURE
from mining.trends.candidates import EXPLAINED
from warehouse.common.reformulation import Reformulation

WORDING = ["locale", "utterance"]
KEY = [*WORDING, "intent"]
FAILS = 0.5  # probability from which on a wording counts as failing
NOTHING_SERVES = 0.5  # probability that somebody was served to whom nothing was done, before it is seen whether they come back
ABOUT = ["problem_id", "kind", "locale", "meant", "heard"]
IDENTIFIED = ["locale", "wish", "kind", "meant", "heard", "was", "what"]
EATEN, INTENT, ALONE, MISSING = "eaten", "intent", "wording", "missing"


@dataclass(frozen=True)
class Known:
    """What tells of a wording which problem it belongs to: `meant` (`locale, utterance, label, probability`: what is believed of it),
    `wishes` (`locale, utterance, problem_id`: wishes without an intent), `alone` (in the same columns: of wordings that stand for themselves) and
    `clusters` (`locale, utterance, cluster_id`); `salt` of the home."""

    meant: pl.DataFrame
    wishes: pl.DataFrame
    alone: pl.DataFrame
    clusters: pl.DataFrame
    salt: bytes


def failing(judged: pl.DataFrame, known: Known, rates: Reformulation) -> pl.DataFrame:
    """The wordings under a hypothesis that probably fail: KEY, ABOUT, `p` (that they do), `sure` (that `meant` is meant), `turns` and `cluster_id` (of a wording in none,
    its own). `judged`: KEY, `turns`, `users`, `many` (whether users enough say it), `right` (share of turns for which the hypothesis is right, expected), `executed` (share for which
    it was executed), `again` (share said again, expected). Where what was heard is what is believed to be meant, who comes back tells whether it
    was served, too: people come back to a wish for which nothing was done, and do not to a "no"."""
    wish, label, sure = pl.col("wish").is_not_null(), pl.col("label"), pl.col("sure")
    heard_well = label == pl.col("intent")
    served = sure.clip(upper_bound=1 - SURE) * (
        pl.col("executed") + NOTHING_SERVES * (1 - pl.col("executed"))
    )
    odds = (served / (1 - served)).log() + pl.col("stayed")
    judged = judged.with_columns(stayed=_stayed(judged, rates))
    doubtful = heard_well & (sure < EXPLAINED)
    rows = (
        judged.join(known.meant.rename({"probability": "sure"}), on=WORDING, how="left")
        .with_columns(label=pl.when(~doubtful).then(label))
        .join(known.wishes.rename({"problem_id": "wish"}), on=WORDING, how="left")
        .join(known.alone.rename({"problem_id": "was"}), on=WORDING, how="left")
        .join(known.clusters.select(*WORDING, "cluster_id"), on=WORDING, how="left")
        .with_columns(
            pl.coalesce("cluster_id", pl.concat_str("locale", pl.lit(" "), "utterance")),
            kind=pl.when(wish)
            .then(pl.lit(MISSING))
            .when(label.is_not_null() & ~heard_well)
            .then(pl.lit(EATEN))
            .when(pl.col("many") | label.is_null() | pl.col("was").is_not_null())
            .then(pl.lit(ALONE))
            .otherwise(pl.lit(INTENT)),
            p=pl.when(wish | label.is_null())
            .then(1 - pl.col("right"))
            .when(heard_well)
            .then(1 / (1 + odds.exp()))
            .otherwise(pl.max_horizontal(sure, 1 - pl.col("right"))),
        )
        .filter(pl.col("p") >= FAILS)
        .with_columns(
            meant=pl.when(~wish).then("label"),
            heard=pl.when(pl.col("kind").is_in([EATEN, INTENT])).then("intent"),
        )
    )
    of_cluster = pl.col("was").drop_nulls().sort().first().over("cluster_id")
    rows = rows.with_columns(
        was=pl.coalesce("was", pl.when(label.is_null()).then(of_cluster)),
        what=pl.when(kind=ALONE).then(
            pl.when(label.is_null()).then("cluster_id").otherwise("utterance")
        ),
    )
    told = rows.select(IDENTIFIED).unique()
    ids = pl.Series([_id(known.salt, row) for row in told.to_dicts()], dtype=pl.String)
    named = told.with_columns(problem_id=ids)
    columns = (
        *KEY,
        *(c for c in ABOUT if c != "locale"),
        "p",
        "sure",
        "turns",
        "users",
        "cluster_id",
    )
    return rows.join(named, on=IDENTIFIED, nulls_equal=True).select(columns)


def _stayed(judged: pl.DataFrame, rates: Reformulation) -> pl.Series:
    """What those who came back, and those who did not, tell for having been served, in log odds."""
    users, again = (judged[name].cast(pl.Float64).to_numpy() for name in ("users", "again"))
    return pl.Series(rates.log_likelihood_ratio(users * (1 - again), users * again))


def _id(salt: bytes, row: dict[str, Any]) -> str:
    """Of the problem that a failing wording counts towards."""
    if row["wish"]:
        return str(row["wish"])
    if row["kind"] == ALONE:
        return row["was"] or problem_id(salt, ALONE, row["locale"], row["what"])
    return problem_id(salt, row["kind"], row["locale"], row["meant"], row["heard"])


def problem_id(salt: bytes, kind: str, locale: str, *about: str | None) -> str:
    """The id of a problem, the same in every night of a home: a keyed hash, so that nobody finds a wording by trying."""
    content = json.dumps([kind, locale, *about]).encode()
    return hashlib.blake2b(content, key=salt, digest_size=5, person=b"problem").hexdigest()


def counted(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """A row a problem: ABOUT, its most said `utterance`, `named` (mean probability that `meant` is meant), `turns`, `failed` (expected) and the `variance` of that, `users`, `user_days`.
    `rows` as `failing` has them, `people` as the SQL file `problem_people`. Wordings of a cluster fail together or not at all, clusters
    independently of each other."""
    rows = rows.sort(*KEY, "problem_id")  # sums of fractions hang on their order
    named = rows.group_by("problem_id", maintain_order=True).agg(
        named=(pl.col("sure") * pl.col("turns")).sum() / pl.col("turns").sum()
    )
    of_clusters = rows.group_by("problem_id", "cluster_id", maintain_order=True).agg(
        failed=(pl.col("p") * pl.col("turns")).sum(), turns=pl.col("turns").sum()
    )
    p = pl.col("failed") / pl.col("turns")
    variance = of_clusters.group_by("problem_id", maintain_order=True).agg(
        failed=pl.col("failed").sum(), variance=(pl.col("turns") ** 2 * p * (1 - p)).sum()
    )
    most = rows.sort("turns", *WORDING, descending=[True, False, False]).unique(
        "problem_id", keep="first", maintain_order=True
    )
    return (
        most.select(*ABOUT, "utterance")
        .join(named, on="problem_id")
        .join(variance, on="problem_id")
        .join(people, on="problem_id")
        .sort("problem_id")
    )


def wishes(
    before: pl.DataFrame,
    candidates: pl.DataFrame,
    clusters: pl.DataFrame,
    said: pl.DataFrame,
    salt: bytes,
) -> pl.DataFrame:
    """`locale, utterance, problem_id`: the wordings of each wish without an intent. `before` are those of the night before, in the same columns;
    `candidates` (`locale, candidate_id, utterance`) those of tonight, of which one that is mostly a known wish is that wish; wordings
    of `said` (`locale, utterance`) in `clusters` that mostly belong to a wish belong to it, too."""
    known = candidates.join(before, on=WORDING, how="left")
    per = ["locale", "candidate_id"]
    votes = known.group_by(*per, "problem_id").len().sort("len", "problem_id", nulls_last=False)
    mine = votes.unique(per, keep="last", maintain_order=True).select(*per, wish="problem_id")
    named = mine.with_columns(
        pl.coalesce(
            "wish",
            pl.struct(per).map_elements(
                lambda row: problem_id(salt, MISSING, row["locale"], row["candidate_id"]), pl.String
            ),
        )
    )
    new = candidates.join(named, on=per).select(*WORDING, problem_id="wish")
    members = pl.concat([before.select(new.columns), new]).unique(
        WORDING, keep="first", maintain_order=True
    )
    inside = (
        clusters.select(*WORDING, "cluster_id")
        .join(said.unique(), on=WORDING, how="semi")
        .join(members, on=WORDING, how="left")
    )
    size = inside.group_by("cluster_id").agg(size=pl.len())
    held = (
        inside.drop_nulls("problem_id")
        .group_by("cluster_id", "problem_id")
        .agg(held=pl.len())
        .join(size, on="cluster_id")
        .filter(pl.col("held") * 2 > pl.col("size"))
    )
    more = inside.filter(pl.col("problem_id").is_null()).drop("problem_id")
    joined = more.join(held.select("cluster_id", "problem_id"), on="cluster_id")
    return pl.concat([members, joined.select(members.columns)]).sort(*WORDING)
