"""The tables of utterances, alone and side by side."""

import dataframely as dy

from warehouse.tables.declaring import Float16, Published, count, share, table, text


@table("utterance_stats", published=Published.NEWEST)
class UtteranceStats(dy.Schema):
    """How often, and by how many, a wording was said."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    turns = count("turns")
    users = count("distinct users")


@table("hypothesis_stats")
class HypothesisStats(dy.Schema):
    """What became of a wording under one hypothesis of the assistant; a user counts once."""

    locale = text("locale", key=True)
    utterance = text("wording that ran", key=True)
    intent = text("best hypothesis of the assistant; empty where it had none", key=True)
    last_ms = dy.Int64(nullable=False, description="when it last had it, milliseconds since 1970")
    turns = count("turns")
    users = count("distinct users")
    executed_users = count("users for whom the hypothesis was executed")
    reformulated = dy.Float64(
        nullable=False, min=0.0, description="of those, how many said it again, expected number"
    )
    reformulated_unexecuted = dy.Float64(
        nullable=False, min=0.0, description="of the others, how many said it again"
    )
    confidence = share("mean confidence of the hypothesis", null=True)


@table("hypothesis_accuracy")
class HypothesisAccuracy(dy.Schema):
    """A wording under a hypothesis of the assistant, and how often that was right, expected."""

    locale = text("locale", key=True)
    utterance = text("wording that ran", key=True)
    intent = text("best hypothesis; empty where there was none", key=True)
    users = count("distinct users")
    executed = share("share of them for whom it was executed")
    last_ms = dy.Int64(nullable=False, description="when it was last so, milliseconds since 1970")
    right = share("expected share of right turns")


@table("reformulation_rates")
class ReformulationRates(dy.Schema):
    """How often users say it again, as the night learned it."""

    if_correct = share("share of users who say a turn again that gave them what was wanted")
    if_incorrect = share("share of users who say a turn again that did not")


@table("variants", published=Published.NEWEST)
class Variants(dy.Schema):
    """Two wordings of different users for one goal, with what binds them."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    variant = text("another wording for the same", key=True)
    users = count("distinct users who said either")
    moved = count("users who went from one to the other")
    ended_alike = count("users of the rarer one who ended where users of the other did")
    same_cluster = dy.Bool(nullable=False, description="both lie in one cluster")
    same_outcome = dy.Bool(nullable=False, description="one hypothesis, which serves both")
    similarity = dy.Float64(nullable=True, min=-1.01, max=1.01, description="cosine, where near")


@table("encoders")
class Encoders(dy.Schema):
    """The encoder of a night."""

    version = text("folder of `encoders`, or name and fingerprint of the one that is set", key=True)


@table("embeddings", carried=True)
class Embeddings(dy.Schema):
    """A vector a wording, kept under the night that made it; a later night makes only what is new."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    content = text("hash of the wording, the same in all locales")
    encoder = text("version of the encoder that made the vector", key=True)
    vector = dy.List(Float16(nullable=False), description="unit length")


@table("locale_centres")
class LocaleCentres(dy.Schema):
    """Where the vectors of an encoder that is set lie in each locale; none of an encoder that the log taught."""

    locale = text("locale; empty: all locales", key=True)
    wordings = dy.Int64(min=1, description="whose vectors were averaged, seed data among them")
    vector = dy.List(dy.Float32(nullable=False), description="the centre")


@table("neighbours")
class Neighbours(dy.Schema):
    """Nearest wordings of a wording, within its locale."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    neighbour = text("a wording near it", key=True)
    similarity = dy.Float64(nullable=False, min=-1.01, max=1.01, description="cosine")


@table("searches")
class Searches(dy.Schema):
    """How the neighbours of a locale's wordings were found, and how many of them."""

    locale = text("locale", key=True)
    wordings = count("distinct wordings")
    index = text("what was searched")
    recall = share("share of the nearest that was found, against exact search on a sample")


@table("clusters", published=Published.NEWEST)
class Clusters(dy.Schema):
    """Wordings that mean the same; a cluster that lives on keeps its id."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    cluster_id = text("cluster")
    similarity = dy.Float64(
        nullable=False, min=-1.01, max=1.01, description="cosine to the cluster's centre"
    )
    central = dy.Bool(nullable=False, description="the wording that stands for the cluster")
    users = count("distinct users of the wording")
    share = share("the wording's share of the users of the cluster's wordings")


@table("memberships")
class Memberships(dy.Schema):
    """Clusters to which a wording may belong, by its neighbours; what is missing to 1: to none of
    them."""

    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    cluster_id = text("cluster", key=True)
    probability = share("probability that it belongs there")


@table("lineage")
class Lineage(dy.Schema):
    """What became of the clusters of the night before; those of one wording are left out."""

    cluster_id = text("cluster", key=True)
    event = text("born, split, merged or died", key=True)
    other_id = text("split: where it came from; merged: where it went", null=True)
    users = count("users of the wordings that this is about")


@table("cluster_reviews", published=Published.NEWEST, mended=True)
class ClusterReviews(dy.Schema):
    """What a person decided about a cluster; it follows the cluster."""

    cluster_id = text("cluster", key=True)
    verdict = text("accepted or rejected; null where it was only named", null=True)
    name = text("what the person calls it", null=True)
    first_id = text("the cluster's id when it was decided")


@table("item_reviews", mended=True)
class ItemReviews(dy.Schema):
    """What a person decided about a rewrite, or about a label of a wording."""

    kind = dy.Enum(["rewrite", "label"], primary_key=True, nullable=False, description="of what")
    locale = text("locale", key=True)
    utterance = text("wording", key=True)
    target = text("wording that would run instead; empty of a label", key=True)
    label = text("intent; empty of a rewrite", key=True)
    verdict = dy.Enum(["accepted", "rejected"], nullable=False, description="what was decided")
