"""An HTTP server that answers JSON with JSON: asked again where it is busy, and never trusted.

Notation and constants: docs/method.md, 4.
"""

import math
import os
import time
from dataclasses import dataclass
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from warehouse.errors import BadInput

TOO_MUCH = (400, 413, 422)  # HTTP: less may do
BUSY = (408, 409, 425, 429, 500, 502, 503, 504)  # HTTP: later may do
ATTEMPTS = 6
LONGEST_WAIT = 30.0  # seconds
LARGEST_ANSWER = 256 * 2**20  # bytes


class BusyError(Exception):
    """The server may answer later; `after` so many seconds, where it says so."""

    def __init__(self, told: str, after: float | None = None) -> None:
        super().__init__(told)
        self.after = after


class RefusedError(Exception):
    """The server will not take this request; a smaller one it may."""


@dataclass(frozen=True)
class Endpoint:
    """A server at an `address`, of the setting `named`. Its key, where it wants one, is in the environment, in `key`."""

    address: str
    named: str
    key: str
    seconds: float
    attempts: int = ATTEMPTS
    largest: int = LARGEST_ANSWER

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        """What it answers. BadInput where it does not, RefusedError where it will not take so much."""
        tried = Retrying(
            stop=stop_after_attempt(self.attempts),
            wait=wait,
            retry=retry_if_exception_type(BusyError),
            reraise=True,
        )
        try:
            return tried(self._post, path, body)
        except BusyError as error:
            raise self.unusable(f"{error}, {self.attempts} times") from None

    def unusable(self, told: str) -> BadInput:
        return BadInput(f"{self.named}: {self.address} cannot be used: {told}")

    def _post(self, path: str, body: dict[str, Any]) -> bytes:
        key, content = os.environ.get(self.key), bytearray()
        until = time.monotonic() + self.seconds
        try:
            with httpx.stream(
                "POST",
                f"{self.address.rstrip('/')}/{path}",
                json=body,
                headers={"authorization": f"Bearer {key}"} if key else {},
                timeout=self.seconds,
            ) as answer:
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > self.largest or time.monotonic() > until:
                        raise self.unusable("its answer does not end")
        except httpx.HTTPError as error:
            raise BusyError(type(error).__name__) from None
        told = (
            f"HTTP {answer.status_code}"  # what it says beside may hold what was sent, or the key
        )
        if answer.status_code in BUSY:
            raise BusyError(told, _seconds(answer.headers.get("retry-after")))
        if answer.status_code in TOO_MUCH:
            raise RefusedError(told)
        if answer.status_code != httpx.codes.OK:
            raise self.unusable(told)
        return bytes(content)


def wait(state: RetryCallState) -> float:
    """Seconds that the server asks for, else longer each time (exponential backoff with jitter)."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, BusyError) and error.after is not None:
        return min(error.after, LONGEST_WAIT)
    return float(wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state))


def _seconds(told: str | None) -> float | None:
    """Retry-After in seconds; nothing where it is a date, or no number."""
    try:
        seconds = float(told or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
