"""A server of `/v1/embeddings` that tests start. In the place of a real one, whose model would not fit in here: its
vectors are made of hashes, or by whatever it is given; and it misbehaves where a test asks for it."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

WIDTH = 16

Embed = Callable[[list[str]], np.ndarray]
Answer = tuple[int, bytes, dict[str, str]]


def hashes(texts: list[str], width: int = WIDTH) -> np.ndarray:
    """A direction for each text, by its hash alone."""
    seeds = (int.from_bytes(hashlib.blake2b(t.encode(), digest_size=8).digest()) for t in texts)
    return np.stack([np.random.default_rng(s).standard_normal(width) for s in seeds])


@dataclass
class Server:
    """What was asked (`requests`: texts of each), and what is answered: by `embed`, unless `misbehave` answers."""

    embed: Embed = hashes
    most: int = 1_000
    misbehave: Callable[["Server", list[str]], Answer | None] = lambda server, texts: None
    requests: list[list[str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    address: str = ""

    def answer(self, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        texts = body["input"]
        self.requests.append(texts)
        self.headers.append(headers)
        self.models.add(body["model"])
        if (odd := self.misbehave(self, texts)) is not None:
            return odd
        if len(texts) > self.most:
            return 413, b'{"error": "batch size > maximum"}', {}
        return 200, told(self.embed(texts)), {}


def told(vectors: np.ndarray, order: list[int] | None = None) -> bytes:
    """The body of an answer, in whatever order."""
    rows = [{"index": i, "embedding": v.tolist()} for i, v in enumerate(vectors)]
    return json.dumps({"data": [rows[i] for i in order or range(len(rows))]}).encode()


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            sent = {name.lower(): value for name, value in self.headers.items()}
            status, body, more = server.answer(json.loads(content), sent)
            self.send_response(status)
            for name, value in {"content-length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
