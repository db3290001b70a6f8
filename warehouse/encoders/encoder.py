"""What encoders have in common, and how one is named.

Notation and constants: docs/method.md, 4.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

ROUNDING = 1e-6  # length up to which a vector of single precision is none


class Encoder(Protocol):
    """Whatever makes vectors of wordings."""

    @property
    def version(self) -> str:
        """Tells its vectors from those of any other encoder; a name that a file may have."""

    @property
    def size(self) -> int:
        """Bytes on this machine, about."""

    def embed(self, wordings: list[str]) -> Vectors:
        """wordings x dimensions, unit length. Raises BadInput where there is no answer."""


@dataclass(frozen=True)
class EncoderConfig:
    """An encoder as the settings name it: a folder, a name that the hub knows, or the address of a server whose `model`
    is asked. `dimensions` are the first ones of its vectors, where it was taught to be cut so."""

    name: str
    revision: str | None = None
    prompt: str | None = None
    dimensions: int | None = None
    backend: Literal["torch", "onnx", "openvino", "static"] = "torch"
    model: str | None = None
    seconds: float = 60.0

    @property
    def served(self) -> bool:
        """Whether a server is asked."""
        return "://" in self.name


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """The rows at length 1; rows of zeros, and of what is but rounding, are zeros."""
    found = vectors.astype(np.float32)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.where(length > ROUNDING, found / np.maximum(length, ROUNDING), 0.0).astype(np.float32)


def encoder(config: EncoderConfig) -> Encoder:
    """The encoder that is named; nothing is loaded or asked yet."""
    if config.served:
        from warehouse.encoders.server import Server

        return Server(config)
    from warehouse.encoders.transformer import Transformer

    return Transformer(config)
