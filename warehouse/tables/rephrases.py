"""The tables of what is said again, and where it leads."""

import dataframely as dy

from warehouse.tables.declaring import Grain, count, share, strings, table, text


@table("pairs", grain=Grain.DAY)
class Pairs(dy.Schema):
    """Two turns of one session, close enough that the later may say the earlier again."""

    source_turn_id = text("earlier turn", key=True)
    target_turn_id = text("later turn", key=True)
    user_id = text("salted hash of the user")
    session_id = text("session of both")
    locale = text("locale of both")
    channel = text("channel of the later turn", null=True)
    source = text("earlier wording")
    target = text("later wording")
    seconds = dy.Float64(nullable=False, min=0.0, description="time between the two, seconds")
    apart = count("turns from the one to the other; 1 is the next")
    lost_between = count("turns between the two for which the assistant had no hypothesis")
    source_intent = text("best hypothesis of the earlier turn", null=True)
    target_intent = text("best hypothesis of the later turn", null=True)
    source_values = dy.List(
        dy.String(nullable=True), nullable=True, description="slot values of the earlier turn"
    )
    target_values = dy.List(
        dy.String(nullable=True), nullable=True, description="slot values of the later turn"
    )
    source_known = dy.List(
        dy.String(nullable=True), nullable=True, description="all hypotheses of the earlier turn"
    )
    source_executed = dy.Bool(nullable=False, description="the earlier hypothesis was executed")
    target_executed = dy.Bool(nullable=False, description="the later hypothesis was executed")
    source_confidence = share("confidence of the earlier hypothesis", null=True)
    target_confidence = share("confidence of the later hypothesis", null=True)
    source_outcome = text("outcome of the earlier turn", null=True)
    target_outcome = text("outcome of the later turn", null=True)
    source_response = text("what the assistant answered to the earlier turn", null=True)
    repeated_itself = dy.Bool(
        nullable=True, description="it answered the earlier turn as the one before it"
    )
    interrupted = dy.Bool(nullable=True, description="the user cut that answer off")
    feedback = dy.Int8(nullable=True, min=-1, max=1, description="thumbs of the earlier turn")


@table("rephrase_events", grain=Grain.DAY)
class RephraseEvents(dy.Schema):
    """A turn that may say an earlier turn of its session again."""

    source_turn_id = text("turn that was said first", key=True)
    target_turn_id = text("turn that says it again", key=True)
    session_id = text("session of both")
    locale = text("locale of both")
    source = text("first wording")
    target = text("later wording")
    seconds = dy.Float64(nullable=False, min=0.0, description="time between the two, seconds")
    kind = dy.Enum(["rephrase", "retry"], nullable=False, description="retry: the same words again")
    p_rephrase = share("probability that the target says the source again, calibrated")
    p_success = share("probability that the target gave the user what was wanted")


@table("mixture_fits")
class MixtureFits(dy.Schema):
    """How much is said again in a locale."""

    locale = text("locale; all where it is the whole", key=True)
    pairs = count("candidate pairs")
    said_again = dy.Float64(nullable=False, min=0.0, description="expected number said again")
    evidence = strings("what the log had to tell it")


@table("slot_answers")
class SlotAnswers(dy.Schema):
    """A turn that answers the assistant's question, and is no wording of the intent that was running."""

    turn_id = text("the turn", key=True)
    day = text("its day, YYYY-MM-DD", null=True)
    locale = text("its locale")
    utterance = text("its wording")


@table("best_rephrases")
class BestRephrases(dy.Schema):
    """A turn that may have been said again, with its most probable target."""

    source_turn_id = text("turn that was said first", key=True)
    target_turn_id = text("turn that says it again")
    p_rephrase = share("probability that it does")


@table("chain_ends")
class ChainEnds(dy.Schema):
    """Where a chain of saying it again ends."""

    turn_id = text("turn that was said again", key=True)
    end_turn_id = text("last turn of its chain")
    p_chain = share("probability that every step of the chain says the same thing again")


@table("transitions")
class Transitions(dy.Schema):
    """From a wording to the one with which its users ended up."""

    locale = text("locale", key=True)
    source = text("wording that was given up", key=True)
    target = text("wording at the end of the chain", key=True)
    users = count("distinct users")
    occurrences = count("times it was seen")
    p_same = share("probability that the two say the same thing")
    p_kept = share("probability that they do, and that the users stayed with the last one")


@table("defects", grain=Grain.DAY)
class Defects(dy.Schema):
    """For every turn of the window, the probability that it failed its user, as the newest night
    believes it: it looks at neighbours, whose encoder knows the nights before."""

    turn_id = text("turn", key=True)
    locale = text("locale")
    p_defect = share("probability that the turn did not give its user what was wanted")
