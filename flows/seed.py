"""Seed data: what the assistant's model already knows. Kept in the home, read by every night."""

import unicodedata
from pathlib import Path

import msgspec
import polars as pl

from mining.ingest.locales import spelled
from mining.ingest.rows import Broken, rows
from retrain.training.data import FOLDS
from warehouse.common.folds import folds
from warehouse.errors import BadInput
from warehouse.home import Home, write_atomically

SCHEMA = pl.Schema({"locale": pl.String(), "utterance": pl.String(), "intent": pl.String()})


class Labelled(msgspec.Struct):
    """A row of seed data or promises."""

    utterance: str
    intent: str
    locale: str = "und"


def read(path: Path) -> pl.DataFrame:
    """`locale, utterance, intent` of a JSON lines or CSV file, in Unicode NFC, each wording once.

    Every row must be good: BadInput names the first that is not.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    found: dict[tuple[str, str], str] = {}
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
        if not row.utterance.strip() or not row.intent:
            raise BadInput(f"{path}, row {number}: utterance and intent may not be empty")
        try:
            locale = spelled(row.locale)
        except ValueError as error:
            raise BadInput(f"{path}, row {number}: locale {error}") from None
        found.setdefault((locale, unicodedata.normalize("NFC", row.utterance)), row.intent)
    return pl.DataFrame([(*k, v) for k, v in sorted(found.items())], SCHEMA, orient="row")


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
