"""The typed tables: columns, rules and what each column means, in one place.

A schema checks at the door of the lake, documents the published warehouse, and names what flows.
Times are UTC; rates and probabilities lie in 0..1.
"""

import dataframely as dy
import polars as pl

UTC_MS = pl.Datetime("ms", "UTC")


class Float16(dy.Float32):
    """A column of float16 values, which dataframely does not have."""

    @property
    def dtype(self) -> pl.DataType:
        return pl.Float16()


def _text(meaning: str, *, null: bool = False, key: bool = False) -> dy.String:
    return dy.String(nullable=null, primary_key=key, description=meaning)


def _share(meaning: str, *, null: bool = False) -> dy.Float64:
    return dy.Float64(nullable=null, min=0.0, max=1.0, description=meaning)


def _count(meaning: str) -> dy.Int64:
    return dy.Int64(nullable=False, min=0, description=meaning)


def _amount(meaning: str) -> dy.Float64:
    return dy.Float64(nullable=False, min=0.0, description=meaning)


def _strings(meaning: str) -> dy.List:
    return dy.List(dy.String(nullable=False), description=meaning)


def _hypotheses() -> dy.List:
    return dy.List(
        dy.Struct({"intent": dy.String(nullable=True), "confidence": dy.Float64(nullable=True)}),
        nullable=True,
        description="all hypotheses of the assistant, best first",
    )


class Turns(dy.Schema):
    """One row a user turn, as the log had it, ids hashed and sessions filled."""

    turn_id = _text("unique id of the turn", key=True)
    user_id = _text("salted hash of the user's pseudonym")
    timestamp = dy.Datetime(
        nullable=False, time_unit="ms", time_zone="UTC", description="when the user spoke, UTC"
    )
    at_ms = dy.Int64(nullable=False, description="the same as milliseconds since 1970")
    session_id = _text("session, given by the log or ended by a silence")
    session_given = dy.Bool(nullable=False, description="the log named the session")
    locale = _text("BCP 47 tag; und where the log had none")
    utterance = _text("what the assistant heard or read, Unicode NFC")
    intent = _text("executed hypothesis; null where none was trusted", null=True)
    confidence = _share("the assistant's confidence", null=True)
    best_intent = _text("best hypothesis, executed or not", null=True)
    best_confidence = _share("confidence of the best hypothesis", null=True)
    n_best = _hypotheses()
    slots = dy.List(
        dy.Struct({"name": dy.String(nullable=True), "value": dy.String(nullable=True)}),
        nullable=True,
        description="slot values of the hypothesis, by name",
    )
    interpretation = _text("hypothesis and slot values as one text; null without slots", null=True)
    response = _text("what the assistant answered", null=True)
    outcome = _text("success or failure, as the assistant believes", null=True)
    feedback = dy.Int8(nullable=True, min=-1, max=1, description="explicit thumbs")
    executed_utterance = _text("what ran, if a rewrite was applied", null=True)
    channel = _text("voice, text, ...", null=True)
    interrupted = dy.Bool(nullable=True, description="the user cut the answer off")
    model_version = _text("model that answered", null=True)
    arm = _text("holdout or treated", null=True)
    propensity = _share("chance of that arm", null=True)
    prompted_slot = _text("slot that the assistant had just asked for", null=True)


class Rejects(dy.Schema):
    """One row a log row that was set aside at the door. Holds no wording."""

    file = _text("file of the row")
    line = dy.Int64(nullable=False, description="row in the file, from 1")
    field = _text("field that breaks the contract")
    reason = _text("what is wrong and the mend")


class Fallbacks(dy.Schema):
    """Names of intents under which the log seems to hold what was not understood."""

    intent = _text("name, as the log has it", key=True)
    wordings = _count("distinct wordings under it when it was found")
    breadth = _amount("times as alike to each other as to those of the other intents, then")
    cleared = dy.Bool(nullable=False, description="the window's turns and pairs are without it")


class Silences(dy.Schema):
    """How long people are silent between two turns: a histogram of a day, which adds up by day."""

    locale = _text("locale of the later turn", key=True)
    channel = _text("channel of the later turn; empty where the log has none", key=True)
    octave = dy.Int64(
        nullable=False, primary_key=True, description="quarter octaves of milliseconds, from 1 ms"
    )
    silences = _count("silences of that length")


