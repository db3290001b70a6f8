"""Wishes that no label explains: what may be a new intent.

Looked at are terms and clusters (`detection.py`) of which more is said than before. One is a candidate where three things
hold at once: it rose or appeared; of those who say it, fewer than half come out well in the end, be it at once or after saying
it again; and no label is believed of most of what they say. An intent that is only badly understood comes out well
elsewhere, a new value or slang has the label of its intent. The first two have p-values, of which the larger counts
(intersection-union, Berger 1982); the false-discovery rate is bounded over all units of the night (Benjamini and Hochberg 1995).
Candidates that share people's wordings, or between which people move, are one.

Notation and constants: docs/method.md, 8.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import betainc

from mining.trends.detection import FALSE, KEY, benjamini_hochberg

Floats = npt.NDArray[np.float64]

ROSE = 0.05  # p-value from which on a unit is looked at no further
HALF = 0.5  # of the people who come out well, from which on a wish is served
EXPLAINED = 0.6  # share of what is said that one label explains
SHARED = 0.25  # of the people of the smaller of two candidates, from which they are one
MOVED = 2.0  # people who moved between two, from which they are one
SHOWN = 20  # clusters that are named
KNOWN = "candidate"  # kind of the units that were candidates the night before
WORDING = "wording"  # kind of the units that are one wording
MEMBER = ["locale", "utterance"]


@dataclass(frozen=True)
class Outcomes:
    """What is known of the wordings of units: `outcomes` (`locale, kind, unit, users, well`) of the units and of each wording by itself,
    `labels` (`locale, utterance, label, probability`), `moves` of the lake, `clusters` (`locale, utterance, cluster_id`), and
    the wordings that were `old` (`locale, utterance`) before the newest days."""

    outcomes: pl.DataFrame
    labels: pl.DataFrame
    moves: pl.DataFrame
    clusters: pl.DataFrame
    old: pl.DataFrame


@dataclass(frozen=True)
class Found:
    """`candidates` and their `members`, as their tables have them; users are those of the members, summed."""

    candidates: pl.DataFrame
    members: pl.DataFrame


def asked(changed: pl.DataFrame, grouped: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`locale, kind, unit, utterance`: the units that rose enough to be looked at, those that were candidates the night
    before (`known`: `locale, candidate_id, utterance`), and each of their wordings by itself."""
    rose = changed.filter(pl.col("p_up") <= ROSE).select(KEY)
    before = known.select("locale", kind=pl.lit(KNOWN), unit="candidate_id", utterance="utterance")
    units = pl.concat([grouped.join(rose, on=KEY, how="semi"), before.select(grouped.columns)])
    alone = units.select("locale", kind=pl.lit(WORDING), unit="utterance", utterance="utterance")
    return pl.concat([units, alone.unique(maintain_order=True)])


def candidates(
    changed: pl.DataFrame, grouped: pl.DataFrame, said: Outcomes, known: pl.DataFrame
) -> Found:
    """What may be a new intent. `changed` are all units asked about (`detection.changes`), `grouped` what `asked` gave, `known` the candidates
    of the night before (`locale, candidate_id, since`)."""
    judged = _judged(changed, grouped, said, known)
    chosen = judged.filter(pl.col("q") <= FALSE)
    members = grouped.join(chosen.select(KEY), on=KEY, how="semi").join(
        _unexplained(said), on=MEMBER
    )
    if members.is_empty():
        return Found(pl.DataFrame(schema=CANDIDATES), pl.DataFrame(schema=MEMBERS))
    return _merged(chosen, members, said, known)


