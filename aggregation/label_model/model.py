"""From what users did to what each wording means: soft labels, a locale at a time.

Three voices, none of which is the truth: the assistant's hypotheses, convicted by the users who reformulated
them or reformulated their like (`reformulating`); a reader of the words that never saw the wording (`reader`); and
votes of other sources, each as reliable as it shows (`em`). The reader learns from what is believed, and
what is believed from the reader, for two rounds. The first knows three users in four: by the others
its probabilities are checked, and bent where they are off (`calibration`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix
from scipy.special import expit

from aggregation.label_model import ambiguity, calibration, concept_drift, partial_pooling, votes
from aggregation.label_model.calibration import Held, PlattScaling
from aggregation.label_model.classifier import Others, Texts, read
from aggregation.label_model.cross_lingual import Elsewhere, Taught, together
from aggregation.label_model.dawid_skene import Cells, Estimate, Votes, em
from aggregation.label_model.evidence import NO_LABELS, NO_PRIORS, NOTHING, Believed, Evidence
from aggregation.label_model.implicit_feedback import Guess, Heard, Rates, at, judge, odds
from aggregation.label_model.partial_pooling import PooledPrior, Shown, pooled_prior
from aggregation.label_model.spammers import p_honest

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

OWN = (votes.ACCEPTED, votes.REFORMULATED, votes.UNEXECUTED_ACCEPTED, votes.UNEXECUTED_REFORMULATED)
CLOSE = 6  # exponent on the similarity of neighbours whose meaning is asked
LEAST_BACKGROUND = 1e-3
MANY = 4.0  # votes of users who accepted; of five, some are older or less than sure
TURNED = 0.5 + 1e-6
JUDGED = 50.0  # users that the rates of the judged turns are worth
THUMBS = 20.0  # thumbs that the guess of no difference is worth
SMALLEST = 0.002  # a probability below it is not kept
MOST_LABELS = 20


def believe(evidence: Evidence) -> Believed:
    """What is believed of each wording, and how that held before users who were held back.

    Locales with many users begin alone, the others with what those lend (`lending`). Then all are read
    together (`together`), and each is finished with what the others know.
    """
    turned = concept_drift.moved(evidence.votes, evidence.night)
    evidence = replace(evidence, votes=concept_drift.faded(evidence.votes, turned))
    labels = _labels(evidence)
    names: list[str] = evidence.heard["locale"].unique().sort().to_list() if labels else []
    locales = [Locale(name, evidence.of(name), labels) for name in names]
    begun = _begun(locales)
    known = together(
        [at.taught(first) for at, first in zip(locales, begun, strict=True)], len(labels)
    )
    elsewhere: Sequence[Elsewhere | None] = known or [None] * len(locales)
    found = [
        NOTHING,
        *(
            at.finished(first, words, _pooled_prior(begun, first))
            for at, first, words in zip(locales, begun, elsewhere, strict=True)
        ),
    ]
    return Believed(
        pl.concat(f.labels for f in found),
        pl.concat(f.calibration for f in found),
        pl.concat(f.reliability for f in found),
        pl.concat(f.borrowed for f in found),
        turned,
    )


def _begun(locales: Sequence["Locale"]) -> list["Round"]:
    """The first round of each locale: first of those that can lend, then of those that borrow from them."""
    alone = {
        at: at.begun(None, PooledPrior()) for at in locales if at.users >= partial_pooling.LENDS
    }
    if len(alone) == len(locales):
        return list(alone.values())
    pooled = pooled_prior([first.shown for first in alone.values()])
    taught = [at.taught(alone[at]) if at in alone else at.untaught() for at in locales]
    known = together(taught, len(locales[0].labels))
    words: Sequence[Elsewhere | None] = known or [None] * len(locales)
    return [alone.get(at) or at.begun(w, pooled) for at, w in zip(locales, words, strict=True)]


def _pooled_prior(begun: Sequence["Round"], mine: "Round") -> PooledPrior:
    """What the others lend."""
    return pooled_prior(
        [r.shown for r in begun if r is not mine and partial_pooling.lends(r.shown)]
    )


def _labels(evidence: Evidence) -> list[str]:
    """All that anything may mean, in any locale."""
    said = pl.concat([evidence.votes["label"], evidence.seed["intent"].alias("label")])
    return said.unique().sort().to_list()


@dataclass(frozen=True)
class Round:
    """What a round came to: the belief of each cell, and the rates of coming back."""

    cells: Cells
    heard: Heard
    estimate: Estimate
    voted: npt.NDArray[np.bool_]  # of which sources there were votes
    rates: Rates
    gate: Floats
    trust: Floats

    @property
    def belief(self) -> csr_matrix:
        """wordings x labels."""
        return self.cells.matrix(self.estimate.belief)

    @property
    def shown(self) -> Shown:
        """What the locale can lend."""
        reliability = np.where(self.voted, self.estimate.reliability, np.nan)
        said = np.bincount(self.heard.item, self.heard.users, len(self.cells.start) - 1)
        meant = np.asarray(self.belief.T @ said)
        return Shown(
            float(self.heard.executed.sum()),
            self.rates,
            self.gate,
            float(self.trust[0]),
            reliability,
            meant / max(meant.sum(), 1.0),
        )


class Locale:
    """The wordings and labels of one locale, numbered."""

    def __init__(self, name: str, evidence: Evidence, labels: list[str]) -> None:
        self.name = name
        self.evidence = evidence
        spoken = pl.concat([evidence.heard["utterance"], evidence.votes["utterance"]])
        self.wordings = spoken.unique().sort().to_list()
        self.labels = labels
        self.items = pl.DataFrame({"utterance": self.wordings}).with_row_index("item")
        self.numbers = pl.DataFrame({"label": labels}).with_row_index("number")
        self.shape = len(self.wordings), len(self.labels)
        self.texts = self._texts()
        self.near = self._near()
        self.others = self._others()

    @property
    def users(self) -> float:
        """Votes of users who accepted or reformulated."""
        own = self.evidence.votes.filter(
            pl.col("source").is_in([votes.ACCEPTED, votes.REFORMULATED])
        )
        return float(own["weight"].sum())

    def begun(self, elsewhere: Elsewhere | None, pooled: PooledPrior) -> "Round":
        """What three users in four or so come to."""
        some = self._cast(self.evidence.votes.filter(~votes.held_back()))
        return self._round(some, self._guessed(some), elsewhere, pooled)

    def taught(self, first: "Round") -> Taught:
        """What the locale can teach the others."""
        belief = first.belief
        best = np.asarray(belief.argmax(axis=1)).ravel().astype(np.int64)
        return self._taught(best, _teaching(_most(belief)))

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
            self.texts.folds,
            translated(seed),
            self.texts.seed_labels,
            self._vectors(every) if self.evidence.across else np.zeros((len(every), 0), np.float32),
        )

    def finished(
        self, first: "Round", elsewhere: Elsewhere | None, pooled: PooledPrior
    ) -> Believed:
        """A wording's probabilities sum to at most 1."""
        cast = self.evidence.votes
        held = self._held(self._cast(votes.capped(cast.filter(votes.held_back()))), first)
        bent = calibration.bend(held, first.rates)
        everyone = self._cast(self._trusted(first))
        last = self._round(everyone, first.belief, elsewhere, pooled)
        learned = pl.DataFrame({"source": votes.WEIGHED, "reliability": last.estimate.reliability})
        reliability = learned.filter(pl.Series(last.voted))
        report = calibration.report(held, first.rates, bent)
        named = pl.lit(self.name).alias("locale")
        trust = [float(t) for t in last.trust] + [0.0]
        owed = (self.name, self.users, pooled.lenders, trust[0], trust[1])
        return Believed(
            self._long(last.cells, _settled(last, everyone, bent)).select(named, pl.all()),
            report.select(named, pl.all()),
            reliability.select(named, pl.all()),
            pl.DataFrame([owed], NO_PRIORS.schema, orient="row"),
            NOTHING.moved,
        )

    def _texts(self) -> Texts:
        seed = self.evidence.seed.sort("utterance", "intent").join(
            self.numbers, left_on="intent", right_on="label", maintain_order="left"
        )
        known, folded = seed["utterance"].to_list(), self._texts_as("folded")
        vectors = self._vectors([*self.wordings, *known])
        return Texts.of(folded(self.wordings), folded(known), _array(seed, "number"), vectors)

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
        cast: pl.DataFrame,
        taught: csr_matrix,
        elsewhere: Elsewhere | None,
        pooled: PooledPrior,
    ) -> Round:
        """What these votes come to, by a reader that is `taught` what was believed before."""
        heard = self._heard(cast)
        asked = heard.matrix(np.ones(len(heard.item)), self.shape) + self._matrix(cast)
        others = Others(elsewhere, pooled.trust)
        found = read(self.texts, taught, _teaching(_most(taught)), csr_matrix(asked), others)
        words = found.words
        judged = judge(heard, words, self.near, self._guess(pooled))
        rates, was_right = judged.rates, judged.was_right
        own = odds(
            was_right,
            rates.told(heard.accepted, heard.reformulated) + _thumbs(cast, heard, was_right),
        )
        item, label = (place.astype(np.int64) for place in words.nonzero())
        cells = Cells.of(item, label, *self.shape)
        prior = _prior(cells, words, heard, own)
        if pooled.meant is not None:
            prior = partial_pooling.bounded(
                cells, prior, heard, partial_pooling.Room(own, pooled.meant)
            )
        sure = heard.matrix(np.where(heard.executed > 0, expit(own), 0.0), self.shape)
        cast_votes = self._votes(cast, cells, cells.softmax(prior), sure)
        voted = np.isin(np.arange(len(votes.WEIGHED)), cast_votes.source)
        before = Estimate.expecting(pooled.reliability, cells)
        estimate = em(cells, cast_votes, len(votes.WEIGHED), prior, earlier=before)
        return Round(cells, heard, estimate, voted, rates, judged.gate, found.trust)

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

    def _votes(self, cast: pl.DataFrame, cells: Cells, before: Floats, sure: csr_matrix) -> Votes:
        """The votes that are weighed by reliability. `before` is what is believed without them, `sure`
        (items x labels) how surely a hypothesis that was executed is right."""
        cast = cast.filter(pl.col("source").is_in(votes.WEIGHED))
        item, label, weight = _array(cast, "item"), _array(cast, "number"), _floats(cast, "votes")
        ended = cast["source"].is_in(votes.ENDED).to_numpy()
        weight[ended] *= at(sure, _array(cast, "end")[ended], label[ended])
        source = np.array([votes.WEIGHED.index(k) for k in cast["source"]], np.int64)
        source[(source == votes.WEIGHED.index(votes.CHAIN_END)) & (at(sure, item, label) > 0)] = (
            votes.WEIGHED.index(votes.CHAIN_END_REPEATED)
        )
        meant = (_shares(self.near.power(CLOSE)) @ sure).tocoo()
        known = at(cells.matrix(np.ones(len(cells.item))), meant.row, meant.col) > 0
        item = np.concatenate([item, meant.row[known].astype(np.int64)])
        label = np.concatenate([label, meant.col[known].astype(np.int64)])
        weight = np.concatenate([weight, meant.data[known]])
        source = np.concatenate(
            [source, np.full(known.sum(), votes.WEIGHED.index(votes.NEIGHBOURS))]
        )
        return _herded(cells.find(item, label), source, weight, before)

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
        item = _array(own, "item")
        return Heard(
            item=item,
            label=_array(own, "number"),
            confidence=_floats(own, "confidence"),
            ahead=_floats(own, "ahead"),
            fold=self.texts.folds[item],
            **{source: _floats(own, source) for source in OWN},
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
        believed = at(first.belief, _array(done, "item"), _array(done, "number"))
        asked = (
            self.evidence.votes.filter(
                votes.held_back() & pl.col("source").is_in([votes.ACCEPTED, votes.REFORMULATED])
            )
            .join(self.items, on="utterance")
            .join(known, on="item", how="left")
            .with_columns(pl.col("known").fill_null(0.0))
        )
        bucket = pl.Series("bucket", calibration.buckets(_floats(asked, "known")), pl.String())
        people = asked.with_columns(bucket).group_by("bucket").agg(pl.col("user_id").n_unique())
        return Held(
            believed=believed,
            accepted=_floats(done, "accepted"),
            reformulated=_floats(done, "reformulated"),
            known=_floats(done, "known"),
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
        place = _array(cast, "item"), _array(cast, "number")
        return csr_matrix((np.ones(cast.height), place), self.shape)

    def _near(self) -> csr_matrix:
        """wordings x wordings: the cosine of neighbours, where it is above 0."""
        found = (
            self.evidence.neighbours.filter(pl.col("similarity") > 0)
            .join(self.items, on="utterance")
            .join(self.items.rename({"utterance": "neighbour", "item": "other"}), on="neighbour")
        )
        place = _array(found, "item"), _array(found, "other")
        return csr_matrix((_floats(found, "similarity"), place), (self.shape[0],) * 2)

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


def _herded(cell: Indices, source: Indices, weight: Floats, before: Floats) -> Votes:
    """The first vote of a source for a label of a wording is judged by how probable the label is anyhow;
    those after it may repeat the first one's mistake, or its lie: their background is 1."""
    keys, place = np.unique(cell * len(votes.WEIGHED) + source, return_inverse=True)
    whole = np.bincount(place, weight)
    cell, source = keys // len(votes.WEIGHED), keys % len(votes.WEIGHED)
    more = whole > 1
    background = np.maximum(before[cell], LEAST_BACKGROUND)
    return Votes(
        np.concatenate([cell, cell[more]]),
        np.concatenate([source, source[more]]),
        np.concatenate([np.minimum(whole, 1.0), whole[more] - 1]),
        np.concatenate([background, np.ones(more.sum())]),
    )


def _prior(cells: Cells, words: csr_matrix, heard: Heard, own: Floats) -> Floats:
    """On log scale: the hypotheses at their odds, the rest shared as the words have it."""
    rest = at(words, cells.item, cells.label)
    mine = cells.find(heard.item, heard.label)
    rest[mine] = 0.0
    whole = np.add.reduceat(rest, cells.start[:-1])
    prior = np.log(rest / np.maximum(whole, 1e-9)[cells.item] + 1e-9)
    prior[mine] = own
    return np.asarray(prior)


def _thumbs(cast: pl.DataFrame, heard: Heard, was_right: Floats) -> Floats:
    """The log odds that thumbs tell of each hypothesis, whose worth is learned from those that are
    believed or doubted anyhow: where praise goes to both alike, it tells nothing."""
    own = pl.DataFrame({"item": heard.item, "number": heard.label})
    thumbs = cast.select(
        pl.col("item").cast(pl.Int64), pl.col("number").cast(pl.Int64), "source", "votes"
    )
    up, down = (
        _floats(
            own.join(
                thumbs.filter(source=source),
                on=["item", "number"],
                how="left",
                maintain_order="left",
            ).fill_null(0.0),
            "votes",
        )
        for source in (votes.THUMBS_UP, votes.THUMBS_DOWN)
    )
    right, wrong = (
        float((down @ share + THUMBS / 2) / ((up + down) @ share + THUMBS))
        for share in (was_right, 1 - was_right)
    )
    return Rates(right, wrong).told(up, down) if right < wrong else np.zeros(len(up))


def _settled(last: Round, cast: pl.DataFrame, bent: PlattScaling) -> Floats:
    """The belief of each cell: bent as the held-back users call for, and shared where users mean two
    things by one wording."""
    cells, belief = last.cells, last.estimate.belief.copy()
    best = cells.best(belief)
    sure = belief[best]
    rest = (1 - bent(sure)) / np.maximum(1 - sure, 1e-12)
    belief *= rest[cells.item]
    belief[best] = bent(sure)
    ends = cast.filter(pl.col("source") == votes.CHAIN_END)
    place = _array(ends, "item"), _array(ends, "number")
    moved = csr_matrix((_floats(ends, "votes"), place), (len(cells.start) - 1, cells.labels))
    heard = last.heard
    moved = moved - heard.matrix(at(moved, heard.item, heard.label), moved.shape)
    most, there = _most(moved), np.asarray(moved.argmax(axis=1)).ravel()
    whole = np.asarray(moved.sum(axis=1)).ravel()
    seen = ambiguity.Heard(heard.accepted, heard.reformulated, most[heard.item], whole[heard.item])
    share = ambiguity.share_of_first(seen, last.rates)
    _kept(cells, belief, heard)
    for row in np.flatnonzero(np.isfinite(share)):
        item = heard.item[row]
        belief[cells.start[item] : cells.start[item + 1]] = 0.0
        two = cells.find(np.array([item, item]), np.array([heard.label[row], there[item]]))
        belief[two] = share[row], 1 - share[row]
    return belief


def _kept(cells: Cells, belief: Floats, heard: Heard) -> None:
    """A label with which many users stayed, and twice as many as reformulated, is not turned by those: where
    they would turn it, it is as probable as all others together."""
    safe = (heard.accepted >= MANY) & (heard.accepted >= 2 * heard.reformulated)
    mine = cells.find(heard.item[safe], heard.label[safe])
    for cell in mine[belief[mine] < TURNED]:
        others = slice(*cells.start[cells.item[cell] : cells.item[cell] + 2])
        belief[others] *= (1 - TURNED) / (1 - belief[cell])
        belief[cell] = TURNED


def _teaching(sure: Floats) -> Floats:
    """How much a wording teaches the reader, by how surely its best label is believed."""
    return np.asarray(np.maximum(0.0, (sure - 0.3) / 0.7) ** 2)


def _most(matrix: csr_matrix) -> Floats:
    return np.asarray(matrix.max(axis=1).todense(), np.float64).ravel()


def _shares(matrix: csr_matrix) -> csr_matrix:
    """The matrix with rows that sum to 1."""
    whole = np.asarray(matrix.sum(axis=1)).ravel()
    return csr_matrix(matrix.multiply(1 / np.maximum(whole, 1e-9)[:, None]))


def _array(rows: pl.DataFrame, column: str) -> Indices:
    return rows[column].to_numpy().astype(np.int64)


def _floats(rows: pl.DataFrame, column: str) -> Floats:
    return rows[column].to_numpy().astype(np.float64)
