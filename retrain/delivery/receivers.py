"""Who is told that retraining is due, beside Prefect: a webhook, a command.

Notation and constants: docs/method.md, 9.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import httpx

from retrain.delivery import commands
from retrain.delivery.commands import SECRET
from retrain.delivery.outbox import Message, RefusedError, UnheardError
from warehouse.errors import BadInput

DUE = "sayagain.retraining.due"
KNOWN = 409  # HTTP: the receiver has this message already
NEVER = (400, 410, 413, 414, 415, 422)  # HTTP: it will not take it, nor will it be elsewhere (3xx)
SHORTEST = 24  # bytes of a secret, after the standard


def body(message: Message) -> bytes:
    """What a receiver reads: the same bytes for the same message."""
    return json.dumps({"type": DUE, "data": asdict(message)}, ensure_ascii=False).encode()


def secret_of(text: str | None) -> bytes:
    """The key of a webhook's signature; a secret as the standard writes it is `whsec_` and base64."""
    if not text:
        raise BadInput(f"{SECRET}: is not set; tell.webhook is signed by the secret that it holds")
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise BadInput(f"{SECRET}: is not base64 (after `whsec_`, if it has that)") from None
    if len(key) < SHORTEST:
        raise BadInput(f"{SECRET}: holds {len(key)} bytes, {SHORTEST} are the least")
    return key


@dataclass(frozen=True)
class Webhook:
    """A signed POST, after the Standard Webhooks specification 1.0.0: receivers check it with the
    libraries that exist. `seconds` for each of connecting, sending and being answered."""

    url: str
    key: bytes = field(repr=False)
    seconds: float
    clock: Callable[[], float] = time.time

    def tell(self, message: Message) -> str:
        content, now = body(message), int(self.clock())
        signed = f"{message.message}.{now}.".encode() + content
        mark = base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        headers = {
            "content-type": "application/json",
            "webhook-id": message.message,
            "webhook-timestamp": str(now),
            "webhook-signature": f"v1,{mark}",
            "idempotency-key": message.message,
        }
        try:
            with httpx.stream(
                "POST", self.url, content=content, headers=headers, timeout=self.seconds
            ) as answer:
                status = answer.status_code  # what it says beside is not read: it may be endless
        except httpx.HTTPError as error:
            raise UnheardError(type(error).__name__) from None
        if 300 <= status < 400 or status in NEVER:
            raise RefusedError(f"HTTP {status}")
        if not 200 <= status < 300 and status != KNOWN:
            raise UnheardError(f"HTTP {status}")
        return f"HTTP {status}"


@dataclass(frozen=True)
class Command:
    """A command that reads the message from its standard input and ends with 0. It is heard from when it
    ends; where that was lost it is run again, with the same `SAYAGAIN_MESSAGE`."""

    words: list[str]
    seconds: float

    def tell(self, message: Message) -> str:
        said = body(message)
        try:
            code = commands.run(self.words, self.seconds, said, SAYAGAIN_MESSAGE=message.message)
        except subprocess.TimeoutExpired:
            raise UnheardError(f"did not end in {self.seconds:.0f} s") from None
        except OSError as error:
            raise UnheardError(f"{self.words[0]}: {error.strerror}") from None
        if code:
            raise UnheardError(f"exit code {code}")
        return "exit code 0"
