"""The tables of what was done and decided."""

import dataframely as dy

from warehouse.tables.declaring import Published, count, share, strings, table, text


@table("withheld", published=Published.HISTORY)
class Withheld(dy.Schema):
    """Every filter that drops rows says how many and why."""

    stage = text("where", key=True)
    reason = text("why", key=True)
    rows = count("rows withheld")


@table("night_plans")
class NightPlans(dy.Schema):
    """One row: whether the night learns everything anew, or applies to what is new what an earlier night learned."""

    full = dy.Bool(nullable=False, description="whether everything is learned anew")
    since = text("the last night that learned everything, YYYY-MM-DD", key=True)


@table("full_nights")
class FullNights(dy.Schema):
    """One row: the last night that learned everything, and what it learned from."""

    night = text("night, YYYY-MM-DD", key=True)
    because = text("why it learned everything")
    turns = count("turns of its window")
    locales = strings("locales of its window")
    basis = text("a hash of code, settings and data that what was learned depends on")


@table("decisions", published=Published.HISTORY)
class Decisions(dy.Schema):
    """One row a decision to retrain or not, with its reasons."""

    night = text("night, YYYY-MM-DD", key=True)
    version = text("training set that was judged")
    retrain = dy.Bool(nullable=False, description="whether retraining pays")
    because = strings("reasons")


@table("outbox", published=Published.HISTORY)
class Outbox(dy.Schema):
    """One row a message that retraining is due, and a receiver; it lies under the training set's night."""

    message = text("id of the message, the same however often it is sent", key=True)
    night = text("night of the training set, YYYY-MM-DD")
    version = text("training set")
    receiver = text("event, webhook or command")
    because = strings("reasons of the decision")
    status = dy.Enum(
        ["waiting", "told", "refused", "withdrawn"],
        nullable=False,
        description="waiting to be sent; told; refused by the receiver; withdrawn by a person",
    )
    attempts = count("times it was sent, or about to be")
    answer = text("what came back last", null=True)


class Evaluations(dy.Schema):
    """One row a locale, and one an intent, of a comparison of a challenger with the champion."""

    challenger = text("model that wants to serve", key=True)
    champion = text("model that serves; null where there was none", null=True)
    locale = text("locale, small ones together, or all", key=True)
    intent = text("intent, or all", key=True)
    cases = dy.Float64(
        nullable=False,
        min=0,
        description="cases that neither model saw: seed data, and users set apart as far as believed; 0 of"
        " a locale that cannot be judged",
    )
    champion_accuracy = share("share of cases right", null=True)
    challenger_accuracy = share("share of cases right", null=True)
    negative_flips = share("share of cases that were right and went wrong", null=True)
    flips_at_least = share("what that share exceeds in nine cases of ten; parts pooled with all")
    flips_at_most = share("what it does not exceed in nine cases of ten")
    exact_cases = dy.Float64(
        nullable=True, min=0, description="cases whose slots are known, too; null of older models"
    )
    champion_exact = share("share of those with intent and all slots right", null=True)
    challenger_exact = share("share of those with intent and all slots right", null=True)
    negative_exact_flips = share(
        "share of those where both were right and one went wrong", null=True
    )
    promoted = dy.Bool(nullable=False, description="the gate let it pass")
    because = strings("reasons")


class SlotEvaluations(dy.Schema):
    """One row a slot, and one for all, of a comparison of a challenger with the champion."""

    challenger = text("model that wants to serve", key=True)
    champion = text("model that serves; null where there was none", null=True)
    slot = text("slot, or all", key=True)
    cases = count("true slots of that name in the seed data, none of which either model saw")
    champion_f1 = share("harmonic mean of precision and recall", null=True)
    challenger_f1 = share("the same of the challenger")


@table("erasures", published=Published.HISTORY)
class Erasures(dy.Schema):
    """Proof that something was erased: one row an erasure, under the day on which it was done."""

    erasure = text("id of the erasure: a keyed hash that leads to nobody", key=True)
    kind = dy.Enum(["user", "age"], nullable=False, description="a user's wish, or too old")
    before = text("day before which everything was erased, YYYY-MM-DD; null for a user", null=True)
    turns = count("turns erased")
    wordings = count("wordings that nobody says any more, erased everywhere")
    examples = count("rows of training sets erased")
    models = strings("models that learned from what was erased; the next ones will not")


@table("runs", published=Published.HISTORY)
class Runs(dy.Schema):
    """One row a night that was run."""

    night = text("night, YYYY-MM-DD", key=True)
    status = text("completed, empty or failed", key=True)
    engine = text("duckdb or spark", null=True)
    read = count("rows read")
    kept = count("rows kept at the door")
    set_aside = count("rows set aside at the door")
    forgotten = count("of them, rows of users who were forgotten")
    turns = count("turns that the lake holds of the night's window")
    message = text("what happened, in a line", null=True)
    evidence = strings("what the log had to tell a rephrase from a change of mind")
    recall = share("least share of the true neighbours found, over locales", null=True)
    verdict_pairs = text(
        "how well pairs that say it again can be told: well, weakly, not at all", null=True
    )
    verdict_failures = text("how well turns that failed can be told", null=True)
    verdict_labels = text(
        "how well labels can be told; the training set is empty where not at all", null=True
    )
    verdict_rewrites = text(
        "how well rewrites can be told; none are proposed where not at all", null=True
    )
    voter_requests = count("requests to the model that is asked what is meant", null=True)
    voter_tokens = count("tokens that its answers say were used", null=True)
    epsilon = dy.Float64(
        nullable=True, description="of the published set of wordings; null without it"
    )
    delta = share("chance that it does not hold", null=True)
    seconds = dy.Float64(nullable=True, description="wall time of the last run of the night")