CANDIDATES = pl.Schema(
    {
        "locale": pl.String(),
        "candidate_id": pl.String(),
        "since": pl.String(),
        "clusters": pl.List(pl.String()),
        "wordings": pl.Int64(),
        "said_by": pl.Int64(),
        "well": pl.Float64(),
        "label": pl.String(),
        "explained": pl.Float64(),
        "terms": pl.Int64(),
        "ratio": pl.Float64(),
        "q": pl.Float64(),
    }
)
MEMBERS = pl.Schema(
    {
        "locale": pl.String(),
        "candidate_id": pl.String(),
        "utterance": pl.String(),
        "cluster_id": pl.String(),
        "users": pl.Int64(),
    }
)


def _judged(
    changed: pl.DataFrame, grouped: pl.DataFrame, said: Outcomes, known: pl.DataFrame
) -> pl.DataFrame:
    """Each unit with `users`, `well`, its best `label` and how much that explains, and `q`, the false-discovery rate at which it is
    a candidate. One that was a candidate the night before needs not rise again."""
    before = known.select("locale", kind=pl.lit(KNOWN), unit="candidate_id", p_up=pl.lit(0.0))
    every = pl.concat([changed.select(*KEY, "p_up", "ratio"), before], how="diagonal")
    rows = every.join(said.outcomes, on=KEY, how="left", maintain_order="left").join(
        _explained(grouped, said), on=KEY, how="left", maintain_order="left"
    )
    users, well = (rows[c].fill_null(0.0).cast(pl.Float64).to_numpy() for c in ("users", "well"))
    badly = np.maximum(users - well, 1e-9)
    served = np.where(users > 0, betainc(badly, np.minimum(well, users) + 1, HALF), 1.0)
    p = np.maximum(rows["p_up"].to_numpy(), served)
    p = np.where(rows["explained"].fill_null(1.0).to_numpy() < EXPLAINED, p, 1.0)
    return rows.with_columns(q=pl.Series(benjamini_hochberg(p), dtype=pl.Float64))


def _explained(grouped: pl.DataFrame, said: Outcomes) -> pl.DataFrame:
    """Of each unit the `label` that is believed of most of what is said, and of how much (`explained`)."""
    users = _users(said)
    people = grouped.join(users, on=MEMBER)
    whole = people.group_by(KEY).agg(whole=pl.col("users").sum())
    by_label = (
        people.join(said.labels, on=MEMBER)
        .group_by(*KEY, "label")
        .agg(meant=(pl.col("users") * pl.col("probability")).sum())
        .sort(*KEY, "meant", "label", descending=[False, False, False, True, False])
        .unique(KEY, keep="first", maintain_order=True)
    )
    joined = whole.join(by_label, on=KEY, how="left")
    share = (pl.col("meant") / pl.col("whole")).fill_null(0.0).clip(0.0, 1.0)
    return joined.select(*KEY, "label", explained=share)


def _users(said: Outcomes) -> pl.DataFrame:
    """`locale, utterance, users` of the newest days, with `well`."""
    alone = said.outcomes.filter(kind=WORDING)
    return alone.select("locale", utterance="unit", users="users", well="well")


def _unexplained(said: Outcomes) -> pl.DataFrame:
    """`locale, utterance, users, well`: wordings that are new, and neither explained by a label nor served."""
    best = said.labels.group_by(MEMBER).agg(pl.col("probability").max())
    return (
        _users(said)
        .join(said.old, on=MEMBER, how="anti")
        .join(best, on=MEMBER, how="left")
        .filter(
            pl.col("probability").fill_null(0.0) < EXPLAINED,
            pl.col("well") < HALF * pl.col("users"),
        )
        .drop("probability")
    )


