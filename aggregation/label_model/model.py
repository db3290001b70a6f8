"""The label model: from what users did to what each utterance means, soft labels, a locale at a time.

Three voices, none of which is the truth: the assistant's hypotheses, convicted by the users who reformulated
them or their like (`implicit_feedback`); an out-of-fold classifier of the words (`classifier`); and
votes of other sources, each as reliable as it shows (`dawid_skene`). The classifier learns from what is believed, and
what is believed from the classifier, for two rounds. The first knows 13 users in 16: by the others
its probabilities are checked, and bent where they are off (`calibration`).

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from aggregation.label_model import concept_drift, partial_pooling
from aggregation.label_model.classifier import Voice
from aggregation.label_model.cross_lingual import Taught, together
from aggregation.label_model.evidence import NOTHING, Evidence, LabelEstimates
from aggregation.label_model.locale import Locale
from aggregation.label_model.meaning import heads
from aggregation.label_model.partial_pooling import PooledPrior, pooled_prior
from aggregation.label_model.recalled import Recalled
from aggregation.label_model.rounds import Round


def believe(evidence: Evidence, recalled: Recalled | None = None) -> LabelEstimates:
    """What is believed of each wording, and how that held before users who were held back; by classifiers that are taught
    now, or by what those of an earlier night read.

    Locales with many users begin alone, the others with what those lend (`partial_pooling`). Then all are read
    together (`cross_lingual`), and each is finished with what the others know.
    """
    turned = concept_drift.moved(evidence.votes, evidence.night)
    evidence = replace(evidence, votes=concept_drift.faded(evidence.votes, turned))
    labels = _labels(evidence)
    names: list[str] = evidence.heard["locale"].unique().sort().to_list() if labels else []
    locales = [Locale(name, evidence.of(name), labels, recalled) for name in names]
    begun = _begun(locales)
    elsewhere: list[list[Voice]] = [[] for _ in locales]
    if not recalled:
        taught = [at.taught(first) for at, first in zip(locales, begun, strict=True)]
        elsewhere = _elsewhere(taught, len(labels))
    found = [
        NOTHING,
        *(
            at.finished(first, words, _pooled_prior(begun, first))
            for at, first, words in zip(locales, begun, elsewhere, strict=True)
        ),
    ]
    return LabelEstimates(
        pl.concat(f.labels for f in found),
        pl.concat(f.calibration for f in found),
        pl.concat(f.reliability for f in found),
        pl.concat(f.borrowed for f in found),
        turned,
        pl.concat(f.readings for f in found),
    )


def _begun(locales: Sequence["Locale"]) -> list["Round"]:
    """The first round of each locale: first of those that can lend, then of those that borrow from them."""
    alone = {at: at.begun([], PooledPrior()) for at in locales if at.users >= partial_pooling.LENDS}
    if len(alone) == len(locales):
        return list(alone.values())
    pooled = pooled_prior([first.shown for first in alone.values()])
    if locales[0].recalled:
        return [alone.get(at) or at.begun([], pooled) for at in locales]
    taught = [at.taught(alone[at]) if at in alone else at.untaught() for at in locales]
    words = _elsewhere(taught, len(locales[0].labels))
    return [alone.get(at) or at.begun(w, pooled) for at, w in zip(locales, words, strict=True)]


def _elsewhere(taught: list[Taught], labels: int) -> list[list[Voice]]:
    """For each locale what is known elsewhere: of the words, and of the vectors of an encoder of many languages."""
    known: list[Sequence[Voice]] = [together(taught, labels), heads(taught, labels)]
    return [[voices[n] for voices in known if voices] for n in range(len(taught))]


def _pooled_prior(begun: Sequence["Round"], mine: "Round") -> PooledPrior:
    """What the others lend."""
    return pooled_prior(
        [r.shown for r in begun if r is not mine and partial_pooling.lends(r.shown)]
    )


def _labels(evidence: Evidence) -> list[str]:
    """All that anything may mean, in any locale."""
    said = pl.concat([evidence.votes["label"], evidence.seed["intent"].alias("label")])
    return said.unique().sort().to_list()
