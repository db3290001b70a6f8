"""The tables of what hurts."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, share, table, text


@table("problems", published=Published.NEWEST, carried=True)
class Problems(dy.Schema):
    """What fails users, from the night on which they showed it. Counts are of a `window` of newest days; 0 of what is closed."""

    problem_id = text("the problem, the same in every night", key=True)
    kind = dy.Enum(
        ["eaten", "intent", "wording", "missing", "locale"],
        nullable=False,
        description="an intent is taken for another; what is heard as one fails, and no other meaning of it is"
        " believed; one wording does; a wish has no intent; a locale fails more than it did",
    )
    locale = text("locale")
    meant = text("intent that is believed to be meant; null where none is", null=True)
    named = share("mean probability that it is meant", null=True)
    heard = text("intent that the assistant heard; empty where it had none", null=True)
    example = text("the wording of it that is most said; null of a locale", null=True)
    status = dy.Enum(["open", "closed"], nullable=False, description="whether users show it")
    opened = text("night on which it opened last, YYYY-MM-DD")
    closed = text("night on which it closed; null while it is open", null=True)
    times = count("times it opened")
    turns = count("turns that are counted against it; of a locale, all of its turns")
    failed = amount(
        "of them, turns that failed, expected number; of a locale, those beyond its usual share"
    )
    failed_at_least = amount("what that exceeds in 19 of 20 cases")
    failed_at_most = amount("what it does not exceed in 19 of 20 cases")
    window = count("newest days that are counted: the most of 3, 5 and 7 that show it")
    days = count("of these, days that the log has")
    users = count("distinct users who met it")
    most_users = count("most distinct users of any night")
    rate = amount(
        "people whom it failed by people who spoke, each counted once a day, at its worst; of a locale, the share of"
        " failed turns at its worst"
    )
    usual = share("of a locale, the share of failed turns before, or that it settled at", null=True)


@table("problem_members", published=Published.NEWEST, carried=True)
class ProblemMembers(dy.Schema):
    """A wording of a problem. Those of a wish without an intent stay as long as the problem is remembered."""

    problem_id = text("the problem", key=True)
    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    intent = text("hypothesis under which it fails; empty where the assistant had none", key=True)
    turns = count("turns of the days that are counted; 0 where it does not fail now")
    turns_now = count("of them, those of the newest 3 days, where it fails in these, too")
    users = count("distinct users who said it on these days")
    p = share("probability that it fails")


@table("problem_reviews", published=Published.NEWEST, mended=True)
class ProblemReviews(dy.Schema):
    """A problem that a person dismissed: it is followed still, and told nowhere."""

    problem_id = text("the problem", key=True)
    because = text("why", null=True)
    dismissed = text("night after which it was dismissed, YYYY-MM-DD")
