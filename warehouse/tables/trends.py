"""The tables of what rises, falls and is launched."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, share, table, text


@table("trends", published=Published.NEWEST)
class Trends(dy.Schema):
    """A term or a cluster that more people say than before, or fewer, and not by chance."""

    locale = text("locale", key=True)
    kind = dy.Enum(["term", "cluster"], primary_key=True, nullable=False, description="of what")
    unit = text("the term, or the cluster's id", key=True)
    utterance = text("the wording of it that most people said")
    change = dy.Enum(
        ["appeared", "rising", "falling", "gone"],
        nullable=False,
        description="nobody said it before, more do, fewer do, nobody does any more",
    )
    since = text("night since which it is known, YYYY-MM-DD")
    days = count("newest days that were compared with those before: 1, 3 or 7")
    now = count("people who said it on these days, each counted once a day")
    before = count("people who said it on the days before, each counted once a day")
    users = count("distinct users of the window")
    users_now = count("distinct users of the newest 7 days")
    ratio = amount("how often it is said, by what it was before")
    at_least = amount("what that exceeds in 19 of 20 cases")
    at_most = amount("what it does not exceed in 19 of 20 cases")
    q = share("false-discovery rate of the night at which it would just be found")


@table("intent_candidates", published=Published.NEWEST)
class IntentCandidates(dy.Schema):
    """What may be a new intent: people want it more than before, few of them come out well, and no label is
    believed of it."""

    locale = text("locale", key=True)
    candidate_id = text("the candidate; keeps its id while it lives on", key=True)
    since = text("night since which it is one, YYYY-MM-DD")
    clusters = dy.List(dy.String(nullable=False), description="its clusters")
    terms = count("its terms of which more is said")
    wordings = count("its wordings of the newest 7 days")
    users = count("distinct users of the window")
    well = share("share of those who said it who came out well, at once or in the end")
    label = text("label that explains most of its surest part", null=True)
    explained = share("share of that part that the label explains")
    ratio = dy.Float64(
        nullable=True,
        min=0.0,
        description="how often its surest part is said, by what it was before",
    )
    q = share("false-discovery rate of the night at which it would just be found")


@table("intent_candidate_members", published=Published.NEWEST)
class IntentCandidateMembers(dy.Schema):
    """A wording of what may be a new intent."""

    locale = text("locale", key=True)
    candidate_id = text("the candidate", key=True)
    utterance = text("wording", key=True)
    cluster_id = text("its cluster", null=True)
    users = count("distinct users of the newest 7 days")


@table("launches", published=Published.NEWEST)
class Launches(dy.Schema):
    """A locale since it was launched. What is recovered is an estimate without truth: of the turns that
    failed, how many have another label than the executed one that is believed, as probably as it is."""

    locale = text("locale", key=True)
    launched = text("first day by which k users had spoken it, of all nights, YYYY-MM-DD")
    days = count("days since then, as of the night")
    turns = count("turns of the window")
    users = count("distinct users of the window")
    seed = count("utterances of seed data")
    wordings = count("wordings of the window")
    labelled = count("wordings that have a label")
    believed = count("wordings whose label is believed: those of the training set")
    believed_turns = count("their turns")
    believed_users = count("their distinct users")
    unlabelled = count("wordings without any label")
    too_few = count("wordings with a label that too few users are behind")
    unsure = count("wordings whose best label is not believed by enough of them")
    failed = amount("turns that failed their users, expected number")
    users_failed = count("distinct users of turns that probably failed")
    recovered = amount(
        "of those turns, how many could be mended by now, expected number; estimated"
    )
    users_recovered = count("distinct users of such turns")
    recovered_at_least = share(
        "share of failed turns that this exceeds in 19 of 20 cases", null=True
    )
    recovered_at_most = share("share that it does not exceed in 19 of 20 cases", null=True)
    first_turns = count("turns of the first 7 days, as far as the window has them")
    first_failed = amount("of them, turns that failed, expected number")
    first_users_failed = count("distinct users of turns of them that probably failed")
    last_turns = count("turns of the last 7 days")
    last_failed = amount("of them, turns that failed, expected number")
    last_users_failed = count("distinct users of turns of them that probably failed")


@table("launch_days", published=Published.NEWEST)
class LaunchDays(dy.Schema):
    """A day of a locale since it was launched."""

    locale = text("locale", key=True)
    day = text("day, YYYY-MM-DD", key=True)
    since = count("days since the launch, 0 on its day")
    turns = count("turns")
    users = count("distinct users")
    failed = amount("turns that failed their users, expected number")
    users_failed = count("distinct users of turns that probably failed")
    recovered = amount("of those, how many could be mended by now, expected number; estimated")
    users_recovered = count("distinct users of such turns")
    recovered_then = share(
        "recovered share of the window, as the night of the day had it", null=True
    )