class Gaps(dy.Schema):
    """The silence that ends a session, as learned from the silences of the window, or as set."""

    locale = _text("locale", key=True)
    channel = _text("channel; empty where the log has none", key=True)
    gap_ms = dy.Int64(nullable=False, min=1, description="silence that ends a session")
    learned = dy.Enum(
        ["own", "whole", "default", "set"],
        nullable=False,
        description="from its own silences, from those of the whole log, from too few, by settings",
    )
    silences = _count("silences of at most a day")
    ended = _count("of them, longer than the gap")
    ended_half = _count("of them, longer than half the gap")
    ended_double = _count("of them, longer than double the gap")


class Robots(dy.Schema):
    """What a user said on a day as no person does; it is set aside and teaches nothing."""

    user_id = _text("salted hash of the user", key=True)
    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    reason = dy.Enum(
        ["rate", "burst", "repetition", "periodicity"],
        nullable=False,
        description="too many turns a day, too many a minute, one wording too often or by the clock",
    )
    turns = _count("turns set aside")


class Pairs(dy.Schema):
    """Two turns of one session, close enough that the later may say the earlier again."""

    source_turn_id = _text("earlier turn", key=True)
    target_turn_id = _text("later turn", key=True)
    user_id = _text("salted hash of the user")
    session_id = _text("session of both")
    locale = _text("locale of both")
    channel = _text("channel of the later turn", null=True)
    source = _text("earlier wording")
    target = _text("later wording")
    seconds = dy.Float64(nullable=False, min=0.0, description="time between the two, seconds")
    apart = _count("turns from the one to the other; 1 is the next")
    lost_between = _count("turns between the two for which the assistant had no hypothesis")
    source_intent = _text("best hypothesis of the earlier turn", null=True)
    target_intent = _text("best hypothesis of the later turn", null=True)
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
    source_confidence = _share("confidence of the earlier hypothesis", null=True)
    target_confidence = _share("confidence of the later hypothesis", null=True)
    source_outcome = _text("outcome of the earlier turn", null=True)
    target_outcome = _text("outcome of the later turn", null=True)
    source_response = _text("what the assistant answered to the earlier turn", null=True)
    repeated_itself = dy.Bool(
        nullable=True, description="it answered the earlier turn as the one before it"
    )
    interrupted = dy.Bool(nullable=True, description="the user cut that answer off")
    feedback = dy.Int8(nullable=True, min=-1, max=1, description="thumbs of the earlier turn")


class RephraseEvents(dy.Schema):
    """A turn that may say an earlier turn of its session again."""

    source_turn_id = _text("turn that was said first", key=True)
    target_turn_id = _text("turn that says it again", key=True)
    session_id = _text("session of both")
    locale = _text("locale of both")
    source = _text("first wording")
    target = _text("later wording")
    seconds = dy.Float64(nullable=False, min=0.0, description="time between the two, seconds")
    kind = dy.Enum(["rephrase", "retry"], nullable=False, description="retry: the same words again")
    p_rephrase = _share("probability that the target says the source again, calibrated")
    p_success = _share("probability that the target gave the user what was wanted")


class Defects(dy.Schema):
    """For every turn of the window, the probability that it failed its user, as the newest night
    believes it: it looks at neighbours, whose encoder knows the nights before."""

    turn_id = _text("turn", key=True)
    locale = _text("locale")
    p_defect = _share("probability that the turn did not give its user what was wanted")


class Variants(dy.Schema):
    """Two wordings of different users for one goal, with what binds them."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    variant = _text("another wording for the same", key=True)
    users = _count("distinct users who said either")
    moved = _count("users who went from one to the other")
    ended_alike = _count("users of the rarer one who ended where users of the other did")
    same_cluster = dy.Bool(nullable=False, description="both lie in one cluster")
    same_outcome = dy.Bool(nullable=False, description="one hypothesis, which serves both")
    similarity = dy.Float64(nullable=True, min=-1.01, max=1.01, description="cosine, where near")


class Fits(dy.Schema):
    """How much is said again in a locale."""

    locale = _text("locale; all where it is the whole", key=True)
    pairs = _count("candidate pairs")
    said_again = dy.Float64(nullable=False, min=0.0, description="expected number said again")
    evidence = _strings("what the log had to tell it")


class Judged(dy.Schema):
    """A wording under a hypothesis of the assistant, and how often that was right, expected."""

    locale = _text("locale", key=True)
    utterance = _text("wording that ran", key=True)
    intent = _text("best hypothesis; empty where there was none", key=True)
    users = _count("distinct users")
    executed = _share("share of them for whom it was executed")
    last_ms = dy.Int64(nullable=False, description="when it was last so, milliseconds since 1970")
    right = _share("expected share of right turns")


class Trust(dy.Schema):
    """What the log of the window can tell."""

    subject = _text("pairs, failures, labels or rewrites", key=True)
    verdict = _text("well, weakly, or not at all")
    because = _strings("why not better")


class SlotAnswers(dy.Schema):
    """A turn that answers the assistant's question, and is no wording of the intent that was running."""

    turn_id = _text("the turn", key=True)
    locale = _text("its locale")
    utterance = _text("its wording")


