"""The sources of evidence, and how the votes of a window add up.

Notation and constants: docs/method.md, 5.
"""

from datetime import date

import polars as pl

ACCEPTED = "accepted"  # the assistant's hypothesis was executed, and the user did not come back
REFORMULATED = "reformulated"  # it was executed, and the user said it again: a vote against
UNEXECUTED_ACCEPTED = "unexecuted_accepted"  # it was not trusted enough to be executed, and the user did not come back
UNEXECUTED_REFORMULATED = (
    "unexecuted_reformulated"  # it was not executed, and the user said it again: no word against it
)
TARGET = "target"  # the hypothesis of the wording that followed, while the chain went on
CHAIN_END = "chain_end"  # that of the last wording of the chain
REWRITE = "rewrite"  # that of the wording that ran instead
THUMBS_UP = "thumbs_up"
THUMBS_DOWN = "thumbs_down"  # a vote against
N_BEST = "n_best"  # another hypothesis of the assistant
NEIGHBOURS = "neighbours"  # what the wordings nearest to it are believed to mean
VOTER = "voter"  # what a large language model says that was asked; nobody's vote

ENDED = (CHAIN_END, TARGET, REWRITE)  # worth what the wording is worth where they ended
CHAIN_END_REPEATED = (
    "chain_end_repeated"  # an end where the assistant heard what the user had reformulated
)
WEIGHED = (*ENDED, CHAIN_END_REPEATED, N_BEST, NEIGHBOURS, VOTER)  # by their reliability
FOR = (ACCEPTED, UNEXECUTED_ACCEPTED, TARGET, CHAIN_END, REWRITE, THUMBS_UP, N_BEST)
HALF_LIFE = 60.0  # days after which a vote counts half

MOST_CHECKS = 10.0  # votes of one user by which what the others say is checked
CHECKING = "012"  # first letters of hashed ids (of 16) whose users check what the others say
VALIDATING = "f"  # those whose own wordings validate what was learned from the others'


def held_back() -> pl.Expr:
    """Whether a vote is kept for checking: three users in sixteen, the same every night."""
    return _first_letter(CHECKING)


def validating() -> pl.Expr:
    """Whether a vote is of a user by whom training sets are split: one in sixteen."""
    return _first_letter(VALIDATING)


def _first_letter(letters: str) -> pl.Expr:
    return pl.col("user_id").str.slice(0, 1).is_in(list(letters))


def tally(votes: pl.DataFrame, night: str) -> pl.DataFrame:
    """`locale, utterance, label, source, via, votes, users` as of a night: older votes count less."""
    age = (pl.lit(date.fromisoformat(night)) - pl.col("day").str.to_date()).dt.total_days()
    return (
        votes.with_columns(votes=pl.col("weight") * 0.5 ** (age / HALF_LIFE))
        .group_by("locale", "utterance", "label", "source", "via")
        .agg(pl.col("votes").sum().round(6), users=pl.len().cast(pl.Int64))
        .sort("locale", "utterance", "label", "source", "via")
    )


def capped(votes: pl.DataFrame) -> pl.DataFrame:
    """The votes for and against what was executed, each user's brought down to MOST_CHECKS in all:
    one who says much is one person still."""
    own = votes.filter(pl.col("source").is_in([ACCEPTED, REFORMULATED]))
    whole = pl.col("weight").sum().over("user_id")
    return own.with_columns(pl.col("weight") * (MOST_CHECKS / whole).clip(upper_bound=1.0))


def weights(votes: pl.DataFrame) -> pl.DataFrame:
    """`locale, utterance, label, votes`: the weight of what users say for each label."""
    speaking = votes.filter((pl.col("user_id") != "") & pl.col("source").is_in(FOR))
    return speaking.group_by("locale", "utterance", "label").agg(
        votes=pl.col("weight").sum().round(6)
    )
