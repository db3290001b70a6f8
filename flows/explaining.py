"""Why is this wording in the training set, or why is it not? From the label back to the turns.

Internal: reads the lake, shows wordings whatever the floor, never a user id.
"""

import unicodedata
from pathlib import Path
from typing import Any

import polars as pl

from warehouse.errors import BadInput
from warehouse.home import existing, read_training_set, training_versions
from warehouse.lake import Lake

MOST = 10  # turns, moves and neighbours shown


def explain(root: Path, utterance: str, locale: str | None) -> dict[str, Any]:
    """What is known of a wording, from training set to turns, newest night."""
    home = existing(root)
    lake = Lake(home.lake)
    wording = unicodedata.normalize("NFC", utterance)
    said = _about(lake.newest("wordings"), wording, locale)
    if said.is_empty():
        where = f" in {locale}" if locale else ""
        raise BadInput(f"{wording!r} was not said{where} in the days that count")
    if said.height > 1:
        raise BadInput(f"{wording!r} was said in {', '.join(said['locale'])}; add --locale")
    tag = said["locale"][0]
    sets = training_versions(home)
    examples = read_training_set(home, sets[-1]) if sets else pl.DataFrame()
    example = _about(examples, wording, tag).to_dicts() if sets else []
    labels = _about(lake.newest("soft_labels"), wording, tag).sort("probability", descending=True)
    cluster = _about(lake.newest("clusters"), wording, tag)
    moves = lake.newest("moves").filter(locale=tag)
    return {
        "utterance": wording,
        "locale": tag,
        "said": said.select("turns", "users").to_dicts()[0],
        "training_set": sets[-1] if sets else None,
        "example": example[0] if example else None,
        "withheld_because": None if example else _withheld(labels),
        "soft_labels": labels.select("label", "probability", "users", "votes").to_dicts(),
        "votes": _about(lake.newest("votes"), wording, tag)
        .group_by("label", "kind")
        .agg(votes=pl.col("weight").sum(), users=pl.col("user_id").replace("", None).n_unique())
        .sort("votes", "label", "kind", descending=[True, False, False])
        .to_dicts(),
        "cluster": _cluster(lake, cluster),
        "moved_to": moves.filter(source=wording)
        .sort("users", descending=True)
        .head(MOST)
        .select("target", "users", "p_same")
        .to_dicts(),
        "moved_from": moves.filter(target=wording)
        .sort("users", descending=True)
        .head(MOST)
        .select("source", "users", "p_same")
        .to_dicts(),
        "turns": _turns(lake, wording, tag),
    }


def as_lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    lines = [
        f"{found['utterance']!r} ({found['locale']}): said {found['said']['turns']} times by {found['said']['users']} users",
    ]
    if found["example"]:
        row = found["example"]
        lines.append(
            f"in training set {found['training_set']}: weight {row['weight']:.2f},"
            f" {row['users']} users behind it, from {', '.join(row['sources'])}"
        )
    else:
        lines.append(f"in no training set: {found['withheld_because']}")
    lines += [f"  {r['probability']:.2f}  {r['label']}" for r in found["soft_labels"][:5]]
    lines += ["votes:"] if found["votes"] else ["no votes"]
    lines += [
        f"  {r['votes']:8.2f}  {r['kind']:<11} {r['label']} ({r['users']} users)"
        for r in found["votes"]
    ]
    for title, key, name in (
        ("users ended up with:", "moved_to", "target"),
        ("users came from:", "moved_from", "source"),
    ):
        if found[key]:
            lines.append(title)
            lines += [
                f"  {r[name]!r} ({r['users']} users, p {r['p_same']:.2f})" for r in found[key]
            ]
    if found["cluster"]:
        lines.append(
            f"cluster {found['cluster']['cluster_id']}: "
            + ", ".join(map(repr, found["cluster"]["members"]))
        )
    lines.append("turns:")
    lines += [
        f"  {r['timestamp']:%Y-%m-%d %H:%M:%S} {r['turn_id']}: {r['best_intent'] or 'no hypothesis'},"
        f" {'executed' if r['intent'] else 'not executed'}, {_followed(r)}"
        for r in found["turns"]
    ]
    return lines


def _about(rows: pl.DataFrame, wording: str, locale: str | None) -> pl.DataFrame:
    found = rows.filter(pl.col("utterance") == wording)
    return found.filter(pl.col("locale") == locale) if locale else found


def _withheld(labels: pl.DataFrame) -> str:
    if labels.is_empty():
        return "no label was ever heard for it"
    best = labels.row(0, named=True)
    return (
        f"its best label {best['label']} is believed at {best['probability']:.2f}"
        f" with {best['users']} distinct users behind it"
    )


def _cluster(lake: Lake, mine: pl.DataFrame) -> dict[str, Any] | None:
    if mine.is_empty():
        return None
    row = mine.row(0, named=True)
    members = lake.newest("clusters").filter(cluster_id=row["cluster_id"])
    first = members.sort("similarity", descending=True)["utterance"].head(MOST).to_list()
    return {"cluster_id": row["cluster_id"], "size": members.height, "members": first}


def _turns(lake: Lake, wording: str, locale: str) -> list[dict[str, Any]]:
    said = pl.scan_parquet(lake.files("turns", lake.days("turns")), hive_partitioning=False)
    rows = said.filter((pl.col("utterance") == wording) & (pl.col("locale") == locale))
    turns = (
        rows.select("turn_id", "timestamp", "best_intent", "intent", "outcome")
        .sort("timestamp", "turn_id")
        .head(MOST)
        .collect()
    )
    events = pl.scan_parquet(
        lake.files("rephrase_events", lake.days("rephrase_events")), hive_partitioning=False
    )
    after = (
        events.filter(pl.col("source_turn_id").is_in(turns["turn_id"].to_list()))
        .select("source_turn_id", "target", "p_rephrase")
        .collect()
    )
    best = after.sort("p_rephrase", descending=True).unique(
        "source_turn_id", keep="first", maintain_order=True
    )
    return (
        turns.join(best, left_on="turn_id", right_on="source_turn_id", how="left")
        .sort("timestamp", "turn_id")
        .to_dicts()
    )


def _followed(turn: dict[str, Any]) -> str:
    if turn["target"] is None:
        return "nobody came back"
    return f"then {turn['target']!r} (p {turn['p_rephrase']:.2f})"