class Rewrites(dy.Schema):
    """A wording that users give up for another, and how sure we are that the other works better."""

    locale = _text("locale", key=True)
    source = _text("wording that fails", key=True)
    target = _text("wording that users end up with", key=True)
    p_better = _share("probability that the target succeeds more often")
    users = _count("distinct users who moved from source to target")
    occurrences = _count("times it was seen")
    p_same = _share("probability that the two say the same thing")
    success = _share("how often the target serves these users, expected")
    success_alone = _share("how often the source does, expected")
    holdout = _share("share of the source's turns to leave alone, at random")
    began = _text("night since which it runs, YYYY-MM-DD")


class Fixes(dy.Schema):
    """A rewrite that runs or ran, and what its treated turns and those left alone show, apart."""

    locale = _text("locale", key=True)
    source = _text("wording that fails", key=True)
    target = _text("wording that runs instead", key=True)
    status = dy.Enum(["live", "withdrawn"], nullable=False, description="live, or withdrawn")
    began = _text("night since which it runs, or ran")
    until = _text("night of its withdrawal", null=True)
    withdrawals = _count("times it was withdrawn")
    since = _text("day after which its turns count: of its beginning, or of the last change")
    promised = _share("success that it is held to")
    believed = _share("share of treated users expected to come back, before any did", null=True)
    believed_alone = _share("the same of those left alone", null=True)
    holdout = _share("share of its turns to leave alone, at random")
    treated = _amount("users treated since, effective ones")
    treated_fled = _share("share of them who came back")
    alone = _amount("users left alone since, effective ones")
    alone_fled = _share("share of them who came back")
    p_worse = _share("probability that it is worse than leaving the wording alone")
    p_better = _share("probability that the target succeeds where the source does not")
    users = _count("distinct users who moved from source to target when it was mined last")
    occurrences = _count("times that was seen")
    p_same = _share("probability that the two say the same thing")
    success = _share("how often the target serves these users, expected")
    success_alone = _share("how often the source does, expected")


class Evidence(dy.Schema):
    """Of the window's turns, how many have each field."""

    turns = _count("turns")
    session_id = _count("turns whose session the log names")
    intent = _count("turns with an executed hypothesis")
    slots = _count("turns with slots")
    confidence = _count("turns with a confidence")
    n_best = _count("turns with all hypotheses")
    response = _count("turns with an answer")
    outcome = _count("turns with an outcome")
    feedback = _count("turns with thumbs")
    interrupted = _count("turns that say whether the answer was cut off")
    channel = _count("turns with a channel")
    executed_utterance = _count("turns that say what ran")
    model_version = _count("turns that name the model")
    arm = _count("turns that name their arm")


class Followed(dy.Schema):
    """A turn that may have been said again, with its most probable target."""

    source_turn_id = _text("turn that was said first", key=True)
    target_turn_id = _text("turn that says it again")
    p_rephrase = _share("probability that it does")


class Utterances(dy.Schema):
    """What became of a wording under one hypothesis of the assistant; a user counts once."""

    locale = _text("locale", key=True)
    utterance = _text("wording that ran", key=True)
    intent = _text("best hypothesis of the assistant; empty where it had none", key=True)
    last_ms = dy.Int64(nullable=False, description="when it last had it, milliseconds since 1970")
    turns = _count("turns")
    users = _count("distinct users")
    executed_users = _count("users for whom the hypothesis was executed")
    fled = dy.Float64(
        nullable=False, min=0.0, description="of those, how many said it again, expected number"
    )
    fled_unexecuted = dy.Float64(
        nullable=False, min=0.0, description="of the others, how many said it again"
    )
    confidence = _share("mean confidence of the hypothesis", null=True)


