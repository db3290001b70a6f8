"""The reference tagger: which stretches of a wording are slots, given its intent.

A token's label (BIO; Ramshaw and Marcus 1995) is told by a multinomial regression over what stands there and beside it; the
labels of a wording together by a hidden Markov model, whose emissions are these posteriors over their priors (a hybrid;
Bourlard and Morgan 1994). Slots that an intent never had are none of it.

Notation and constants: docs/method.md, 9.
"""

import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from retrain.slots.features import BUCKETS, hashed, seen
from retrain.slots.hidden_markov import Paths, viterbi
from retrain.slots.lesson import TaggedWordings
from retrain.training.solver import Capacity, Floats, Indices, Weights, common, looked_up, solved
from warehouse.common.platt import PlattScaling
from warehouse.common.tokens import Span, tokens

CAPACITY = Capacity(grams=90_000, ridge=0.2, rounds=40)
SMALL = Capacity(grams=15_000, ridge=0.2, rounds=40)  # of a model that a phone can hold
TRANSITIONS = 0.5  # weight of the label before beside what stands at a token; of 0, .5 and 1 the best on MASSIVE en-US
INCUMBENT_BONUS = 1.5  # log odds for the labels that were told before; chosen on one simulated world (decision 22)
NOTHING = "O"
NEVER = -1e9
ARRAYS = ("features", "weights", "offsets", "transitions", "allowed")


class Slot(NamedTuple):
    """A slot of a wording: `value` are its characters from `start` to `end` (exclusive)."""

    name: str
    value: str
    start: int
    end: int
    probability: float


Values = frozenset[tuple[str, str]]


def values(slots: Iterable[tuple[str, str]]) -> Values:
    """Names and values of slots as they are compared: in NFC, letter case apart."""
    return frozenset(
        (name, unicodedata.normalize("NFC", value).casefold()) for name, value in slots
    )


def values_of(slots: Iterable[Mapping[str, Any]]) -> Values:
    """Those of rows (`name`, `value`)."""
    return values((slot["name"], slot["value"]) for slot in slots)


@dataclass(frozen=True)
class Tagger:
    """Scores of the `labels` of a token are `features @ weights + offsets`. `transitions`: labels and the beginning x labels, log
    odds of a label after another to anywhere; `allowed`: intents x labels; `platt` bends how probable a slot is."""

    labels: list[str]
    intents: list[str]
    features: Indices
    weights: Weights
    offsets: Weights
    transitions: Weights
    allowed: npt.NDArray[np.bool_]
    platt: PlattScaling = field(default_factory=PlattScaling)

    def slots(
        self,
        wordings: Sequence[str],
        intents: Sequence[str],
        held: Sequence[Sequence[Slot]] = (),
    ) -> list[list[Slot]]:
        """The slots of each wording under its intent, in order. What was `held` for slots before stays, unless another label is ahead
        of it by INCUMBENT_BONUS at a token."""
        row = {intent: n for n, intent in enumerate(self.intents)}
        asked = [
            n for n, intent in enumerate(intents) if intent in row and self._takes(row[intent])
        ]
        found: list[list[Slot]] = [[] for _ in wordings]
        places = [tokens(wordings[n]) for n in asked]
        logs = self._log_posteriors([wordings[n] for n in asked], places)
        for n, spans, emitted in zip(asked, places, logs, strict=True):
            if spans:
                here = np.flatnonzero(self.allowed[row[intents[n]]])
                bonus = self._bonus(spans, held[n] if held else None)
                found[n] = self._read(wordings[n], spans, (emitted[:, here], bonus[:, here]), here)
        return found

    def _bonus(self, spans: list[Span], held: Sequence[Slot] | None) -> Floats:
        """tokens x labels: what stays of what was told before."""
        found = np.zeros((len(spans), len(self.labels)))
        if held is not None:
            known = [slot._asdict() for slot in held if f"B-{slot.name}" in self.labels]
            found[np.arange(len(spans)), _labelled(spans, known, self.labels)] = INCUMBENT_BONUS
        return found

    def _takes(self, intent: int) -> bool:
        """Whether an intent has slots."""
        return bool(self.allowed[intent].sum() > 1)

    def _log_posteriors(self, wordings: list[str], places: list[list[Span]]) -> list[Floats]:
        """tokens x labels, of each wording."""
        features = [f for w, spans in zip(wordings, places, strict=True) for f in seen(w, spans)]
        if not features:
            return [np.zeros((0, len(self.labels))) for _ in wordings]
        scores = looked_up(hashed(features), self.features, self.weights) + self.offsets
        return np.split(
            log_softmax(scores, axis=1), np.cumsum([len(spans) for spans in places])[:-1]
        )

    def _read(
        self, wording: str, spans: list[Span], logs: tuple[Floats, Floats], here: Indices
    ) -> list[Slot]:
        """The slots by log posteriors and bonus (tokens x the labels `here`); how probable they are is told without the bonus."""
        emitted = log_softmax(logs[0], axis=1)
        steps = self._steps[np.append(here, len(self.labels))][:, here]
        path = viterbi(emitted + logs[1], steps)
        names = [self.labels[here[n]] for n in path]
        places = list(stretches(names))
        if not places:
            return []
        place = {self.labels[label]: n for n, label in enumerate(here)}
        paths = Paths.of(emitted, steps)
        found = []
        for first, last in places:
            name = names[first][2:]
            p = paths.probability(first, path[first : last + 1], [place[f"I-{name}"]])
            bent = round(float(self.platt(np.array(p))), 4)
            start, end = spans[first][0], spans[last][1]
            found.append(Slot(name, wording[start:end], start, end, bent))
        return found

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(getattr(self, name).nbytes for name in ARRAYS)

    @cached_property
    def _steps(self) -> Floats:
        """labels and the beginning x labels; NEVER where a slot would go on that did not begin."""
        steps = TRANSITIONS * self.transitions.astype(np.float64)
        for at, label in enumerate(self.labels):
            if label.startswith("I-"):
                may = [before in (f"B-{label[2:]}", label) for before in self.labels]
                steps[~np.array([*may, False]), at] = NEVER
        return steps


