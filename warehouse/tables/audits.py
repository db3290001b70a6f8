"""The tables of what persons found when they judged a few rows."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, share, table, text

SUBJECT = "pairs, failures, labels or rewrites"


@table("audit_rows")
class AuditRows(dy.Schema):
    """A row that was drawn for a person to judge, under the night whose belief it is."""

    subject = text(SUBJECT, key=True)
    row = text("keyed hash of what is judged", key=True)
    belief = share("how probable the night held it")
    unbent = share("the same before earlier audits had bent it")
    turns = amount("turns that it stands for")
    expected = share("how often a draw is expected to hold it")
    all_believed = share("mean belief of all rows, by their turns")
    all_turns = amount("turns that all rows stand for")


@table("audit_answers")
class AuditAnswers(dy.Schema):
    """What a person said of a row that was drawn."""

    subject = text(SUBJECT, key=True)
    row = text("keyed hash of what is judged", key=True)
    auditor = text("name that the person gave; empty where none", key=True)
    right = dy.Bool(nullable=True, description="whether it is so; null where that cannot be told")


@table("audits", published=Published.NEWEST)
class Audits(dy.Schema):
    """What the answers tell of a subject: the newest audit of the window, and how beliefs are bent by all of them."""

    subject = text(SUBJECT, key=True)
    drawn = text("night whose beliefs were judged, YYYY-MM-DD")
    rows = count("rows drawn")
    answered = count("rows of which a person could tell")
    auditors = count("persons")
    believed = share("share of turns believed to be so")
    observed = share("the same as the answers have it")
    at_least = share("what it exceeds in nineteen cases of twenty")
    at_most = share("what it does not exceed in nineteen of twenty")
    kappa = dy.Float64(
        nullable=True, description="Cohen's kappa of the two persons with most rows in common"
    )
    shift = dy.Float64(
        nullable=False, description="added to the log odds of beliefs; 0 as they are"
    )
    stretch = dy.Float64(
        nullable=False, min=0, description="by which they are multiplied; 1 as they are"
    )
