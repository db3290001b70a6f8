"""Which training set and which encoder a night left last, whatever others lie beside them."""

from pathlib import Path

from warehouse.home import Home, training_versions
from warehouse.lake import Lake


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


def encoder_folder(home: Home, versions: list[str]) -> Path | None:
    """The folder of the last of these encoders that has one: the log taught it, and it was not erased."""
    folders = (home.root / "encoders" / version for version in reversed(versions))
    return next((f for f in folders if (f / "modules.json").is_file()), None)