class Moves(dy.Schema):
    """From a wording to the one with which its users ended up."""

    locale = _text("locale", key=True)
    source = _text("wording that was given up", key=True)
    target = _text("wording at the end of the chain", key=True)
    users = _count("distinct users")
    occurrences = _count("times it was seen")
    p_same = _share("probability that the two say the same thing")
    p_kept = _share("probability that they do, and that the users stayed with the last one")


class Ends(dy.Schema):
    """Where a chain of saying it again ends."""

    turn_id = _text("turn that was said again", key=True)
    end_turn_id = _text("last turn of its chain")
    p_chain = _share("probability that every step of the chain says the same thing again")


class Embeddings(dy.Schema):
    """A vector a wording, kept under the night that made it; a later night makes only what is new."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    content = _text("hash of the wording, the same in all locales")
    encoder = _text("version of the encoder that made the vector", key=True)
    vector = dy.List(Float16(nullable=False), description="unit length")


class Neighbours(dy.Schema):
    """Nearest wordings of a wording, within its locale."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    neighbour = _text("a wording near it", key=True)
    similarity = dy.Float64(nullable=False, min=-1.01, max=1.01, description="cosine")


class Searches(dy.Schema):
    """How the neighbours of a locale's wordings were found, and how many of them."""

    locale = _text("locale", key=True)
    wordings = _count("distinct wordings")
    index = _text("what was searched")
    recall = _share("share of the nearest that was found, against exact search on a sample")


class Clusters(dy.Schema):
    """Wordings that mean the same; a cluster that lives on keeps its id."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    cluster_id = _text("cluster")
    similarity = dy.Float64(
        nullable=False, min=-1.01, max=1.01, description="cosine to the cluster's centre"
    )
    central = dy.Bool(nullable=False, description="the wording that stands for the cluster")
    users = _count("distinct users of the wording")
    share = _share("the wording's share of the users of the cluster's wordings")


class Memberships(dy.Schema):
    """Clusters to which a wording may belong, by its neighbours; what is missing to 1: to none of
    them."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    cluster_id = _text("cluster", key=True)
    probability = _share("probability that it belongs there")


class Lineage(dy.Schema):
    """What became of the clusters of the night before; those of one wording are left out."""

    cluster_id = _text("cluster", key=True)
    event = _text("born, split, merged or died", key=True)
    other_id = _text("split: where it came from; merged: where it went", null=True)
    users = _count("users of the wordings that this is about")


class Verdicts(dy.Schema):
    """What a person decided about a cluster; it follows the cluster."""

    cluster_id = _text("cluster", key=True)
    verdict = _text("accepted or rejected; null where it was only named", null=True)
    name = _text("what the person calls it", null=True)
    first_id = _text("the cluster's id when it was decided")


class Reviews(dy.Schema):
    """What a person decided about a rewrite, or about a label of a wording."""

    kind = dy.Enum(["rewrite", "label"], primary_key=True, nullable=False, description="of what")
    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    target = _text("wording that would run instead; empty of a label", key=True)
    label = _text("intent; empty of a rewrite", key=True)
    verdict = dy.Enum(["accepted", "rejected"], nullable=False, description="what was decided")


