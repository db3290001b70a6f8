"""Models of sentence-transformers: folders, and names that the hub knows. None brings code of its own along.

Notation and constants: docs/method.md, 4.
"""

import hashlib
import logging
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from warehouse.common.digests import digest, digests, file_digest
from warehouse.encoders import static
from warehouse.encoders.encoder import EncoderConfig, Vectors
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 256  # wordings
LONG = 20_000  # wordings, from which progress is shown


@dataclass(frozen=True)
class Folder:
    """The encoder of an immutable folder, which the log taught. It is loaded at the first use."""

    folder: Path

    @property
    def version(self) -> str:
        return self.folder.name

    def embed(self, wordings: list[str]) -> Vectors:
        known = static.shared(self.folder)
        return known.embed(wordings) if known else embed(_shared(str(self.folder)), wordings)

    @property
    def size(self) -> int:
        return _bytes(self.folder)

    def digests(self) -> dict[str, str]:
        return digests(self.folder)


@dataclass(frozen=True)
class Transformer:
    """The encoder that the settings name, loaded at the first use."""

    config: EncoderConfig

    @cached_property
    def version(self) -> str:
        """A folder is known by its files, without being loaded; what the hub has, by its weights."""
        folder, config = Path(self.config.name), self.config
        content = _contents(folder) if folder.is_dir() else _fingerprint(load(config))
        read = [config.revision, config.prompt, config.dimensions, config.backend]
        return f"{folder.name}-{digest([content, read])[:16]}"

    @property
    def size(self) -> int:
        """Bytes of a folder; of what the hub has, those of its weights."""
        folder = Path(self.config.name)
        if folder.is_dir():
            return _bytes(folder)
        state = load(self.config).state_dict().values()
        return sum(part.numel() * part.element_size() for part in state)

    def embed(self, wordings: list[str]) -> Vectors:
        return embed(load(self.config), wordings)


def _contents(folder: Path) -> list[tuple[str, str]]:
    """A hash of each file, whether it lies in the folder or is linked from there, as the hub's cache has them."""
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    return [(str(f.relative_to(folder)), file_digest(f)) for f in files]


def _bytes(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def embed(model: "SentenceTransformer", wordings: list[str]) -> Vectors:
    """wordings x dimensions, unit length; shows progress on a terminal where it takes long.

    One process: its threads use all cores, and on two of them a second process took longer.
    """
    if not wordings:
        return np.zeros((0, model.get_embedding_dimension() or 0), np.float32)
    made = model.encode(
        wordings,
        batch_size=BATCH,
        normalize_embeddings=True,
        show_progress_bar=len(wordings) >= LONG and sys.stderr.isatty(),
    )
    return np.asarray(made, np.float32)


@cache
def _shared(folder: str) -> "SentenceTransformer":
    """The encoder of an immutable folder, loaded once in a process; whoever has it must not teach it."""
    return _read(EncoderConfig(folder), local=True)


@cache
def load(config: EncoderConfig) -> "SentenceTransformer":
    """The encoder that is named, loaded once in a process; whoever has it must not teach it."""
    return _read(config, local=False)


@dataclass(frozen=True)
class Tuned:
    """An encoder that is being taught."""

    model: "SentenceTransformer"

    @staticmethod
    def of(config: EncoderConfig) -> "Tuned":
        """The one that is named, as it came."""
        return Tuned(_read(config, local=False))

    @property
    def fingerprint(self) -> str:
        return _fingerprint(self.model)

    def embed(self, wordings: list[str]) -> Vectors:
        return embed(self.model, wordings)

    def save(self, folder: Path) -> None:
        self.model.save(str(folder), create_model_card=False)


def _read(config: EncoderConfig, *, local: bool) -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as told

    told.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("sentence_transformers").setLevel(logging.ERROR)  # that a prompt is used
    if config.backend == "static":
        model = _static(config)
    else:
        try:
            model = SentenceTransformer(
                config.name,
                revision=config.revision,
                truncate_dim=config.dimensions,
                backend=config.backend,
                trust_remote_code=False,
                local_files_only=local,
            )
        except ImportError as error:
            raise BadInput(
                f"encoder.backend = {config.backend}: needs a package that is missing ({error});"
                f" pip install 'sentence-transformers[{config.backend}]'"
            ) from None
        except (OSError, ValueError) as error:
            raise BadInput(f"mining.encoder: {config.name} cannot be loaded ({error})") from None
    if config.prompt is not None:
        model.prompts, model.default_prompt_name = {"said": config.prompt}, "said"
    return model


def _static(config: EncoderConfig) -> "SentenceTransformer":
    """A model of model2vec: token vectors, whose mean is a wording's meaning."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    try:
        module = StaticEmbedding.from_model2vec(config.name)
        return SentenceTransformer(modules=[module], truncate_dim=config.dimensions)
    except (ImportError, OSError, ValueError) as error:
        raise BadInput(
            f"mining.encoder: {config.name} cannot be loaded as a model of model2vec ({error})"
        ) from None


def _fingerprint(model: "SentenceTransformer") -> str:
    """A hash of the encoder's weights."""
    state = model.state_dict()
    content = hashlib.blake2b(digest_size=8)
    for name in sorted(state):
        content.update(name.encode() + state[name].cpu().numpy().tobytes())
    return content.hexdigest()