def right(
    found: Sequence[Iterable[Slot]], known: Iterable[Sequence[Mapping[str, Any]] | None]
) -> list[bool | None]:
    """Of each wording whether the slots found are those that are known; None where none are known."""
    told = (values((slot.name, slot.value) for slot in slots) for slots in found)
    return [
        None if there is None else mine == values_of(there)
        for mine, there in zip(told, known, strict=True)
    ]


def packed_tagger(tagger: Tagger) -> bytes:
    """Plain numbers and text."""
    buffer = io.BytesIO()
    held: dict[str, Any] = {name: getattr(tagger, name) for name in ARRAYS}
    held |= {name: np.array(getattr(tagger, name), np.str_) for name in ("labels", "intents")}
    held["platt"] = np.array([tagger.platt.shift, tagger.platt.stretch])
    np.savez(buffer, **held)
    return buffer.getvalue()


def unpacked_tagger(packed: bytes) -> Tagger:
    """Raises ValueError or KeyError where it is none."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as held:
        arrays = {name: held[name] for name in ARRAYS}
        labels, intents = ([str(text) for text in held[name]] for name in ("labels", "intents"))
        platt = PlattScaling(*map(float, held["platt"]))
    wide, features = len(labels), arrays["features"]
    shapes = {
        "weights": (len(features), wide),
        "offsets": (wide,),
        "transitions": (wide + 1, wide),
        "allowed": (len(intents), wide),
    }
    named = [f"{part}-{label[2:]}" for label in labels[1::2] for part in "BI"]
    inside = features.dtype == np.int64 and ((features >= 0) & (features < BUCKETS)).all()
    if (
        any(arrays[name].shape != shape for name, shape in shapes.items())
        or labels != [NOTHING, *named]
        or arrays["allowed"].dtype != bool
        or not inside
    ):
        raise ValueError("slots.npz does not fit together")
    return Tagger(labels, intents, **arrays, platt=platt)


def stretches(labels: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The first and the last token of each slot."""
    first = 0
    while first < len(labels):
        last = first
        if labels[first] != NOTHING:
            while labels[last + 1 : last + 2] == [f"I-{labels[first][2:]}"]:
                last += 1
            yield first, last
        first = last + 1


def teach(taught: TaggedWordings, may: Capacity = CAPACITY) -> Tagger:
    """A tagger of the lesson; the same lesson gives the same tagger."""
    names = sorted({slot["name"] for slots in taught.slots for slot in slots})
    labels = [NOTHING, *(f"{part}-{name}" for name in names for part in "BI")]
    places = [tokens(wording) for wording in taught.wordings]
    told = [_labelled(p, s, labels) for p, s in zip(places, taught.slots, strict=True)]
    follows, allowed, intents = _counted(taught, told, len(labels))
    features = [f for w, p in zip(taught.wordings, places, strict=True) for f in seen(w, p)]
    if not names or not features:
        nothing = np.zeros((0, len(labels)), np.float32)
        none = np.zeros(0, np.int64)
        return Tagger(
            labels, intents, none, nothing, np.zeros(len(labels), np.float32), follows, allowed
        )
    label = np.concatenate(told)
    targets = np.zeros((len(label), len(labels)), np.float32)
    targets[np.arange(len(label)), label] = 1
    weights = np.repeat(taught.weights, [len(p) for p in places])
    matrix = hashed(features)
    kept = common(matrix, may.grams)
    blind = np.zeros((len(label), 0), np.float32)
    found = solved(matrix[:, kept].tocsr(), blind, targets, weights, may)
    return Tagger(labels, intents, kept, found[:-1], found[-1], follows, allowed)


def _labelled(spans: list[Span], slots: list[dict[str, Any]], labels: list[str]) -> Indices:
    """The label of each token."""
    told = np.zeros(len(spans), np.int64)
    for slot in slots:
        label = labels.index(f"B-{slot['name']}")
        for at, (start, end) in enumerate(spans):
            if start < slot["end"] and end > slot["start"]:
                told[at] = label
                label += label % 2  # from B to I
    return told


def _counted(
    taught: TaggedWordings, told: list[Indices], labels: int
) -> tuple[Weights, npt.NDArray[np.bool_], list[str]]:
    """How often labels follow each other (`transitions` of a Tagger, each smoothed by one label as they are anywhere), and which
    labels each intent has."""
    intents = sorted(set(taught.intents))
    row = {intent: n for n, intent in enumerate(intents)}
    follows, allowed = np.zeros((labels + 1, labels)), np.zeros((len(intents), labels), bool)
    allowed[:, 0] = True
    for intent, of, weight in zip(taught.intents, told, taught.weights, strict=True):
        np.add.at(follows, (np.append(labels, of)[: len(of)], of), weight)
        allowed[row[intent], of] = True
    allowed[:, 1::2] |= allowed[:, 2::2]
    allowed[:, 2::2] |= allowed[:, 1::2]
    anywhere = np.maximum(follows.sum(axis=0) / max(follows.sum(), 1.0), 1e-9)
    after = (follows + anywhere) / (follows.sum(axis=1, keepdims=True) + 1)
    return (np.log(after) - np.log(anywhere)).astype(np.float32), allowed, intents
