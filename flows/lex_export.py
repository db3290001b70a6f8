"""A training set as Amazon Lex V2 imports a bot locale: sample utterances with slots, and slot types with the values that users said
(docs.aws.amazon.com/lexv2, JSON format for importing and exporting)."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl

NOT_A_NAME = re.compile(r"[^0-9A-Za-z]+")
MOST_LETTERS = 100  # of a name
MANIFEST = {
    "metadata": {"schemaVersion": "1.0", "fileFormat": "LexJson", "resourceType": "BotLocale"}
}
Files = dict[str, Any]


def write(examples: pl.DataFrame, out: Path) -> None:
    """`LOCALE.zip` each. `examples` have one sure label, and no braces."""
    rows = examples.with_columns(intent=pl.col("labels").list.first())
    for (locale,), spoken in sorted(rows.partition_by("locale", as_dict=True).items()):
        name = NOT_A_NAME.sub("_", str(locale))
        with ZipFile(out / f"{name}.zip", "w", ZIP_DEFLATED) as packed:
            packed.writestr("manifest.json", json.dumps(MANIFEST))
            for place, content in _locale(name, spoken).items():
                packed.writestr(place, json.dumps(content, ensure_ascii=False, indent=1))


def _locale(name: str, spoken: pl.DataFrame) -> Files:
    """The files of a bot locale, by their places."""
    intents = _names(spoken["intent"].unique())
    held = spoken.explode("slots").drop_nulls("slots").unnest("slots", separator=".")
    slots = _names(held["slots.name"].unique()) if held.height else {}
    about = {"name": name, "identifier": name, "nluConfidenceThreshold": 0.4}
    files: Files = {f"{name}/BotLocale.json": about}
    for (intent,), said in sorted(spoken.partition_by("intent", as_dict=True).items()):
        folder = f"{name}/Intents/{intents[intent]}"
        marked = said.select("utterance", "slots").to_dicts()
        texts = {_sample(row["utterance"], row["slots"] or [], slots) for row in marked}
        used = sorted({slots[slot["name"]] for row in marked for slot in row["slots"] or []})
        files[f"{folder}/Intent.json"] = {
            "name": intents[intent],
            "sampleUtterances": [{"utterance": text} for text in sorted(texts)],
            "slotPriorities": [{"priority": n, "slotName": slot} for n, slot in enumerate(used, 1)],
        }
        for slot in used:
            files[f"{folder}/Slots/{slot}/Slot.json"] = {
                "name": slot,
                "slotTypeName": slot,
                "valueElicitationSetting": {"slotConstraint": "Optional"},
            }
    for slot, mine in slots.items():
        values = held.filter(pl.col("slots.name") == slot)["slots.value"].unique().sort()
        files[f"{name}/SlotTypes/{mine}/SlotType.json"] = {
            "name": mine,
            "slotTypeValues": [{"sampleValue": {"value": value}} for value in values],
            "valueSelectionSetting": {"resolutionStrategy": "OriginalValue"},
        }
    return files


def _sample(utterance: str, slots: list[dict[str, Any]], names: dict[str, str]) -> str:
    for slot in sorted(slots, key=lambda s: -s["start"]):
        before, after = utterance[: slot["start"]], utterance[slot["end"] :]
        utterance = f"{before}{{{names[slot['name']]}}}{after}"
    return utterance


def _names(names: Iterable[str]) -> dict[str, str]:
    """Each name in the letters that Lex takes, none twice."""
    found: dict[str, str] = {}
    for name in sorted(names):
        plain = NOT_A_NAME.sub("_", name).strip("_")[: MOST_LETTERS - 4] or "x"
        taken = set(found.values())
        numbered = (f"{plain}_{n}" for n in range(2, len(taken) + 3))
        found[name] = next(n for n in (plain, *numbered) if n not in taken)
    return found
