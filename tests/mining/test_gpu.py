"""What a GPU computes is what the processor computes, and the same twice. Skipped where there is none."""

import string
import tempfile

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from mining.clustering import encoder, neighbours
from mining.clustering.neighbours import Search
from warehouse.encoders.transformer import Tuned

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")

faiss_sees_it = pytest.mark.skipif(
    not getattr(neighbours.library(), "get_num_gpus", lambda: 0)(), reason="FAISS sees no GPU here"
)


def lying(rows: int, width: int = 32) -> np.ndarray:
    """Unit vectors in groups of ten."""
    rng = np.random.default_rng(5)
    groups = np.repeat(rng.standard_normal((-(-rows // 10), width)), 10, axis=0)[:rows]
    vectors = groups + 0.5 * rng.standard_normal((rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@faiss_sees_it
@pytest.mark.parametrize("way", ["all", "cells"])
def test_neighbours_found_on_a_gpu_are_the_true_ones(way):
    vectors, search = lying(20_000), Search(k=5)
    assert neighbours.on_gpu(vectors)

    def near() -> neighbours.Nearest:
        return getattr(neighbours, f"by_{way}")(vectors, search, gpu=True)

    rows = np.arange(0, len(vectors), 7)
    truth, similar = neighbours.exact(vectors, rows, 5)
    first = near()
    shared = [len(set(a) & set(b)) for a, b in zip(first.found[rows], truth, strict=True)]
    assert first.recall >= search.floor
    assert np.mean(shared) / 5 >= search.floor - 0.01
    assert (first.found != np.arange(len(vectors))[:, None]).all()
    agree = first.found[rows] == truth
    assert np.allclose(first.similar[rows][agree], similar[agree], atol=2e-3)
    assert np.array_equal(near().found, first.found)


@faiss_sees_it
def test_vectors_that_a_gpu_cannot_hold_are_searched_without_it(monkeypatch):
    monkeypatch.setattr(neighbours, "GPU_SHARE", 1e-9)
    assert not neighbours.on_gpu(lying(2_000))


def shaped() -> Tuned:
    """A small transformer with drawn weights, over single characters."""
    torch.manual_seed(7)
    letters = {
        c: i for i, c in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *string.ascii_lowercase])
    }
    tokens = Tokenizer(models.WordLevel(letters, unk_token="[UNK]"))
    tokens.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    with tempfile.TemporaryDirectory() as folder:
        PreTrainedTokenizerFast(
            tokenizer_object=tokens, unk_token="[UNK]", pad_token="[PAD]", model_max_length=32
        ).save_pretrained(folder)
        BertModel(
            BertConfig(
                vocab_size=len(letters),
                hidden_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
                intermediate_size=128,
            ),
            add_pooling_layer=False,
        ).save_pretrained(folder)
        modules = [Transformer(folder, max_seq_length=32), Pooling(64, "mean")]
    return Tuned(SentenceTransformer(modules=modules))


SAID = [f"{a}{b} {c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]
LESSONS = encoder.Lessons(SAID, np.random.default_rng(0).permutation(len(SAID)).reshape(-1, 2))
COURSE = encoder.Course(batch=16, rate=1e-3, epochs=1, fewest_steps=5, most_steps=5)


def test_a_pretrained_encoder_gives_the_processors_vectors(monkeypatch):
    here = shaped()
    assert here.model.device.type == "cuda"
    found = here.embed(SAID)
    assert np.array_equal(here.embed(SAID), found)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    there = shaped()
    assert there.model.device.type == "cpu"
    assert (found * there.embed(SAID)).sum(axis=1).min() > 0.999


def test_a_pretrained_encoder_is_taught_the_same_twice():
    first, second = (encoder.attend(shaped(), LESSONS, COURSE).embed(SAID) for _ in range(2))
    assert not np.allclose(first, shaped().embed(SAID), atol=1e-3)
    assert np.array_equal(first, second)
