"""What labels are believed by, and what is believed: tables that go in and come out."""

from dataclasses import dataclass, field

import polars as pl

from aggregation.label_model import calibration, concept_drift
from aggregation.label_model.recalled import NO_READINGS
from warehouse.common.reformulation import Reformulation

TEXTS = ("locale", "utterance", "label")
NO_VECTORS = pl.DataFrame(
    schema={"locale": pl.String(), "utterance": pl.String(), "vector": pl.List(pl.Float32)}
)
NO_TEXTS = pl.DataFrame(
    schema=dict.fromkeys(("locale", "utterance", "folded", "translated"), pl.String())
)
NO_RELIABILITY = pl.DataFrame(
    schema={"locale": pl.String(), "source": pl.String(), "reliability": pl.Float64()}
)
NO_PRIORS = pl.DataFrame(
    schema={"locale": pl.String(), "users": pl.Float64(), "lenders": pl.Int64()}
    | dict.fromkeys(("own", "elsewhere"), pl.Float64())
)
NO_LABELS = pl.DataFrame(schema=dict.fromkeys(TEXTS, pl.String()) | {"probability": pl.Float64()})


@dataclass(frozen=True)
class Evidence:
    """`votes` of the lake up to `night`, `heard` (`locale, utterance, intent, confidence`), `neighbours`
    of the lake, and `seed` (`locale, utterance, intent`). `vectors` (`locale, utterance, vector`) are the
    encoder's of wordings and seed data, `read_as` (`locale, utterance, folded, translated`) how a table of
    forms or a lexicon has some of them; `across` is whether the encoder knows what locales share; `rates`, what the
    judged turns of the log tell of coming back, where that is known."""

    votes: pl.DataFrame
    night: str
    heard: pl.DataFrame
    neighbours: pl.DataFrame
    seed: pl.DataFrame
    vectors: pl.DataFrame = field(default_factory=NO_VECTORS.clone)
    read_as: pl.DataFrame = field(default_factory=NO_TEXTS.clone)
    across: bool = False
    rates: Reformulation | None = None

    def of(self, locale: str) -> "Evidence":
        mine = pl.col("locale") == locale
        return Evidence(
            self.votes.filter(mine),
            self.night,
            self.heard.filter(mine),
            self.neighbours.filter(mine),
            self.seed.filter(mine),
            self.vectors.filter(mine),
            self.read_as.filter(mine),
            self.across,
            self.rates,
        )


@dataclass(frozen=True)
class LabelEstimates:
    """`labels`: `locale, utterance, label, probability`; `calibration`: `locale` and what
    `calibration.report` gives; `reliability`: `locale, source, reliability`; `borrowed`: `locale, users,
    lenders, own, elsewhere`: votes of its own users, how many locales pooled to it, and the trust in its own words and in those of
    all locales; `moved`: `concept_drift.moved`; `readings`: what classifiers read in the words, where they were taught."""

    labels: pl.DataFrame
    calibration: pl.DataFrame
    reliability: pl.DataFrame
    borrowed: pl.DataFrame
    moved: pl.DataFrame
    readings: pl.DataFrame


NOTHING = LabelEstimates(
    NO_LABELS,
    calibration.NONE,
    NO_RELIABILITY,
    NO_PRIORS,
    concept_drift.MOVED.to_frame(),
    NO_READINGS,
)