class Wordings(dy.Schema):
    """How often, and by how many, a wording was said."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    turns = _count("turns")
    users = _count("distinct users")


class Channels(dy.Schema):
    """Who speaks in a channel of a locale."""

    locale = _text("locale", key=True)
    channel = _text("channel; empty where the log has none", key=True)
    users = _count("distinct users")


class ClusterUsers(dy.Schema):
    """A cluster that has a published wording, and who says any of its wordings."""

    cluster_id = _text("cluster", key=True)
    users = _count("distinct users")


class ShownLineage(dy.Schema):
    """What became of clusters that are published, that night or the night before."""

    cluster_id = _text("cluster", key=True)
    event = _text("born, split, merged or died", key=True)
    other_id = _text("split: where it came from; merged: where it went; if published", null=True)
    users = _count("distinct users of its wordings tonight; 0 where it is gone")


class DailyIntents(dy.Schema):
    """A day of an intent that the assistant heard, in a locale, or in locales together."""

    day = _text("day, YYYY-MM-DD; all where it is the window", key=True)
    locale = _text("locale; together: small locales (how many), or all", key=True)
    intent = _text("best hypothesis of the assistant; empty where none, * of all", key=True)
    turns = _count("turns")
    users = _count("distinct users")
    said_again = _amount("turns said again, expected number")
    users_again = _count("distinct users who said something again")
    defects = _amount("turns that failed their users, expected number")
    users_failed = _count("distinct users of turns that probably failed")
    failures = _count("turns that the assistant itself believes failed")
    users_failure = _count("distinct users of those turns")


class Confusions(dy.Schema):
    """What the assistant heard in wordings whose meaning is believed."""

    locale = _text("locale", key=True)
    heard = _text("best hypothesis of the assistant; empty where it had none", key=True)
    meant = _text("label that is believed", key=True)
    turns = _count("turns")
    users = _count("distinct users")


class Shown(dy.Schema):
    """A wording that may be published, and how it is shown. Wordings that are shown alike count together."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    shown = _text("the wording without numbers, addresses and names")
    turns = _count("turns of all wordings that are shown so")
    users = _count("distinct users who said any of them")


class Hurts(dy.Schema):
    """A wording that may be published and that failed users; those that are shown alike count together."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    failed = _amount("turns that failed their users, expected number")
    users_failed = _count("distinct users of turns that probably failed")


class Launches(dy.Schema):
    """A locale since it was launched. What is recovered is an estimate without truth: of the turns that
    failed, how many have another label than the executed one that is believed, as probably as it is."""

    locale = _text("locale", key=True)
    launched = _text("first day by which k users had spoken it, of all nights, YYYY-MM-DD")
    days = _count("days since then, as of the night")
    turns = _count("turns of the window")
    users = _count("distinct users of the window")
    seed = _count("utterances of seed data")
    wordings = _count("wordings of the window")
    labelled = _count("wordings that have a label")
    believed = _count("wordings whose label is believed: those of the training set")
    believed_turns = _count("their turns")
    believed_users = _count("their distinct users")
    unlabelled = _count("wordings without any label")
    too_few = _count("wordings with a label that too few users are behind")
    unsure = _count("wordings whose best label is not believed by enough of them")
    failed = _amount("turns that failed their users, expected number")
    users_failed = _count("distinct users of turns that probably failed")
    recovered = _amount(
        "of those turns, how many could be mended by now, expected number; estimated"
    )
    users_recovered = _count("distinct users of such turns")
    recovered_at_least = _share(
        "share of failed turns that this exceeds in 19 of 20 cases", null=True
    )
    recovered_at_most = _share("share that it does not exceed in 19 of 20 cases", null=True)
    first_turns = _count("turns of the first 7 days, as far as the window has them")
    first_failed = _amount("of them, turns that failed, expected number")
    first_users_failed = _count("distinct users of turns of them that probably failed")
    last_turns = _count("turns of the last 7 days")
    last_failed = _amount("of them, turns that failed, expected number")
    last_users_failed = _count("distinct users of turns of them that probably failed")


class LaunchDays(dy.Schema):
    """A day of a locale since it was launched."""

    locale = _text("locale", key=True)
    day = _text("day, YYYY-MM-DD", key=True)
    since = _count("days since the launch, 0 on its day")
    turns = _count("turns")
    users = _count("distinct users")
    failed = _amount("turns that failed their users, expected number")
    users_failed = _count("distinct users of turns that probably failed")
    recovered = _amount("of those, how many could be mended by now, expected number; estimated")
    users_recovered = _count("distinct users of such turns")
    recovered_then = _share(
        "recovered share of the window, as the night of the day had it", null=True
    )


class Changes(dy.Schema):
    """A term or a cluster that more people say than before, or fewer, and not by chance."""

    locale = _text("locale", key=True)
    kind = dy.Enum(["term", "cluster"], primary_key=True, nullable=False, description="of what")
    unit = _text("the term, or the cluster's id", key=True)
    utterance = _text("the wording of it that most people said")
    change = dy.Enum(
        ["appeared", "rising", "falling", "gone"],
        nullable=False,
        description="nobody said it before, more do, fewer do, nobody does any more",
    )
    since = _text("night since which it is known, YYYY-MM-DD")
    days = _count("newest days that were compared with those before: 1, 3 or 7")
    now = _count("people who said it on these days, each counted once a day")
    before = _count("people who said it on the days before, each counted once a day")
    users = _count("distinct users of the window")
    users_now = _count("distinct users of the newest 7 days")
    ratio = _amount("how often it is said, by what it was before")
    at_least = _amount("what that exceeds in 19 of 20 cases")
    at_most = _amount("what it does not exceed in 19 of 20 cases")
    q = _share("false-discovery rate of the night at which it would just be found")


class Candidates(dy.Schema):
    """What may be a new intent: people want it more than before, few of them come out well, and no label is
    believed of it."""

    locale = _text("locale", key=True)
    candidate_id = _text("the candidate; keeps its id while it lives on", key=True)
    since = _text("night since which it is one, YYYY-MM-DD")
    clusters = dy.List(dy.String(nullable=False), description="its clusters")
    terms = _count("its terms of which more is said")
    wordings = _count("its wordings of the newest 7 days")
    users = _count("distinct users of the window")
    well = _share("share of those who said it who came out well, at once or in the end")
    label = _text("label that explains most of its surest part", null=True)
    explained = _share("share of that part that the label explains")
    ratio = dy.Float64(
        nullable=True,
        min=0.0,
        description="how often its surest part is said, by what it was before",
    )
    q = _share("false-discovery rate of the night at which it would just be found")


class CandidateMembers(dy.Schema):
    """A wording of what may be a new intent."""

    locale = _text("locale", key=True)
    candidate_id = _text("the candidate", key=True)
    utterance = _text("wording", key=True)
    cluster_id = _text("its cluster", null=True)
    users = _count("distinct users of the newest 7 days")


class Places(dy.Schema):
    """A cluster's place on the map: near ones are said alike."""

    cluster_id = _text("cluster", key=True)
    x = dy.Float64(nullable=False, description="to the right, 0 in the middle; no unit")
    y = dy.Float64(nullable=False, description="upwards, 0 in the middle; no unit")


