"""What a pair of turns shows: its content (how alike the two are) and its circumstances.

Content is compared with two contrasts that need no labels: turns of different people, and turns of
different people that the assistant took for the same. What the log does not have is a level of its
own, so that a missing field neither speaks for a pair nor against it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mining.alike import Wordings

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

ALIKE = [0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6]
IDENTICAL = len(ALIKE) + 1
TEXTS = IDENTICAL + 1
# The later hypothesis: the earlier one, another that the assistant had of the earlier turn, neither.
SAME, AMONG, OTHER, NO_INTENT = range(4)
# The slot values of the later turn: those of the earlier one, some of them, none of them.
ALL, SOME, NONE, NO_VALUES = range(4)
RELATIONS = 4
SECONDS = [4.0, 8.0, 12.0, 18.0, 25.0, 35.0, 50.0, 80.0, 150.0]
FOLLOWED = [0.25, 0.35, 0.45, 0.55, 0.65, 0.75]  # share of turns that anything follows
CONFIDENCES = 8  # quantiles
RESEMBLANCE = 3  # bin of ALIKE from which two wordings share something
RESEMBLES = [0.1, 0.3]
FEWEST_OTHERS = 3
PULL = 3.0  # turns at the locale's mean that a wording's own share is weighed against
SEED = 0


@dataclass(frozen=True)
class Content:
    """A row a pair: bin of its likeness (below TEXTS), relation of its hypotheses, and of its values."""

    text: Indices
    intent: Indices
    values: Indices

    @property
    def cell(self) -> Indices:
        return (self.text * RELATIONS + self.intent) * RELATIONS + self.values

    def take(self, rows: Indices) -> "Content":
        return Content(self.text[rows], self.intent[rows], self.values[rows])


@dataclass(frozen=True)
class Circumstances:
    """A row a pair: `levels` (rows x names) of what happened around it, `sizes` of each."""

    names: list[str]
    levels: Indices
    sizes: list[int]

    def told(self) -> list[str]:
        """The names of what this log tells: more than one level was seen."""
        return [n for n, column in zip(self.names, self.levels.T, strict=True) if np.ptp(column)]


class Contents:
    """Compares sources and targets of `pairs`, as they were paired or in any other way."""

    def __init__(self, pairs: pl.DataFrame) -> None:
        self.pairs = pairs
        self.locales = pairs["locale"].rank("dense").to_numpy().astype(np.int64)
        said = pl.concat([pairs["source"], pairs["target"]]).unique().sort()
        place = said.rank("ordinal").cast(pl.Int64) - 1
        numbers = dict(zip(said, place, strict=True))
        self.source = pairs["source"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
        self.target = pairs["target"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()
        self.folded = said.str.to_lowercase().rank("dense").to_numpy().astype(np.int64)
        self.said = said

    def of(self, left: Indices, right: Indices) -> Content:
        """The content of the sources of pairs `left` with the targets of pairs `right`."""
        text = np.digitize(self._alike(left, right), ALIKE)
        same = self.folded[self.source[left]] == self.folded[self.target[right]]
        both = self._both(left, right)
        return Content(np.where(same, IDENTICAL, text), _intents(both), _values(both))

    def of_strangers(self) -> tuple[Indices, Content]:
        """Sources beside targets that do not say them again: of the same user in another session, who
        may wish the same again, or where there is none, of another user of the locale. The places of
        the sources' pairs, and the content."""
        rng = np.random.default_rng(SEED)
        left, right = self._of_others(self.locales, rng)
        user, session = (
            self.pairs[name].rank("dense").to_numpy().astype(np.int64)
            for name in ("user_id", "session_id")
        )
        own, far = self._drawn(user * (self.locales.max() + 1) + self.locales, rng)
        apart = session[own] != session[far]
        strange = ~np.isin(left, own[apart])
        both = (
            np.concatenate([left[strange], own[apart]]),
            np.concatenate([right[strange], far[apart]]),
        )
        return both[0], self.of(*both)

    def of_one_intent(self) -> tuple[Indices, Content]:
        """The same where the assistant had the same hypothesis: what a follow-up looks like."""
        rng = np.random.default_rng(SEED)
        intents = pl.concat([self.pairs["source_intent"], self.pairs["target_intent"]])
        codes = intents.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        rows = self.pairs.height
        group = self.locales * (codes.max(initial=0) + 1)
        source, target = codes[:rows], codes[rows:]
        left, right = self._of_others(group + source, rng, group + target)
        executed = (
            self.pairs["source_executed"].to_numpy()[left]
            & self.pairs["target_executed"].to_numpy()[right]
        )
        known = (source[left] > 0) & (executed | ~executed.any())
        return left[known], self.of(left[known], right[known])

    def _of_others(
        self, group: Indices, rng: np.random.Generator, group_of_target: Indices | None = None
    ) -> tuple[Indices, Indices]:
        """For each pair, one drawn from those whose target is of its group, if of another user."""
        left, right = self._drawn(group, rng, group_of_target)
        user = self.pairs["user_id"].rank("dense").to_numpy()
        others = user[left] != user[right]
        return left[others], right[others]

    def _drawn(
        self, group: Indices, rng: np.random.Generator, group_of_target: Indices | None = None
    ) -> tuple[Indices, Indices]:
        """For each pair, one drawn from those whose target is of its group, where there are any."""
        theirs = group if group_of_target is None else group_of_target
        order = np.argsort(theirs, kind="stable")
        first = np.searchsorted(theirs[order], group, "left")
        count = np.searchsorted(theirs[order], group, "right") - first
        left = np.flatnonzero(count > 0)
        drawn = first[left] + (rng.random(len(left)) * count[left]).astype(np.int64)
        return left, order[drawn]

    def _alike(self, left: Indices, right: Indices) -> Floats:
        found = np.zeros(len(left))
        spoken = (self.pairs["channel"] == "voice").fill_null(value=False)
        kind = self.locales * 2 + spoken.to_numpy()
        for each in np.unique(kind[left]):
            rows = np.flatnonzero(kind[left] == each)
            source, target = self.source[left[rows]], self.target[right[rows]]
            used, places = np.unique(np.concatenate([source, target]), return_inverse=True)
            vocabulary = Wordings(self.said.gather(used).to_list(), spoken=bool(each % 2))
            found[rows] = vocabulary.alike(places[: len(rows)], places[len(rows) :])
        return found

    def _both(self, left: Indices, right: Indices) -> pl.DataFrame:
        """What the assistant made of the sources of pairs `left` and of the targets of pairs `right`."""
        sources = self.pairs.select(
            "source_intent", "source_known", "source_executed", "source_values"
        )
        targets = self.pairs.select("target_intent", "target_executed", "target_values")
        return pl.concat([sources[left], targets[right]], how="horizontal")


