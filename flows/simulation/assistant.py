"""The assistant of a world before anything was learned: a real intent model of a few utterances."""

import numpy as np
from scipy.special import log_softmax
from sklearn.svm import LinearSVC

from flows.simulation.corpus import Wording
from flows.simulation.people import Answer
from retrain.model import Model, grams

TRUSTED = 0.2  # confidence from which a hypothesis is executed
KNOWN = 5  # hypotheses in n_best
COST = 0.2
RAREST = 2  # wordings that must share an n-gram
SHARPNESS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
SEED = 0


class WeakAssistant:
    """Learns from `seed`; how sure it is, is fitted to the `rest`."""

    def __init__(self, seed: list[Wording], rest: list[Wording]) -> None:
        self.model = _model(seed, rest)
        self.known: dict[str, Answer] = {}

    def answer(self, locale: str, utterance: str) -> Answer:
        if utterance not in self.known:
            row = self.model.probabilities([utterance])[0]
            best = np.argsort(-row, kind="stable")[:KNOWN]
            n_best = [(self.model.labels[i], round(float(row[i]), 4)) for i in best]
            trusted = n_best[0][1] >= TRUSTED
            self.known[utterance] = Answer(n_best[0][0] if trusted else None, n_best)
        return self.known[utterance]


def _model(seed: list[Wording], rest: list[Wording]) -> Model:
    labels = sorted({w.intent for w in seed})
    truth = np.searchsorted(labels, [w.intent for w in seed])
    read = grams([w.utterance for w in seed])
    common = np.flatnonzero(np.bincount(read.indices, minlength=read.shape[1]) >= RAREST)
    fitted = LinearSVC(C=COST, tol=0.01, random_state=SEED).fit(read[:, common].tocsr(), truth)
    weights, offsets = fitted.coef_.T, fitted.intercept_
    if len(labels) == 2:
        weights, offsets = np.hstack([-weights, weights]), np.concatenate([-offsets, offsets])
    model = Model(
        labels, common.astype(np.int64), weights.astype(np.float32), offsets.astype(np.float32)
    )
    return Model(
        labels, model.features, model.weights, model.offsets, sharpness=_sharpest(model, rest)
    )


def _sharpest(model: Model, rest: list[Wording]) -> float:
    """The sharpness under which wordings that the model never saw are most likely right."""
    known = [w for w in rest if w.intent in model.labels]
    if not known:
        return 1.0
    scores = model.scores([w.utterance for w in known])
    truth = np.array([model.labels.index(w.intent) for w in known])
    rows = np.arange(len(truth))
    gains = [log_softmax(s * scores, axis=1)[rows, truth].mean() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]
