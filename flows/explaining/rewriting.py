"""Why does this wording run instead of that one, or why does it not?"""

from typing import Any

import polars as pl

from flows.explaining.evidence import heard, heard_lines, move_lines, moves, vote_lines, votes
from flows.explaining.memory import MOST, LakeReader, normal, said, spoken
from flows.explaining.turns import PAIR, newest, pair_lines, turn_lines
from flows.explaining.words import count

FIX = [
    "source", "target", "status", "began", "until", "withdrawals", "since", "holdout",
    "treated", "treated_reformulated", "alone", "alone_reformulated", "p_worse", "p_better", "users",
    "occurrences", "p_same", "success", "success_alone", "carried_values",
]  # fmt: skip
STEPS = 8  # of a chain
LIKELY = 0.5  # probability from which a step of a chain counts
Row = dict[str, Any]


def explain(memory: LakeReader, source: str, target: str, locale: str | None) -> Row:
    """The rewrite of one wording by another with its evidence, or the step at which it fell out."""
    known, aim = spoken(memory, source, locale), normal(target)
    wording, tag = known.wording, known.locale
    here = (pl.col("source") == wording) & (pl.col("locale") == tag)
    both = here & (pl.col("target") == aim)
    fix = next(iter(fixes(memory, both)), None)
    step, because = _judged(fix) if fix else why_none(memory, tag, wording, aim)
    chains = _chains(memory, wording, aim, tag)
    ids = pl.lit(pl.concat([chains["turn_id"], chains["end_turn_id"]]).implode())
    ran = said(wording, tag) & (pl.col("executed_utterance") == aim)
    chained = (said(wording, tag) | said(aim, tag)) & pl.col("turn_id").is_in(ids)
    return {
        "source": wording,
        "target": aim,
        "locale": tag,
        "night": memory.night,
        "rewrite": fix,
        "stopped_at": step,
        "because": because,
        "earlier": _earlier(memory, both),
        "moves": moves(memory, both).select("users", "occurrences", "p_same", "p_kept").to_dicts(),
        "moved_to": moves(memory, here).select("target", "users", "p_same").to_dicts(),
        "heard": {end: heard(memory, w, tag) for end, w in (("source", wording), ("target", aim))},
        "votes": votes(memory.of("votes", wording, tag).filter(pl.col("via") == aim)),
        "chains": chains.to_dicts(),
        "pairs": _steps(memory, chains),
        "turns": newest(memory, chained | ran) or newest(memory, said(wording, tag)),
    }


def fixes(memory: LakeReader, among: pl.Expr) -> list[Row]:
    """Rewrites that run or ran, of those that an expression chooses."""
    rows = memory.state("rewrite_experiments").filter(among).select(FIX)
    return rows.sort("status", "p_better", descending=[False, True]).head(MOST).collect().to_dicts()


def why_none(memory: LakeReader, locale: str, source: str, target: str) -> tuple[str, str]:
    """The step at which a rewrite that there is none of fell out, and why."""
    told = memory.of("item_reviews", source, locale).filter(kind="rewrite", target=target)
    if "rejected" in told["verdict"]:
        return "review", "a person rejected it"
    here = (pl.col("source") == source) & (pl.col("locale") == locale)
    both = here & (pl.col("target") == target)
    found = moves(memory, both).to_dicts()
    if not found:
        return "moves", f"nobody who said {source!r} ended up at {target!r}"
    rows = memory.state("withheld_rewrites").filter(both).collect().to_dicts()
    if not rows:
        return "night", "no night has judged it yet"
    return rows[0]["stage"], _because(memory, found[0], rows[0])


def _because(memory: LakeReader, move: Row, row: Row) -> str:
    """Why users' way from one wording to another is not proposed, by the stage at which it fell out
    (mining/rewrites/proposals.py)."""
    target, moved = move["target"], f"{count(move['users'], 'user')} moved"
    same = f"the two mean the same with p {move['p_same']:.2f}"
    told = {
        "target": f"{moved}, but the assistant does not serve {target!r}, or users went elsewhere more often",
        "answer": f"{moved}, but {target!r} is mostly said in answer to a question, and means nothing without it",
        "another": f"{moved}, but another wording serves its users better",
        "runs": f"{moved}, but another rewrite of the wording runs",
        "waits": f"{moved}, but a rewrite of the wording was withdrawn, and it waits",
        "review": f"{moved}, but a person rejected it",
        "stayed": f"{moved}, but they did not stay with it",
        "values": f"{moved}, but one of both lacks a value that the assistant heard in the other",
    }
    if row["stage"] == "success":
        return (
            f"{moved}, {same}: a turn would be mended with p {row['p_better']:.2f} and broken with p"
            f" {row['breaks']:.2f}, and one that breaks weighs as much as four"
        )
    if row["stage"] == "verdicts":
        return f"no rewrite is proposed in this log: {'; '.join(_doubts(memory))}"
    return told[row["stage"]]


def _doubts(memory: LakeReader) -> list[str]:
    """What of that which rewrites rest on the log does not tell well (aggregation/trust.py)."""
    rests_on = pl.col("subject").is_in(["pairs", "failures"]) & (pl.col("verdict") != "well")
    told = memory.state("trust").filter(rests_on).sort("subject").collect()
    return [f"{subject} are told {verdict}" for subject, verdict, _ in told.iter_rows()]


