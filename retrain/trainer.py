"""The reference trainer: one linear model over n-grams, seed data beside soft-labelled examples."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import log_softmax
from sklearn.svm import LinearSVC

from retrain.model import Floats, Model, grams

COST = 0.2
RAREST = 2  # wordings that must share an n-gram
FAINTEST = 0.05  # a label less probable than this teaches nothing
SHARPNESS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
SEED = 0


@dataclass(frozen=True)
class Lesson:
    """A row a wording and label, with how much it counts."""

    wordings: list[str]
    labels: list[str]
    weights: Floats


def lesson(seed: pl.DataFrame, examples: pl.DataFrame | None) -> Lesson:
    """Seed rows (`utterance, intent`) at weight 1 beside examples at a mean weight of 1."""
    rows = seed.select("utterance", label="intent", weight=pl.lit(1.0))
    if examples is not None and examples.height:
        soft = (
            examples.select(
                "utterance",
                "labels",
                "probabilities",
                share=pl.col("weight") / pl.col("weight").mean(),
            )
            .explode("labels", "probabilities")
            .filter(pl.col("probabilities") >= FAINTEST)
            .select("utterance", label="labels", weight=pl.col("share") * pl.col("probabilities"))
        )
        rows = pl.concat([rows, soft])
    return Lesson(rows["utterance"].to_list(), rows["label"].to_list(), rows["weight"].to_numpy())


def train(taught: Lesson) -> Model:
    """A model of the lesson; the same lesson gives the same model. Needs two labels at least."""
    labels = sorted(set(taught.labels))
    truth = np.searchsorted(labels, taught.labels)
    read = grams(taught.wordings)
    common = np.flatnonzero(np.bincount(read.indices, minlength=read.shape[1]) >= RAREST)
    kept = read[:, common].tocsr()
    fitted = LinearSVC(C=COST, tol=0.01, random_state=SEED).fit(kept, truth, taught.weights)
    weights, offsets = fitted.coef_.T, fitted.intercept_
    if len(labels) == 2:
        weights, offsets = np.hstack([-weights, weights]), np.concatenate([-offsets, offsets])
    return Model(
        labels,
        common.astype(np.int64),
        weights.astype(np.float32),
        offsets.astype(np.float32),
        sharpness=1.0,
    )


def sharpest(model: Model, wordings: list[str], labels: list[str]) -> float:
    """The sharpness under which wordings that the model never saw are most likely right."""
    known = [
        (u, model.labels.index(x))
        for u, x in zip(wordings, labels, strict=True)
        if x in model.labels
    ]
    if not known:
        return 1.0
    scores = model.scores([u for u, _ in known])
    truth = np.array([i for _, i in known])
    rows = np.arange(len(truth))
    gains = [log_softmax(s * scores, axis=1)[rows, truth].mean() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]
