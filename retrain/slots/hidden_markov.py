"""Labels of a sequence told together: the likeliest path, and how probable a stretch of it is (Rabiner 1989).

`emitted` are log scores, tokens x labels; `steps` log scores of a label after another, labels x labels, its last row those of
the first label.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from retrain.training.solver import Floats


def viterbi(emitted: Floats, steps: Floats) -> list[int]:
    """The likeliest path."""
    best, back = emitted[0] + steps[-1], []
    for here in emitted[1:]:
        ways = best[:, None] + steps[:-1]
        back.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + here
    path = [int(best.argmax())]
    for of in reversed(back):
        path.append(int(of[path[-1]]))
    return path[::-1]


def logsumexp(scores: Floats) -> Floats:
    """The log of the sum of the exponentials of each column; of few numbers SciPy's takes ten times as long."""
    return np.asarray(np.logaddexp.reduce(scores, axis=0))


@dataclass(frozen=True)
class Paths:
    """All paths of a sequence, by their log scores: `forward` those to each token and label, `backward` those from it."""

    emitted: Floats
    steps: Floats
    forward: Floats
    backward: Floats

    @staticmethod
    def of(emitted: Floats, steps: Floats) -> "Paths":
        forward, backward = np.empty_like(emitted), np.zeros_like(emitted)
        forward[0] = emitted[0] + steps[-1]
        for at in range(1, len(emitted)):
            forward[at] = logsumexp(forward[at - 1][:, None] + steps[:-1]) + emitted[at]
        for at in range(len(emitted) - 2, -1, -1):
            onward = steps[:-1] + emitted[at + 1] + backward[at + 1]
            backward[at] = logsumexp(onward.T)
        return Paths(emitted, steps, forward, backward)

    def probability(self, first: int, labels: list[int], unless: list[int]) -> float:
        """That the tokens from `first` have these labels, and none of `unless` follows."""
        last = first + len(labels) - 1
        score = self.forward[first, labels[0]]
        for at, (before, label) in enumerate(pairwise(labels), first + 1):
            score += self.steps[before, label] + self.emitted[at, label]
        if last + 1 < len(self.emitted):
            onward = self.steps[labels[-1]] + self.emitted[last + 1] + self.backward[last + 1]
            score += logsumexp(np.delete(onward, unless))
        return float(np.exp(score - logsumexp(self.forward[-1])))
