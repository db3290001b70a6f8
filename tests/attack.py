"""What an attacker finds in published warehouses, who knows everything about one user but not what he said."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from mining.language.words import words
from warehouse import queries
from warehouse.lake import Lake

NOT_OF_PEOPLE = {  # whole numbers that count nothing that anybody said
    ("locale_priors", "lenders"),
    ("clusters", "wordings"),
    ("rewrite_experiments", "withdrawals"),
    ("funnel", "place"),
    ("launch_days", "since"),
    ("launches", "days"),
    ("launches", "seed"),
    ("models", "intents"),
    ("outbox", "attempts"),
    ("problems", "times"),
    ("schema_version", "k"),
    ("schema_version", "schema_version"),
}
SAID = (  # columns of wordings
    *("utterance", "variant", "source", "target", "representative", "what"),
    *("term", "example"),
)


@dataclass(frozen=True)
class Published:
    """A warehouse's file, and the lake it was made from."""

    file: Path
    lake: Lake
    k: int

    def ask(self, query: str) -> pl.DataFrame:
        return queries.ask_file(self.file, query)

    def columns(self) -> pl.DataFrame:
        return self.ask(
            "select table_name, column_name, data_type, comment from duckdb_columns()"
            " where not internal and schema_name = 'main' order by all"
        )


def ids(published: Published) -> list[str]:
    """Ids of users, turns and sessions that any text holds, and of users in the file's bytes."""
    turns = published.lake.read("turns").select("user_id", "turn_id", "session_id")
    told = {word for _, _, text in texts(published) for word in re.findall(r"[\w-]+", text)}
    content = published.file.read_bytes()
    users = {u for u in turns["user_id"].unique() if u.encode() in content}
    return sorted(users | {v for column in turns for v in column.unique() if v in told})


def texts(published: Published) -> tuple[tuple[str, str, str], ...]:
    """Every text of every view, also in lists: view, column, text. A file is read once, however often it is asked of."""
    return _texts(published, published.file.stat().st_mtime_ns)


@cache
def _texts(published: Published, _written: int) -> tuple[tuple[str, str, str], ...]:
    held = published.columns().filter(pl.col("data_type").is_in(["VARCHAR", "VARCHAR[]"]))
    found = []
    for view, column, kind in held.select("table_name", "column_name", "data_type").iter_rows():
        value = f"unnest({column})" if kind.endswith("[]") else column
        told = published.ask(f"select distinct {value} from {view}")
        found += [(view, column, text) for (text,) in told.iter_rows() if text is not None]
    return tuple(found)


def rare_words(published: Published) -> list[tuple[str, str, str]]:
    """Words of published wordings that fewer than k users ever said: view, column, word."""
    turns = published.lake.read("turns").select("user_id", "utterance").unique()
    said: dict[str, set[str]] = {}
    for user, utterance in turns.iter_rows():
        for word in words(utterance):
            said.setdefault(word, set()).add(user)
    found = []
    for view, column, text in texts(published):
        if column in SAID:
            shown = re.sub("<(?:name|number|address)>", " ", text)
            found += [
                (view, column, w) for w in words(shown) if 0 < len(said.get(w, ())) < published.k
            ]
    return found


def rare_wordings(published: Published) -> list[tuple[str, str, str]]:
    """Wordings of fewer than k users, in any text of any view, also within sentences."""
    said = published.lake.read("turns").group_by("utterance").agg(pl.col("user_id").n_unique())
    rare = said.filter(pl.col("user_id") < published.k)["utterance"]
    sentences = {
        re.sub('"[^"]*"', "", text) if column == "told" else text  # what it quotes is the example
        for _, column, text in texts(published)
        if column not in SAID
    }
    inside = [w for w in rare if len(w) > 12 and any(w in text for text in sentences)]
    known = set(rare)
    whole = [(view, column, text) for view, column, text in texts(published) if text in known]
    return whole + [("", "", wording) for wording in inside]


def told_counts(published: Published) -> list[tuple[str, str, str]]:
    """Counts that a sentence tells exactly: view, column, sentence."""
    found = []
    for view, column, text in texts(published):
        if column in ("because", "message", "answer"):
            for number in re.findall(r"(?<![\w.<-])\d[\d,]*(?![\w.%-]| (?:needed|night))", text):
                if int(number.replace(",", "")) % published.k:
                    found.append((view, column, text))  # noqa: PERF401
    return found


def small_cells(published: Published) -> list[tuple[str, str, int]]:
    """Counts that are not a multiple of k, or below it: view, column, count."""
    whole = published.columns().filter(pl.col("data_type").is_in(["BIGINT", "INTEGER", "HUGEINT"]))
    found = []
    for view, column in whole.select("table_name", "column_name").iter_rows():
        if (view, column) not in NOT_OF_PEOPLE:
            odd = f"{column} % {published.k} <> 0 or {column} < {published.k}"
            rows = published.ask(f"select distinct {column} from {view} where {odd}")
            found += [(view, column, value) for (value,) in rows.iter_rows()]
    return found


def lone(published: Published) -> list[tuple[str, str]]:
    """Locales, intents, labels and clusters that are named though fewer than k users have them."""
    lake = published.lake
    turns = lake.read("turns")
    users = pl.col("user_id").n_unique()
    clusters = turns.join(lake.newest("clusters"), on=["locale", "utterance"])
    votes = lake.newest("votes").filter(pl.col("user_id") != "")
    said = {
        "locale": turns.group_by("locale").agg(users),
        "intent": turns.group_by(intent="best_intent").agg(users),
        "label": votes.group_by("label").agg(users),
        "cluster_id": clusters.group_by("cluster_id").agg(users),
    }
    found = []
    for view, column in published.columns().select("table_name", "column_name").iter_rows():
        if column in said:
            few = set(said[column].filter(pl.col("user_id") < published.k)[column])
            told = published.ask(f"select distinct {column} as value from {view}")["value"]
            found += [(view, value) for value in told if value in few]
    return found


def precise_shares(published: Published) -> list[tuple[str, str, float]]:
    """Shares given to more than three digits, from which counts could be worked out."""
    floats = published.columns().filter(data_type="DOUBLE")
    found = []
    for view, column in floats.select("table_name", "column_name").iter_rows():
        if column != "delta":
            rows = published.ask(
                f"select distinct {column} from {view} where abs({column} * 1000 - round({column} * 1000)) > 1e-6"
            )
            found += [(view, column, value) for (value,) in rows.iter_rows()]
    return found


def differences(before: Published, after: Published) -> list[tuple[str, str, int]]:
    """Counts of the same thing that differ between two files by another number than a multiple of k."""
    found = []
    keys = {"clusters": ["locale", "cluster_id"], "variants": ["locale", "cluster_id", "utterance"]}
    keys |= {"days": ["day", "locale"], "intents": ["day", "locale", "intent"]}
    keys |= {"confusions": ["locale", "heard", "meant"], "intent_totals": ["locale", "intent"]}
    keys |= {"launches": ["locale"], "launch_days": ["locale", "day"]}
    keys |= {"launch_hurts": ["locale", "utterance"], "pooled": ["locales", "day", "intent"]}
    for view, key in keys.items():
        rows = [p.ask(f"select * from {view}") for p in (before, after)]
        both = rows[0].join(rows[1], on=key, suffix="_after", nulls_equal=True)
        for column in ("users", "turns", "said_again", "defects", "failed", "recovered"):
            if column in rows[0].columns:
                odd = both.filter((pl.col(column) - pl.col(f"{column}_after")) % before.k != 0)
                found += [(view, column, value) for value in odd[column]]
    return found
