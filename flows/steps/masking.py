"""What of the log's texts is not shown, as the settings say."""

import polars as pl

from flows.pipeline import Reading
from mining.clustering.constraints import slot_values
from mining.release import redaction
from warehouse.tables import Turns


def shown(at: Reading, texts: pl.DataFrame) -> pl.Series:
    """Each text (`locale, utterance`) without numbers, addresses and names of slots; for a step that reads the window's turns and the
    settings `privacy.mask` and `privacy.name_slots`."""
    mask = redaction.Mask(at.settings.privacy.mask, at.settings.privacy.name_slots)
    said = texts.select("locale", "utterance")
    return redaction.shown(said, slot_values(at.files(Turns)), mask)
