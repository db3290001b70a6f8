"""The gate: a challenger serves only where it is better, not by chance (a one-sided sign test over the
cases that changed, McNemar 1947), and breaks little of what worked.

Judged are cases that no model was taught (cross-validated over the seed data). How firmly what would
serve holds to the champion's answers is chosen along the way: the most accurate that passes.

Notation and constants: docs/method.md, 9.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import beta, binomtest

from retrain.gate.parts import LOST, By, lost, small, together, worse
from retrain.training.model import UNKNOWN, loyal
from retrain.training.solver import Floats, Indices
from warehouse.blur import quoted

CHANCE = 0.05  # probability up to which a gain is not taken for chance
DOUBT = 0.1  # chance that a rate lies beyond its bound
INCUMBENT_BONUSES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5, 3.0, 4.0, 6.0)  # log odds
POOL = 50.0  # cases that the overall rate is worth for a locale or an intent
WORST = 3.0  # times as many flips as overall that a locale or an intent may surely have
SEED, USERS, MUST_PASS = "seed", "users", "must pass"


def _weight(of: str) -> pl.Expr:
    return (pl.col(of).cast(pl.Float64) * pl.col("weight")).sum()


SUMS = {  # weights of cases, and of those right before and after, flipped and mended
    "cases": pl.col("weight").sum(),
    "before": pl.when(pl.col("before").is_not_null().all()).then(_weight("before")),
    "after": _weight("after"),
    "flips": _weight("flipped"),
    "mended": _weight("mended"),
    "exact_cases": pl.col("weight").filter(pl.col("exact").is_not_null()).sum(),
    "exact_before": pl.when(pl.col("before").is_not_null().all()).then(_weight("exact_before")),
    "exact": _weight("exact"),
    "exact_flips": _weight("exact_flipped"),
}


@dataclass(frozen=True)
class GateConfig:
    max_negative_flip_rate: float = 0.02  # bound on the share of cases that go from right to wrong
    max_latency_ms: float = 50.0  # milliseconds a wording
    max_model_mib: float = 1024.0  # of the model's folder


@dataclass(frozen=True)
class Cost:
    """What serving takes: milliseconds a wording, of many at once, and MiB."""

    ms: float
    mib: float


@dataclass(frozen=True)
class Cases:
    """What is judged by: `rows` (`locale, utterance, intent, weight, kind`), and the scores (cases x
    `labels`) of champion and challenger, neither of which was taught the case; `taught`: the locales of
    what the challenger was taught."""

    rows: pl.DataFrame
    labels: list[str]
    champion: Floats | None
    challenger: Floats
    cost: Cost | None = None
    taught: tuple[str, ...] = ()
    may_hold: bool = True  # whether what would serve can hold the champion's answers
    # Whether all slots of a case, under its intent, are right; null where they are not known, none where nothing is.
    slots_before: pl.Series | None = None
    slots_after: pl.Series | None = None

    @property
    def truth(self) -> Indices:
        """The column of each case's intent; -1 where neither model knows it."""
        place = {label: i for i, label in enumerate(self.labels)}
        return np.array([place.get(i, -1) for i in self.rows["intent"]], np.int64)

    def serving(self, incumbent_bonus: float) -> Floats:
        """The scores of what would serve."""
        if self.champion is None:
            return self.challenger
        return loyal(self.challenger, self.champion.argmax(axis=1), incumbent_bonus)


@dataclass(frozen=True)
class GateVerdict:
    """Whether the challenger serves, by how much it holds to the champion's answers, why, the figures
    (`locale, intent, cases, ...`; `all` over the whole), and the cases that flipped."""

    promote: bool
    incumbent_bonus: float
    because: tuple[str, ...]
    figures: pl.DataFrame
    flipped: pl.DataFrame

    @property
    def accuracy(self) -> float:
        """Share of cases right with what would serve."""
        return float(self.figures.row(0, named=True)["challenger_accuracy"] or 0.0)