class Funnel(dy.Schema):
    """What was left after each step of a night."""

    place = _count("which step, from 0")
    step = _text("what was left", key=True)
    unit = _text("rows, turns or wordings")
    count = _count("how many")


class Votes(dy.Schema):
    """One report: this user, by this kind of evidence, says that this wording means this label."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    label = _text("intent", key=True)
    kind = _text("kind of evidence", key=True)
    via = _text("wording at which the user ended; empty where it is this one", key=True)
    user_id = _text("salted hash of the user; empty where it is nobody's vote", key=True)
    day = _text("last day on which it was cast, YYYY-MM-DD")
    weight = _share("how much of a vote it is, a user's mean over the turns")


class Reliability(dy.Schema):
    """How often the votes of a kind come from the truth, as the newest night learned it."""

    locale = _text("locale", key=True)
    kind = _text("kind of evidence", key=True)
    reliability = _share("share of its votes that come from the truth, not from anywhere")


class Borrowed(dy.Schema):
    """What each locale began with from others, as the newest night learned it."""

    locale = _text("locale", key=True)
    users = _amount("votes of its users who stayed or fled")
    lenders = _count("locales with users enough to lend to it")
    own = _amount("trust in its own words, a factor on their scores")
    elsewhere = _amount("trust in what all locales know of the words; 0 is none")


class Moved(dy.Schema):
    """Wordings whose meaning moved, by who came back; what was voted before counts little."""

    locale = _text("locale", key=True)
    utterance = _text("a wording", key=True)
    label = _text("the label by which it shows most")
    since = _text("first day that counts as new, YYYY-MM-DD")
    stayed_before = _amount("votes of users who stayed with the label, before that day")
    fled_before = _amount("and of those who said it again")
    stayed = _amount("votes of users who stayed with it, from that day on")
    fled = _amount("and of those who said it again")


class Calibration(dy.Schema):
    """How what was believed held before users who were held back."""

    locale = _text("locale", key=True)
    bucket = dy.Enum(
        ["unseen", "tail", "torso", "head"],
        primary_key=True,
        nullable=False,
        description="users behind the wording: none, from 1, from 3, from 10",
    )
    users = _count("distinct users who were held back")
    votes = dy.Float64(nullable=False, min=0.0, description="what they did, by weight")
    believed = _share("mean probability of the hypotheses that they were given")
    bent = _share("the same after the correction; equal where none was called for")
    observed = _share("share of right ones, by who of them came back")
    error = _share("standard error of that share", null=True)


class SoftLabels(dy.Schema):
    """What is believed of a wording's meaning."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    label = _text("intent", key=True)
    probability = _share("probability that the label is right, calibrated")
    users = _count("distinct users behind the wording's cluster and label")
    votes = dy.Float64(nullable=False, min=0.0, description="weight of the votes for it")


