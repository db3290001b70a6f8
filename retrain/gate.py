"""The gate: a challenger serves only where it is better, not by chance (a one-sided sign test over the
cases that changed, McNemar 1947), and breaks little of what worked."""

import hashlib
from dataclasses import dataclass

import polars as pl
from scipy.stats import binomtest

from retrain.model import Model

CHANCE = 0.05  # probability up to which a gain is not taken for chance
ASIDE = 0.2  # share of seed data that no model ever trains on


@dataclass(frozen=True)
class GateConfig:
    most_flips: float = 0.1  # share of cases that may go from right to wrong


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger serves, why, and the figures by locale."""

    promote: bool
    because: tuple[str, ...]
    figures: pl.DataFrame
    flipped: pl.DataFrame


def kept_aside(seed: pl.DataFrame) -> pl.Series:
    """Whether a row of seed data (`utterance`) is for measuring: the same wordings for ever, in
    whatever locale and case."""
    limit = int(ASIDE * 2**32)

    def aside(utterance: str) -> bool:
        content = hashlib.blake2b(utterance.casefold().encode(), digest_size=4).digest()
        return int.from_bytes(content, "big") < limit

    return pl.Series([aside(u) for u in seed["utterance"]], dtype=pl.Boolean)


def compare(
    champion: Model | None,
    challenger: Model,
    cases: pl.DataFrame,
    promises: pl.DataFrame,
    config: GateConfig,
) -> Verdict:
    """Judge by `cases` and `promises` (`locale, utterance, intent`), which neither model learned from.

    A promise is an utterance that must never break: right with the champion, right ever after.
    """
    judged = _judged(champion, challenger, cases)
    kept = _judged(champion, challenger, promises)
    figures = pl.concat(
        [
            _figures(judged, "all"),
            *(
                _figures(p, str(k[0]))
                for k, p in sorted(judged.partition_by("locale", as_dict=True).items())
            ),
        ]
    )
    flipped = judged.filter(pl.col("before") & ~pl.col("after"))
    broken = kept.filter(pl.col("before") & ~pl.col("after"))
    against = list(_against(figures, broken, config)) if champion else []
    if against:
        return Verdict(False, tuple(against), figures, flipped)
    return Verdict(True, (_in_favour(figures, champion),), figures, flipped)


def _judged(champion: Model | None, challenger: Model, cases: pl.DataFrame) -> pl.DataFrame:
    wordings, truth = cases["utterance"].to_list(), cases["intent"]
    after = pl.Series(challenger.best(wordings), dtype=pl.String) == truth
    nothing = pl.Series([None] * len(wordings), dtype=pl.Boolean)
    before = pl.Series(champion.best(wordings), dtype=pl.String) == truth if champion else nothing
    return cases.with_columns(before=before, after=after)


def _figures(judged: pl.DataFrame, locale: str) -> pl.DataFrame:
    flips = pl.col("before") & ~pl.col("after")
    return judged.select(
        locale=pl.lit(locale),
        cases=pl.len().cast(pl.Int64),
        champion_accuracy=pl.col("before").cast(pl.Float64).mean(),
        challenger_accuracy=pl.col("after").mean().fill_null(0.0),
        negative_flips=flips.cast(pl.Float64).mean(),
    )


def _against(figures: pl.DataFrame, broken: pl.DataFrame, config: GateConfig) -> list[str]:
    whole = figures.row(0, named=True)
    reasons = []
    if whole["cases"] == 0:
        reasons.append("no seed data kept aside: nothing to measure by; give more --seed-data")
        return reasons
    flips = round(whole["negative_flips"] * whole["cases"])
    mended = flips + round(
        (whole["challenger_accuracy"] - whole["champion_accuracy"]) * whole["cases"]
    )
    if whole["challenger_accuracy"] <= whole["champion_accuracy"]:
        reasons.append(
            f"not better: {whole['challenger_accuracy']:.1%} right, the champion {whole['champion_accuracy']:.1%}"
        )
    elif (chance := binomtest(mended, mended + flips, alternative="greater").pvalue) > CHANCE:
        reasons.append(f"could be chance: mends {mended} cases, breaks {flips} (p {chance:.2f})")
    if whole["negative_flips"] > config.most_flips:
        reasons.append(
            f"breaks {whole['negative_flips']:.1%} of what worked, {config.most_flips:.1%} is the most"
        )
    if broken.height:
        reasons.append(f"breaks {broken.height} promises, the first: {broken['utterance'][0]!r}")
    return reasons


def _in_favour(figures: pl.DataFrame, champion: Model | None) -> str:
    whole = figures.row(0, named=True)
    if champion is None:
        return (
            f"the first model: {whole['challenger_accuracy']:.1%} right of {whole['cases']} cases"
        )
    return (
        f"{whole['challenger_accuracy']:.1%} right of {whole['cases']} cases, the champion"
        f" {whole['champion_accuracy']:.1%}; breaks {whole['negative_flips']:.1%}"
    )
