"""Why was retrained, or why not; what it learned from, and what came of it?"""

import re
from typing import Any

import polars as pl

from flows.explaining.memory import MOST, LakeReader
from flows.explaining.standing import examples
from flows.explaining.words import count
from retrain.registry import overrides, store
from warehouse.errors import BadInput
from warehouse.home import training_versions

FIGURES = [
    "locale", "cases", "champion_accuracy", "challenger_accuracy",
    "negative_flips", "flips_at_least", "flips_at_most",
]  # fmt: skip
Row = dict[str, Any]


def explain(memory: LakeReader, asked: str) -> Row:
    """What is known of a night's decision, named by the night, a training set or a model."""
    night, version, models = _meant(memory, asked)
    decisions = memory.lake.scan("decisions", [night]).collect().to_dicts() if night else []
    version = version or (decisions[0]["version"] if decisions else None)
    if not decisions and not models:
        nights = memory.lake.days("decisions")
        known = f"{nights[0]} to {nights[-1]}" if nights else "no night"
        raise BadInput(f"{asked}: no decision of that night; known: {known}")
    learned = models or [
        v for v in store.versions(memory.home) if version and _taught(memory, v) == version
    ]
    return {
        "asked": asked,
        "night": night,
        "decision": decisions[0] if decisions else None,
        "training_set": _training_set(memory, night, version) if night and version else None,
        "messages": _messages(memory, night, version) if night and version else [],
        "models": [_model(memory, v) for v in learned],
        "person": _person(memory, version, learned),
    }


def _meant(memory: LakeReader, asked: str) -> tuple[str | None, str | None, list[str]]:
    """(night, training set, models) that a name stands for."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", asked):
        return asked, None, []
    if asked in training_versions(memory.home):
        return asked[:10], asked, []
    if asked in store.versions(memory.home):
        version = _taught(memory, asked)
        return version and version[:10], version, [asked]
    raise BadInput(f"{asked!r}: is no night (YYYY-MM-DD), training set or model of this home")


def _taught(memory: LakeReader, model: str) -> str | None:
    taught: str | None = store.about(memory.home, model).get("training_set")
    return taught


def _training_set(memory: LakeReader, night: str, version: str) -> Row:
    """Its rows and what was withheld from it; where a later one of the night took its place in the lake,
    only its rows."""
    rows = memory.lake.scan("training_sets", [night]).filter(pl.col("version") == version).collect()
    if rows.is_empty():
        count = examples(memory, version, pl.lit(value=True)).select(pl.len()).collect().item()
        return {"version": version, "examples": count, "fresh": None, "withheld": []}
    withheld = memory.lake.scan("withheld", [night]).collect()
    return {
        **rows.select("version", "examples", "fresh", "believed_weight").to_dicts()[0],
        "withheld": withheld.sort(
            "rows", "stage", "reason", descending=[True, False, False]
        ).to_dicts(),
    }


def _messages(memory: LakeReader, night: str, version: str) -> list[Row]:
    rows = memory.lake.scan("outbox", [night]).filter(pl.col("version") == version)
    told = rows.select("message", "receiver", "status", "attempts", "answer")
    return told.sort("receiver").collect().to_dicts()


def _model(memory: LakeReader, version: str) -> Row:
    """A model: what the gate decided of it by which figures, and what it broke."""
    about = store.about(memory.home, version)
    figures = store.table(memory.home, version, "evaluation").filter(pl.col("intent") == "all")
    flipped = store.table(memory.home, version, "flipped")
    return {
        "version": version,
        "serves": store.champion(memory.home) == version,
        "served": version in store.served(memory.home),
        **{k: about.get(k) for k in ("training_set", "before", "examples", "hold", "promoted")},
        "because": about.get("because", []),
        "figures": figures.select(FIGURES).to_dicts(),
        "flips": flipped.height,
        "flipped": flipped.select("locale", "utterance", "intent").head(MOST).to_dicts(),
    }


def _person(memory: LakeReader, version: str | None, models: list[str]) -> Row:
    """What a person decided: a hold that still holds, rejections of the set or its models."""
    known = overrides.read(memory.home)
    named = [v for v in (version, *models) if v in known.rejected]
    return {"held": known.held, "rejected": {v: known.rejected[v] for v in named if v}}


def lines(found: Row) -> list[str]:
    """The same for people."""
    decision, person = found["decision"], found["person"]
    answer = (
        "no decision"
        if decision is None
        else "retrain"
        if decision["retrain"]
        else "do not retrain"
    )
    return [
        f"night {found['night'] or 'none: seed data alone'}: {answer}",
        *[f"  because {b}" for b in (decision["because"] if decision else [])],
        *_set_lines(found["training_set"]),
        *[
            f"message to {m['receiver']}: {m['status']}, sent {count(m['attempts'], 'time')}"
            + (f", answer: {m['answer']}" if m["answer"] else "")
            for m in found["messages"]
        ],
        *(line for model in found["models"] for line in _model_lines(model)),
        *([] if found["models"] else ["no model learned from it"]),
        *([f"held by a person: {person['held']}"] if person["held"] is not None else []),
        *[f"a person rejected {v}: {why}" for v, why in person["rejected"].items()],
    ]


def _set_lines(row: Row | None) -> list[str]:
    if row is None:
        return []
    fresh = "" if row["fresh"] is None else f", {row['fresh']} of them new"
    return [
        f"training set {row['version']}: {count(row['examples'], 'wording')}{fresh}",
        *[f"  withheld {w['rows']}: {w['stage']}, {w['reason']}" for w in row["withheld"]],
    ]


def _model_lines(model: Row) -> list[str]:
    """The gate's verdict, a person's against it, and what flipped."""
    verdict = "promoted" if model["promoted"] else "refused"
    state = "serves" if model["serves"] else "served" if model["served"] else "never served"
    by_hand = ", by a person's approval" if model["served"] and not model["promoted"] else ""
    of = f" instead of {model['before']}" if model["before"] else ""
    return [
        f"model {model['version']}{of}: {verdict} by the gate, {state}{by_hand}",
        *[f"  because {b}" for b in model["because"]],
        *map(_figure_line, model["figures"]),
        *([f"  {model['flips']} cases were right and went wrong:"] if model["flips"] else []),
        *[f"    {r['utterance']!r} ({r['locale']}): {r['intent']}" for r in model["flipped"]],
    ]


def _figure_line(row: Row) -> str:
    before, after, flips = (
        "none" if row[c] is None else f"{row[c]:.1%}"
        for c in ("champion_accuracy", "challenger_accuracy", "negative_flips")
    )
    return f"  {row['locale']}: {row['cases']:.0f} cases, right before {before}, now {after}, went wrong {flips}"
