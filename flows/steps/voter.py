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
from flows.steps import facts
from flows.steps.embedding import vectors
from mining.clustering import constraints
from mining.release import redaction
from warehouse.common.answers import Answers
from warehouse.common.endpoint import Endpoint, RefusedError
from warehouse.errors import BadInput
from warehouse.ledger import digest
from warehouse.tables import (
    Embeddings,
    Encoders,
    HypothesisStats,
    LocaleCentres,
    SoftLabels,
    Turns,
    UtteranceStats,
    VoterAnswers,
    VoterRequests,
)

VOTER_KEY = "SAYAGAIN_VOTER_KEY"
PATIENCE = 3  # requests in a row without an answer, after which no more are sent
LONGEST = 64  # tokens of an answer
KEY = ["locale", "utterance"]


@step(
    reads=(
        *window(Turns),
        *tonight(UtteranceStats, HypothesisStats, Encoders, LocaleCentres),
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
    found, told = _asked(_Voter(asked, answers, at.day), _questions(at))
    requests, tokens = answers.spent(at.day)
    at.put(VoterAnswers, found)
    row = {"requests": requests, "tokens": tokens, "answers": found.height}
    at.put(VoterRequests, pl.DataFrame([row]))
    return row | ({"because": told} if told else {})


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


def _questions(at: Reading) -> list[voter.Question]:
    before, said = at.last_night(SoftLabels), at.tonight(UtteranceStats)
    k = at.settings.min_users.published
    known = seed.taught(seed.kept(at.home))
    labelled = known.select(KEY)
    wordings = voter.worth_asking(said, before, k).join(labelled, on=KEY, how="anti")
    many = said.filter(pl.col("users") >= k).select(KEY)
    sure = before.filter(pl.col("probability") >= voter.KNOWN).join(many, on=KEY, how="semi")
    pool = pl.concat(
        [
            known.select(*KEY, label="intent"),
            sure.join(labelled, on=KEY, how="anti").select(*KEY, "label"),
        ]
    ).sort(*KEY, "label")
    both = pl.concat([wordings.select(KEY), pool.select(KEY)])
    mask = redaction.Mask(at.settings.privacy.mask, at.settings.privacy.name_slots)
    shown = redaction.shown(both, constraints.slot_values(at.files(Turns)), mask)
    where = vectors(at, both.unique())
    asked = wordings.select(KEY).with_columns(shown=shown.head(wordings.height))
    asked = asked.join(where, on=KEY, maintain_order="left")
    pool = pool.with_columns(shown=shown.tail(pool.height))
    pool = pool.join(where, on=KEY, maintain_order="left")
    heard = (
        at.tonight(HypothesisStats)
        .filter(pl.col("intent") != "")
        .group_by(KEY)
        .agg(pl.col("intent").unique().sort())
    )
    return voter.questions(
        asked,
        _matrix(asked["vector"]),
        voter.Pool(pool.select("locale", "shown", "label"), _matrix(pool["vector"])),
        {(r[0], r[1]): r[2] for r in heard.iter_rows()},
        across=at.settings.mining.encoder is not None,
    )


def _matrix(column: pl.Series) -> Vectors:
    width = len(column[0]) if len(column) else 0
    return column.list.to_array(width).to_numpy() if width else np.zeros((0, 0), np.float32)


class _Said(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Said


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
        return Endpoint(address, "voter.address", VOTER_KEY, seconds, attempts=1)

    def key(self, question: voter.Question) -> str:
        return digest(self.asked.model, question.locale, question.shown)

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
        except (msgspec.MsgspecError, RefusedError) as error:
            raise self.endpoint.unusable(str(error)) from None
        said = found.choices[0].message.content if found.choices else None
        tokens = found.usage.total_tokens if found.usage else 0
        return voter.understood(said or "", question.labels), max(0, tokens)


def _asked(by: _Voter, questions: list[voter.Question]) -> tuple[pl.DataFrame, str]:
    """`locale, utterance, label` of the questions that were ever answered, after those were asked that the budget lets;
    and why it was stopped before, if it was."""
    known, failed, told = by.answers.known(), 0, ""
    sent = by.answers.sent(by.night)
    for question in questions:
        key = by.key(question)
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
        known[key] = label
    answered = [(q, known.get(by.key(q))) for q in questions]
    rows = [(q.locale, q.utterance, label) for q, label in answered if label in q.labels]
    return pl.DataFrame(rows, dict.fromkeys((*KEY, "label"), pl.String()), orient="row"), told