def _judged(fix: Row) -> tuple[str | None, str]:
    if fix["status"] == "withdrawn":
        return "withdrawn", (
            f"withdrawn on {fix['until']}: worse than leaving the wording alone"
            f" with p {fix['p_worse']:.2f}"
        )
    carried = (
        f"; users of {fix['carried_values']} other values went this way"
        if fix["carried_values"]
        else ""
    )
    return None, (
        f"runs since {fix['began']}: it is expected to serve {fix['success']:.0%} of these users,"
        f" the wording itself {fix['success_alone']:.0%}{carried}"
    )


def _earlier(memory: LakeReader, both: pl.Expr) -> Row | None:
    """The nights before this one in which it was there."""
    rows = memory.history("rewrite_experiments", both).filter(pl.col("night") < memory.night)
    if rows.is_empty():
        return None
    first, last = rows["night"][0], rows["night"][-1]
    return {"first": first, "last": last, "status": rows["status"].cast(pl.String)[-1]}


def _chains(memory: LakeReader, source: str, target: str, locale: str) -> pl.DataFrame:
    """The most probable chains of saying it again that begin at one wording and end at the other:
    `turn_id, end_turn_id, p_chain`."""
    events = memory.lake.scan("rephrase_events", memory.window("rephrase_events"))
    near = events.filter(
        (pl.col("locale") == locale) & ((pl.col("source") == source) | (pl.col("target") == target))
    )
    rows = near.select(PAIR).collect()
    begin = rows.filter(source=source).select(turn_id="source_turn_id").unique()
    end = rows.filter(target=target).select(end_turn_id="target_turn_id").unique()
    chains = (
        memory.state("chain_ends")
        .join(begin.lazy(), on="turn_id", how="semi")
        .join(end.lazy(), on="end_turn_id", how="semi")
    )
    return chains.sort("p_chain", "turn_id", descending=[True, False]).head(MOST).collect()


def _steps(memory: LakeReader, chains: pl.DataFrame) -> list[Row]:
    """The pairs of turns of which the chains are made."""
    goals = set(chains["end_turn_id"])
    at, taken = set(chains["turn_id"]), []
    for _ in range(STEPS):
        from_here = pl.col("source_turn_id").is_in(sorted(at))
        rows = memory.state("best_rephrases").filter(from_here).collect()
        taken.append(rows.select("source_turn_id", "target_turn_id"))
        at = set(rows["target_turn_id"]) - goals
        if not at:
            break
    steps = pl.concat(taken)
    events = memory.lake.scan("rephrase_events", memory.window("rephrase_events"))
    among = pl.col("source_turn_id").is_in(steps["source_turn_id"].implode())
    pairs = events.filter(among).select(PAIR).collect().join(steps, on=PAIR[:2], how="semi")
    return pairs.sort("p_rephrase", *PAIR[:2], descending=[True, False, False]).to_dicts()


def lines(found: Row) -> list[str]:
    """The same for people."""
    answer = (
        found["rewrite"]["status"]
        if found["rewrite"]
        else f"none, stopped at: {found['stopped_at']}"
    )
    earlier = found["earlier"]
    return [
        f"rewrite {found['source']!r} to {found['target']!r} ({found['locale']}), night {found['night']}: {answer}",
        f"because: {found['because']}",
        *(
            [f"known from {earlier['first']} to {earlier['last']}, then {earlier['status']}"]
            if earlier
            else []
        ),
        *_arm_lines(found["rewrite"]),
        *[
            f"{count(r['users'], 'user')} moved {count(r['occurrences'], 'time')}, same with p {r['p_same']:.2f}"
            for r in found["moves"]
        ],
        *move_lines("users ended up with:", "target", found["moved_to"]),
        *heard_lines(found["source"], found["heard"]["source"]),
        *heard_lines(found["target"], found["heard"]["target"]),
        *vote_lines(found["votes"]),
        *pair_lines(found["pairs"]),
        *turn_lines(found["turns"]),
    ]


def fix_lines(found: list[Row]) -> list[str]:
    return [
        f"rewrite {r['source']!r} to {r['target']!r}: {r['status']}, better with p {r['p_better']:.2f},"
        f" {count(r['users'], 'user')} moved"
        for r in found
    ]


def _arm_lines(fix: Row | None) -> list[str]:
    """What its treated turns and those left alone show."""
    if fix is None:
        return []
    held = f"{fix['holdout']:.0%} of its turns are to be left alone"
    lines = [
        f"better with p {fix['p_better']:.2f}; {held}; withdrawn {count(fix['withdrawals'], 'time')}"
    ]
    if not fix["treated"] + fix["alone"]:
        return [*lines, f"since {fix['since']} nobody said it"]
    return [
        *lines,
        f"since {fix['since']}: {fix['treated_reformulated']:.0%} of {fix['treated']:.1f} users came back where it"
        f" ran, {fix['alone_reformulated']:.0%} of {fix['alone']:.1f} where the wording was left alone; worse with"
        f" p {fix['p_worse']:.2f}",
    ]
