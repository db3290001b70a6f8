"""Which training set and which encoder a night left last, whatever others lie beside them."""

from pathlib import Path

import numpy as np
import polars as pl

from warehouse.encoders.centres import Centres
from warehouse.home import Home, training_versions
from warehouse.lake import Lake

OF_ALL = ""  # the locale of the centre of all locales


def training_set(home: Home) -> str | None:
    """The training set of the newest night, as it was built last: with settings that were changed and changed back, it
    is not the one with the highest number."""
    versions = training_versions(home)
    last = Lake(home.lake).newest("training_sets")["version"].to_list()[-1:]
    known = [version for version in last if version in versions] or versions[-1:]
    return known[0] if known else None


def encoder_of(home: Home, training_set: str) -> Path | None:
    """The folder of the encoder of the training set's night, or of the last night before that has one."""
    lake, night = Lake(home.lake), training_set[:10]
    nights = [d for d in lake.days("encoders") if d <= night]
    return encoder_folder(home, lake.read("encoders", nights)["version"].to_list())


def centres_of(home: Home, training_set: str) -> Centres | None:
    """Where vectors lay in each locale in the training set's night; nothing where they are taken as they are."""
    lake, night = Lake(home.lake), training_set[:10]
    return centres(lake.read("locale_centres", [night]))


def centres(rows: pl.DataFrame) -> Centres | None:
    """What LocaleCentres says."""
    if rows.is_empty():
        return None
    others = rows.filter(pl.col("locale") != OF_ALL).sort("locale")
    both = pl.concat([others, rows.filter(locale=OF_ALL)])["vector"]
    vectors = both.list.to_array(len(both[0])).to_numpy().astype(np.float32)
    return Centres(tuple(others["locale"]), vectors)


def encoder_folder(home: Home, versions: list[str]) -> Path | None:
    """The folder of the last of these encoders that has one: the log taught it, and it was not erased."""
    folders = (home.root / "encoders" / version for version in reversed(versions))
    return next((f for f in folders if (f / "modules.json").is_file()), None)
