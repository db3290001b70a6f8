"""The turns of a log as arrays: a row a turn, in the order in which sessions began. Only of sessions that began in the
same millisecond the order depends on ids: others with the same words get the same beliefs.

Notation and constants: docs/method.md, 2.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import csr_matrix

from mining.rephrases.answers import NO_ANSWER, templates
from mining.rephrases.overlap import TOKEN, Shared, Words
from mining.rephrases.similarity import Wordings

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NONE = -1  # no wording, intent, or answer
PULL = 5.0  # turns at the mean that a share is weighed against
MOST_RANDOM = 100_000  # random non-matches
SEED = 0


@dataclass(frozen=True)
class LogArrays:
    """`turns` as the SQL file `context` gives them."""

    turns: pl.DataFrame

    @staticmethod
    def of(turns: pl.DataFrame) -> "LogArrays":
        began = pl.col("at_ms").min().over("opening")
        return LogArrays(turns.sort(began, "opening", "place"))

    def at(self, turn_ids: pl.Series) -> Indices:
        """The rows of these turns."""
        place = self.turns.select("turn_id").with_row_index("row")
        found = pl.DataFrame({"turn_id": turn_ids}).join(
            place, on="turn_id", how="left", maintain_order="left"
        )
        return found["row"].cast(pl.Int64).to_numpy().copy()

    @cached_property
    def locale(self) -> Indices:
        return _codes(self.turns["locale"])

    @cached_property
    def user(self) -> Indices:
        return _codes(self.turns["user_id"])

    @cached_property
    def session(self) -> Indices:
        """Numbered from 0 on, in the order of the rows; those of a session stand together."""
        return self.turns["opening"].rle_id().cast(pl.Int64).to_numpy()

    @cached_property
    def wording(self) -> Indices:
        """Distinct wordings of a locale, without letter case."""
        return self._folded("utterance")

    @cached_property
    def ran(self) -> Indices:
        """The same of what ran."""
        return self._folded("ran")

    def _folded(self, column: str) -> Indices:
        folded = pl.struct("locale", pl.col(column).str.to_lowercase())
        return _codes(self.turns.select(folded).to_series())

    @cached_property
    def first_of_wording(self) -> Indices:
        """A row that has each wording."""
        return np.unique(self.wording, return_index=True)[1].astype(np.int64)

    @cached_property
    def intent(self) -> Indices:
        """The best hypothesis within its locale; NONE where there was none."""
        null = self.turns["best_intent"].is_null().to_numpy()
        codes = _codes(self.turns.select(pl.struct("locale", "best_intent")).to_series())
        return np.where(null, NONE, codes)

    @cached_property
    def hypotheses(self) -> csr_matrix:
        """turns x intents: the assistant's confidence in each of its hypotheses, a row's sum at most 1."""
        best = pl.DataFrame(
            {
                "row": np.arange(len(self.intent)),
                "intent": self.turns["best_intent"],
                "sure": self.turns["best_confidence"].fill_null(1.0),
            }
        )
        rest = (
            self.turns.select("n_best")
            .with_row_index("row")
            .explode("n_best")
            .drop_nulls()
            .select(
                pl.col("row").cast(pl.Int64),
                intent=pl.col("n_best").struct.field("intent"),
                sure=pl.col("n_best").struct.field("confidence").fill_null(0.0),
            )
        )
        every = (
            pl.concat([best.cast(rest.schema), rest])
            .drop_nulls("intent")
            .filter(pl.col("intent") != "")
        )
        every = every.group_by("row", "intent").agg(pl.col("sure").max()).sort("row", "intent")
        places = pl.DataFrame(
            {"intent": self.turns["best_intent"], "locale": self.locale, "place": self.intent}
        ).unique()
        every = every.with_columns(locale=pl.Series(self.locale)[every["row"].to_numpy()])
        known = every.join(places.drop_nulls(), on=["intent", "locale"])
        size = (len(self.intent), max(int(self.intent.max()) + 1, 1))
        found = csr_matrix(
            (known["sure"].to_numpy(), (known["row"].to_numpy(), known["place"].to_numpy())), size
        )
        whole = np.maximum(np.asarray(found.sum(axis=1)).ravel(), 1.0)
        return csr_matrix(found.multiply(1 / whole[:, None]))

    @cached_property
    def template(self) -> Indices:
        return templates(self.turns["response"], self.turns["locale"], self._values)

    @cached_property
    def _values(self) -> frozenset[str]:
        """The words of all slot values."""
        values = self.turns["slots"].drop_nulls().explode().struct.field("value").drop_nulls()
        return frozenset(w for value in values.unique() for w in re.findall(TOKEN, value.lower()))

    @cached_property
    def prompt(self) -> Indices:
        """The template of the answer before each turn; NO_ANSWER at a session's beginning."""
        before = np.concatenate([[NO_ANSWER], self.template[:-1]])
        return np.where(self.opens, NO_ANSWER, before)

    @cached_property
    def repeated_itself(self) -> Floats:
        """1 where the assistant answered as before the turn, 0 where not; nan without both answers."""
        missing = (self.template == NONE) | (self.prompt == NONE)
        return np.where(missing, np.nan, self.template == self.prompt)

    @cached_property
    def common_template(self) -> Floats:
        """Log10 of the share of turns that are answered so; nan without an answer."""
        template = self.template
        often = np.bincount(template[template != NONE], minlength=1)
        told = np.log10(np.maximum(often[np.maximum(template, 0)], 1) / max(len(template), 1))
        return np.where(template == NONE, np.nan, told)

    @cached_property
    def asks(self) -> Floats:
        """1 where the answer ends as a question; nan without an answer."""
        ends = self.turns["response"].str.contains(r"[?？؟]\s*$")
        return ends.cast(pl.Float64).to_numpy()

    @cached_property
    def asked(self) -> Floats:
        """The same of the answer before each turn, or that a slot was asked for; nan at a session's beginning."""
        before = np.where(self.opens, np.nan, np.concatenate([[np.nan], self.asks[:-1]]))
        return np.where(self.prompted, 1.0, before)

    @cached_property
    def prompted(self) -> Bools:
        """Whether the log says that the assistant had asked for a slot."""
        return self.turns["prompted_slot"].is_not_null().to_numpy()

    @cached_property
    def outcome(self) -> Floats:
        """1 for success, 0 for failure; nan where the log does not say."""
        told = self.turns["outcome"].replace_strict(
            {"failure": 0.0, "success": 1.0}, default=None, return_dtype=pl.Float64
        )
        return told.to_numpy()

    @cached_property
    def users_of_wording(self) -> Indices:
        """How many users say each wording."""
        said = pl.DataFrame({"wording": self.wording, "user": self.user})
        counted = said.group_by("wording").agg(pl.col("user").n_unique()).sort("wording")
        return counted["user"].to_numpy().astype(np.int64)

    @cached_property
    def popularity(self) -> Floats:
        """The share of turns whose wording fewer users say than each wording, those of equally many by half."""
        users = self.users_of_wording
        said = np.sort(users[self.wording])
        below, up_to = (np.searchsorted(said, users, side) for side in ("left", "right"))
        return np.asarray((below + up_to) / (2 * max(1, len(said))))

    @cached_property
    def length(self) -> Floats:
        """Words of each turn, log2, beside the median."""
        counts = self.words.count[self.wording]
        return np.log2((counts + 1) / max(float(np.median(counts)), 1.0))

    @cached_property
    def opens(self) -> Bools:
        return np.concatenate([[True], self.session[1:] != self.session[:-1]])

    @cached_property
    def followed(self) -> Bools:
        return np.concatenate([self.session[1:] == self.session[:-1], [False]])

    @cached_property
    def next(self) -> Indices:
        """The row of the turn after each; meaningful where it is followed."""
        return np.minimum(np.arange(len(self.session)) + 1, len(self.session) - 1)

    @cached_property
    def words(self) -> Words:
        texts = self.turns["utterance"][self.first_of_wording].to_list()
        return Words(texts, np.bincount(self.wording))

    def shared(self, left: Indices, right: Indices) -> Shared:
        """What the wordings of turns `left` share with those of turns `right`."""
        return self.words.shared(self.wording[left], self.wording[right])

    @cached_property
    def echo(self) -> Floats:
        """The share of each turn's wording that its answer repeats; nan without an answer."""
        return self.echoed(np.arange(self.turns.height))

    def echoed(self, rows: Indices, of: Indices | None = None) -> Floats:
        """The share of the wordings of turns `of` (the same ones) that the answers to `rows` hold."""
        answers = self._answers
        number = self._answer_number[rows]
        known = number != NONE
        found = np.full(len(rows), np.nan)
        if known.any():
            mine = self.wording[rows if of is None else of][known] + len(answers)
            shared = self._both.shared(mine, number[known])
            found[known] = shared.in_target
        return found

    @cached_property
    def _answers(self) -> list[str]:
        return self.turns["response"].drop_nulls().unique().sort().to_list()

    @cached_property
    def _answer_number(self) -> Indices:
        place = {a: n for n, a in enumerate(self._answers)}
        if not place:
            return np.full(self.turns.height, NONE, np.int64)
        found = self.turns["response"].replace_strict(place, default=None, return_dtype=pl.Int64)
        return found.fill_null(NONE).to_numpy()

    @cached_property
    def _both(self) -> Words:
        """The words of answers (cut, for they may be long) and of wordings, together."""
        answers = [a[:2_000] for a in self._answers]
        texts = self.turns["utterance"][self.first_of_wording].to_list()
        number = self._answer_number
        turns = np.concatenate(
            [np.bincount(number[number != NONE], minlength=len(answers)), np.bincount(self.wording)]
        )
        return Words([*answers, *texts], turns)

    def alike(self, left: Indices, right: Indices) -> Floats:
        """How alike the wordings of turns are, 0..1 (`Wordings.alike`), by the sound too in a locale that is
        mostly spoken; both of a pair are of one locale."""
        one, other, locale = self.wording[left], self.wording[right], self.locale[left]
        found = np.zeros(len(left))
        for each in np.unique(locale):
            rows = np.flatnonzero(locale == each)
            known, wordings = self._vocabulary(int(each))
            found[rows] = wordings.alike(
                np.searchsorted(known, one[rows]), np.searchsorted(known, other[rows])
            )
        return found

    def _vocabulary(self, locale: int) -> tuple[Indices, Wordings]:
        if locale not in self._vocabularies:
            mine = self.locale == locale
            spoken = (self.turns["channel"] == "voice").fill_null(value=False).to_numpy()
            known = np.unique(self.wording[mine])
            texts = self.turns["utterance"][self.first_of_wording[known]].to_list()
            mostly = bool(spoken[mine].mean() > 0.5)
            self._vocabularies[locale] = known, Wordings(texts, spoken=mostly)
        return self._vocabularies[locale]

    @cached_property
    def _vocabularies(self) -> dict[int, tuple[Indices, Wordings]]:
        return {}

    def random_pairs(self, locale: int) -> tuple[Indices, Indices]:
        """Turns of a locale beside turns of other users: random non-matches, drawn as often as said."""
        rng = np.random.default_rng(SEED)
        rows = np.flatnonzero(self.locale == locale)
        count = min(MOST_RANDOM, 20 * len(rows))
        left, right = (rows[rng.integers(len(rows), size=count)] for _ in range(2))
        others = self.user[left] != self.user[right]
        return left[others], right[others]


