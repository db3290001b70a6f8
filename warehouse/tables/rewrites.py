"""The tables of rewrites and their experiments."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, share, table, text


@table("rewrites", published=Published.NEWEST)
class Rewrites(dy.Schema):
    """A wording that users give up for another, and how sure we are that the other works better."""

    locale = text("locale", key=True)
    source = text("wording that fails", key=True)
    target = text("wording that users end up with", key=True)
    p_better = share("probability that the target succeeds more often")
    users = count("distinct users who moved from source to target")
    occurrences = count("times it was seen")
    p_same = share("probability that the two say the same thing")
    success = share("how often the target serves these users, expected")
    success_alone = share("how often the source does, expected")
    holdout = share("share of the source's turns to leave alone, at random")
    began = text("night since which it runs, YYYY-MM-DD")
    carried_values = count(
        "other values with which users went from the one form to the other; null where they went from this source",
        null=True,
    )


@table("rewrite_experiments", published=Published.NEWEST, carried=True)
class RewriteExperiments(dy.Schema):
    """A rewrite that runs or ran, and what its treated turns and those left alone show, apart."""

    locale = text("locale", key=True)
    source = text("wording that fails", key=True)
    target = text("wording that runs instead", key=True)
    status = dy.Enum(["live", "withdrawn"], nullable=False, description="live, or withdrawn")
    began = text("night since which it runs, or ran")
    until = text("night of its withdrawal", null=True)
    withdrawals = count("times it was withdrawn")
    since = text("day after which its turns count: of its beginning, or of the last change")
    promised = share("success that it is held to")
    believed = share("share of treated users expected to come back, before any did", null=True)
    believed_alone = share("the same of those left alone", null=True)
    holdout = share("share of its turns to leave alone, at random")
    treated = amount("users treated since, effective ones")
    treated_reformulated = share("share of them who came back")
    alone = amount("users left alone since, effective ones")
    alone_reformulated = share("share of them who came back")
    p_worse = share("probability that it is worse than leaving the wording alone")
    p_better = share("probability that the target succeeds where the source does not")
    users = count("distinct users who moved from source to target when it was mined last")
    occurrences = count("times that was seen")
    p_same = share("probability that the two say the same thing")
    success = share("how often the target serves these users, expected")
    success_alone = share("how often the source does, expected")
    carried_values = count(
        "other values with which users went from the one form to the other; null where they went from this source",
        null=True,
    )


@table("withheld_rewrites")
class WithheldRewrites(dy.Schema):
    """A way that users went from one wording to another which is not proposed as a rewrite: where it fell out."""

    locale = text("locale", key=True)
    source = text("wording that was given up", key=True)
    target = text("wording that users ended up with", key=True)
    stage = text("where it fell out")
    p_better = share("probability that a turn would be mended", null=True)
    breaks = share("probability that a turn that works would break", null=True)