def _intents(both: pl.DataFrame) -> Indices:
    source, target = pl.col("source_intent"), pl.col("target_intent")
    among = pl.col("source_known").list.contains(target).fill_null(value=False)
    relation = (
        pl.when(source.is_null() | target.is_null())
        .then(NO_INTENT)
        .when(source == target)
        .then(SAME)
        .when(among)
        .then(AMONG)
        .otherwise(OTHER)
    )
    return both.select(relation).to_series().to_numpy().astype(np.int64)


def _values(both: pl.DataFrame) -> Indices:
    """Values are known of what was executed; of one hypothesis, having none is another value."""
    source, target = pl.col("source_values"), pl.col("target_values")
    one_has_none = source.is_null() != target.is_null()
    executed = pl.col("source_executed") & pl.col("target_executed")
    same_intent = pl.col("source_intent") == pl.col("target_intent")
    relation = (
        pl.when(one_has_none & executed & same_intent.fill_null(value=False))
        .then(NONE)
        .when(source.is_null() | target.is_null())
        .then(NO_VALUES)
        .when(source == target)
        .then(ALL)
        .when(source.list.set_intersection(target).list.len() > 0)
        .then(SOME)
        .otherwise(NONE)
    )
    return both.select(relation).to_series().to_numpy().astype(np.int64)


