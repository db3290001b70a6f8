"""The tables of votes, labels and training sets."""

import dataframely as dy
import polars as pl

from warehouse.tables.declaring import Published, amount, count, share, strings, table, text


@table("votes")
class Votes(dy.Schema):
    """One report: this user, by this kind of evidence, says that this wording means this label."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    label = text("intent", key=True)
    source = text("kind of evidence", key=True)
    via = text("wording at which the user ended; empty where it is this one", key=True)
    user_id = text("salted hash of the user; empty where it is nobody's vote", key=True)
    day = text("last day on which it was cast, YYYY-MM-DD")
    weight = share("how much of a vote it is, a user's mean over the turns")


@table("voter_answers")
class VoterAnswers(dy.Schema):
    """What a large language model that was asked says of wordings of tonight's window, whenever it said so."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    label = text("intent")


@table("voter_requests")
class VoterRequests(dy.Schema):
    """What a night spent on the model that is asked; no row where none is."""

    requests = count("requests sent, those among them that came to nothing")
    tokens = count("tokens that the answers say were used")
    answers = count("wordings of the window of which it named an intent, tonight or before")


@table("reliability")
class Reliability(dy.Schema):
    """How often the votes of a kind come from the truth, as the newest night learned it."""

    locale = text("locale", key=True)
    source = text("kind of evidence", key=True)
    reliability = share("share of its votes that come from the truth, not from anywhere")


@table("locale_priors", published=Published.NEWEST)
class LocalePriors(dy.Schema):
    """What each locale began with from others, as the newest night learned it."""

    locale = text("locale", key=True)
    users = amount("votes of its users who accepted or reformulated")
    lenders = count("locales with users enough to lend to it")
    own = amount("trust in its own words, a factor on their scores")
    elsewhere = amount("trust in what all locales know of the words; 0 is none")


@table("concept_drift", published=Published.NEWEST)
class ConceptDrift(dy.Schema):
    """Wordings whose meaning moved, by who came back; what was voted before counts little."""

    locale = text("locale", key=True)
    utterance = text("a wording", key=True)
    label = text("the label by which it shows most")
    since = text("first day that counts as new, YYYY-MM-DD")
    accepted_before = amount("votes of users who stayed with the label, before that day")
    reformulated_before = amount("and of those who said it again")
    accepted = amount("votes of users who stayed with it, from that day on")
    reformulated = amount("and of those who said it again")


@table("calibration", published=Published.NEWEST)
class Calibration(dy.Schema):
    """How what was believed held before users who were held back."""

    locale = text("locale", key=True)
    bucket = dy.Enum(
        ["unseen", "tail", "torso", "head"],
        primary_key=True,
        nullable=False,
        description="users behind the wording: none, from 1, from 3, from 10",
    )
    users = count("distinct users who were held back")
    votes = dy.Float64(nullable=False, min=0.0, description="what they did, by weight")
    believed = share("mean probability of the hypotheses that they were given")
    bent = share("the same after the correction; equal where none was called for")
    observed = share("share of right ones, by who of them came back")
    error = share("standard error of that share", null=True)


@table("readings")
class Readings(dy.Schema):
    """What the classifiers of a night that learned everything read in the words of each wording, out of fold."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    first_labels = strings("labels, as the first round read it")
    first = dy.List(dy.Float32(nullable=False), description="how probable each is")
    last_labels = strings("labels, as the last round read it")
    last = dy.List(dy.Float32(nullable=False), description="how probable each is")


@table("soft_labels", published=Published.NEWEST)
class SoftLabels(dy.Schema):
    """What is believed of a wording's meaning."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    label = text("intent", key=True)
    probability = share("probability that the label is right, calibrated")
    users = count("distinct users behind the wording's cluster and label")
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

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    labels = strings("intents, most probable first")
    probabilities = dy.List(dy.Float64(nullable=False), description="sum to 1")
    weight = dy.Float64(
        nullable=False,
        min=0.0,
        max=1.0,
        description="how much evidence the row is worth, in (0, 1]",
    )
    users = count("distinct users behind the wording's cluster and label")
    sources = strings("kinds of evidence behind the row")
    slots = dy.List(
        SLOT,
        nullable=True,
        description="projected slots; null where not projected, empty where users showed that there are none",
    )
    slots_known = dy.Bool(
        nullable=True,
        description="whether these are all of its slots, as far as users showed; null of training sets before 0.3",
    )
    split = dy.Enum(
        ["train", "validation"],
        nullable=False,
        description="validation: every user of the wording is set apart for it",
    )
    said_by = count("distinct users who said the wording")

    @dy.rule()
    def probabilities_sum_to_one(cls) -> pl.Expr:  # noqa: N805
        return (pl.col("probabilities").list.sum() - 1).abs() < 1e-6

    @dy.rule()
    def weight_is_above_zero(cls) -> pl.Expr:  # noqa: N805
        return pl.col("weight") > 0


class ExampleVariants(dy.Schema):
    """A row of a training set that nobody said: a believed wording with one word in another form."""

    locale = text("locale", key=True)
    utterance = text("the variant", key=True)
    source = text("wording that it was made of")
    labels = strings("intents of that wording, most probable first")
    probabilities = dy.List(dy.Float64(nullable=False), description="sum to 1")
    weight = share("a part of that wording's weight")


@table("training_sets", published=Published.HISTORY)
class TrainingSets(dy.Schema):
    """One row a training set."""

    version = text("training set", key=True)
    night = text("night that made it, YYYY-MM-DD")
    examples = count("rows")
    believed_weight = dy.Float64(nullable=False, description="sum of the rows' weights")
    fresh = count("rows that the set before it did not hold with the same best label")


@table("withheld_utterances")
class WithheldUtterances(dy.Schema):
    """An utterance that did not enter the training set: where it stopped, and why. Counted in `withheld`."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    stage = text("where it stopped")
    reason = text("why, as it is counted")
    label = text("its best label", null=True)
    probability = share("probability of that label", null=True)
    users = dy.Int64(
        nullable=True, min=0, description="distinct users behind its cluster and label"
    )
    at_least = share("lower bound of the probability over these users", null=True)
    needed = amount("what was needed: users, or a lower bound; 0 where nothing was missed")


@table("trust", published=Published.HISTORY)
class Trust(dy.Schema):
    """What the log of the window can tell."""

    subject = text("pairs, failures, labels or rewrites", key=True)
    verdict = text("well, weakly, or not at all")
    because = strings("why not better")


@table("signal_trust")
class SignalTrust(Trust):
    """What the log can tell of pairs, failures and rewrites, before labels are looked at."""
