"""What a GPU gives: neighbours and a pretrained encoder, each beside the same on the processor of the same machine.

usage: python benchmarks/gpu.py [neighbours|pretrained ...] [--rows ROWS ...] [--seconds S]

Says so and ends where there is no GPU. Each figure is of a process of its own, of work done after its start
and after all is drawn; one that takes over S seconds is ended, and the table says so. All is drawn here:
- vectors for neighbours: 256 wide, float16, in groups of ten, a hundred groups to a topic, as wordings lie. Two of a group
  have a cosine of .67, two of a topic .33. Recall is of the ten nearest by exact search, on 500 rows.
- wordings for the rest: 3 to 8 made-up words, the n-th most frequent said 1/n as often; pairs differ in a word.
- the pretrained encoder has the shape of multilingual-e5-small (12 layers, 384 wide) and drawn weights: its
  speed is true, its vectors mean nothing.
"same" is of a second run: whether its result is the first one's, byte for byte. "agrees" is with the processor.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mining.clustering import encoder
from mining.clustering import neighbours as by
from mining.clustering.neighbours import Search

WIDTH, TOPIC, GROUP, AT_ONCE = 256, 1_000, 10, 100_000
SPREAD = 1 / np.sqrt(WIDTH)
MEMORY = 48 * 2**30  # bytes for an index on the processor: full vectors, no codes
ROWS = [200_000, 1_000_000, 5_000_000, 20_000_000]
# How neighbours are found, where, and up to how many rows that is worth waiting for.
WAYS = [
    ("all", "gpu", 1_000_000),
    ("cells", "gpu", 20_000_000),
    ("cells", "cpu", 1_000_000),
]
WORDINGS, WORDS = 4_000, 20_000
SOME_STEPS = encoder.Course(batch=64, rate=3e-5, epochs=1, fewest_steps=1, most_steps=10)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS))
    arguments.add_argument("--rows", nargs="*", type=int, default=ROWS)
    arguments.add_argument("--seconds", type=float, default=600.0)
    arguments.add_argument("--one", nargs=3, help=argparse.SUPPRESS)  # what, size, file
    asked = arguments.parse_args()
    if asked.one:
        one(*asked.one)
        return
    card = _card()
    if not card:
        print("not measured: there is no GPU here")
        return
    print(f"{card}; {os.cpu_count()} cores\n")
    for part in asked.parts:
        PARTS[part](asked)


def _card() -> str:
    try:
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def neighbours(asked: argparse.Namespace) -> None:
    print(
        "| rows | index | on | seconds | peak memory, GiB | recall | same |\n|---|---|---|---|---|---|---|"
    )
    for rows in asked.rows:
        for way, where, most in WAYS:
            if rows <= most:
                told = _run(f"neighbours-{way}", rows, where, asked.seconds)[0]
                print(
                    f"| {rows:,} | {told.get('index', way)} | {where} | {told['seconds']} | {told['peak']}"
                    f" | {told.get('recall', '')} | {told.get('same', '')} |",
                    flush=True,
                )
    print()


def pretrained(asked: argparse.Namespace) -> None:
    print(
        "| wordings | on | seconds | peak memory, GiB | same | agrees |\n|---|---|---|---|---|---|"
    )
    on_cpu, truth = _run("pretrained", WORDINGS, "cpu", asked.seconds)
    on_gpu, found = _run("pretrained", WORDINGS, "gpu", asked.seconds)
    agrees = ""
    if truth is not None and found is not None:
        agrees = f"{float(np.einsum('rc,rc->r', truth, found).mean()):.4f}"
    for where, told, same in (("cpu", on_cpu, ""), ("gpu", on_gpu, agrees)):
        print(
            f"| {WORDINGS:,} | {where} | {told['seconds']} | {told['peak']} | {told.get('same', '')} | {same} |",
            flush=True,
        )
    print()


def _run(what: str, size: int, where: str, seconds: float) -> tuple[dict, np.ndarray | None]:
    """What a process of its own tells of one piece of work, and the rows it found (unit length)."""
    hidden = {} if where == "gpu" else {"CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.npy"
        command = [sys.executable, __file__, "--one", what, str(size), str(out)]
        try:
            done = subprocess.run(
                command,
                check=False,
                env={**os.environ, **hidden},
                capture_output=True,
                text=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return {"seconds": f"over {seconds:.0f}", "peak": ""}, None
        if done.returncode:
            print(done.stderr[-1500:], file=sys.stderr)
            return {"seconds": "failed", "peak": ""}, None
        told = json.loads(done.stdout.splitlines()[-1])
        return told, np.load(out).astype(np.float32) if out.exists() else None


def one(what: str, size: str, out: str) -> None:
    work, *rest = what.split("-")
    told = WORK[work](int(size), Path(out), *rest)
    told["peak"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)
    print(json.dumps(told))


def find(rows: int, _: Path, way: str) -> dict:
    vectors, search = drawn(rows), Search(memory=MEMORY)
    gpu = by.on_gpu(vectors)

    def near() -> by.Nearest:
        if way == "all":
            return by.by_all(vectors, search, gpu=gpu)
        return by.by_cells(vectors, search, gpu=gpu)

    first, seconds = _timed(near)
    told = {"index": first.index, "seconds": f"{seconds:.1f}"}
    told["recall"] = round(first.recall if way != "all" else _recall(vectors, first.found), 4)
    if rows <= min(ROWS):
        told["same"] = _yes(np.array_equal(near().found, first.found))
    return told


def _recall(vectors: np.ndarray, found: np.ndarray) -> float:
    sample = np.sort(np.random.default_rng(1).permutation(len(vectors))[: by.SAMPLE])
    truth = by.exact(vectors, sample, 10)[0]
    return float(
        np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found[sample], strict=True)])
    )


def embed(size: int, out: Path) -> dict:
    wordings, pairs = said(size)
    with tempfile.TemporaryDirectory() as folder:
        model = _e5_shaped(wordings, Path(folder))
        model.embed(wordings[:512])
        vectors, embedding = _timed(lambda: model.embed(wordings))
        np.save(out, vectors)
        again = np.array_equal(vectors, model.embed(wordings))
        lessons = encoder.Lessons(wordings, pairs)
        taught, teaching = _timed(lambda: encoder.attend(model, lessons, SOME_STEPS))
        other = encoder.attend(_e5_shaped(wordings, Path(folder)), lessons, SOME_STEPS)
        alike = np.array_equal(taught.embed(wordings[:512]), other.embed(wordings[:512]))
    return {
        "seconds": f"{embedding:.1f}, and {teaching / SOME_STEPS.most_steps:.2f} a step of 64 pairs",
        "same": f"{_yes(again)}, taught: {_yes(alike)}",
    }


def _yes(it_is: object) -> str:
    return "yes" if it_is else "no"


def _e5_shaped(wordings: list[str], folder: Path):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    from warehouse.encoders.transformer import Tuned

    torch.manual_seed(7)
    tokens = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokens.train_from_iterator(
        wordings,
        trainers.BpeTrainer(vocab_size=30_000, special_tokens=special, show_progress=False),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, unk_token="[UNK]", pad_token="[PAD]", model_max_length=512
    ).save_pretrained(folder)
    shape = BertConfig(
        vocab_size=250_037,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=1_536,
    )
    BertModel(shape, add_pooling_layer=False).save_pretrained(folder)
    return Tuned(
        SentenceTransformer(
            modules=[Transformer(str(folder), max_seq_length=128), Pooling(384, "mean")]
        )
    )


def _timed(work):
    began = time.perf_counter()
    done = work()
    return done, time.perf_counter() - began


def drawn(rows: int) -> np.ndarray:
    """rows x 256, float16, unit length."""
    made = np.empty((rows, WIDTH), np.float16)

    def part(start: int) -> None:
        rng = np.random.default_rng(start)
        wanted = min(AT_ONCE, rows - start)
        here = np.zeros((wanted, WIDTH), np.float32)
        for group in (TOPIC, GROUP, 1):
            apart = SPREAD * rng.standard_normal((-(-wanted // group), WIDTH), dtype=np.float32)
            here += np.repeat(apart, group, axis=0)[:wanted]
        made[start : start + wanted] = here / np.linalg.norm(here, axis=1, keepdims=True)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(part, range(0, rows, AT_ONCE)))
    return made


def said(size: int) -> tuple[list[str], np.ndarray]:
    """Wordings of made-up words, and pairs of places in them: the second half of a pair is the first with
    another word in it."""
    rng = np.random.default_rng(7)
    parts = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
    words = ["".join(rng.choice(parts, rng.integers(1, 5))) for _ in range(WORDS)]
    rank = 1 / np.arange(1, WORDS + 1)
    half = size // 2
    lengths = rng.integers(3, 9, half)
    places = np.split(rng.choice(WORDS, lengths.sum(), p=rank / rank.sum()), lengths.cumsum()[:-1])
    other = [
        np.where(np.arange(len(p)) == rng.integers(len(p)), rng.integers(WORDS), p) for p in places
    ]
    wordings = [" ".join(words[i] for i in p) for p in [*places, *other]]
    first = rng.permutation(half)
    return wordings, np.stack([first, first + half], axis=1)


WORK = {"neighbours": find, "pretrained": embed}
PARTS = {"neighbours": neighbours, "pretrained": pretrained}

if __name__ == "__main__":
    main()
