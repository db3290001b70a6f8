"""Servers that embed: the `/v1/embeddings` of OpenAI's interface, as TEI, vLLM, llama.cpp and Ollama have it, too.

Asked in batches within the server's limits, again where it is busy, and never trusted: an answer of another number,
order, width or kind of values than was asked for is refused.

Notation and constants: docs/method.md, 4.
"""

import math
import os
from dataclasses import dataclass
from functools import cached_property

import httpx
import msgspec
import numpy as np
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from warehouse.encoders.encoder import EncoderConfig, Vectors, unit
from warehouse.errors import BadInput
from warehouse.ledger import digest

KEY = "SAYAGAIN_ENCODER_KEY"
MOST_TEXTS = 256  # of a request; OpenAI takes 2,048, TEI 32 unless told otherwise
MOST_LETTERS = 100_000  # of a request; OpenAI takes 300,000 tokens
TOO_MANY = (400, 413, 422)  # HTTP: a smaller batch may do
BUSY = (408, 409, 425, 429, 500, 502, 503, 504)  # HTTP: later may do
ATTEMPTS = 6
LONGEST_WAIT = 30.0  # seconds
LARGEST_ANSWER = 256 * 2**20  # bytes
LARGEST = 1e6  # value of a vector
TOLD = 200  # letters of what a server says when it refuses


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


class _BusyError(Exception):
    """The server may answer later; `after` so many seconds, where it says so."""

    def __init__(self, told: str, after: float | None = None) -> None:
        super().__init__(told)
        self.after = after


class _RefusedError(Exception):
    """The server will not take this batch."""


@dataclass(frozen=True)
class Server:
    """A server that embeds. Its key, where it wants one, is in SAYAGAIN_ENCODER_KEY."""

    config: EncoderConfig

    @property
    def version(self) -> str:
        """The server says nothing that tells one model from another: so what is asked for is the version, and a change
        behind the name shows in the vectors (`probe`)."""
        asked = self.config
        read = [asked.model, asked.revision, asked.prompt, asked.dimensions]
        name = "".join(c if c.isalnum() or c in "._-" else "-" for c in asked.model or "")
        return f"{name}-{digest(read)[:16]}"

    @property
    def size(self) -> int:
        return 0

    @cached_property
    def _client(self) -> httpx.Client:
        key = os.environ.get(KEY)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(headers=headers, timeout=self.config.seconds)

    def embed(self, wordings: list[str]) -> Vectors:
        found: list[Vectors] = []
        at, most = 0, MOST_TEXTS
        while at < len(wordings):
            batch = _batch(wordings, at, most)
            try:
                found.append(self._asked(batch))
            except _RefusedError as error:
                if len(batch) == 1:
                    raise self._unusable(str(error)) from None
                most = max(1, len(batch) // 2)
                continue
            at += len(batch)
        return self._joined(found)

    def _joined(self, found: list[Vectors]) -> Vectors:
        if not found:
            return np.zeros((0, 0), np.float32)
        if len({part.shape[1] for part in found}) > 1:
            raise self._unusable("its vectors are of several widths")
        return unit(np.concatenate(found)[:, : self.config.dimensions])

    def _asked(self, texts: list[str]) -> Vectors:
        """texts x dimensions; again where the server is busy."""
        said = [f"{self.config.prompt or ''}{text}" for text in texts]
        body = {"model": self.config.model, "input": said, "encoding_format": "float"}
        tried = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            retry=retry_if_exception_type(_BusyError),
            reraise=True,
        )
        try:
            return self._read(tried(self._post, body), len(texts))
        except _BusyError as error:
            raise self._unusable(f"{error}, {ATTEMPTS} times") from None

    def _post(self, body: dict[str, object]) -> bytes:
        address = f"{self.config.name.rstrip('/')}/embeddings"
        try:
            with self._client.stream("POST", address, json=body) as answer:
                content = bytearray()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > LARGEST_ANSWER:
                        raise self._unusable("its answer does not end")
        except httpx.HTTPError as error:
            raise _BusyError(type(error).__name__) from None
        told = f"HTTP {answer.status_code}: {_printable(content)}"
        if answer.status_code in BUSY:
            raise _BusyError(told, _seconds(answer.headers.get("retry-after")))
        if answer.status_code in TOO_MANY:
            raise _RefusedError(told)
        if answer.status_code != httpx.codes.OK:
            raise self._unusable(told)
        return bytes(content)

    def _read(self, content: bytes, many: int) -> Vectors:
        try:
            items = msgspec.json.decode(content, type=_Answer).data
        except msgspec.MsgspecError as error:
            raise self._unusable(f"its answer is not what was asked for ({error})") from None
        if sorted(item.index for item in items) != list(range(many)):
            raise self._unusable(f"it was asked for {many} vectors, and gave others")
        rows = [item.embedding for item in sorted(items, key=lambda item: item.index)]
        if len({len(row) for row in rows}) > 1 or not rows[0]:
            raise self._unusable("its vectors are of several widths, or of none")
        found = np.array(rows)
        if not (abs(found) < LARGEST).all() or not found.any(axis=1).all():
            raise self._unusable("its vectors hold what are no numbers, or nothing but zeros")
        return found.astype(np.float32)

    def _unusable(self, told: str) -> BadInput:
        return BadInput(f"mining.encoder: {self.config.name} cannot be used: {told}")


def _batch(wordings: list[str], at: int, most: int) -> list[str]:
    """The next wordings that fit into a request, one at least."""
    letters = 0
    for end in range(at, min(at + most, len(wordings))):
        letters += len(wordings[end])
        if letters > MOST_LETTERS and end > at:
            return wordings[at:end]
    return wordings[at : at + most]


def _wait(state: RetryCallState) -> float:
    """What the server asks for, else longer each time (exponential backoff with jitter)."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _BusyError) and error.after is not None:
        return min(error.after, LONGEST_WAIT)
    return float(wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state))


def _seconds(told: str | None) -> float | None:
    """Retry-After in seconds; nothing where it is a date, or no number."""
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _printable(content: bytes | bytearray) -> str:
    """The beginning of what a server says, on one line."""
    text = content[: 4 * TOLD].decode("utf8", "replace")
    return "".join(c if c.isprintable() else " " for c in text)[:TOLD]
