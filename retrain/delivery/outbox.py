"""Messages that retraining is due: written into the lake before they are sent, sent until a receiver
has them, and each known by an id that is the same however often it is sent, so that a receiver that
heard it twice can tell (an outbox with idempotent receivers).

A message is one training set's for one receiver. It is waiting, then told, refused (by its receiver,
for good) or withdrawn (by a person who rejected the training set).

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
from filelock import FileLock, Timeout
from tenacity import (
    Retrying,
    nap,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from retrain.registry import overrides
from warehouse.common.digests import digest
from warehouse.errors import Busy
from warehouse.home import Home, alone
from warehouse.lake import Lake

TRIES = 5  # in a row; a message that nobody heard waits for the next run
LONGEST = 60.0  # seconds between two tries
WAITING, TOLD, REFUSED, WITHDRAWN = "waiting", "told", "refused", "withdrawn"


class UnheardError(Exception):
    """The receiver did not take the message now; it may later."""


class RefusedError(Exception):
    """The receiver will never take the message."""


@dataclass(frozen=True)
class Message:
    """Retraining is due, by a training set of a night, and why."""

    message: str
    home: str
    training_set: str
    night: str
    because: list[str]


class Receiver(Protocol):
    """Whom a message tells."""

    def tell(self, message: Message) -> str:
        """Send it; what the receiver answered. Raises UnheardError or RefusedError."""


def post(
    home: Home, night: str, training_set: str, because: Iterable[str], names: Iterable[str]
) -> int:
    """Leave a message for each receiver, where it has none of this training set; how many wait.

    For the run that holds the home.
    """
    lake = Lake(home.lake)
    known = lake.read("outbox", [night])
    fresh = [
        {
            "message": f"msg_{digest(home.salt().hex(), training_set, name)}",
            "night": night,
            "version": training_set,
            "receiver": name,
            "because": list(because),
            "status": WAITING,
            "attempts": 0,
            "answer": None,
        }
        for name in sorted(names)
        if known.filter(version=training_set, receiver=name).is_empty()
    ]
    if fresh:
        added = pl.DataFrame(fresh, schema=known.schema)
        lake.put("outbox", night, pl.concat([known, added]).sort("version", "receiver"))
    return waiting(home).height


def waiting(home: Home) -> pl.DataFrame:
    """The messages that nobody has yet, oldest first."""
    rows = Lake(home.lake).read("outbox")
    return rows.filter(status=WAITING).sort("night", "version", "receiver")


@dataclass(frozen=True)
class Post:
    """Carries the messages of a home to its `receivers`, for which it needs the home only for moments, so
    that a receiver may work in it. `pause` is how to wait between tries (seconds)."""

    home: Home
    receivers: Mapping[str, Receiver]
    patience: float = 0.0
    pause: Callable[[float], None] = nap.sleep

    def deliver(self) -> list[dict[str, str]]:
        """Send what waits for these receivers, also what is posted meanwhile; `receiver, version, status,
        answer` of each. Where another run delivers, or the home stays busy, messages wait."""
        told: list[dict[str, str]] = []
        tried: set[str] = set()
        with suppress(Timeout, Busy), FileLock(self.home.root / ".outbox.lock").acquire(timeout=0):
            while fresh := [row for row in self._waiting() if row["message"] not in tried]:
                for row in fresh:
                    tried.add(row["message"])
                    told.append(self._carried(row["night"], row["message"]))
        return told

    def _waiting(self) -> list[dict[str, Any]]:
        with alone(self.home, self.patience):
            rows = waiting(self.home).filter(pl.col("receiver").is_in(list(self.receivers)))
        return rows.to_dicts()

    def _carried(self, night: str, message: str) -> dict[str, str]:
        tries = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential_jitter(max=LONGEST),
            retry=retry_if_exception_type(UnheardError),
            sleep=self.pause,
            reraise=True,
        )
        try:
            row = tries(self._tried, night, message)
        except UnheardError as error:
            row = self._marked(night, message, answer=str(error))
        return {name: str(row[name]) for name in ("receiver", "version", "status", "answer")}

    def _tried(self, night: str, message: str) -> dict[str, Any]:
        """The attempt is counted before it is made."""
        with alone(self.home, self.patience):
            row = self._row(night, message)
            brakes = overrides.read(self.home)
            if refused := brakes.refused(row["version"]):
                return self._put(row, status=WITHDRAWN, answer=refused)
            if stopped := brakes.against(None):
                return self._put(row, answer=stopped)
            row = self._put(row, attempts=row["attempts"] + 1)
        told = Message(
            message,
            str(self.home.root.resolve()),
            row["version"],
            night,
            row["because"],
        )
        try:
            answer = self.receivers[row["receiver"]].tell(told)
        except RefusedError as error:
            return self._marked(night, message, status=REFUSED, answer=str(error))
        return self._marked(night, message, status=TOLD, answer=answer)

    def _marked(self, night: str, message: str, **known: Any) -> dict[str, Any]:
        with alone(self.home, self.patience):
            return self._put(self._row(night, message), **known)

    def _row(self, night: str, message: str) -> dict[str, Any]:
        return (
            Lake(self.home.lake).read("outbox", [night]).filter(message=message).row(0, named=True)
        )

    def _put(self, row: dict[str, Any], **known: Any) -> dict[str, Any]:
        lake, night = Lake(self.home.lake), row["night"]
        rows = lake.read("outbox", [night])
        changed = pl.DataFrame([row | known], schema=rows.schema)
        others = rows.filter(pl.col("message") != row["message"])
        lake.put("outbox", night, pl.concat([others, changed]).sort("version", "receiver"))
        return row | known