def share(hit: Floats, key: Indices) -> Floats:
    """The mean of `hit` over the rows of each key, its own row left out, drawn towards the mean of all as PULL
    rows; nan where the key is NONE."""
    known = key != NONE
    if not known.any():
        return np.full(len(key), np.nan)
    size = int(key.max()) + 1
    whole = np.bincount(key[known], hit[known], size)
    count = np.bincount(key[known], minlength=size)
    middle = float(hit[known].mean())
    place = np.where(known, key, 0)
    found = (whole[place] - hit + PULL * middle) / (count[place] - 1 + PULL)
    return np.where(known, found, np.nan)


def mean_by(values: Floats, key: Indices) -> Floats:
    """The mean of the values of each key, nan where it has none; the last place, for NONE, is nan."""
    size = int(key.max(initial=0)) + 2
    known = (key != NONE) & np.isfinite(values)
    whole = np.bincount(key[known], values[known], size)
    count = np.bincount(key[known], minlength=size)
    return np.where(count > 0, whole / np.maximum(count, 1), np.nan)


def ranks(column: pl.Series) -> Floats:
    """The rank of each value among all, 0..1; nan where missing."""
    known = column.drop_nulls().sort().to_numpy()
    if not len(known):
        return np.full(len(column), np.nan)
    low = np.searchsorted(known, column.fill_null(0.0).to_numpy(), "left")
    high = np.searchsorted(known, column.fill_null(0.0).to_numpy(), "right")
    return np.where(column.is_null().to_numpy(), np.nan, (low + high) / 2 / len(known))


def _codes(column: pl.Series) -> Indices:
    return column.rank("dense").to_numpy().astype(np.int64) - 1
