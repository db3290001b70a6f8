"""How each locale goes since it was launched, and how much of what failed there could be mended by now.

That share is an estimate without truth: of the turns that failed their users, so probably, the expected
share for which another label than the executed one is believed, as probably as it is believed. It is as
right as the two probabilities are; how far chance alone moves it, a bootstrap over users tells.

Notation and constants: docs/method.md, 8.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

WEEK = 7  # days
GROUPS = 400  # of users: what is drawn, so that a large locale takes no longer
REPLICATES = 400
DOUBT = 0.05  # at either end
SEED = 0
MILLION = 1_000_000

COUNTED = {
    "turns": pl.col("turns").sum(),
    "users": pl.col("user_id").n_unique(),
    "failed": pl.col("failed").sum() / MILLION,
    "users_failed": pl.col("user_id").filter(pl.col("failures") > 0).n_unique(),
    "recovered": pl.col("recovered").sum() / MILLION,
    "users_recovered": pl.col("user_id").filter(pl.col("recoverable") > 0).n_unique(),
}


def by_locale(user_days: pl.DataFrame, launched: pl.DataFrame, night: str) -> pl.DataFrame:
    """A row of `launches` a locale, what is known of its wordings apart. `user_days`: rows of the SQL file;
    `launched`: `locale, launched`, days as text."""
    placed = since(user_days, launched)
    ages = launched.select(
        "locale",
        "launched",
        days=(pl.lit(night).str.to_date() - pl.col("launched").str.to_date()).dt.total_days(),
    )
    first = placed.filter(pl.col("since") < WEEK)
    last = placed.filter(pl.col("day") > _week_before(night))
    whole = placed.group_by("locale").agg(
        **COUNTED,
        believed_turns=pl.col("believed").sum(),
        believed_users=pl.col("user_id").filter(pl.col("believed") > 0).n_unique(),
    )
    return (
        ages.join(whole, on="locale")
        .join(_week(first, "first"), on="locale", how="left")
        .join(_week(last, "last"), on="locale", how="left")
        .join(bounds(user_days), on="locale", how="left")
        .sort("locale")
    )


def by_day(user_days: pl.DataFrame, launched: pl.DataFrame) -> pl.DataFrame:
    """A row of `launch_days` a locale and day."""
    placed = since(user_days, launched)
    return placed.group_by("locale", "day", "since").agg(**COUNTED).sort("locale", "day")


def since(user_days: pl.DataFrame, launched: pl.DataFrame) -> pl.DataFrame:
    """The rows of days from the launch on, with the days since."""
    placed = user_days.join(launched, on="locale").with_columns(
        since=(pl.col("day").str.to_date() - pl.col("launched").str.to_date()).dt.total_days()
    )
    return placed.filter(pl.col("since") >= 0).drop("launched")


def bounds(user_days: pl.DataFrame) -> pl.DataFrame:
    """`locale, recovered_at_least, recovered_at_most`: where the recovered share lies in nine cases of ten;
    no row where fewer than two users failed."""
    sums = user_days.group_by("locale", "user_id").agg(pl.col("failed", "recovered").sum())
    users = sums.filter(pl.col("failed") > 0).sort("locale", "user_id")
    rows = [
        (locale, *_interval(part.select("failed", "recovered").to_numpy().astype(np.float64)))
        for (locale,), part in users.group_by("locale", maintain_order=True)
        if part.height > 1
    ]
    names = {"locale": pl.String, "recovered_at_least": pl.Float64, "recovered_at_most": pl.Float64}
    return pl.DataFrame(rows, names, orient="row")


def _interval(users: Floats) -> tuple[float, float]:
    """Quantiles of recovered by failed (the columns, a row a user), groups of users drawn anew."""
    rng, size = np.random.default_rng(SEED), min(len(users), GROUPS)
    groups = np.zeros((size, 2))
    np.add.at(groups, rng.permutation(len(users)) % size, users)
    drawn = rng.multinomial(size, np.full(size, 1 / size), REPLICATES)
    failed, recovered = (drawn @ groups).T
    least, most = np.quantile(recovered / np.maximum(failed, 1.0), [DOUBT, 1 - DOUBT])
    return float(np.round(least, 6)), float(np.round(most, 6))


def _week(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    names = ("turns", "failed", "users_failed")
    counted = rows.group_by("locale").agg(**{n: COUNTED[n] for n in names})
    return counted.rename({n: f"{name}_{n}" for n in names})


def _week_before(night: str) -> str:
    """The day after which the last week begins."""
    return date.fromordinal(date.fromisoformat(night).toordinal() - WEEK).isoformat()
