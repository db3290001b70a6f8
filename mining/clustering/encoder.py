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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import softmax

from warehouse.encoders.encoder import Vectors
from warehouse.encoders.static import Static, Tokens, tokenized
from warehouse.encoders.transformer import Tuned

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Indices = npt.NDArray[np.int64]

WORDINGS_PER_TOKEN = 7  # a token is worth a vector of its own where the log is that large
FEWEST_TOKENS, MOST_TOKENS = 4_000, 40_000
ALPHABET = 3_000
LONGEST_TOKEN = 6  # characters; longer ones are sentences where words are not spaced
DIMENSIONS = 256
SAME = 0.83  # cosine from which two wordings mean the same
START = 0.4  # spread of the first vector of a token of mean rarity
KEPT = 0.5  # of what a token meant the night before
SCALE = 20.0  # one over the temperature
LEARNED = 0.02  # loss of a batch, from which what follows is only noise: a few lessons are learned at once
BETAS = 0.9, 0.999  # of Adam, as its authors have them
SEED = 7
NO_PAIRS = np.zeros((0, 2), np.int64)


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


class Learned(Protocol):
    """An encoder that was taught, before it is kept."""

    @property
    def fingerprint(self) -> str:
        """A hash of the weights."""

    def embed(self, wordings: list[str]) -> Vectors:
        """wordings x dimensions, unit length."""

    def save(self, folder: Path) -> None:
        """Leave a folder of sentence-transformers."""


def learn(lessons: Lessons, before: Static | None = None) -> Static:
    """An encoder taught by the log alone; the same lessons give the same encoder.

    A token that `before` knows too starts between where it was and where a new one would (shrink and perturb; Ash & Adams
    2020, arXiv 1910.08475): night after night from where it was alone, the encoder learns its pairs by heart and finds less.
    """
    tokenizer = _tokenizer(lessons.wordings)
    tokens = tokenized(tokenizer, lessons.wordings)
    weights = _apart(tokenizer, tokens)
    if before:
        _remember(weights, tokenizer, before)
    return Static(tokenizer, _attended(weights, tokens, lessons.pairs, AGAIN if before else FIRST))


def attend(pretrained: Tuned, lessons: Lessons, course: Course) -> Tuned:
    """Teach a pretrained encoder, in place."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    torch.manual_seed(SEED)
    model = pretrained.model
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=course.rate, weight_decay=0.0)

    def vectors(places: Indices) -> torch.Tensor:
        features = model.preprocess([lessons.wordings[p] for p in places])
        on_device = {
            k: v.to(model.device) if torch.is_tensor(v) else v for k, v in features.items()
        }
        return normalize(model(on_device)["sentence_embedding"])

    for batch in _batches(lessons.pairs, course):
        alike = SCALE * vectors(batch[:, 0]) @ vectors(batch[:, 1]).T
        truth = torch.arange(len(batch), device=alike.device)
        loss = cross_entropy(alike, truth) + cross_entropy(alike.T, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < LEARNED:
            break
    model.eval()
    return pretrained


def _batches(pairs: Indices, course: Course) -> Iterator[Indices]:
    """The pairs in another order each round."""
    chosen = np.random.default_rng(SEED)
    a_round = max(1, -(-len(pairs) // course.batch))
    rounds = max(course.epochs, course.fewest_steps // a_round)
    steps = min(course.most_steps, rounds * a_round) if len(pairs) else 0
    order: Indices = np.empty(0, np.int64)
    for step in range(steps):
        at = step % a_round * course.batch
        if at == 0:
            order = chosen.permutation(len(pairs))
        yield pairs[order[at : at + course.batch]]


def _attended(weights: Vectors, tokens: Tokens, pairs: Indices, course: Course) -> Vectors:
    """The token vectors, taught, without PyTorch, which takes longer to load than a small log to learn. Adam (Kingma &
    Ba 2015, arXiv 1412.6980) moves those alone that a batch has, so that a step costs its batch."""
    weights = weights.copy()
    mean, spread = np.zeros_like(weights), np.zeros_like(weights)
    for step, batch in enumerate(_batches(pairs, course), 1):
        used, held = _bags(tokens, batch.T.ravel())
        loss, found = _gradient(held, weights[used])
        mean[used] = BETAS[0] * mean[used] + (1 - BETAS[0]) * found
        spread[used] = BETAS[1] * spread[used] + (1 - BETAS[1]) * found**2
        size = np.sqrt(spread[used] / np.float32(1 - BETAS[1] ** step)) + 1e-8
        weights[used] -= course.rate / np.float32(1 - BETAS[0] ** step) * mean[used] / size
        if loss < LEARNED:
            break
    return weights


def _bags(tokens: Tokens, places: Indices) -> tuple[Indices, csr_matrix]:
    """The tokens that wordings have, and wordings x tokens: the share of each in them."""
    some = tokens.of(places)
    used, column = np.unique(some.ids.astype(np.int64), return_inverse=True)
    return used, some.shares(column, len(used))


def _gradient(held: csr_matrix, weights: Vectors) -> tuple[float, Vectors]:
    """Of the loss by the token vectors: the cross-entropy of telling each of a pair from all others of the other side
    (InfoNCE; van den Oord et al. 2018, arXiv 1807.03748), both ways. The first half of the rows of `held` are said for
    the second."""
    means = held @ weights
    length = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    one, other = np.split(means / length, 2)
    alike = SCALE * one @ other.T
    there, back = softmax(alike, axis=1), softmax(alike, axis=0)
    told = np.arange(len(one))
    loss = -(np.log(there[told, told]) + np.log(back[told, told])).mean()
    off = there + back
    off[told, told] -= 2
    off *= SCALE / len(one)
    turned, unit = np.concatenate([off @ other, off.T @ one]), np.concatenate([one, other])
    along = (turned * unit).sum(axis=1, keepdims=True)
    return float(loss), held.T @ ((turned - along * unit) / length)


def _tokenizer(wordings: list[str]) -> "Tokenizer":
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


def _apart(tokenizer: "Tokenizer", tokens: Tokens) -> Vectors:
    """tokens x dimensions: a direction that a token's spelling alone decides, as long as it is rare."""
    wordings = len(tokens.starts) - 1
    said_in = np.repeat(np.arange(wordings), np.diff(tokens.starts))
    size = tokenizer.get_vocab_size()
    held = np.bincount(np.unique(said_in * size + tokens.ids) % size, minlength=size)
    rarity = np.log((1 + wordings) / (1 + held)) + 1
    spread = START * rarity / rarity.mean()
    weights = np.empty((len(held), DIMENSIONS), np.float32)
    for token, place in tokenizer.get_vocab().items():
        seed = hashlib.blake2b(token.encode(), digest_size=8).digest()
        drawn = np.random.default_rng(int.from_bytes(seed)).standard_normal(DIMENSIONS)
        weights[place] = spread[place] * drawn
    return weights


def _remember(weights: Vectors, tokenizer: "Tokenizer", before: Static) -> None:
    known = before.tokenizer.get_vocab()
    shared = [(place, known[t]) for t, place in tokenizer.get_vocab().items() if t in known]
    here, there = np.array(shared, np.int64).reshape(-1, 2).T
    weights[here] = (1 - KEPT) * weights[here] + KEPT * before.weights[there]
