"""Why is this wording in the training set, or why is it not? From the label back to the turns."""

from typing import Any

import polars as pl

from flows.explaining.cluster import called
from flows.explaining.evidence import heard, heard_lines, move_lines, moves, vote_lines, votes
from flows.explaining.memory import MOST, LakeReader, Spoken, said, spoken
from flows.explaining.rewriting import fix_lines, fixes, why_none
from flows.explaining.slots import slot_lines, slots
from flows.explaining.standing import standing, standing_lines
from flows.explaining.turns import newest, pair_lines, pairs, turn_lines
from flows.explaining.words import count

ENOUGH = 1_000  # turns that tell how probably a wording fails


def explain(memory: LakeReader, utterance: str, locale: str | None) -> dict[str, Any]:
    """What is known of a wording, from training set to turns."""
    known = spoken(memory, utterance, locale)
    wording, tag = known.wording, known.locale
    labels = memory.of("soft_labels", wording, tag)
    labels = labels.sort("probability", "label", descending=[True, False])
    cluster = _cluster(memory, known)
    leaving, coming = (
        (pl.col(end) == wording) & (pl.col("locale") == tag) for end in ("source", "target")
    )
    moved = moves(memory, leaving).select("target", "users", "p_same").to_dicts()
    defect, mine = _defect(memory, known), fixes(memory, leaving)
    return {
        "utterance": wording,
        "locale": tag,
        "night": memory.night,
        "said": {"turns": known.turns, "users": known.users},
        "set_aside": known.aside,
        **standing(memory, known, (cluster or {}).get("verdict")),
        "soft_labels": labels.select("label", "probability", "users", "votes").to_dicts(),
        "slots": slots(memory, wording, tag, [r["target"] for r in moved]),
        "votes": votes(memory.of("votes", wording, tag)),
        "defect": defect,
        "rewrites_from": mine,
        "rewrites_to": fixes(memory, coming),
        "no_rewrite_because": _no_rewrite(memory, known, mine, moved, defect["p_defect"]),
        "cluster": cluster,
        "moved_to": moved,
        "moved_from": moves(memory, coming).select("source", "users", "p_same").to_dicts(),
        "pairs": pairs(memory, leaving),
        "turns": newest(memory, said(wording, tag)),
    }


def _cluster(memory: LakeReader, known: Spoken) -> dict[str, Any] | None:
    mine = memory.of("clusters", known.wording, known.locale)
    if mine.is_empty():
        return None
    name = mine["cluster_id"][0]
    clusters, verdicts = (
        memory.state(t).filter(pl.col("cluster_id") == name).collect()
        for t in ("clusters", "cluster_reviews")
    )
    first = clusters.sort("similarity", "utterance", descending=[True, False])
    verdict = verdicts.to_dicts()[0] if verdicts.height else {"verdict": None, "name": None}
    return {
        "cluster_id": name,
        "size": clusters.height,
        "members": first["utterance"].head(MOST).to_list(),
        "verdict": verdict["verdict"],
        "name": verdict["name"],
    }


def _defect(memory: LakeReader, known: Spoken) -> dict[str, Any]:
    """How probably its newest turns failed, on average, and what the assistant hears in it."""
    p: list[float] = []
    for day in reversed(memory.window("turns")):
        turns = memory.lake.scan("turns", [day]).filter(said(known.wording, known.locale))
        ids = turns.select("turn_id").collect()
        if ids.height:
            rows = memory.lake.scan("defects", [day]).join(ids.lazy(), on="turn_id", how="semi")
            p += rows.select("p_defect").collect()["p_defect"].to_list()
        if len(p) >= ENOUGH:
            break
    return {
        "p_defect": sum(p) / len(p) if p else None,
        "turns": len(p),
        "heard": heard(memory, known.wording, known.locale),
    }


def _no_rewrite(
    memory: LakeReader,
    known: Spoken,
    fixes: list[dict[str, Any]],
    moves: list[dict[str, Any]],
    p_defect: float | None,
) -> str | None:
    """Why nothing runs instead of it; null where something does."""
    if any(f["status"] == "live" for f in fixes):
        return None
    if p_defect is None or p_defect < 0.5:
        return "it rather works" if p_defect is not None else "nobody said it in the window"
    if not moves:
        return "nobody who said it ended up at another wording"
    return why_none(memory, known.locale, known.wording, moves[0]["target"])[1]


def lines(found: dict[str, Any]) -> list[str]:
    """The same for people."""
    counted = found["said"]
    often = f"said {count(counted['turns'], 'time')} by {count(counted['users'], 'user')}"
    if not counted["turns"]:
        often = "no person said it in the days that count"
    told = [
        f"{found['utterance']!r} ({found['locale']}), night {found['night']}: {often}",
        *standing_lines(found),
    ]
    if found["set_aside"] and counted["turns"]:
        aside = sum(r["turns"] for r in found["set_aside"])
        told.append(f"set aside as a bot's: {aside} more turns")
    told += [
        f"  {r['probability']:.2f}  {r['label']} ({count(r['users'], 'user')} behind cluster and label)"
        for r in found["soft_labels"][:5]
    ]
    return [
        *told,
        *slot_lines(found["slots"]),
        *vote_lines(found["votes"]),
        *_cluster_lines(found["cluster"]),
        *_defect_lines(found),
        *_rewrite_lines(found),
        *move_lines("users ended up with:", "target", found["moved_to"]),
        *move_lines("users came from:", "source", found["moved_from"]),
        *pair_lines(found["pairs"]),
        *turn_lines(found["turns"]),
    ]


def _cluster_lines(cluster: dict[str, Any] | None) -> list[str]:
    if cluster is None:
        return []
    members = ", ".join(map(repr, cluster["members"]))
    return [f"{called(cluster)}, {count(cluster['size'], 'wording')}: {members}"]


def _defect_lines(found: dict[str, Any]) -> list[str]:
    defect = found["defect"]
    if defect["p_defect"] is None:
        return []
    mean = f"the mean of its newest {count(defect['turns'], 'turn')}"
    whole = f"probable defect {defect['p_defect']:.2f}, {mean}"
    return [whole, *heard_lines(found["utterance"], defect["heard"])]


def _rewrite_lines(found: dict[str, Any]) -> list[str]:
    """Rewrites from and to it, or why there is none from it."""
    rows = fix_lines([*found["rewrites_from"], *found["rewrites_to"]])
    why = found["no_rewrite_because"]
    return [*rows, f"no rewrite of it: {why}"] if why else rows
