"""What locales with many users know of how people and assistants are, for those with few.

How often people come back, what speaks for a hypothesis, how reliable each source of vote is: a locale begins with
the mean of the others, held the more firmly the more alike they have been (empirical Bayes; Efron and Morris 1975).
Its own users soon outweigh that.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from aggregation.label_model.classifier import TRUST
from aggregation.label_model.dawid_skene import GUESS, Cells
from aggregation.label_model.implicit_feedback import RIDGE, STRENGTH, Guess, Heard
from aggregation.label_model.votes import WEIGHED
from warehouse.common.reformulation import Reformulation

Floats = npt.NDArray[np.float64]

LENDS = 1_000.0  # votes of users who accepted or reformulated, from which a locale lends
APART = 1.0  # how far two locales' weights are apart, before any two were seen
MORE = 2.0  # times as often as elsewhere that a label may be meant
LEAST_MEANT = (
    0.2  # share of what each label would have of all alike, where nobody means it elsewhere
)
TURNS = 20
FIRMEST = 100.0  # users that the rates of others are worth at most


@dataclass(frozen=True)
class Shown:
    """What a locale showed: by how many `users`, at which `rates` they reformulate, the `gate`, the `trust` in its
    words, the `reliability` of each source of vote (NaN where there were none), and the share of users who
    `meant` each label."""

    users: float
    rates: Reformulation
    gate: Floats
    trust: float
    reliability: Floats
    meant: Floats


@dataclass(frozen=True)
class PooledPrior:
    """What a locale begins with. `lenders` is how many others pooled, `meant` the share of users who mean each
    label there, if anybody pooled."""

    lenders: int = 0
    guess: Guess = field(default_factory=Guess)
    trust: float = TRUST
    reliability: Floats = field(default_factory=lambda: np.full(len(WEIGHED), GUESS))
    meant: Floats | None = None


def lends(shown: Shown) -> bool:
    """Whether a locale has users enough to tell others anything."""
    return shown.users >= LENDS


def pooled_prior(lenders: Sequence[Shown]) -> PooledPrior:
    """What these locales lend; nothing where there are none."""
    if not lenders:
        return PooledPrior()
    gates = np.stack([s.gate for s in lenders])
    apart = ((gates - gates.mean(axis=0)) ** 2).sum(axis=0) + APART / RIDGE
    rates = np.array([[s.rates.if_correct, s.rates.if_incorrect] for s in lenders])
    right, wrong = rates.mean(axis=0)
    told = np.stack([s.reliability for s in lenders])
    seen = np.isfinite(told)
    reliability = (np.where(seen, told, 0.0).sum(axis=0) + GUESS) / (seen.sum(axis=0) + 1)
    return PooledPrior(
        len(lenders),
        Guess(
            Reformulation(float(right), float(wrong)),
            _worth(rates[:, 1]),
            gates.mean(axis=0),
            len(lenders) / apart,
        ),
        float(np.mean([s.trust for s in lenders])),
        reliability,
        np.mean([s.meant for s in lenders], axis=0),
    )


def _worth(rates: Floats) -> float:
    """Users that the mean of these rates is worth, by how far they are apart (moments of a beta distribution)."""
    mean, apart = rates.mean(), ((rates - rates.mean()) ** 2).sum() / max(1, len(rates) - 1)
    if len(rates) < 2:
        return STRENGTH
    return float(np.clip(mean * (1 - mean) / max(apart, 1e-9) - 1, STRENGTH, FIRMEST))


@dataclass(frozen=True)
class Room:
    """How much may be believed of each label: the log odds of the hypotheses, by which what was executed stood, and
    the share of users who mean each label elsewhere."""

    own: Floats
    meant: Floats


def bounded(cells: Cells, prior: Floats, heard: Heard, room: Room) -> Floats:
    """The prior, with less for labels that would be meant more than MORE times as often as elsewhere: an
    assistant that hears the same label everywhere is not believed where nobody could reformulate it. What was
    executed and stood is counted first.

    Offsets of labels are found in turns, as class priors are fitted to unlabelled cases (Saerens et al. 2002)."""
    users = np.bincount(heard.item, heard.users, len(cells.start) - 1)[cells.item]
    stood = np.bincount(heard.label, heard.executed * expit(room.own), cells.labels)
    wanted = MORE * np.maximum(room.meant, LEAST_MEANT / cells.labels) * heard.users.sum()
    most = np.maximum(np.maximum(wanted, stood), 1e-9)
    less = np.zeros(cells.labels)
    for _ in range(TURNS):
        share = cells.softmax(prior - less[cells.label])
        held = np.bincount(cells.label, share * users, cells.labels)
        less += np.log(np.maximum(1.0, held / most))
    return np.asarray(prior - less[cells.label])
