"""What the assistant's answers show (whether they repair, ask, or go on), and what people do with the wordings elsewhere. A
pair's own row is left out of each share.

Notation and constants: docs/method.md, 2.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases.log import NONE, LogArrays, mean_by, share

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

TAIL = 1.0  # -log10 of the share of random non-matches that are more alike, from which a pair resembles
MOST_USERS = 4
ANSWERS = (
    "repeated itself",
    "same answer",
    "template is repeated",
    "template repeats itself",
    "template fails",
    "template is followed",
    "common template",
    "echo",
    "later echo",
    "later in answer",
    "same prompt",
    "asks",
    "asked",
    "prompt is repeated",
    "later template fails",
)


def answers(
    log: LogArrays, s: Indices, t: Indices, apart: Indices, tail: Floats
) -> dict[str, Floats]:
    """What the assistant's answers show: whether they repair, ask, or go on."""
    template = log.template
    if (template == NONE).all():
        return dict.fromkeys(ANSWERS, np.full(len(s), np.nan))
    near = apart == 1
    resembles = np.zeros(len(template))
    resembles[s[near]] = (tail[near] >= TAIL).astype(float)
    stepped = np.where(log.followed, template, NONE)
    repeated = share(resembles, stepped)
    itself = share((template == template[log.next]).astype(float), stepped)
    failed = (~log.turns["executed"].to_numpy()).astype(float)
    if log.intent.max() == NONE:
        failed = (log.turns["outcome"] == "failure").fill_null(value=False).to_numpy().astype(float)
    fails = share(failed, template)
    follows = share(log.followed.astype(float), template)
    both = (template[s] == NONE) | (template[t] == NONE)
    return {
        "repeated itself": log.repeated_itself[s],
        "same answer": np.where(both, np.nan, template[s] == template[t]),
        "template is repeated": repeated[s],
        "template repeats itself": itself[s],
        "template fails": fails[s],
        "later template fails": fails[t],
        "template is followed": follows[s],
        "common template": log.common_template[s],
        "echo": log.echo[s],
        "later echo": log.echo[t],
        "later in answer": log.echoed(s, t),
        "same prompt": np.where(
            (log.prompt[s] == NONE) | (log.prompt[t] == NONE),
            np.nan,
            log.prompt[s] == log.prompt[t],
        ),
        "asks": log.asks[s],
        "asked": log.asked[s],
        "prompt is repeated": mean_by(repeated, template)[log.prompt[s]],
    }


def wordings(log: LogArrays, s: Indices, t: Indices, tail: Floats) -> dict[str, Floats]:
    """What people do with these wordings elsewhere."""
    w = log.wording
    rows = pl.DataFrame({"a": w[s], "b": w[t], "u": log.user[s]})
    others = rows.select(pl.col("u").n_unique().over("a", "b") - 1).to_series().to_numpy()
    resembling = (tail >= TAIL).astype(float)
    opener = openers(log)[t]
    return {
        "others too": np.minimum(others, MOST_USERS).astype(float),
        "others too, of its users": others / np.maximum(log.users_of_wording[w[s]] - 1, 1),
        "source users": log.popularity[w[s]],
        "target users": log.popularity[w[t]],
        "source is followed": share(log.followed.astype(float), w)[s],
        "target is followed": share(log.followed.astype(float), w)[t],
        "source opens": share(log.opens.astype(float), w)[s],
        "target opens": share(log.opens.astype(float), w)[t],
        "earlier resembles": share(resembling, w[s]),
        "later resembles": share(resembling, w[t]),
        "opening resembles": share(resembling, opener),
    }


def openers(log: LogArrays) -> Indices:
    """The first word of each turn, as a number; NONE where it has none."""
    first = log.turns["utterance"].str.to_lowercase().str.extract(r"^\W*([\w'’]+)", 1)
    return first.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1
