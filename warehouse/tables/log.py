"""The tables of the log as it was taken in."""

import dataframely as dy

from warehouse.tables.declaring import (
    Grain,
    Published,
    amount,
    count,
    hypotheses,
    share,
    table,
    text,
)


@table("turns", grain=Grain.DAY)
class Turns(dy.Schema):
    """One row a user turn, as the log had it, ids hashed and sessions filled."""

    turn_id = text("unique id of the turn", key=True)
    user_id = text("salted hash of the user's pseudonym")
    timestamp = dy.Datetime(
        nullable=False, time_unit="ms", time_zone="UTC", description="when the user spoke, UTC"
    )
    at_ms = dy.Int64(nullable=False, description="the same as milliseconds since 1970")
    session_id = text("session, given by the log or ended by a silence")
    session_given = dy.Bool(nullable=False, description="the log named the session")
    locale = text("BCP 47 tag; und where the log had none")
    utterance = text("what the assistant heard or read, Unicode NFC")
    intent = text("executed hypothesis; null where none was trusted", null=True)
    confidence = share("the assistant's confidence", null=True)
    best_intent = text("best hypothesis, executed or not", null=True)
    best_confidence = share("confidence of the best hypothesis", null=True)
    n_best = hypotheses()
    slots = dy.List(
        dy.Struct({"name": dy.String(nullable=True), "value": dy.String(nullable=True)}),
        nullable=True,
        description="slot values of the hypothesis, by name",
    )
    interpretation = text("hypothesis and slot values as one text; null without slots", null=True)
    response = text("what the assistant answered", null=True)
    outcome = text("success or failure, as the assistant believes", null=True)
    feedback = dy.Int8(nullable=True, min=-1, max=1, description="explicit thumbs")
    executed_utterance = text("what ran, if a rewrite was applied", null=True)
    channel = text("voice, text, ...", null=True)
    interrupted = dy.Bool(nullable=True, description="the user cut the answer off")
    model_version = text("model that answered", null=True)
    arm = text("holdout or treated", null=True)
    propensity = share("chance of that arm", null=True)
    prompted_slot = text("slot that the assistant had just asked for", null=True)


@table("rejects")
class Rejects(dy.Schema):
    """One row a log row that was set aside at the door. Holds no wording."""

    file = text("file of the row")
    line = dy.Int64(nullable=False, description="row in the file, from 1")
    field = text("field that breaks the contract")
    reason = text("what is wrong and the mend")


@table("fallback_intents")
class FallbackIntents(dy.Schema):
    """Names of intents under which the log seems to hold what was not understood."""

    intent = text("name, as the log has it", key=True)
    wordings = count("distinct wordings under it when it was found")
    breadth = amount("times as alike to each other as to those of the other intents, then")


@table("inactivity", grain=Grain.DAY)
class Inactivity(dy.Schema):
    """How long people are silent between two turns: a histogram of a day, which adds up by day."""

    locale = text("locale of the later turn", key=True)
    channel = text("channel of the later turn; empty where the log has none", key=True)
    octave = dy.Int64(
        nullable=False, primary_key=True, description="quarter octaves of milliseconds, from 1 ms"
    )
    silences = count("silences of that length")


@table("session_timeouts", published=Published.NEWEST)
class SessionTimeouts(dy.Schema):
    """The silence that ends a session, as learned from the silences of the window, or as set."""

    locale = text("locale", key=True)
    channel = text("channel; empty where the log has none", key=True)
    gap_ms = dy.Int64(nullable=False, min=1, description="silence that ends a session")
    learned = dy.Enum(
        ["own", "whole", "default", "set"],
        nullable=False,
        description="from its own silences, from those of the whole log, from too few, by settings",
    )
    silences = count("silences of at most a day")
    ended = count("of them, longer than the gap")
    ended_half = count("of them, longer than half the gap")
    ended_double = count("of them, longer than double the gap")


@table("bots", grain=Grain.DAY)
class Bots(dy.Schema):
    """What a user said on a day as no person does; it is set aside and teaches nothing."""

    user_id = text("salted hash of the user", key=True)
    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    reason = dy.Enum(
        ["rate", "burst", "repetition", "periodicity"],
        nullable=False,
        description="too many turns a day, too many a minute, one wording too often or by the clock",
    )
    turns = count("turns set aside")


@table("field_counts")
class FieldCounts(dy.Schema):
    """Of the window's turns, how many have each field."""

    turns = count("turns")
    session_id = count("turns whose session the log names")
    intent = count("turns with an executed hypothesis")
    slots = count("turns with slots")
    confidence = count("turns with a confidence")
    n_best = count("turns with all hypotheses")
    response = count("turns with an answer")
    outcome = count("turns with an outcome")
    feedback = count("turns with thumbs")
    interrupted = count("turns that say whether the answer was cut off")
    channel = count("turns with a channel")
    executed_utterance = count("turns that say what ran")
    model_version = count("turns that name the model")
    arm = count("turns that name their arm")
