"""The tables of figures for analysts."""

import dataframely as dy

from warehouse.tables.declaring import Published, amount, count, table, text
from warehouse.tables.records import Withheld
from warehouse.tables.rephrases import Transitions


@table("channels", published=Published.NEWEST)
class Channels(dy.Schema):
    """Who speaks in a channel of a locale."""

    locale = text("locale", key=True)
    channel = text("channel; empty where the log has none", key=True)
    users = count("distinct users")


@table("cluster_users", published=Published.NEWEST)
class ClusterUsers(dy.Schema):
    """A cluster that has a published wording, and who says any of its wordings."""

    cluster_id = text("cluster", key=True)
    users = count("distinct users")


@table("released_lineage", published=Published.HISTORY)
class ReleasedLineage(dy.Schema):
    """What became of clusters that are published, that night or the night before."""

    cluster_id = text("cluster", key=True)
    event = text("born, split, merged or died", key=True)
    other_id = text("split: where it came from; merged: where it went; if published", null=True)
    users = count("distinct users of its wordings tonight; 0 where it is gone")


@table("daily_intents", published=Published.NEWEST)
class DailyIntents(dy.Schema):
    """A day of an intent that the assistant heard, in a locale, or in locales together."""

    day = text("day, YYYY-MM-DD; all where it is the window", key=True)
    locale = text("locale; together: small locales (how many), or all", key=True)
    intent = text("best hypothesis of the assistant; empty where none, * of all", key=True)
    turns = count("turns")
    users = count("distinct users")
    said_again = amount("turns said again, expected number")
    users_again = count("distinct users who said something again")
    defects = amount("turns that failed their users, expected number")
    users_failed = count("distinct users of turns that probably failed")
    failures = count("turns that the assistant itself believes failed")
    users_failure = count("distinct users of those turns")


@table("pooled_intents", published=Published.NEWEST)
class PooledIntents(DailyIntents):
    """The same of all locales together, and of the small ones as if they were one."""


@table("confusions", published=Published.NEWEST)
class Confusions(dy.Schema):
    """What the assistant heard in wordings whose meaning is believed."""

    locale = text("locale", key=True)
    heard = text("best hypothesis of the assistant; empty where it had none", key=True)
    meant = text("label that is believed", key=True)
    turns = count("turns")
    users = count("distinct users")


@table("released_utterances", published=Published.NEWEST)
class ReleasedUtterances(dy.Schema):
    """A wording that may be published, and how it is shown. UtteranceStats that are shown alike count together."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    shown = text("the wording without numbers, addresses and names")
    turns = count("turns of all wordings that are shown so")
    users = count("distinct users who said any of them")


@table("released_transitions", published=Published.NEWEST)
class ReleasedTransitions(Transitions):
    """Transitions between wordings as they are shown."""


@table("suppressed", published=Published.HISTORY)
class Suppressed(Withheld):
    """Wordings that are not published, by the reason."""


@table("failing_utterances", published=Published.NEWEST)
class FailingUtterances(dy.Schema):
    """A wording that may be published and that failed users; those that are shown alike count together."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    failed = amount("turns that failed their users, expected number")
    users_failed = count("distinct users of turns that probably failed")


@table("cluster_map", published=Published.NEWEST)
class ClusterMap(dy.Schema):
    """A cluster's place on the map: near ones are said alike."""

    cluster_id = text("cluster", key=True)
    x = dy.Float64(nullable=False, description="to the right, 0 in the middle; no unit")
    y = dy.Float64(nullable=False, description="upwards, 0 in the middle; no unit")


@table("funnel", published=Published.HISTORY)
class Funnel(dy.Schema):
    """What was left after each step of a night."""

    place = count("which step, from 0")
    step = text("what was left", key=True)
    unit = text("rows, turns or wordings")
    count = count("how many")
