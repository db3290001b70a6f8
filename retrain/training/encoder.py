"""The encoder that a model carries along: any folder of sentence-transformers.

Notation and constants: docs/method.md, 9.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from warehouse.common.encoders import shared
from warehouse.ledger import digests

BATCH = 512


@dataclass(frozen=True)
class Encoder:
    """Vectors of wordings. The folder is loaded at the first use."""

    folder: Path

    def embed(self, wordings: list[str]) -> npt.NDArray[np.float32]:
        """wordings x dimensions, unit length."""
        if not wordings:
            return np.zeros((0, shared(str(self.folder)).get_embedding_dimension()), np.float32)
        made = shared(str(self.folder)).encode(
            wordings, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(made, np.float32)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(f.stat().st_size for f in self.folder.rglob("*") if f.is_file())

    def digests(self) -> dict[str, str]:
        return digests(self.folder)
