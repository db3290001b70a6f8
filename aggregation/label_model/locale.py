"""A locale of the label model: its wordings and labels, numbered, and the rounds that are made of its votes.

Notation and constants: docs/method.md, 5.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import expit

from aggregation.label_model import calibration, partial_pooling, votes
from aggregation.label_model.calibration import Held
from aggregation.label_model.classifier import Others, Read, Texts, Voice, read
from aggregation.label_model.cross_lingual import FOLDS, Taught
from aggregation.label_model.dawid_skene import CastVotes, Cells, Estimate, em
from aggregation.label_model.evidence import NO_LABELS, NO_PRIORS, NOTHING, Evidence, LabelEstimates
from aggregation.label_model.implicit_feedback import Guess, Heard, judge, odds
from aggregation.label_model.partial_pooling import PooledPrior
from aggregation.label_model.recalled import CLOSE, NO_READINGS, Recalled, readings, recall
from aggregation.label_model.rounds import (
    Round,
    calibrated,
    floats,
    log_prior,
    numbers,
    teaching_weight,
    thumbs_odds,
    without_herding,
)
from aggregation.label_model.spammers import p_honest
from aggregation.label_model.sparse import at, row_best, row_max, row_shares
from warehouse.common.folds import folds

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

OWN = (
    votes.ACCEPTED,
    votes.REFORMULATED,
    votes.UNEXECUTED_ACCEPTED,
    votes.UNEXECUTED_REFORMULATED,
)
JUDGED = 50.0  # users that the rates of the judged turns are worth
SMALLEST = 0.002  # a probability below it is not kept
MOST_LABELS = 20


class Locale:
    """The wordings and labels of one locale, numbered."""

    def __init__(
        self, name: str, evidence: Evidence, labels: list[str], recalled: Recalled | None
    ) -> None:
        """`recalled`: what an earlier night read in the words; where it is not given, classifiers are taught."""
        self.recalled = recalled
        self.name = name
        self.evidence = evidence
        spoken = pl.concat([evidence.heard["utterance"], evidence.votes["utterance"]])
        self.wordings = spoken.unique().sort().to_list()
        self.labels = labels
        self.items = pl.DataFrame({"utterance": self.wordings}).with_row_index("item")
        self.numbers = pl.DataFrame({"label": labels}).with_row_index("number")
        self.shape = len(self.wordings), len(self.labels)
        self.folds = folds(self.wordings, FOLDS)
        self.near = self._near()
        self.others = self._others()

    @property
    def users(self) -> float:
        """Votes of users who accepted or reformulated."""
        own = self.evidence.votes.filter(
            pl.col("source").is_in([votes.ACCEPTED, votes.REFORMULATED])
        )
        return float(own["weight"].sum())

    def begun(self, elsewhere: Sequence[Voice], pooled: PooledPrior) -> "Round":
        """What the users who are not held back come to."""
        some = self._cast(self.evidence.votes.filter(~votes.held_back()))
        return self._round("first", some, self._guessed(some), elsewhere, pooled)

    def taught(self, first: "Round") -> Taught:
        """What the locale can teach the others."""
        belief = first.belief
        return self._taught(row_best(belief), teaching_weight(row_max(belief)))

    def untaught(self) -> Taught:
        """The same of a locale of which nothing is believed yet: its seed data alone."""
        return self._taught(np.zeros(self.shape[0], np.int64), np.zeros(self.shape[0]))

    def _taught(self, best: Indices, weight: Floats) -> Taught:
        seed = self.evidence.seed.sort("utterance", "intent")["utterance"].to_list()
        translated, every = self._texts_as("translated"), [*self.wordings, *seed]
        return Taught(
            translated(self.wordings),
            best,
            weight,
            self.folds,
            translated(seed),
            self.texts.seed_labels,
            self._vectors(every) if self.evidence.across else np.zeros((len(every), 0), np.float32),
        )

    def finished(
        self, first: "Round", elsewhere: Sequence[Voice], pooled: PooledPrior
    ) -> LabelEstimates:
        """A wording's probabilities sum to at most 1."""
        cast = self.evidence.votes
        held = self._held(self._cast(votes.capped(cast.filter(votes.held_back()))), first)
        bent = calibration.platt_scaling(held, first.rates)
        everyone = self._cast(self._trusted(first))
        last = self._round("last", everyone, first.belief, elsewhere, pooled)
        learned = pl.DataFrame({"source": votes.WEIGHED, "reliability": last.estimate.reliability})
        reliability = learned.filter(pl.Series(last.voted))
        report = calibration.report(held, first.rates, bent)
        named = pl.lit(self.name).alias("locale")
        trust = [float(t) for t in last.trust] + [0.0]
        owed = (self.name, self.users, pooled.lenders, trust[0], trust[1])
        return LabelEstimates(
            self._long(last.cells, calibrated(last, everyone, bent)).select(named, pl.all()),
            report.select(named, pl.all()),
            reliability.select(named, pl.all()),
            pl.DataFrame([owed], NO_PRIORS.schema, orient="row"),
            NOTHING.moved,
            NO_READINGS
            if self.recalled
            else readings(self.name, self.wordings, self.labels, [first.words, last.words]),
        )

    @cached_property
    def texts(self) -> Texts:
        """The wordings and seed data as classifiers see them."""
        seed = self.evidence.seed.sort("utterance", "intent").join(
            self.numbers, left_on="intent", right_on="label", maintain_order="left"
        )
        known, folded = seed["utterance"].to_list(), self._texts_as("folded")
        vectors = self._vectors([*self.wordings, *known])
        return Texts.of(
            folded(self.wordings), folded(known), numbers(seed, "number"), vectors, self.folds
        )

    def _texts_as(self, column: str) -> Callable[[list[str]], list[str]]:
        """What wordings are read by: themselves, and what a table or lexicon makes of them."""
        rows = self.evidence.read_as.select("utterance", column).drop_nulls()
        known = dict(rows.iter_rows())
        return lambda said: [f"{u} {known[u]}" if u in known else u for u in said]

    def _vectors(self, said: list[str]) -> npt.NDArray[np.float32]:
        """A row a wording; zeros where the encoder was not asked. No columns where it never was."""
        known = self.evidence.vectors
        if known.is_empty():
            return np.zeros((len(said), 0), np.float32)
        place = pl.DataFrame({"utterance": said}).join(
            known.select("utterance", "vector"), on="utterance", how="left", maintain_order="left"
        )["vector"]
        width = len(known["vector"][0])
        return place.fill_null([0.0] * width).list.to_array(width).to_numpy().astype(np.float32)

    def _guessed(self, cast: pl.DataFrame) -> csr_matrix:
        """wordings x labels, before any reader: a hypothesis is as good as the share of its users who
        accepted; a row sums to at most 1."""
        heard = self._heard(cast)
        accepted = np.where(heard.executed > 0, (heard.accepted + 0.5) / (heard.executed + 1), 0.3)
        guess = heard.matrix(accepted, self.shape)
        return csr_matrix(guess.multiply(1 / np.maximum(1.0, guess.sum(axis=1))))

    def _round(
        self,
        which: str,
        cast: pl.DataFrame,
        taught: csr_matrix,
        elsewhere: Sequence[Voice],
        pooled: PooledPrior,
    ) -> Round:
        """What these votes come to, by classifiers that are `taught` what was believed before, or as the round `which` of an
        earlier night read the words."""
        heard = self._heard(cast)
        asked = heard.matrix(np.ones(len(heard.item)), self.shape) + self._matrix(cast)
        if self.recalled:
            found = self._recalled(which, csr_matrix(asked))
        else:
            others = Others(elsewhere, pooled.trust)
            weight = teaching_weight(row_max(taught))
            found = read(self.texts, taught, weight, csr_matrix(asked), others)
        words = found.words
        judged = judge(heard, words, self.near, self._guess(pooled))
        rates, was_right = judged.rates, judged.was_right
        own = odds(
            was_right,
            rates.log_likelihood_ratio(heard.accepted, heard.reformulated)
            + thumbs_odds(cast, heard, was_right),
        )
        item, label = (place.astype(np.int64) for place in words.nonzero())
        cells = Cells.of(item, label, *self.shape)
        prior = log_prior(cells, words, heard, own)
        if pooled.meant is not None:
            prior = partial_pooling.bounded(
                cells, prior, heard, partial_pooling.Room(own, pooled.meant)
            )
        sure = heard.matrix(np.where(heard.executed > 0, expit(own), 0.0), self.shape)
        cast_votes = self._votes(cast, cells, cells.softmax(prior), sure)
        voted = np.isin(np.arange(len(votes.WEIGHED)), cast_votes.source)
        before = Estimate.expecting(pooled.reliability, cells)
        estimate = em(cells, cast_votes, len(votes.WEIGHED), prior, earlier=before)
        return Round(words, cells, heard, estimate, voted, rates, judged.gate, found.trust)

    def _recalled(self, which: str, asked: csr_matrix) -> Read:
        assert self.recalled
        known = self.recalled.words(self.name, self.items, self.numbers, which)
        return Read(recall(known, self.near, asked), self.recalled.trust_of(self.name))

    def _guess(self, pooled: PooledPrior) -> Guess:
        """What is taken for granted of the rates: what other locales lend, else what the judged turns tell."""
        if pooled.lenders or self.evidence.rates is None:
            return pooled.guess
        return replace(pooled.guess, rates=self.evidence.rates, users=JUDGED)

    def _trusted(self, first: Round) -> pl.DataFrame:
        """All votes, each worth as much as its user is honest by what the first round believes."""
        believed = self._long(first.cells, first.estimate.belief)
        trust = p_honest(self.evidence.votes, believed, first.rates)
        joined = self.evidence.votes.join(trust, on="user_id", how="left", maintain_order="left")
        return joined.with_columns(pl.col("weight") * pl.col("honest").fill_null(1.0))

    def _votes(
        self, cast: pl.DataFrame, cells: Cells, before: Floats, sure: csr_matrix
    ) -> CastVotes:
        """The votes that are weighed by reliability. `before` is what is believed without them, `sure`
        (items x labels) how surely a hypothesis that was executed is right."""
        cast = cast.filter(pl.col("source").is_in(votes.WEIGHED))
        item, label, weight = numbers(cast, "item"), numbers(cast, "number"), floats(cast, "votes")
        ended = cast["source"].is_in(votes.ENDED).to_numpy()
        weight[ended] *= at(sure, numbers(cast, "end")[ended], label[ended])
        source = np.array([votes.WEIGHED.index(k) for k in cast["source"]], np.int64)
        source[(source == votes.WEIGHED.index(votes.CHAIN_END)) & (at(sure, item, label) > 0)] = (
            votes.WEIGHED.index(votes.CHAIN_END_REPEATED)
        )
        meant = (row_shares(self.near.power(CLOSE)) @ sure).tocoo()
        known = at(cells.matrix(np.ones(len(cells.item))), meant.row, meant.col) > 0
        item = np.concatenate([item, meant.row[known].astype(np.int64)])
        label = np.concatenate([label, meant.col[known].astype(np.int64)])
        weight = np.concatenate([weight, meant.data[known]])
        source = np.concatenate(
            [source, np.full(known.sum(), votes.WEIGHED.index(votes.NEIGHBOURS))]
        )
        return without_herding(cells.find(item, label), source, weight, before)

    def _heard(self, cast: pl.DataFrame) -> Heard:
        """The hypotheses with what their own users did."""
        key = ["item", "number"]
        own = (
            self.evidence.heard.select("utterance", "intent", "confidence")
            .join(self.items, on="utterance")
            .join(self.numbers, left_on="intent", right_on="label")
            .sort(key)
        )
        for source in OWN:
            mine = cast.filter(source=source).group_by(key).agg(pl.col("votes").sum().alias(source))
            own = own.join(mine, on=key, how="left", maintain_order="left")
        sure = pl.col("confidence").clip(1e-3, 1.0).log()
        own = own.join(self.others, on=key, how="left", maintain_order="left").with_columns(
            pl.col(OWN).fill_null(0.0),
            confidence=sure.fill_null(sure.median()).fill_null(0.0),
            ahead=(sure - pl.col("next").clip(1e-3, 1.0).log()).fill_null(0.0).clip(-4.0, 4.0),
        )
        item = numbers(own, "item")
        return Heard(
            item=item,
            label=numbers(own, "number"),
            confidence=floats(own, "confidence"),
            ahead=floats(own, "ahead"),
            fold=self.folds[item],
            **{source: floats(own, source) for source in OWN},
        )

    def _others(self) -> pl.DataFrame:
        """`item, number, next`: for each hypothesis, the assistant's confidence in its next one."""
        known = self.evidence.votes.filter(source=votes.N_BEST).join(self.items, on="utterance")
        known = known.join(self.numbers, on="label").select("item", "weight", other="number")
        mine = self.evidence.heard.join(self.items, on="utterance").join(
            self.numbers, left_on="intent", right_on="label"
        )
        beside = mine.select("item", "number").join(known, on="item")
        beside = beside.filter(pl.col("number") != pl.col("other"))
        return beside.group_by("item", "number").agg(next=pl.col("weight").max())

    def _held(self, others: pl.DataFrame, first: Round) -> Held:
        """What the users who were held back did with the hypotheses of the round without them."""
        key = ["item", "number"]
        done = others.group_by(key).agg(
            accepted=pl.col("votes").filter(source=votes.ACCEPTED).sum(),
            reformulated=pl.col("votes").filter(source=votes.REFORMULATED).sum(),
        )
        known = (
            self.evidence.votes.filter(~votes.held_back() & (pl.col("user_id") != ""))
            .join(self.items, on="utterance")
            .group_by("item")
            .agg(known=pl.col("user_id").n_unique().cast(pl.Float64))
        )
        done = (
            done.join(known, on="item", how="left")
            .sort(key)
            .with_columns(pl.col("known").fill_null(0.0))
        )
        believed = at(first.belief, numbers(done, "item"), numbers(done, "number"))
        asked = (
            self.evidence.votes.filter(
                votes.held_back() & pl.col("source").is_in([votes.ACCEPTED, votes.REFORMULATED])
            )
            .join(self.items, on="utterance")
            .join(known, on="item", how="left")
            .with_columns(pl.col("known").fill_null(0.0))
        )
        bucket = pl.Series("bucket", calibration.buckets(floats(asked, "known")), pl.String())
        people = asked.with_columns(bucket).group_by("bucket").agg(pl.col("user_id").n_unique())
        return Held(
            believed=believed,
            accepted=floats(done, "accepted"),
            reformulated=floats(done, "reformulated"),
            known=floats(done, "known"),
            people=dict(people.rows()),
        )

    def _cast(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The votes of some users, added up, with the numbers of wording, label and end."""
        ends = self.items.rename({"utterance": "via", "item": "end"})
        return (
            votes.tally(rows, self.evidence.night)
            .join(self.items, on="utterance", maintain_order="left")
            .join(self.numbers, on="label", maintain_order="left")
            .join(ends, on="via", how="left", maintain_order="left")
            .filter(pl.col("end").is_not_null() | ~pl.col("source").is_in(votes.ENDED))
            .with_columns(pl.col("end").fill_null(0))
        )

    def _matrix(self, cast: pl.DataFrame) -> csr_matrix:
        """wordings x labels: above 0 where somebody spoke of a label."""
        place = numbers(cast, "item"), numbers(cast, "number")
        return csr_matrix((np.ones(cast.height), place), self.shape)

    def _near(self) -> csr_matrix:
        """wordings x wordings: the cosine of neighbours, where it is above 0."""
        found = (
            self.evidence.neighbours.filter(pl.col("similarity") > 0)
            .join(self.items, on="utterance")
            .join(self.items.rename({"utterance": "neighbour", "item": "other"}), on="neighbour")
        )
        place = numbers(found, "item"), numbers(found, "other")
        return csr_matrix((floats(found, "similarity"), place), (self.shape[0],) * 2)

    def _long(self, cells: Cells, belief: Floats) -> pl.DataFrame:
        kept = pl.DataFrame({"item": cells.item, "number": cells.label, "probability": belief})
        most = (
            kept.filter(pl.col("probability") >= SMALLEST)
            .sort("item", "probability", "number", descending=[False, True, False])
            .group_by("item", maintain_order=True)
            .head(MOST_LABELS)
        )
        return pl.DataFrame(
            {
                "utterance": np.array(self.wordings, dtype=object)[most["item"].to_numpy()],
                "label": np.array(self.labels, dtype=object)[most["number"].to_numpy()],
                "probability": most["probability"].round(6),
            },
            schema=NO_LABELS.drop("locale").schema,
        )
