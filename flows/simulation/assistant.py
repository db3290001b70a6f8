"""The assistants of a world: before anything was learned, a real intent model of a few utterances; later
the champion, with the rewrites that run and the arms of their experiments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import log_softmax
from sklearn.svm import LinearSVC

from flows.simulation.corpus import Wording
from flows.simulation.people import Answer
from retrain.training.data import training_data
from retrain.training.model import Model
from retrain.training.trainer import train
from warehouse.common.ngrams import hashed
from warehouse.encoders.centres import CentredEncoder, Centres
from warehouse.encoders.transformer import Folder

TRUSTED = 0.2  # confidence from which a hypothesis is executed
KNOWN = 5  # hypotheses in n_best
UPDATED = 0.9  # confidence in what an update brought
COST = 0.2
RAREST = 2  # wordings that must share an n-gram
SHARPNESS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
SEED = 0


class WeakAssistant:
    """Learns from `seed`; how sure it is, is fitted to the `rest`. With the folder of an `encoder`, it is
    the reference trainer's model of the vectors and n-grams."""

    def __init__(
        self, seed: list[Wording], rest: list[Wording], encoder: Path | None = None
    ) -> None:
        self.model = _encoded(seed, rest, encoder) if encoder else _model(seed, rest)
        self.known: dict[str, Answer] = {}

    def answer(self, locale: str, utterance: str) -> Answer:
        if utterance not in self.known:
            self.known[utterance] = _answer(self.model, locale, utterance)
        return self.known[utterance]


@dataclass
class Served:
    """A model that answers, by its version."""

    version: str
    model: Model
    known: dict[tuple[str, str], Answer] = field(default_factory=dict)

    def answer(self, locale: str, utterance: str) -> Answer:
        key = locale, utterance
        if key not in self.known:
            self.known[key] = replace(_answer(self.model, *key), model=self.version)
        return self.known[key]


@dataclass
class LearningAssistant:
    """The champion, and the `fixes` that run: by locale and wording the other one and its holdout. A share
    `held` of the turns without a fix is answered by the model `before`. Each arm is drawn by the turn.
    `updates` are wordings that the assistant takes for something else now, whatever its model says."""

    champion: Served
    before: Served | None
    held: float
    fixes: Mapping[tuple[str, str], tuple[str, float]]
    rng: np.random.Generator
    updates: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def answer(self, locale: str, utterance: str) -> Answer:
        target, holdout = self.fixes.get((locale, utterance), (None, self.held))
        if target is None and self.before is None:
            return self._by(self.champion, locale, utterance)
        if self.rng.random() < holdout:
            held = self.before if target is None and self.before else self.champion
            left = self._by(held, locale, utterance)
            return replace(left, arm="holdout", propensity=round(holdout, 6))
        treated = self._by(self.champion, locale, target or utterance)
        return replace(treated, ran=target, arm="treated", propensity=round(1 - holdout, 6))

    def _by(self, served: Served, locale: str, utterance: str) -> Answer:
        told = served.answer(locale, utterance)
        now = self.updates.get((locale, utterance))
        if now is None:
            return told
        others = [h for h in told.n_best if h[0] != now][: KNOWN - 1]
        return replace(told, executed=now, n_best=[(now, UPDATED), *others])


def _answer(model: Model, locale: str, utterance: str) -> Answer:
    row = model.probabilities([utterance], [locale])[0]
    best = np.argsort(-row, kind="stable")[:KNOWN]
    n_best = [(model.labels[i], round(float(row[i]), 4)) for i in best]
    return Answer(n_best[0][0] if n_best[0][1] >= TRUSTED else None, n_best)


def _model(seed: list[Wording], rest: list[Wording]) -> Model:
    labels = sorted({w.intent for w in seed})
    truth = np.searchsorted(labels, [w.intent for w in seed])
    read = hashed([w.utterance for w in seed])
    shared = np.bincount(read.indices, minlength=read.shape[1])
    common = np.flatnonzero(shared >= min(RAREST, shared.max()))
    fitted = LinearSVC(C=COST, tol=0.01, random_state=SEED).fit(read[:, common].tocsr(), truth)
    weights, offsets = fitted.coef_.T, fitted.intercept_
    if len(labels) == 2:
        weights, offsets = np.hstack([-weights, weights]), np.concatenate([-offsets, offsets])
    model = Model(
        labels, common.astype(np.int64), weights.astype(np.float32), offsets.astype(np.float32)
    )
    return replace(model, sharpness=_sharpest(model, rest))


def _encoded(seed: list[Wording], rest: list[Wording], encoder: Path) -> Model:
    columns = ["locale", "utterance", "intent"]
    rows = [(w.locale, w.utterance, w.intent) for w in seed]
    taught = training_data(pl.DataFrame(rows, columns, orient="row"))
    reads = Folder(encoder)
    centres = Centres.found(taught.locales, reads.embed(taught.wordings))
    model = train(taught, CentredEncoder(reads, centres))
    return replace(model, sharpness=_sharpest(model, rest))


def _sharpest(model: Model, rest: list[Wording]) -> float:
    """The sharpness under which wordings that the model never saw are most likely right."""
    known = [w for w in rest if w.intent in model.labels]
    if not known:
        return 1.0
    scores = model.scores([w.utterance for w in known], [w.locale for w in known])
    truth = np.array([model.labels.index(w.intent) for w in known])
    rows = np.arange(len(truth))
    gains = [log_softmax(s * scores, axis=1)[rows, truth].mean() for s in SHARPNESS]
    return SHARPNESS[int(np.argmax(gains))]
