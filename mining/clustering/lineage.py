"""What became of the clusters of the night before: a cluster keeps its id while most of its mass, the
users of its wordings, lives on in one cluster; births, merges, splits and deaths are rows."""

import hashlib

import polars as pl

KEY = ["locale", "utterance"]


def inherit(
    clusters: pl.DataFrame, before: pl.DataFrame, salt: bytes, night: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(`clusters` with `cluster_id`, what happened).

    `clusters` has `locale, utterance, community, users, central`; `before` the last night's
    `locale, utterance, cluster_id, users`. What happened has `cluster_id, event, other_id, users`:

    born     no cluster of the night before has most of its users in it
    split    a new cluster most of whose users come from `other_id`, which lives on elsewhere or nowhere
    merged   `cluster_id` went into `other_id`
    died     `cluster_id` is no more: its wordings are not said any more, or are scattered

    Of these, clusters of one wording are nobody's news.
    """
    mass = before.group_by(old="cluster_id").agg(mass=pl.col("users").sum(), wordings=pl.len())
    shared = (
        clusters.join(before.select(*KEY, old="cluster_id", then="users"), on=KEY)
        .group_by("community", "old")
        .agg(pl.col("then").sum())
        .join(mass, on="old")
        .sort("then", "old", "community", descending=[True, False, False])
    )
    heirs = shared.filter(2 * pl.col("then") > pl.col("mass"))
    kept = heirs.unique("community", keep="first", maintain_order=True)
    names = _names(clusters, salt, night).join(
        kept.select("community", "old"), on="community", how="left"
    )
    named = names.select(
        "community", cluster_id=pl.coalesce("old", "fresh"), is_new=pl.col("old").is_null()
    )
    rows = clusters.join(named, on="community").drop("is_new")
    return rows, _events(clusters, mass, shared, heirs, named)


def _names(clusters: pl.DataFrame, salt: bytes, night: str) -> pl.DataFrame:
    """A fresh id for each community: a salted hash of its central wording and the night, since an id
    is published and the wording may not be."""

    def name(central: dict[str, str]) -> str:
        content = f"{central['locale']}\0{central['utterance']}\0{night}".encode()
        return hashlib.blake2b(content, key=salt, digest_size=8).hexdigest()

    centres = clusters.filter("central")
    return centres.select(
        "community", fresh=pl.struct(KEY).map_elements(name, return_dtype=pl.String)
    )


def _events(
    clusters: pl.DataFrame,
    mass: pl.DataFrame,
    shared: pl.DataFrame,
    heirs: pl.DataFrame,
    named: pl.DataFrame,
) -> pl.DataFrame:
    now = clusters.group_by("community").agg(users=pl.col("users").sum(), wordings=pl.len())
    new = named.filter("is_new").join(now.filter(pl.col("wordings") > 1), on="community")
    source = (
        shared.join(new, on="community")
        .filter(2 * pl.col("then") > pl.col("users"))
        .unique("community", keep="first", maintain_order=True)
    )
    split = source.select("cluster_id", event=pl.lit("split"), other_id="old", users="then")
    born = new.join(source, on="community", how="anti").select(
        "cluster_id", event=pl.lit("born"), other_id=pl.lit(None, pl.String), users="users"
    )
    went = heirs.filter(pl.col("wordings") > 1).join(named, on="community")
    went = went.filter(pl.col("cluster_id") != pl.col("old"))
    merged = went.select(
        cluster_id="old", event=pl.lit("merged"), other_id="cluster_id", users="then"
    )
    died = (
        mass.filter(pl.col("wordings") > 1)
        .join(heirs, on="old", how="anti")
        .select(
            cluster_id="old", event=pl.lit("died"), other_id=pl.lit(None, pl.String), users="mass"
        )
    )
    return pl.concat([born, split, merged, died]).sort("event", "cluster_id")


def follow(before: pl.DataFrame, now: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The verdicts of the night before, on the clusters that theirs became, under those taken since.

    A merged cluster's verdict goes to the one that it went into, unless that has one of its own; a
    verdict on a cluster that died is kept as a record; its id never comes back.
    """
    merged = events.filter(pl.col("event") == "merged").select("cluster_id", "other_id")
    moved = (
        before.join(merged, on="cluster_id", how="left")
        .with_columns(own=pl.col("other_id").is_null())
        .with_columns(cluster_id=pl.coalesce("other_id", "cluster_id"))
        .sort("own", "first_id", descending=[True, False])
        .select(before.columns)
    )
    every = pl.concat([now, moved]).unique("cluster_id", keep="first", maintain_order=True)
    return every.sort("cluster_id")
