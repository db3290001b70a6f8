"""What of the log's texts is not shown, as the settings say."""

from pathlib import Path

import polars as pl

from flows.pipeline import Reading
from flows.settings import Privacy
from mining.clustering.constraints import slot_values
from mining.release import redaction
from warehouse.tables import Turns


def masked(privacy: Privacy, turns: list[Path], texts: pl.DataFrame) -> pl.Series:
    """Each text (`locale, utterance`) without numbers, addresses and names of slots that the files of `turns` hold."""
    mask = redaction.Mask(privacy.mask, privacy.name_slots)
    return redaction.shown(texts.select("locale", "utterance"), slot_values(turns), mask)


def shown(at: Reading, texts: pl.DataFrame) -> pl.Series:
    """The same for a step that reads the window's turns and the settings `privacy.mask` and `privacy.name_slots`."""
    return masked(at.settings.privacy, at.files(Turns), texts)
