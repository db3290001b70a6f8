"""Token vectors whose mean is a wording's meaning: the kind of encoder that the log teaches. Its folder is one of
sentence-transformers (a single StaticEmbedding), and is read and written without that package, which takes seconds to load.

Notation and constants: docs/method.md, 4.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from warehouse.encoders.encoder import Vectors, unit
from warehouse.errors import BadInput

if TYPE_CHECKING:
    from tokenizers import Tokenizer

KIND = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"
MODULES = [{"idx": 0, "name": "0", "path": "", "type": KIND}]
AT_ONCE = 65_536  # wordings on their way


@dataclass(frozen=True)
class Tokens:
    """The token numbers of wordings, one after the other: those of wording n are `ids[starts[n]:starts[n + 1]]`."""

    ids: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]

    def of(self, places: npt.NDArray[np.int64]) -> "Tokens":
        """Those of some wordings."""
        parts = [self.ids[self.starts[p] : self.starts[p + 1]] for p in places]
        return _joined(parts)

    def shares(self, columns: npt.NDArray[np.integer], width: int) -> csr_matrix:
        """wordings x columns: the share of each token, which stands in its column, in a wording."""
        count = np.diff(self.starts)
        share = np.repeat(1 / np.maximum(count, 1), count).astype(np.float32)
        return csr_matrix((share, columns, self.starts), (len(count), width))


def _joined(parts: list[npt.NDArray[np.int32]]) -> Tokens:
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    return Tokens(np.concatenate([*parts, np.empty(0, np.int32)]).astype(np.int32), starts)


def tokenized(tokenizer: "Tokenizer", wordings: list[str]) -> Tokens:
    told = tokenizer.encode_batch_fast(wordings, add_special_tokens=False)
    return _joined([np.array(each.ids, np.int32) for each in told])


@dataclass(frozen=True, eq=False)
class Static:
    """`weights`: tokens x dimensions."""

    tokenizer: "Tokenizer"
    weights: Vectors

    def embed(self, wordings: list[str]) -> Vectors:
        """wordings x dimensions, unit length; zeros for a wording without tokens."""
        vectors = np.empty((len(wordings), self.weights.shape[1]), np.float32)
        for start in range(0, len(wordings), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            tokens = tokenized(self.tokenizer, wordings[part])
            vectors[part] = tokens.shares(tokens.ids, len(self.weights)) @ self.weights
        return unit(vectors)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights."""
        return hashlib.blake2b(self.weights.tobytes(), digest_size=8).hexdigest()

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save(str(folder / "tokenizer.json"))
        save_file({"embedding.weight": self.weights}, folder / "model.safetensors")
        told = {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine"}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(told))
        (folder / "modules.json").write_text(json.dumps(MODULES))


@cache
def shared(folder: Path) -> Static | None:
    """The encoder of an immutable folder, loaded once in a process; nothing where the folder is of another kind. Raises
    BadInput where it cannot be read."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{folder}: holds no encoder that can be read ({error})") from None


def _read(folder: Path) -> Static | None:
    modules = json.loads((folder / "modules.json").read_text(encoding="utf8"))
    if len(modules) != 1 or not modules[0]["type"].endswith(".StaticEmbedding"):
        return None
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    weights = load_file(folder / "model.safetensors")["embedding.weight"]
    return Static(Tokenizer.from_file(str(folder / "tokenizer.json")), weights)