SLOT = dy.Struct(
    {
        "name": dy.String(nullable=True),
        "value": dy.String(nullable=True),
        "start": dy.Int64(nullable=True),
        "end": dy.Int64(nullable=True),
        "probability": dy.Float64(nullable=True),
    }
)


class Examples(dy.Schema):
    """A row of a training set: a wording with soft labels."""

    locale = _text("locale", key=True)
    utterance = _text("wording", key=True)
    labels = _strings("intents, most probable first")
    probabilities = dy.List(dy.Float64(nullable=False), description="sum to 1")
    weight = dy.Float64(
        nullable=False,
        min=0.0,
        max=1.0,
        description="how much evidence the row is worth, in (0, 1]",
    )
    users = _count("distinct users behind the wording's cluster and label")
    sources = _strings("kinds of evidence behind the row")
    slots = dy.List(SLOT, nullable=True, description="projected slots; null where not projected")
    split = dy.Enum(
        ["train", "validation"],
        nullable=False,
        description="validation: every user of the wording is set apart for it",
    )
    said_by = _count("distinct users who said the wording")

    @dy.rule()
    def probabilities_sum_to_one(cls) -> pl.Expr:  # noqa: N805
        return (pl.col("probabilities").list.sum() - 1).abs() < 1e-6

    @dy.rule()
    def weight_is_above_zero(cls) -> pl.Expr:  # noqa: N805
        return pl.col("weight") > 0


class ExampleVariants(dy.Schema):
    """A row of a training set that nobody said: a believed wording with one word in another form."""

    locale = _text("locale", key=True)
    utterance = _text("the variant", key=True)
    source = _text("wording that it was made of")
    labels = _strings("intents of that wording, most probable first")
    probabilities = dy.List(dy.Float64(nullable=False), description="sum to 1")
    weight = _share("a part of that wording's weight")


class Withheld(dy.Schema):
    """Every filter that drops rows says how many and why."""

    stage = _text("where", key=True)
    reason = _text("why", key=True)
    rows = _count("rows withheld")


class TrainingSets(dy.Schema):
    """One row a training set."""

    version = _text("training set", key=True)
    night = _text("night that made it, YYYY-MM-DD")
    examples = _count("rows")
    believed_weight = dy.Float64(nullable=False, description="sum of the rows' weights")
    fresh = _count("rows that the set before it did not hold with the same best label")


class Decisions(dy.Schema):
    """One row a decision to retrain or not, with its reasons."""

    night = _text("night, YYYY-MM-DD", key=True)
    version = _text("training set that was judged")
    retrain = dy.Bool(nullable=False, description="whether retraining pays")
    because = _strings("reasons")


class Outbox(dy.Schema):
    """One row a message that retraining is due, and a receiver; it lies under the training set's night."""

    message = _text("id of the message, the same however often it is sent", key=True)
    night = _text("night of the training set, YYYY-MM-DD")
    version = _text("training set")
    receiver = _text("event, webhook or command")
    because = _strings("reasons of the decision")
    status = dy.Enum(
        ["waiting", "told", "refused", "withdrawn"],
        nullable=False,
        description="waiting to be sent; told; refused by the receiver; withdrawn by a person",
    )
    attempts = _count("times it was sent, or about to be")
    answer = _text("what came back last", null=True)


class Evaluations(dy.Schema):
    """One row a locale, and one an intent, of a comparison of a challenger with the champion."""

    challenger = _text("model that wants to serve", key=True)
    champion = _text("model that serves; null where there was none", null=True)
    locale = _text("locale, small ones together, or all", key=True)
    intent = _text("intent, or all", key=True)
    cases = dy.Float64(
        nullable=False,
        min=0,
        description="cases that neither model saw: seed data, and users set apart as far as believed; 0 of"
        " a locale that cannot be judged",
    )
    champion_accuracy = _share("share of cases right", null=True)
    challenger_accuracy = _share("share of cases right", null=True)
    negative_flips = _share("share of cases that were right and went wrong", null=True)
    flips_at_least = _share("what that share exceeds in nine cases of ten; parts pooled with all")
    flips_at_most = _share("what it does not exceed in nine cases of ten")
    promoted = dy.Bool(nullable=False, description="the gate let it pass")
    because = _strings("reasons")


