"""The encoder that the log teaches: token vectors whose mean is a wording's meaning.

Tokens are learned from the log (byte-pair merges) and start far apart, the rarer the longer, so that
at first a wording is the words it holds. Then wordings that users said for one another are pulled
together, and the others of the batch pushed away (Henderson et al. 2017, arXiv 1705.00652; static
vectors under that loss after sentence-transformers' static embeddings). Starting from latent semantic
vectors instead forgets names and numbers (docs/benchmarks.md). Built of stock sentence-transformers
modules: the saved folder loads with `SentenceTransformer(path)`, without sayagain.

Notation and constants: docs/method.md, 4.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from warehouse.encoders import transformer

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

WORDINGS_PER_TOKEN = 7  # a token is worth a vector of its own where the log is that large
FEWEST_TOKENS, MOST_TOKENS = 4_000, 40_000
ALPHABET = 3_000
LONGEST_TOKEN = 6  # characters; longer ones are sentences where words are not spaced
DIMENSIONS = 256
START = 0.4  # spread of the first vector of a token of mean rarity
KEPT = 0.5  # of what a token meant the night before
SCALE = 20.0  # one over the temperature
LEARNED = 0.02  # loss of a batch
SEED = 7
NO_PAIRS = np.zeros((0, 2), np.int64)
EMBED_BYTES = 64 * 2**20  # of vectors on their way


@dataclass(frozen=True)
class Lessons:
    """What an encoder learns from: wordings, and which of them mean the same."""

    wordings: list[str]
    pairs: Indices  # pairs x 2, places in `wordings`


@dataclass(frozen=True)
class Course:
    """How lessons are taken."""

    batch: int  # pairs; each is told from all the others
    rate: float
    epochs: int
    fewest_steps: int  # a small log is gone through more often
    most_steps: int  # and a large one in part


FIRST = Course(batch=1024, rate=0.05, epochs=4, fewest_steps=150, most_steps=1_500)
AGAIN = Course(batch=1024, rate=0.05, epochs=2, fewest_steps=75, most_steps=750)
PRETRAINED = Course(batch=64, rate=3e-5, epochs=1, fewest_steps=1, most_steps=1_500)


def learn(lessons: Lessons, before: "SentenceTransformer | None" = None) -> "SentenceTransformer":
    """An encoder taught by the log alone; the same lessons give the same encoder.

    A token that `before` knows too, where this function made it, starts between where it was
    and where a new one would (shrink and perturb; Ash & Adams 2020, arXiv 1910.08475): night after
    night from where it was alone, the encoder learns its pairs by heart and finds less.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = _tokens(lessons.wordings)
    weights = _apart(tokenizer, lessons.wordings)
    known = before[0] if before is not None and isinstance(before[0], StaticEmbedding) else None
    if known:
        _remember(weights, tokenizer, known)
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    course = AGAIN if known else FIRST
    return attend(SentenceTransformer(modules=[module]), lessons, course)


def save(model: "SentenceTransformer", folder: Path) -> None:
    model.save(str(folder), create_model_card=False)


def attend(model: "SentenceTransformer", lessons: Lessons, course: Course) -> "SentenceTransformer":
    """Teach any encoder, in place, that the two of a pair mean the same and those of others do not."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    torch.manual_seed(SEED)
    chosen = np.random.default_rng(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=course.rate, weight_decay=0.0)
    a_round = max(1, -(-len(lessons.pairs) // course.batch))
    rounds = max(course.epochs, course.fewest_steps // a_round)
    steps = min(course.most_steps, rounds * a_round) if len(lessons.pairs) else 0
    model.train()

    def vectors(places: Indices) -> torch.Tensor:
        features = model.preprocess([lessons.wordings[p] for p in places])
        on_device = {
            k: v.to(model.device) if torch.is_tensor(v) else v for k, v in features.items()
        }
        return normalize(model(on_device)["sentence_embedding"])

    order: Indices = np.empty(0, np.int64)
    for step in range(steps):
        at = step % a_round * course.batch
        if at == 0:
            order = chosen.permutation(len(lessons.pairs))
        batch = lessons.pairs[order[at : at + course.batch]]
        alike = SCALE * vectors(batch[:, 0]) @ vectors(batch[:, 1]).T
        truth = torch.arange(len(batch), device=alike.device)
        loss = cross_entropy(alike, truth) + cross_entropy(alike.T, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < LEARNED:  # a few lessons are learned at once; what follows is only noise
            break
    return model.eval()


def embed(model: "SentenceTransformer", wordings: list[str]) -> npt.NDArray[np.float16]:
    """wordings x dimensions, float16, unit length."""
    width = model.get_embedding_dimension() or 1
    at_once = max(1, EMBED_BYTES // (4 * width))
    vectors = np.empty((len(wordings), width), np.float16)
    for start in range(0, len(wordings), at_once):
        part = slice(start, start + at_once)
        vectors[part] = transformer.embed(model, wordings[part])
    return vectors


def _tokens(wordings: list[str]) -> Any:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.normalizers import NFKC, Lowercase, Sequence
    from tokenizers.pre_tokenizers import Metaspace
    from tokenizers.trainers import BpeTrainer

    tokenizer = Tokenizer(BPE(unk_token="[UNK]"))
    tokenizer.normalizer = Sequence([NFKC(), Lowercase()])
    tokenizer.pre_tokenizer = Metaspace()
    worth = len(wordings) // WORDINGS_PER_TOKEN
    trainer = BpeTrainer(
        vocab_size=min(MOST_TOKENS, max(FEWEST_TOKENS, worth)),
        limit_alphabet=ALPHABET,
        max_token_length=LONGEST_TOKEN,
        special_tokens=["[UNK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(wordings, trainer)
    return tokenizer


def _apart(tokenizer: Any, wordings: list[str]) -> Vectors:
    """tokens x dimensions: a direction that a token's spelling alone decides, as long as it is rare."""
    held = np.zeros(tokenizer.get_vocab_size(), np.int64)
    for encoded in tokenizer.encode_batch(wordings, add_special_tokens=False):
        held[list(set(encoded.ids))] += 1
    rarity = np.log((1 + len(wordings)) / (1 + held)) + 1
    spread = START * rarity / rarity.mean()
    weights = np.empty((len(held), DIMENSIONS), np.float32)
    for token, place in tokenizer.get_vocab().items():
        seed = hashlib.blake2b(token.encode(), digest_size=8).digest()
        drawn = np.random.default_rng(int.from_bytes(seed)).standard_normal(DIMENSIONS)
        weights[place] = spread[place] * drawn
    return weights


def _remember(weights: Vectors, tokenizer: Any, before: Any) -> None:
    known = before.tokenizer.get_vocab()
    old = before.embedding.weight.detach().cpu().numpy()
    shared = [(place, known[t]) for t, place in tokenizer.get_vocab().items() if t in known]
    here, there = np.array(shared, np.int64).reshape(-1, 2).T
    weights[here] = (1 - KEPT) * weights[here] + KEPT * old[there]
