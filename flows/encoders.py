"""The encoder that the settings name."""

import polars as pl

from flows import newest, programs, seed
from flows.settings import Settings
from retrain.training.model import Helpers
from warehouse.encoders.centres import CentredEncoder, Centres
from warehouse.encoders.encoder import Encoder, EncoderConfig
from warehouse.encoders.kept import Kept, encoder_of
from warehouse.encoders.transformer import Folder
from warehouse.home import Home

SETTINGS = ("mining.encoder", "mining.fine_tune", "encoder")


def config(settings: Settings) -> EncoderConfig | None:
    """How it is loaded or asked; nothing where the log teaches its own."""
    name, how = settings.mining.encoder, settings.encoder
    if name is None:
        return None
    return EncoderConfig(
        name,
        revision=how.revision,
        prompt=how.prompt,
        dimensions=how.dimensions,
        backend=how.backend,
        model=how.model,
        seconds=how.seconds,
    )


def named(home: Home, settings: Settings, *, trace: bool = True) -> Kept | None:
    """The encoder that is taken as it is, its vectors kept in the home, unless they must leave no trace."""
    asked = config(settings)
    if settings.mining.fine_tune or asked is None:
        return None
    return encoder_of(asked, home.vectors, trace=trace)


def last(home: Home, settings: Settings) -> CentredEncoder | None:
    """The encoder that the next model is taught with: the one that is set, with the centres of the newest training set's
    night, or before any night of the seed data; else the one that the log taught in that night or before it."""
    version = newest.training_set(home)
    return of_night(home, version, seed.kept(home), named(home, settings))


def of_night(
    home: Home, training_set: str | None, known: pl.DataFrame, given: Encoder | None
) -> CentredEncoder | None:
    """The same for a training set, seed data (`known`) and the encoder that is set, where there is one."""
    centres = newest.centres_of(home, training_set) if training_set else None
    if given:
        if centres is None:
            vectors = given.embed(known["utterance"].to_list())
            centres = Centres.found(known["locale"].to_list(), vectors)
        return CentredEncoder(given, centres)
    folder = newest.encoder_of(home, training_set) if training_set else None
    return CentredEncoder(Folder(folder), centres) if folder else None


def helpers(home: Home, settings: Settings, *, trace: bool = True) -> Helpers:
    """What a model of the home may need that only the settings name."""
    return Helpers(programs.trainer(settings), named(home, settings, trace=trace))