class Erasures(dy.Schema):
    """Proof that something was erased: one row an erasure, under the day on which it was done."""

    erasure = _text("id of the erasure: a keyed hash that leads to nobody", key=True)
    kind = dy.Enum(["user", "age"], nullable=False, description="a user's wish, or too old")
    before = _text("day before which everything was erased, YYYY-MM-DD; null for a user", null=True)
    turns = _count("turns erased")
    wordings = _count("wordings that nobody says any more, erased everywhere")
    examples = _count("rows of training sets erased")
    models = _strings("models that learned from what was erased; the next ones will not")


class Runs(dy.Schema):
    """One row a night that was run."""

    night = _text("night, YYYY-MM-DD", key=True)
    status = _text("completed, empty or failed", key=True)
    engine = _text("duckdb or spark", null=True)
    read = _count("rows read")
    kept = _count("rows kept at the door")
    set_aside = _count("rows set aside at the door")
    forgotten = _count("of them, rows of users who were forgotten")
    turns = _count("turns that the lake holds of the night's window")
    message = _text("what happened, in a line", null=True)
    evidence = _strings("what the log had to tell a rephrase from a change of mind")
    recall = _share("least share of the true neighbours found, over locales", null=True)
    verdict_pairs = _text(
        "how well pairs that say it again can be told: well, weakly, not at all", null=True
    )
    verdict_failures = _text("how well turns that failed can be told", null=True)
    verdict_labels = _text(
        "how well labels can be told; the training set is empty where not at all", null=True
    )
    verdict_rewrites = _text(
        "how well rewrites can be told; none are proposed where not at all", null=True
    )
    epsilon = dy.Float64(
        nullable=True, description="of the published set of wordings; null without it"
    )
    delta = _share("chance that it does not hold", null=True)
    seconds = dy.Float64(nullable=True, description="wall time of the last run of the night")


EVENT_TABLES: dict[str, type[dy.Schema]] = {
    "turns": Turns,
    "silences": Silences,
    "robots": Robots,
    "pairs": Pairs,
    "rephrase_events": RephraseEvents,
    "defects": Defects,
}
STATE_TABLES: dict[str, type[dy.Schema]] = {
    "rejects": Rejects,
    "gaps": Gaps,
    "fallbacks": Fallbacks,
    "fits": Fits,
    "slot_answers": SlotAnswers,
    "judged": Judged,
    "trust": Trust,
    "evidence": Evidence,
    "wordings": Wordings,
    "utterances": Utterances,
    "followed": Followed,
    "ends": Ends,
    "moves": Moves,
    "fixes": Fixes,
    "rewrites": Rewrites,
    "variants": Variants,
    "embeddings": Embeddings,
    "neighbours": Neighbours,
    "searches": Searches,
    "clusters": Clusters,
    "memberships": Memberships,
    "channels": Channels,
    "cluster_users": ClusterUsers,
    "shown_lineage": ShownLineage,
    "daily_intents": DailyIntents,
    "confusions": Confusions,
    "shown": Shown,
    "shown_moves": Moves,
    "unpublished": Withheld,
    "hurts": Hurts,
    "pooled_intents": DailyIntents,
    "changes": Changes,
    "candidates": Candidates,
    "candidate_members": CandidateMembers,
    "launches": Launches,
    "launch_days": LaunchDays,
    "places": Places,
    "funnel": Funnel,
    "lineage": Lineage,
    "verdicts": Verdicts,
    "reviews": Reviews,
    "votes": Votes,
    "reliability": Reliability,
    "borrowed": Borrowed,
    "moved": Moved,
    "calibration": Calibration,
    "soft_labels": SoftLabels,
    "withheld": Withheld,
    "training_sets": TrainingSets,
    "decisions": Decisions,
    "outbox": Outbox,
    "erasures": Erasures,
    "runs": Runs,
}
TABLES = EVENT_TABLES | STATE_TABLES