def judge(cases: Cases, config: GateConfig) -> GateVerdict:
    """The verdict at the most accurate incumbent_bonus that passes; where none does, at the most accurate.

    A must-pass case (`--promises`) is an utterance that must never break: right with the champion, right ever after, and so
    are its slots, where it names them.
    """
    if cases.champion is None:
        return _verdict(cases, 0.0, config)
    bonuses = INCUMBENT_BONUSES if cases.may_hold else INCUMBENT_BONUSES[:1]
    verdicts = [_verdict(cases, incumbent_bonus, config) for incumbent_bonus in bonuses]

    def order(verdict: GateVerdict) -> tuple[bool, float, float]:
        return verdict.promote, verdict.accuracy, verdict.incumbent_bonus

    return max(verdicts, key=order)


def _verdict(cases: Cases, incumbent_bonus: float, config: GateConfig) -> GateVerdict:
    judged = _judged(cases, incumbent_bonus)
    measured = judged.filter(pl.col("kind") != MUST_PASS)
    figures = _figures(measured, cases.taught)
    went_wrong = pl.col("flipped") | pl.col("exact_flipped")
    broken = judged.filter((pl.col("kind") == MUST_PASS) & went_wrong)
    against = list(_too_dear(cases.cost, config))
    if cases.champion is not None:
        against += _against(measured, figures, broken, config)
    because = (
        tuple(against) if against else (_in_favour(measured, figures, incumbent_bonus, cases),)
    )
    flipped = judged.filter("flipped").select("locale", "utterance", "intent")
    return GateVerdict(not against, incumbent_bonus, because, figures, flipped)


def _judged(cases: Cases, incumbent_bonus: float) -> pl.DataFrame:
    truth = cases.truth
    after = (
        cases.serving(incumbent_bonus).argmax(axis=1) == truth if len(truth) else np.zeros(0, bool)
    )
    if cases.champion is None:
        before = pl.Series([None] * len(truth), dtype=pl.Boolean)
    else:
        before = pl.Series(cases.champion.argmax(axis=1) == truth if len(truth) else after)
    unknown = pl.Series([None] * len(truth), dtype=pl.Boolean)
    judged = cases.rows.with_columns(
        before=before,
        after=pl.Series(after),
        slots_before=unknown if cases.slots_before is None else cases.slots_before,
        slots_after=unknown if cases.slots_after is None else cases.slots_after,
    )
    judged = judged.with_columns(
        exact_before=_exact("before", "slots_before"), exact=_exact("after", "slots_after")
    )
    return judged.with_columns(
        flipped=(pl.col("before") & ~pl.col("after")).fill_null(False),
        mended=(~pl.col("before") & pl.col("after")).fill_null(False),
        exact_flipped=(pl.col("exact_before") & ~pl.col("exact")).fill_null(False),
        exact_mended=(~pl.col("exact_before") & pl.col("exact")).fill_null(False),
    )


def _exact(right: str, slots: str) -> pl.Expr:
    """Exact match: the intent is right, and all slots; null where the slots are not known."""
    return pl.when(pl.col(slots).is_not_null()).then(pl.col(right) & pl.col(slots))


def _figures(judged: pl.DataFrame, taught: tuple[str, ...]) -> pl.DataFrame:
    """Over all, by locale, and by intent. Flips of a part are pooled with the overall rate."""
    counted = _counted(judged, taught)
    cases, flipped = _floats(counted, "cases"), _floats(counted, "flips")
    rate = flipped[0] / max(cases[0], 1e-9)
    pool = np.where(np.arange(counted.height) > 0, POOL, 0.0)
    flips, kept = flipped + pool * rate, cases - flipped + pool * (1 - rate)
    seen = pl.col("cases").clip(1e-9)
    return counted.with_columns(
        champion_accuracy=pl.col("before") / seen,
        challenger_accuracy=pl.col("after") / seen,
        negative_flips=pl.when(pl.col("before").is_not_null()).then(pl.col("flips") / seen),
        flips_at_least=pl.Series(_bound(DOUBT, flips, kept)),
        flips_at_most=pl.Series(_bound(1 - DOUBT, flips, kept)),
        champion_exact=_per("exact_before"),
        challenger_exact=_per("exact"),
        negative_exact_flips=pl.when(pl.col("exact_before").is_not_null()).then(
            _per("exact_flips")
        ),
    )


