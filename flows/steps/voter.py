"""A large language model that is asked for what people's doings leave unsure."""

from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl

from aggregation import voter
from aggregation.label_model import votes
from aggregation.label_model.cross_lingual import Vectors
from flows import encoders, seed
from flows.pipeline import Reading, Result, every, last_night, step, tonight, window
from flows.settings import Voter
from flows.steps import facts, masking
from flows.steps.embedding import vectors
from flows.steps.utterances import wished
from warehouse.common.answers import Answers
from warehouse.common.digests import digest
from warehouse.common.endpoint import Endpoint, RefusedError
from warehouse.errors import BadInput
from warehouse.tables import (
    Embeddings,
    Encoders,
    HypothesisStats,
    LocaleCentres,
    SlotAnswers,
    SoftLabels,
    Turns,
    UtteranceStats,
    VoterAnswers,
    VoterRequests,
)

VOTER_KEY = "SAYAGAIN_VOTER_KEY"
PATIENCE = 3  # requests in a row without an answer, after which no more are sent
LONGEST = 64  # tokens of an answer
MOST_TOKENS = 10**9  # that an answer may say it took
LARGEST = 2**20  # bytes of an answer
KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(Turns),
        *tonight(UtteranceStats, HypothesisStats, SlotAnswers, Encoders, LocaleCentres),
        *every(Embeddings),
        *last_night(SoftLabels),
    ),
    writes=(VoterAnswers, VoterRequests),
    settings=("mining.window_days", *encoders.SETTINGS, "voter", "min_users.published", "privacy"),
    facts=(facts.SEED_DATA, facts.ENCODER_FILES),
)
def ask_voter(at: Reading) -> Result:
    """Ask the model that is set about wordings that many say and no label explains; each once."""
    asked = at.settings.voter
    if not asked.address:
        at.put(VoterAnswers, VoterAnswers.create_empty())
        at.put(VoterRequests, VoterRequests.create_empty())
        return {"requests": 0}
    answers = Answers(at.home.voter)
    many = _of_many(at)
    told = _ask(_Voter(asked, answers, at.day), _questions(at, many))
    found = _answered(many, asked.model or "", answers.known())
    requests, tokens = answers.spent(at.day)
    at.put(VoterAnswers, found)
    row = {"requests": requests, "tokens": tokens, "answers": found.height}
    at.put(VoterRequests, pl.DataFrame([row]))
    return row | ({"because": told} if told else {})


def _of_many(at: Reading) -> pl.DataFrame:
    """`locale, utterance, turns, shown` of wordings that are wishes of k users or more, and no seed data."""
    k, said = at.settings.min_users.published, at.tonight(UtteranceStats)
    labelled = seed.taught(seed.kept(at.home)).select(KEY)
    mine = wished(said, at.tonight(SlotAnswers)).filter(pl.col("users") >= k)
    rows: pl.DataFrame = mine.select(*KEY, "turns").join(labelled, on=KEY, how="anti").sort(KEY)
    return rows.with_columns(shown=masking.shown(at, rows))


def _answered(many: pl.DataFrame, model: str, known: dict[str, str | None]) -> pl.DataFrame:
    """`locale, utterance, label` of all that was ever answered, however sure it is believed by now."""
    rows = many.select(*KEY, "shown").iter_rows()
    keys = [(locale, said, key_of(model, locale, shown)) for locale, said, shown in rows]
    found = [(locale, said, known[key]) for locale, said, key in keys if known.get(key)]
    return pl.DataFrame(found, dict.fromkeys((*KEY, "label"), pl.String()), orient="row")


def key_of(model: str, locale: str, shown: str) -> str:
    """What tells one question from another: wordings that are shown alike are one."""
    return digest(model, locale, shown)


def cast(answers: pl.DataFrame, night: str) -> pl.DataFrame:
    """The answers as votes of nobody."""
    return answers.select(
        *KEY,
        "label",
        source=pl.lit(votes.VOTER),
        via=pl.lit(""),
        user_id=pl.lit(""),
        day=pl.lit(night),
        weight=pl.lit(1.0),
    )


def _questions(at: Reading, many: pl.DataFrame) -> list[voter.Question]:
    before, heard = at.last_night(SoftLabels), at.tonight(HypothesisStats)
    named = heard.filter(pl.col("intent") != "")
    wordings = voter.worth_asking(many, before, named)
    known = seed.taught(seed.kept(at.home)).select(*KEY, label="intent")
    sure = before.filter(pl.col("probability") >= voter.KNOWN).join(many, on=KEY, how="semi")
    pool = pl.concat([known, sure.select(*KEY, "label")]).sort(*KEY, "label")
    pool = pool.with_columns(shown=masking.shown(at, pool))
    where = vectors(at, pl.concat([wordings.select(KEY), pool.select(KEY)]).unique())
    asked = wordings.select(*KEY, "shown").join(where, on=KEY, maintain_order="left")
    pool = pool.join(where, on=KEY, maintain_order="left")
    hypotheses = named.group_by(KEY).agg(pl.col("intent").unique().sort())
    return voter.questions(
        asked,
        _matrix(asked["vector"]),
        voter.Pool(pool.select("locale", "shown", "label"), _matrix(pool["vector"])),
        {(r[0], r[1]): r[2] for r in hypotheses.iter_rows()},
        across=at.settings.mining.encoder is not None,
    )


def _matrix(column: pl.Series) -> Vectors:
    width = len(column[0]) if len(column) else 0
    return column.list.to_array(width).to_numpy() if width else np.zeros((0, 0), np.float32)


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    total_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


@dataclass(frozen=True)
class _Voter:
    """The model of the settings, and what it answered so far."""

    asked: Voter
    answers: Answers
    night: str

    @property
    def endpoint(self) -> Endpoint:
        """Asked once each: what failed is spent."""
        address, seconds = str(self.asked.address), self.asked.seconds
        return Endpoint(address, "voter.address", VOTER_KEY, seconds, attempts=1, largest=LARGEST)

    def answer(self, question: voter.Question) -> tuple[str | None, int]:
        """The label that the model names, and tokens used. BadInput where nothing comes back that can be read."""
        body = {
            "model": self.asked.model,
            "messages": question.messages(),
            "temperature": 0,
            "max_tokens": LONGEST,
        }
        try:
            found = msgspec.json.decode(
                self.endpoint.post("chat/completions", body), type=_Completion
            )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, RefusedError) as error:
            raise self.endpoint.unusable(str(error)) from None
        said = found.choices[0].message.content if found.choices else None
        if said is None or found.choices[0].finish_reason == "length":
            raise self.endpoint.unusable(f"no answer in {LONGEST} tokens")
        tokens = found.usage.total_tokens if found.usage else 0
        return voter.understood(said, question.labels), min(max(0, tokens), MOST_TOKENS)


def _ask(by: _Voter, questions: list[voter.Question]) -> str:
    """Ask what was never answered, as far as the budget lets; why it was stopped before, if it was."""
    known, failed, told = by.answers.known(), 0, ""
    sent = by.answers.sent(by.night)
    for question in questions:
        key = key_of(by.asked.model or "", question.locale, question.shown)
        if key in known or key in sent:
            continue
        if len(sent) >= by.asked.requests or failed >= PATIENCE:
            break
        by.answers.begin(key, digest(question.utterance), by.night)
        sent.add(key)
        try:
            label, tokens = by.answer(question)
        except BadInput as error:
            failed, told = failed + 1, str(error)
            continue
        failed, told = 0, ""
        by.answers.end(key, label, tokens)
    return told
