"""What the assistant's answers show (whether they repair, ask, or go on), and what people do with the wordings elsewhere. A
pair's own row is left out of each share."""

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.rephrases.log import NONE, Log, share

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

TAIL = 1.0  # -log10 of the share of random non-matches that are more alike, from which a pair resembles
MOST_USERS = 4


def answers(log: Log, s: Indices, t: Indices, apart: Indices, tail: Floats) -> dict[str, Floats]:
    """What the assistant's answers show: whether they repair, ask, or go on."""
    template = log.template
    names = (
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
    if (template == NONE).all():
        return dict.fromkeys(names, np.full(len(s), np.nan))
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
    often = np.bincount(template[template != NONE])
    common = np.where(
        template == NONE, np.nan, np.log10(often[np.maximum(template, 0)] / len(template))
    )
    question = log.turns["response"].str.contains(r"[?？؟]\s*$").cast(pl.Float64).to_numpy()
    before = np.where(log.opens, np.nan, np.concatenate([[np.nan], question[:-1]]))
    missing = (template[s] == NONE) | (log.prompt[s] == NONE)
    both = (template[s] == NONE) | (template[t] == NONE)
    return {
        "repeated itself": np.where(missing, np.nan, template[s] == log.prompt[s]),
        "same answer": np.where(both, np.nan, template[s] == template[t]),
        "template is repeated": repeated[s],
        "template repeats itself": itself[s],
        "template fails": fails[s],
        "later template fails": fails[t],
        "template is followed": follows[s],
        "common template": common[s],
        "echo": log.echo[s],
        "later echo": log.echo[t],
        "later in answer": log.echoed(s, t),
        "same prompt": np.where(
            (log.prompt[s] == NONE) | (log.prompt[t] == NONE),
            np.nan,
            log.prompt[s] == log.prompt[t],
        ),
        "asks": question[s],
        "asked": before[s],
        "prompt is repeated": np.where(
            log.prompt[s] == NONE, np.nan, _by_key(repeated, template)[log.prompt[s]]
        ),
    }


def _by_key(values: Floats, key: Indices) -> Floats:
    """The mean of the values of each key; the last place is for NONE."""
    size = int(key.max(initial=0)) + 2
    known = (key != NONE) & np.isfinite(values)
    whole = np.bincount(key[known], values[known], size)
    count = np.bincount(key[known], minlength=size)
    return np.where(count > 0, whole / np.maximum(count, 1), np.nan)


def wordings(log: Log, s: Indices, t: Indices, apart: Indices, tail: Floats) -> dict[str, Floats]:
    """What people do with these wordings elsewhere."""
    w = log.wording
    rows = pl.DataFrame({"a": w[s], "b": w[t], "u": log.user[s]})
    others = rows.select(pl.col("u").n_unique().over("a", "b") - 1).to_series().to_numpy()
    said = pl.DataFrame({"w": w, "u": log.user}).group_by("w").agg(pl.col("u").n_unique()).sort("w")
    users = said["u"].to_numpy() / max(1, len(np.unique(log.user)))
    resembling = (tail >= TAIL).astype(float)
    opener = openers(log)[t]
    return {
        "others too": np.minimum(others, MOST_USERS).astype(float),
        "others too, of its users": others / np.maximum(said["u"].to_numpy()[w[s]] - 1, 1),
        "source users": np.log10(users[w[s]]),
        "target users": np.log10(users[w[t]]),
        "source is followed": share(log.followed.astype(float), w)[s],
        "target is followed": share(log.followed.astype(float), w)[t],
        "source opens": share(log.opens.astype(float), w)[s],
        "target opens": share(log.opens.astype(float), w)[t],
        "earlier resembles": share(resembling, w[s]),
        "later resembles": share(resembling, w[t]),
        "opening resembles": share(resembling, opener),
    }


def openers(log: Log) -> Indices:
    """The first word of each turn, as a number; NONE where it has none."""
    first = log.turns["utterance"].str.to_lowercase().str.extract(r"^\W*([\w'’]+)", 1)
    return first.rank("dense").fill_null(0).to_numpy().astype(np.int64) - 1