def _per(of: str) -> pl.Expr:
    """A share of the cases whose slots are known; null where there are none."""
    return pl.when(pl.col("exact_cases") > 0).then(pl.col(of) / pl.col("exact_cases"))


def _counted(judged: pl.DataFrame, taught: tuple[str, ...]) -> pl.DataFrame:
    """The sums over all, by locale, small ones together, and by intent. Locales that were taught and have
    no case cannot be judged."""
    parts = together(judged, small(_deciding(judged, "locale"), CHANCE, "locale"), "locale")
    by_locale = parts.group_by("locale").agg(intent=pl.lit("all"), **SUMS).sort("locale")
    unjudged = pl.DataFrame(
        {"locale": sorted({*taught} - {*judged["locale"]})}, {"locale": pl.String}
    )
    by_intent = judged.group_by("intent").agg(locale=pl.lit("all"), **SUMS).sort("intent")
    whole = judged.select(locale=pl.lit("all"), intent=pl.lit("all"), **SUMS)
    none = unjudged.with_columns(intent=pl.lit("all"), cases=0.0, flips=0.0, exact_cases=0.0)
    return pl.concat([whole, by_locale, none, by_intent], how="diagonal")


def _deciding(judged: pl.DataFrame, by: By) -> pl.DataFrame:
    """The cases that decide about a part: its seed data, or where it has none, what its users said."""
    of_seed = judged.filter(kind=SEED)
    return pl.concat([of_seed, judged.filter(kind=USERS).join(of_seed, on=by, how="anti")])


def _bound(chance: float, flips: Floats, kept: Floats) -> Floats:
    """Below which the share of flips lies with this chance (Jeffreys interval)."""
    return np.asarray(beta.ppf(chance, flips + 0.5, kept + 0.5))


def _floats(rows: pl.DataFrame, column: str) -> Floats:
    return rows[column].to_numpy().astype(np.float64)


def _against(
    judged: pl.DataFrame, figures: pl.DataFrame, broken: pl.DataFrame, config: GateConfig
) -> Iterator[str]:
    if judged.is_empty():
        yield "no seed data: nothing to measure by; give --seed-data"
        return
    whole = figures.row(0, named=True)
    flips, mended = (int(judged[c].to_numpy().sum()) for c in ("flipped", "mended"))
    if whole["challenger_accuracy"] <= whole["champion_accuracy"]:
        yield (
            f"not better: {whole['challenger_accuracy']:.1%} right,"
            f" the champion {whole['champion_accuracy']:.1%}"
        )
    elif (chance := binomtest(mended, mended + flips, alternative="greater").pvalue) > CHANCE:
        yield f"could be chance: mends {mended} cases, breaks {flips} (p {chance:.2f})"
    of_seed = judged.filter(kind=SEED)  # what users said agrees with what was learned from them
    if _floats(of_seed, "after").sum() < _floats(of_seed, "before").sum():
        yield "worse on the seed data: better only where users who were learned from agree"
    for rows, most in ((of_seed, _most(of_seed)), (judged, whole["flips_at_most"])):
        if rows.height and most > config.max_negative_flip_rate:
            yield (
                f"may break {most:.1%} of all cases ({int(rows['flipped'].to_numpy().sum())} of"
                f" {rows.height} seen), {config.max_negative_flip_rate:.1%} is the most"
            )
            break
    parts = figures.slice(1).filter(
        pl.col("flips_at_least") > WORST * config.max_negative_flip_rate
    )
    for part in parts.iter_rows(named=True):
        by = "locale" if part["locale"] != "all" else "intent"
        name = f"{by} {quoted(part[by])}"
        yield f"breaks {part['flips_at_least']:.1%} of {name} at least"
    yield from worse(_deciding(judged, "locale"), CHANCE, "locale")
    deciding = _deciding(judged, "intent")
    yield from worse(deciding, CHANCE, "intent")
    for name, right in lost(deciding).filter(pl.col("right") >= LOST).iter_rows():
        yield f"loses intent {quoted(name)}: {right:.0f} of its cases were right, none is now"
    yield from _slots_lost(of_seed)
    if broken.height:
        yield f"breaks {broken.height} promises, the first: {quoted(broken['utterance'][0])}"


