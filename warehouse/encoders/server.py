"""Servers that embed: the `/v1/embeddings` of OpenAI's interface, as TEI, vLLM, llama.cpp and Ollama have it, too.

Asked in batches within the server's limits. An answer of another number, order, width or kind of values than was asked
for is refused.

Notation and constants: docs/method.md, 4.
"""

from dataclasses import dataclass
from functools import cached_property

import msgspec
import numpy as np

from warehouse.common.digests import digest
from warehouse.common.endpoint import Endpoint, RefusedError
from warehouse.encoders.encoder import EncoderConfig, Vectors, unit

KEY = "SAYAGAIN_ENCODER_KEY"
MOST_TEXTS = 256  # of a request; OpenAI takes 2,048, TEI 32 unless told otherwise
MOST_LETTERS = 100_000  # of a request; OpenAI takes 300,000 tokens
SHORT = 64  # letters that every model reads
LARGEST = 1e6  # value of a vector


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


@dataclass(frozen=True)
class Server:
    """A server that embeds. Its key, where it wants one, is in SAYAGAIN_ENCODER_KEY."""

    config: EncoderConfig

    @property
    def version(self) -> str:
        """The server says nothing that tells one model from another: so what is asked for is the version, and a change
        behind the name shows in the vectors (`Kept`)."""
        asked = self.config
        read = [asked.model, asked.revision, asked.prompt, asked.dimensions]
        name = "".join(c if c.isalnum() or c in "._-" else "-" for c in asked.model or "")
        return f"{name}-{digest(read)[:16]}"

    @property
    def size(self) -> int:
        return 0

    @cached_property
    def _endpoint(self) -> Endpoint:
        return Endpoint(self.config.name, "mining.encoder", KEY, self.config.seconds)

    def embed(self, wordings: list[str]) -> Vectors:
        found: list[Vectors] = []
        at, most = 0, MOST_TEXTS
        while at < len(wordings):
            batch = _batch(wordings, at, most)
            try:
                found.append(self._asked(batch))
            except RefusedError as error:
                if len(batch) == 1 and len(batch[0]) < SHORT:
                    raise self._endpoint.unusable(str(error)) from None
                if len(batch) == 1:  # longer than the model reads: its beginning says most
                    wordings = [*wordings[:at], batch[0][: len(batch[0]) // 2], *wordings[at + 1 :]]
                most = max(1, len(batch) // 2)
                continue
            at += len(batch)
        return self._joined(found)

    def _joined(self, found: list[Vectors]) -> Vectors:
        if not found:
            return np.zeros((0, 0), np.float32)
        if len({part.shape[1] for part in found}) > 1:
            raise self._endpoint.unusable("its vectors are of several widths")
        return unit(np.concatenate(found)[:, : self.config.dimensions])

    def _asked(self, texts: list[str]) -> Vectors:
        """texts x dimensions."""
        said = [f"{self.config.prompt or ''}{text}" for text in texts]
        body = {"model": self.config.model, "input": said, "encoding_format": "float"}
        content, unusable = self._endpoint.post("embeddings", body), self._endpoint.unusable
        try:
            items = msgspec.json.decode(content, type=_Answer).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise unusable(f"its answer is not what was asked for ({error})") from None
        if sorted(item.index for item in items) != list(range(len(texts))):
            raise unusable(f"it was asked for {len(texts)} vectors, and gave others")
        rows = [item.embedding for item in sorted(items, key=lambda item: item.index)]
        if len({len(row) for row in rows}) > 1 or not rows[0]:
            raise unusable("its vectors are of several widths, or of none")
        found = np.array(rows)
        if not (abs(found) < LARGEST).all() or not found.any(axis=1).all():
            raise unusable("its vectors hold what are no numbers, or nothing but zeros")
        return found.astype(np.float32)


def _batch(wordings: list[str], at: int, most: int) -> list[str]:
    """The next wordings that fit into a request, one at least."""
    letters = 0
    for end in range(at, min(at + most, len(wordings))):
        letters += len(wordings[end])
        if letters > MOST_LETTERS and end > at:
            return wordings[at:end]
    return wordings[at : at + most]
