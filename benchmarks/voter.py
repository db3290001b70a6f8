"""What a large language model that is asked is worth, by how often it is right.

usage: python benchmarks/voter.py WORLD [--right 0 0.25 0.5 0.75 0.9 1] [--requests 200] [--nights 3]

In its place stands a server that knows the world's truth and tells it so often, else another label; which, is decided by the
wording. The log is heard in `--nights` parts. Judged are all wordings that were said, at the last night: share whose best label
is true, each and by turns, and log loss; the same of the wordings that it answered for; how reliable it was learned to be.
"""

import argparse
import gzip
import hashlib
import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from truth import intents

from flows import runs
from flows.pipeline import directly
from flows.settings import Settings
from warehouse.lake import Lake

KEY = ["locale", "utterance"]
SALT = bytes(range(32))


class Oracle(BaseHTTPRequestHandler):
    """Tells `right` of the truths of a text, else another label of those that it may choose among."""

    truth: ClassVar[dict[str, str]] = {}
    right = 1.0
    asked = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = body["messages"][-1]["content"]
        labels = body["messages"][0]["content"].split("Intents: ")[1].split(", ")
        drawn = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        meant = self.truth.get(text, "NONE")
        others = [label for label in labels if label != meant] or ["NONE"]
        told = meant if drawn % 1000 < 1000 * self.right else others[drawn % len(others)]
        answer = {
            "choices": [{"message": {"content": told}}],
            "usage": {"total_tokens": sum(len(m["content"]) for m in body["messages"]) // 4},
        }
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        type(self).asked += 1

    def log_message(self, *_: object) -> None:
        pass


def parts(world: Path, many: int, folder: Path) -> list[Path]:
    """The log, in so many parts of as many rows, in order of time."""
    with gzip.open(world / "log.jsonl.gz", "rt", encoding="utf8") as lines:
        rows = sorted(lines, key=lambda line: json.loads(line)["timestamp"])
    found = []
    for n, part in enumerate(np.array_split(np.array(rows, dtype=object), many)):
        found.append(folder / f"part-{n}.jsonl")
        found[-1].write_text("".join(part), encoding="utf8")
    return found


def nights(world: Path, logs: list[Path], home: Path, settings: Settings) -> Lake:
    home.mkdir()
    (home / "salt").write_bytes(SALT)
    for log in logs:
        request = runs.Request([str(log)], home, seed_data=world / "seed.jsonl.gz")
        runs.run_night(request, settings, directly)
    return Lake(home / "lake")


def figures(lake: Lake, truth: pl.DataFrame, some: pl.DataFrame | None) -> str:
    labels = lake.newest("soft_labels")
    said = lake.newest("utterance_stats").select(*KEY, "turns").join(truth, on=KEY)
    if some is not None:
        said = said.join(some, on=KEY, how="semi")
    best = labels.sort("probability", "label", descending=[True, False]).unique(KEY, keep="first")
    judged = said.join(best.select(*KEY, "label"), on=KEY, how="left")
    hit = judged["label"].fill_null("") == judged["meant"]
    sure = said.join(labels, left_on=[*KEY, "meant"], right_on=[*KEY, "label"], how="left")
    loss = -np.log(np.maximum(sure["probability"].fill_null(0.0).to_numpy(), 1e-3)).mean()
    by_turns = float((hit * judged["turns"]).sum()) / max(1, judged["turns"].sum())
    return f"{judged.height} | {hit.mean():.4f} | {by_turns:.4f} | {loss:.3f}"


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("world", type=Path)
    arguments.add_argument("--right", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 0.9, 1])
    arguments.add_argument("--requests", type=int, default=200)
    arguments.add_argument("--nights", type=int, default=3)
    asked = arguments.parse_args()
    told = intents(asked.world)
    Oracle.truth = {utterance: intent for (_, utterance), intent in told.items()}
    rows = [(*wording, intent) for wording, intent in told.items()]
    truth = pl.DataFrame(rows, [*KEY, "meant"], orient="row")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Oracle)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    print(
        "| right | requests | answered wordings | wordings | best true | by turns | log loss |"
        " of the answered | best true | by turns | log loss | learned reliability |"
    )
    print("|---" * 12 + "|")
    with tempfile.TemporaryDirectory() as folder:
        logs = parts(asked.world, asked.nights, Path(folder))
        mute = nights(asked.world, logs, Path(folder) / "mute", Settings())
        print(f"| not asked | | | {figures(mute, truth, None)} | | | | | |", flush=True)
        for right in asked.right:
            Oracle.right, Oracle.asked = right, 0
            voter = {"address": address, "model": f"right {right}", "requests": asked.requests}
            settings = Settings.model_validate({"voter": voter})
            lake = nights(asked.world, logs, Path(folder) / f"right-{right}", settings)
            answered = lake.newest("voter_answers").select(KEY)
            learned = lake.newest("reliability").filter(source="voter")["reliability"].mean()
            print(
                f"| {right} | {Oracle.asked} | {answered.height} | {figures(lake, truth, None)}"
                f" | {figures(lake, truth, answered)} | {learned if learned is None else round(learned, 3)} |",
                flush=True,
            )
            print(
                f"| the same, not asked | | | | | | | {figures(mute, truth, answered)} | |",
                flush=True,
            )
    server.shutdown()


if __name__ == "__main__":
    main()