def _slots_lost(of_seed: pl.DataFrame) -> Iterator[str]:
    """Whether intent and all slots together are surely right less often, in all or in a locale."""
    known = of_seed.drop_nulls("exact")
    flips, mended = (int(known[c].sum()) for c in ("exact_flipped", "exact_mended"))
    if flips and binomtest(flips, flips + mended, alternative="greater").pvalue < CHANCE:
        yield f"loses slots: breaks {flips} wordings whose intent and slots were all right, mends {mended}"
    exact = known.with_columns(flipped="exact_flipped", mended="exact_mended")
    yield from (f"of slots: {told}" for told in worse(exact, CHANCE, "locale"))


def _too_dear(cost: Cost | None, config: GateConfig) -> Iterator[str]:
    if cost and cost.ms > config.max_latency_ms:
        yield f"takes {cost.ms:.1f} ms a wording, {config.max_latency_ms:.1f} are the most"
    if cost and cost.mib > config.max_model_mib:
        yield f"takes {cost.mib:.0f} MiB, {config.max_model_mib:.0f} are the most"


def _most(judged: pl.DataFrame) -> float:
    """The bound on the share of cases that flip."""
    weight = _floats(judged, "weight")
    flips = weight @ _floats(judged, "flipped")
    return float(_bound(1 - DOUBT, flips, weight.sum() - flips))


def _in_favour(
    judged: pl.DataFrame, figures: pl.DataFrame, incumbent_bonus: float, cases: Cases
) -> str:
    whole = figures.row(0, named=True)
    now, then = (_right(judged, of) for of in ("after", "before"))
    if cases.champion is None:
        return f"the first model: right of {now}"
    gone = [f"loses intent {quoted(name)}" for name in _gone(judged, cases)]
    told = (
        f"right of {now}; the champion of {then}; breaks {whole['negative_flips']:.1%}, at most"
        f" {whole['flips_at_most']:.1%}; holds to the champion's answers by {incumbent_bonus:.1f}"
    )
    return "; ".join([told, *gone])


def _gone(judged: pl.DataFrame, cases: Cases) -> list[str]:
    """Intents that the champion knows and the challenger was not taught, or has right in no case of the few."""
    knew, knows = (
        np.zeros(len(cases.labels), bool)
        if scores is None
        else np.asarray((scores > UNKNOWN).any(axis=0))
        for scores in (cases.champion, cases.challenger)
    )
    untaught = [cases.labels[n] for n in np.flatnonzero(knew & ~knows)]
    return sorted({*untaught, *lost(_deciding(judged, "intent"))["intent"]})


def _right(judged: pl.DataFrame, of: str) -> str:
    """Shares of the cases that are right, by their kind: what users said is as right as it is believed,
    and by those who learned from users."""
    told = []
    for kind, name in ((SEED, "seed data"), (USERS, "what users set apart said")):
        rows = judged.filter(kind=kind).cast({of: pl.Float64})
        if rows.height:
            share = np.average(_floats(rows, of), weights=_floats(rows, "weight"))
            told.append(f"{share:.1%} of {name} ({rows.height})")
    return ", ".join(told) or "nothing: no case to measure by"
