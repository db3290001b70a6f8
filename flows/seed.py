"""Seed data: what the assistant's model already knows. Kept in the home, read by every night."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from aggregation.slots import span
from mining.ingest.locales import spelled
from mining.ingest.rows import Broken, rows
from retrain.training.data import FOLDS
from warehouse.common.files import write_atomically
from warehouse.common.folds import folds
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.tables import Examples

Slot = dict[str, Any]  # a row of SLOTS
SLOTS = Examples.create_empty().schema["slots"]
SCHEMA = pl.Schema(
    {"locale": pl.String(), "utterance": pl.String(), "intent": pl.String(), "slots": SLOTS}
)
BRACKETS = re.compile(r"\[\s*([^:\[\]]+?)\s*:\s*([^\[\]]+?)\s*\]")


class Place(msgspec.Struct):
    """A slot by its characters, `end` exclusive."""

    name: str
    start: int
    end: int


class Labelled(msgspec.Struct):
    """A row of seed data or promises. `slots` by name and value or by place, none where they are not known; or the utterance with
    its slots in brackets, as in `annot_utt` of MASSIVE: `wake me at [time : seven]`."""

    intent: str
    utterance: str | None = None
    locale: str = "und"
    slots: dict[str, str] | list[Place] | None = None
    annot_utt: str | None = None


def read(path: Path) -> pl.DataFrame:
    """`locale, utterance, intent, slots` of a JSON lines or CSV file, in Unicode NFC, each wording once; slots are null where not
    all of them are known by their place.

    Every row must be good: BadInput names the first that is not.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    found: dict[tuple[str, str], tuple[str, list[Slot] | None]] = {}
    for number, raw in rows(path, ["utterance", "intent"]):
        if isinstance(raw, Broken):
            raise BadInput(f"{path}, row {number}: {raw}")
        try:
            row = (
                msgspec.json.decode(raw, type=Labelled)
                if isinstance(raw, bytes)
                else msgspec.convert(raw, Labelled, strict=False)
            )
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadInput(
                f"{path}, row {number}: {error}; a row is"
                ' {"locale": "en-GB", "utterance": "...", "intent": "..."}'
            ) from None
        utterance, slots = _told(row)
        if not utterance.strip() or not row.intent:
            raise BadInput(f"{path}, row {number}: utterance and intent may not be empty")
        try:
            locale = spelled(row.locale)
        except ValueError as error:
            raise BadInput(f"{path}, row {number}: locale {error}") from None
        found.setdefault((locale, utterance), (row.intent, slots))
    ordered = [(*key, *found[key]) for key in sorted(found)]
    return pl.DataFrame(ordered, SCHEMA, orient="row")


def _told(row: Labelled) -> tuple[str, list[Slot] | None]:
    """The utterance in NFC, and its slots, if all are known by their place."""
    if row.annot_utt is not None and row.utterance is None:
        return _unmarked(unicodedata.normalize("NFC", row.annot_utt))
    given = row.utterance or ""
    text = unicodedata.normalize("NFC", given)
    if isinstance(row.slots, dict):
        return text, _placed(text, row.slots)
    if row.slots is None or text != given or not all(_inside(p, text) for p in row.slots):
        return text, None
    return text, [_slot(p.name, text, p.start, p.end) for p in row.slots]


def _unmarked(marked: str) -> tuple[str, list[Slot]]:
    """An utterance without brackets, and the slots that stood in them."""
    text, slots, at = "", [], 0
    for found in BRACKETS.finditer(marked):
        text += marked[at : found.start()]
        start, at = len(text), found.end()
        text += found[2]
        slots.append((found[1], start, len(text)))
    text += marked[at:]
    return text, [_slot(name, text, start, end) for name, start, end in slots]


def _placed(text: str, slots: dict[str, str]) -> list[Slot] | None:
    """Slots where their values stand in a text letter by letter; None where one does not, or twice."""
    places = [span(text, unicodedata.normalize("NFC", value)) for value in slots.values()]
    found = [
        _slot(name, text, place[0], place[1])
        for name, place in zip(slots, places, strict=True)
        if place and place[2] == 1.0
    ]
    ordered = sorted(found, key=lambda slot: slot["start"])
    apart = all(a["end"] <= b["start"] for a, b in pairwise(ordered))
    return ordered if len(found) == len(slots) and apart else None


def _inside(place: Place, text: str) -> bool:
    return 0 <= place.start < place.end <= len(text)


def _slot(name: str, text: str, start: int, end: int) -> Slot:
    return {"name": name, "value": text[start:end], "start": start, "end": end, "probability": 1.0}


def taught(known: pl.DataFrame) -> pl.DataFrame:
    """What of the seed data teaches labels: all but one fold of the gate's, so that labels, which a
    challenger learns, know nothing of some of its cases."""
    return known.filter(pl.Series(folds(known["utterance"].to_list(), FOLDS) > 0, dtype=pl.Boolean))


def keep(home: Home, known: pl.DataFrame) -> None:
    """Remember seed data in the home."""
    write_atomically(home.seed_data, known.write_ndjson().encode())


def kept(home: Home) -> pl.DataFrame:
    """The seed data of the home; empty where it has none."""
    return (
        pl.read_ndjson(home.seed_data, schema=SCHEMA)
        if home.seed_data.is_file()
        else pl.DataFrame(schema=SCHEMA)
    )
