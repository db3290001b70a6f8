"""What steps depend on beside the lake and the settings."""

from pathlib import Path

from flows import languages, programs, seed
from flows.erasure import cutoff
from flows.pipeline import Fact, Night
from retrain.registry import overrides, store
from warehouse import forgotten
from warehouse.common.digests import file_digest


def digest_of(path: Path) -> str | None:
    """A hash of a file, where there is one."""
    return file_digest(path) if path.is_file() else None


def content(log: Path) -> list[str]:
    """What tells whether a log changed; a database's write-ahead log is part of it."""
    ahead = log.with_name(f"{log.name}-wal")
    return [file_digest(f) for f in (log, ahead) if f.is_file()]


def seed_intents(night: Night) -> list[str]:
    """The intents of the seed data, that which is given tonight or that which is kept."""
    known = seed.kept(night.home) if night.seed_data is None else night.seed_data
    return known["intent"].unique().sort().to_list()


def _encoder_files(night: Night) -> list[tuple[str, int, int]]:
    """Name, size and time of the files, where the setting names a folder."""
    if night.settings.mining.encoder is None:
        return []
    folder = Path(night.settings.mining.encoder)
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    return [(str(f.relative_to(folder)), f.stat().st_size, f.stat().st_mtime_ns) for f in files]


def _cutoff(night: Night) -> str:
    return str(cutoff(night.lake, night.settings, night.now))


LOGS = Fact("the log files", lambda night: [content(log) for log in night.logs])
UNTIL = Fact("the day that ends the night", lambda night: str(night.until))
CUTOFF = Fact("the first day that is kept", _cutoff)
FORGOTTEN = Fact("forgotten users", lambda night: sorted(forgotten.read(night.home).users.items()))
SEED_INTENTS = Fact("intents of the seed data", seed_intents)
SEED_DATA = Fact("seed data", lambda night: digest_of(night.home.seed_data))
LANGUAGE_FILES = Fact("lexicons and forms", lambda night: languages.files(night.settings))
CHAMPION = Fact("the champion", lambda night: store.champion(night.home))
OVERRIDES = Fact("what a person stopped", lambda night: str(overrides.read(night.home)))
MODELS = Fact("which models there are", lambda night: store.versions(night.home))
ENCODER_FILES = Fact("the encoder that is set", _encoder_files)
PROGRAMS = Fact("programs of the user's own", lambda night: programs.files(night.settings))
