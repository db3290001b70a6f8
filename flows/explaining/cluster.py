"""What is in this cluster, what binds it, and what became of it?"""

from typing import Any

import polars as pl

from flows import newest as newest_of
from flows.explaining.memory import MOST, LakeReader
from flows.explaining.standing import examples
from flows.explaining.turns import newest, turn_lines
from flows.explaining.words import count
from warehouse.errors import BadInput

SHOWN = 30  # members shown to people
KEY = ["locale", "utterance"]
BOND = ["utterance", "variant", "users", "moved", "ended_alike", "similarity"]
Row = dict[str, Any]


def explain(memory: LakeReader, cluster_id: str) -> Row:
    """The cluster as the night left it, and its lineage in all nights; BadInput where no night knows it."""
    rows = memory.state("clusters").filter(pl.col("cluster_id") == cluster_id).collect()
    about = (pl.col("cluster_id") == cluster_id) | (pl.col("other_id") == cluster_id)
    events = memory.history("lineage", about).sort("night", "event", "cluster_id")
    if rows.is_empty() and events.is_empty():
        raise BadInput(f"{cluster_id}: is no cluster of any night; `sayagain review` lists them")
    members = _labelled(memory, rows).sort("users", *KEY, descending=[True, False, False])
    verdicts = memory.state("cluster_reviews").filter(pl.col("cluster_id") == cluster_id).collect()
    decided = verdicts.to_dicts()[0] if verdicts.height else {"verdict": None, "name": None}
    central = rows.filter("central")["utterance"].to_list()
    return {
        "cluster_id": cluster_id,
        "night": memory.night,
        "central": central[0] if central else None,
        "verdict": decided["verdict"],
        "name": decided["name"],
        "lineage": events.select("night", "cluster_id", "event", "other_id", "users").to_dicts(),
        "members": members.to_dicts(),
        "labels": _labels(members),
        "bonds": _bonds(memory, members),
        "turns": newest(memory, _of(members.head(MOST))) if rows.height else [],
    }


def _of(members: pl.DataFrame) -> pl.Expr:
    """Rows about one of these wordings; a cluster across locales has some of each."""
    found = pl.lit(value=False)
    for (locale,), rows in members.group_by("locale"):
        among = pl.col("utterance").is_in(rows["utterance"].implode())
        found |= (pl.col("locale") == locale) & among
    return found


def _labelled(memory: LakeReader, rows: pl.DataFrame) -> pl.DataFrame:
    """The members with what is believed of each, and whether it is in the training set."""
    among = _of(rows)
    believed = memory.state("soft_labels").filter(among).collect()
    ranked = believed.sort("probability", "label", descending=[True, False])
    best = ranked.unique(KEY, keep="first", maintain_order=True)
    last = newest_of.training_set(memory.home)
    entered = [examples(memory, last, among).select(*KEY, taught=True).collect()] if last else []
    told = best.select(*KEY, "label", "probability", behind="users")
    taught = entered[0] if entered else told.head(0).select(*KEY, taught=True)
    return (
        rows.select(*KEY, "users", "similarity", "central")
        .join(told, on=KEY, how="left")
        .join(taught, on=KEY, how="left")
        .with_columns(pl.col("taught").fill_null(value=False))
    )


def _labels(members: pl.DataFrame) -> list[Row]:
    """What its members got: wordings by label, and how many of them are in the training set."""
    return (
        members.group_by("label")
        .agg(
            wordings=pl.len(),
            probability=pl.col("probability").mean(),
            users=pl.col("behind").max(),
            in_training_set=pl.col("taught").sum(),
        )
        .sort("wordings", "label", descending=[True, False])
        .to_dicts()
    )


def _bonds(memory: LakeReader, members: pl.DataFrame) -> list[Row]:
    """The strongest bonds between two of its wordings: what users did first, then how alike they are."""
    wordings = pl.lit(members["utterance"].implode())
    rows = memory.state("variants").filter(
        _of(members) & pl.col("variant").is_in(wordings) & pl.col("same_cluster")
    )
    strongest = ["moved", "ended_alike", "similarity"]
    ranked = rows.sort(
        [*strongest, *BOND[:2]], descending=[True] * 3 + [False] * 2, nulls_last=True
    )
    return ranked.select(BOND).head(MOST).collect().to_dicts()


def lines(found: Row) -> list[str]:
    """The same for people."""
    members = found["members"]
    rest = len(members) - SHOWN
    return [
        f"{called(found)}, night {found['night']}: {count(len(members), 'wording')}"
        + (f" around {found['central']!r}" if members else ", it is no more"),
        *map(_event_line, found["lineage"]),
        *map(_label_line, found["labels"]),
        *map(_member_line, members[:SHOWN]),
        *([f"  and {rest} more (--json has all)"] if rest > 0 else []),
        *(["bonds, the strongest first:"] if found["bonds"] else []),
        *map(_bond_line, found["bonds"]),
        *turn_lines(found["turns"]),
    ]


def called(cluster: Row) -> str:
    """A cluster by its id, and what a person made of it."""
    told = ", ".join(w for w in (cluster["name"], cluster["verdict"]) if w)
    return f"cluster {cluster['cluster_id']}" + (f" ({told})" if told else "")


def _event_line(event: Row) -> str:
    became = {"split": "split from", "merged": "went into"}.get(event["event"], event["event"])
    other = f" {event['other_id']}" if event["other_id"] else ""
    return (
        f"{event['night']}: {event['cluster_id']} {became}{other}, {count(event['users'], 'user')}"
    )


def _label_line(row: Row) -> str:
    if row["label"] is None:
        return f"no label: {count(row['wordings'], 'wording')}"
    return (
        f"label {row['label']}: {count(row['wordings'], 'wording')}, believed at {row['probability']:.2f},"
        f" {count(row['users'], 'user')} behind it, {row['in_training_set']} in the training set"
    )


def _member_line(row: Row) -> str:
    label = f"{row['label']} {row['probability']:.2f}" if row["label"] else "no label"
    return f"  {row['utterance']!r}: {count(row['users'], 'user')}, similarity {row['similarity']:.2f}, {label}"


def _bond_line(row: Row) -> str:
    near = "" if row["similarity"] is None else f", similarity {row['similarity']:.2f}"
    return (
        f"  {row['utterance']!r} and {row['variant']!r}: {count(row['moved'], 'user')} moved,"
        f" {row['ended_alike']} ended alike{near}"
    )