def _merged(
    chosen: pl.DataFrame, members: pl.DataFrame, said: Outcomes, known: pl.DataFrame
) -> Found:
    units = members.select(KEY).unique().sort(KEY).with_row_index("row")
    held = members.join(units, on=KEY)
    wordings = held.select(MEMBER).unique().sort(MEMBER).with_row_index("column")
    placed = held.join(wordings, on=MEMBER)
    which = _components(placed, wordings, said.moves, units.height)
    parts = units.with_columns(part=pl.Series(which)).join(chosen, on=KEY)
    rows = (
        placed.join(parts.select(*KEY, "part"), on=KEY)
        .select("part", *MEMBER, "users", "well")
        .unique(["part", *MEMBER], maintain_order=True)
        .join(said.clusters.select(*MEMBER, "cluster_id"), on=MEMBER, how="left")
    )
    named = _named(parts, rows, known)
    of_units = parts.sort("part", "q", "unit").group_by("part", maintain_order=True)
    numbers = of_units.agg(
        pl.col("label", "explained", "ratio", "q").first(),
        terms=(pl.col("kind") == "term").sum().cast(pl.Int64),
    )
    whole = rows.group_by("part").agg(
        clusters=pl.col("cluster_id").drop_nulls().unique().sort().head(SHOWN),
        wordings=pl.len().cast(pl.Int64),
        said_by=pl.col("users").sum(),
        well=pl.col("well").sum() / pl.col("users").sum(),
    )
    found = named.join(whole, on="part").join(numbers, on="part")
    listed = rows.join(named.select("part", "candidate_id"), on="part")
    return Found(
        found.select(CANDIDATES.names()).cast(CANDIDATES).sort("locale", "candidate_id"),
        listed.select(MEMBERS.names()).cast(MEMBERS).sort("locale", "candidate_id", "utterance"),
    )


def _components(
    placed: pl.DataFrame, wordings: pl.DataFrame, moves: pl.DataFrame, units: int
) -> npt.NDArray[np.int32]:
    """Which candidate each unit is part of."""
    at = placed["row"].to_numpy(), placed["column"].to_numpy()
    shape = units, wordings.height
    users = csr_matrix((placed["users"].to_numpy().astype(np.float64), at), shape)
    held = csr_matrix((np.ones(len(at[0])), at), shape)
    whole = np.asarray(users.sum(axis=1)).ravel()
    shared = (users @ held.T).tocoo()
    near = shared.data >= SHARED * np.minimum(whole[shared.row], whole[shared.col])
    moved = (held @ _moves(moves, wordings) @ held.T).tocoo()
    far = moved.data >= MOVED
    row = np.concatenate([shared.row[near], moved.row[far]])
    column = np.concatenate([shared.col[near], moved.col[far]])
    graph = csr_matrix((np.ones(len(row)), (row, column)), (units, units))
    return np.asarray(connected_components(graph, directed=False)[1])


def _moves(moves: pl.DataFrame, wordings: pl.DataFrame) -> csr_matrix:
    """wordings x wordings: people who moved from one to the other, as far as it was the same wish."""
    to = wordings.select("locale", target="utterance", to="column")
    here = wordings.select("locale", source="utterance", start="column")
    rows = moves.join(here, on=["locale", "source"]).join(to, on=["locale", "target"])
    people = (rows["users"] * rows["p_same"]).to_numpy().astype(np.float64)
    places = rows["start"].to_numpy(), rows["to"].to_numpy()
    return csr_matrix((people, places), (wordings.height, wordings.height))


def _named(parts: pl.DataFrame, rows: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """`part, locale, candidate_id, since`: the name of the oldest that was a candidate before, else of its largest cluster."""
    largest = (
        rows.group_by("part", "locale", "cluster_id")
        .agg(pl.col("users").sum())
        .sort("part", "users", "cluster_id", descending=[False, True, False], nulls_last=True)
        .unique("part", keep="first", maintain_order=True)
    )
    oldest = (
        parts.filter(kind=KNOWN)
        .join(known, left_on=["locale", "unit"], right_on=["locale", "candidate_id"])
        .sort("part", "since", "unit")
        .unique("part", keep="first", maintain_order=True)
        .select("part", "unit", "since")
    )
    joined = largest.join(oldest, on="part", how="left")
    return joined.select(
        "part", "locale", "since", candidate_id=pl.coalesce("unit", "cluster_id").fill_null("")
    )
