"""The encoder that the log teaches: token vectors whose mean is a wording's meaning.

Tokens are learned from the log (byte-pair merges), start as latent semantic vectors of the log's own
wordings, and are pulled together where users said one wording for another (in-batch negatives;
Henderson et al. 2017, arXiv 1705.00652). Built of stock sentence-transformers modules: the saved
folder loads with `SentenceTransformer(path)`, without sayagain.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = npt.NDArray[np.float32]

VOCABULARY = 12_000
ALPHABET = 3_000
DIMENSIONS = 256
EPOCHS = 4
FEWEST_STEPS = 150  # a small log is gone through more often
BATCH = 256
RATE = 0.005
SCALE = 20.0
SEED = 7


@dataclass(frozen=True)
class Lessons:
    """What the encoder learns from: wordings, and pairs of indices into them that mean the same."""

    wordings: list[str]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]


def learn(lessons: Lessons) -> "SentenceTransformer":
    """An encoder taught by the log alone; the same lessons give the same encoder."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = _tokens(lessons.wordings)
    bags = [e.ids for e in tokenizer.encode_batch(lessons.wordings, add_special_tokens=False)]
    start = _latent(bags, tokenizer.get_vocab_size())
    weights = _contrast(start, bags, lessons) if len(lessons.left) else start
    module = StaticEmbedding(tokenizer, embedding_weights=weights)
    return SentenceTransformer(modules=[module], device="cpu")


def load(name: str) -> "SentenceTransformer":
    """Any sentence-transformers model, by folder or hub name."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(name)


def save(model: "SentenceTransformer", folder: Path) -> None:
    model.save(str(folder), create_model_card=False)


def embed(model: "SentenceTransformer", wordings: list[str]) -> Vectors:
    """wordings x dimensions, float32, unit length."""
    vectors = model.encode(
        wordings, batch_size=512, normalize_embeddings=True, show_progress_bar=False
    )
    return np.asarray(vectors, dtype=np.float32)


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
    trainer = BpeTrainer(
        vocab_size=VOCABULARY,
        limit_alphabet=ALPHABET,
        special_tokens=["[UNK]"],
        show_progress=False,
    )
    tokenizer.train_from_iterator(wordings, trainer)
    return tokenizer


def _latent(bags: list[list[int]], size: int) -> Vectors:
    """tokens x dimensions: a truncated SVD of TF-IDF, each token weighed by its rarity."""
    from scipy.sparse import csr_matrix
    from sklearn.utils.extmath import randomized_svd

    lengths = np.fromiter(map(len, bags), np.int64, len(bags))
    rows = np.repeat(np.arange(len(bags)), lengths)
    columns = np.concatenate([np.asarray(b, np.int64) for b in bags])
    counts = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(bags), size))
    rarity = np.log((1 + len(bags)) / (1 + np.bincount(counts.indices, minlength=size))) + 1
    wanted = min(DIMENSIONS, *(n - 1 for n in counts.shape))
    weights = np.zeros((size, DIMENSIONS), np.float32)
    if wanted > 0:
        _, _, basis = randomized_svd(
            counts.multiply(rarity).tocsr(), wanted, n_iter=3, random_state=SEED
        )
        weights[:, :wanted] = basis.T * rarity[:, None]
    return weights


def _contrast(start: Vectors, bags: list[list[int]], lessons: Lessons) -> Vectors:
    import torch
    from torch.nn.functional import cross_entropy, embedding_bag, normalize

    torch.manual_seed(SEED)
    weights = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.Adam([weights], lr=RATE * float(np.abs(start).mean() / 0.05))
    order = np.random.default_rng(SEED)

    def mean(which: npt.NDArray[np.int64]) -> torch.Tensor:
        chosen = [bags[i] for i in which]
        starts = np.cumsum([0, *map(len, chosen[:-1])])
        flat = torch.tensor([t for bag in chosen for t in bag], dtype=torch.long)
        return normalize(embedding_bag(flat, weights, torch.from_numpy(starts), mode="mean"))

    steps = -(-len(lessons.left) // BATCH)
    for _ in range(max(EPOCHS, FEWEST_STEPS // steps)):
        shuffled = order.permutation(len(lessons.left))
        for at in range(0, len(shuffled), BATCH):
            batch = shuffled[at : at + BATCH]
            alike = SCALE * mean(lessons.left[batch]) @ mean(lessons.right[batch]).T
            truth = torch.arange(len(batch))
            loss = cross_entropy(alike, truth) + cross_entropy(alike.T, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return np.asarray(weights.detach().numpy(), dtype=np.float32)


def fingerprint(model: "SentenceTransformer") -> str:
    """A hash of the encoder's weights."""
    state = model.state_dict()
    content = hashlib.blake2b(digest_size=8)
    for name in sorted(state):
        content.update(name.encode() + state[name].cpu().numpy().tobytes())
    return content.hexdigest()