def circumstances(pairs: pl.DataFrame, content: Content, following: pl.DataFrame) -> Circumstances:
    """Of each pair; `following` as the SQL of that name counts it."""
    followed = pairs.filter(pl.col("apart") == 1)["source_turn_id"]
    outcome = {"failure": 1, "success": 2}
    columns = {
        "seconds": (np.digitize(pairs["seconds"].to_numpy(), SECONDS), len(SECONDS) + 1),
        "turns between": (pairs["apart"].clip(1, 3).to_numpy() - 1, 3),
        "lost between": (pairs["lost_between"].clip(0, 2).to_numpy(), 3),
        "outcome": (_levels(pairs["source_outcome"], outcome), 3),
        "outcome of the later": (_levels(pairs["target_outcome"], outcome), 3),
        "executed": (pairs["source_executed"].cast(pl.Int64).to_numpy(), 2),
        "confidence": (_quantiles(pairs["source_confidence"]), CONFIDENCES + 1),
        "response again": (_flag(pairs["repeated_itself"]), 3),
        "interrupted": (_flag(pairs["interrupted"]), 3),
        "feedback": (pairs["feedback"].cast(pl.Int64).fill_null(2).to_numpy() + 1, 4),
        "wording is followed": (_followed(pairs, "source", following, "utterance"), 8),
        "response is followed": (_followed(pairs, "source_response", following, "response"), 8),
        "others too": (_others_too(pairs), 3),
        "earlier resembles": (_resembles(pairs, "source", content), len(RESEMBLES) + 2),
        "later resembles": (_resembles(pairs, "target", content), len(RESEMBLES) + 2),
        "later is followed": (
            pairs["target_turn_id"].is_in(followed.implode()).cast(pl.Int64).to_numpy(),
            2,
        ),
        "hypotheses": ((content.intent == NO_INTENT).astype(np.int64), 2),
        "values": ((content.values == NO_VALUES).astype(np.int64), 2),
    }
    levels = np.column_stack([c for c, _ in columns.values()]).astype(np.int64)
    return Circumstances(list(columns), levels, [size for _, size in columns.values()])


def _levels(column: pl.Series, known: dict[str, int]) -> Indices:
    return column.replace_strict(known, default=0, return_dtype=pl.Int64).to_numpy()


def _flag(column: pl.Series) -> Indices:
    return (column.cast(pl.Int64) + 1).fill_null(0).to_numpy()


def _quantiles(column: pl.Series) -> Indices:
    """Levels of equal size from 1; 0 where missing."""
    if column.null_count() == len(column):
        return np.zeros(len(column), np.int64)
    known = column.drop_nulls().to_numpy()
    edges = np.quantile(known, np.linspace(0, 1, CONFIDENCES + 1)[1:-1])
    return np.where(
        column.is_null().to_numpy(), 0, 1 + np.digitize(column.fill_null(0.0).to_numpy(), edges)
    )


def _others_too(pairs: pl.DataFrame) -> Indices:
    """How many other users went from the one wording to the other: none, one, more."""
    users = pl.col("user_id").n_unique().over("locale", "source", "target")
    return pairs.select((users - 1).clip(0, 2).cast(pl.Int64)).to_series().to_numpy()


def _resembles(pairs: pl.DataFrame, column: str, content: Content) -> Indices:
    """Levels of how often this wording resembles what it is paired with, other pairs alone; 0 where
    there are too few. A "no" resembles nothing, whatever it answers."""
    alike = pl.Series(content.text >= RESEMBLANCE).cast(pl.Int64)
    key = ["locale", column]
    others = pairs.select(*key, alike=alike).select(
        count=pl.len().over(key) - 1, alike=pl.col("alike").sum().over(key) - pl.col("alike")
    )
    share = (others["alike"] / others["count"]).fill_nan(0.0).to_numpy()
    few = others["count"].to_numpy() < FEWEST_OTHERS
    return np.where(few, 0, 1 + np.digitize(share, RESEMBLES))


def _followed(pairs: pl.DataFrame, column: str, following: pl.DataFrame, of: str) -> Indices:
    """Levels of how often this text is followed, the pair's own turn left out; 0 where it has none."""
    counted = following.filter(pl.col("of") == of).with_columns(
        mean=pl.col("followed").sum().over("locale") / pl.col("turns").sum().over("locale")
    )
    joined = pairs.select("locale", text=column).join(
        counted, on=["locale", "text"], how="left", maintain_order="left"
    )
    share = (pl.col("followed") - 1 + PULL * pl.col("mean")) / (pl.col("turns") - 1 + PULL)
    shares = joined.select(share).to_series()
    return np.where(
        shares.is_null().to_numpy(), 0, 1 + np.digitize(shares.fill_null(0.0).to_numpy(), FOLLOWED)
    )
