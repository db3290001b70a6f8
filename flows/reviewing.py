"""A person's side: what was accepted, rejected or named, remembered by every later night.

What a person says of a cluster follows the cluster (`cluster_reviews`); of a rewrite or a label it holds for the
wordings (`item_reviews`); of a model it is the brake's.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from retrain.registry import overrides
from warehouse.errors import BadInput
from warehouse.home import Home, alone, existing
from warehouse.lake import Lake

KEY = ["kind", "locale", "utterance", "target", "label"]
WORDING = ["locale", "utterance"]


class _Decision(BaseModel):
    """What else a row holds, such as why it waits, is passed over."""

    model_config = ConfigDict(frozen=True)
    verdict: Literal["accepted", "rejected"] | None = None


class OfCluster(_Decision):
    """Accepted: it is one meaning. Rejected: its wordings stand each for itself."""

    kind: Literal["cluster"] = "cluster"
    cluster_id: str
    name: str | None = None


class OfRewrite(_Decision):
    """Rejected: it is never proposed again. Accepted: nobody is asked again; its turns go on deciding."""

    kind: Literal["rewrite"] = "rewrite"
    locale: str
    utterance: str
    target: str


class OfLabel(_Decision):
    """Accepted: the wording means this label and enters training. Rejected: it does not mean it."""

    kind: Literal["label"] = "label"
    locale: str
    utterance: str
    label: Annotated[str, Field(min_length=1)]


class OfModel(_Decision):
    """Accepted: it serves, whatever the gate or a hold says. Rejected: it never does."""

    kind: Literal["model"] = "model"
    version: str


Decision = Annotated[OfCluster | OfRewrite | OfLabel | OfModel, Field(discriminator="kind")]
ONE: TypeAdapter[Any] = TypeAdapter(Decision)


def read(path: Path) -> list[Any]:
    """The decisions of a file, JSON lines as `review --out` writes them; those without a verdict or a name
    are left out. BadInput names file, row and field."""
    try:
        lines = path.read_text(encoding="utf8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error})") from None
    rows = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    found = [_decision(line, f"{path}, row {number}") for number, line in rows]
    return [decision for decision in found if decision is not None]


def _decision(line: str, where: str) -> Any | None:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where}: is not JSON ({error})") from None
    if isinstance(row, dict) and not row.get("verdict") and not row.get("name"):
        return None
    try:
        return ONE.validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"][-1:]) or "kind"
        raise BadInput(f"{where}, field {field}: {first['msg']}") from None


def of_options(asked: dict[str, str | None], verdict: str | None, name: str | None) -> Any:
    """The decision that command line options name; BadInput where they name none."""
    kinds = {"cluster_id": "cluster", "version": "model", "label": "label", "target": "rewrite"}
    named = [kind for option, kind in kinds.items() if asked[option]]
    if len(named) != 1:
        raise BadInput(
            "say about what: --cluster ID, --model VERSION, or --utterance with --label or with --target"
        )
    told = {field: value for field, value in asked.items() if value}
    try:
        return ONE.validate_python(told | {"kind": named[0], "verdict": verdict, "name": name})
    except ValidationError as error:
        raise BadInput(f"--{error.errors()[0]['loc'][-1]}: is needed for a {named[0]}") from None


def decide(root: Path, decisions: Iterable[Any]) -> int:
    """Remember what a person decided, all of it or, where one speaks of nothing that is there, none; how
    many decisions there were."""
    home, made = existing(root), list(decisions)
    with alone(home):
        lake = Lake(home.lake)
        lake.recover()
        nights = lake.days("clusters")
        if not nights:
            raise BadInput(f"{root}: no night was run yet; there is nothing to decide about")
        night = nights[-1]
        verdicts = _verdicts(lake, night, [d for d in made if isinstance(d, OfCluster)])
        reviews = _reviews(lake, night, [d for d in made if isinstance(d, OfRewrite | OfLabel)])
        models = [d for d in made if isinstance(d, OfModel)]
        for decision in models:
            overrides.known(home, decision.version)
        for decision in models:
            _of_model(home, decision)
        lake.put("cluster_reviews", night, verdicts)
        lake.put("item_reviews", night, reviews)
    return len(made)


def _verdicts(lake: Lake, night: str, decisions: list[OfCluster]) -> pl.DataFrame:
    """The verdicts of the night with these decisions; what one leaves out stays."""
    known = lake.read("cluster_reviews", [night])
    rows = {row["cluster_id"]: row for row in known.to_dicts()}
    there = set(lake.read("clusters", [night])["cluster_id"])
    for d in decisions:
        if d.cluster_id not in there:
            raise BadInput(
                f"{d.cluster_id}: is no cluster of the newest night; `review` lists them"
            )
        row = rows.setdefault(
            d.cluster_id,
            {"cluster_id": d.cluster_id, "verdict": None, "name": None, "first_id": d.cluster_id},
        )
        row |= {k: v for k, v in (("verdict", d.verdict), ("name", d.name)) if v is not None}
    return pl.DataFrame(list(rows.values()), schema=known.schema)


def _reviews(lake: Lake, night: str, decisions: list[OfRewrite | OfLabel]) -> pl.DataFrame:
    """The reviews of the night with these decisions; the later one of a thing counts."""
    known = lake.read("item_reviews", [night])
    said = set(lake.read("utterance_stats", [night]).select(WORDING).iter_rows())
    rows = []
    for d in decisions:
        if (d.locale, d.utterance) not in said:
            raise BadInput(f"{d.utterance!r} ({d.locale}): was not said in the days that count")
        aim = {"target": getattr(d, "target", ""), "label": getattr(d, "label", "")}
        rows.append(d.model_dump(include={"kind", "locale", "utterance", "verdict"}) | aim)
    return joined(known, pl.DataFrame(rows, schema=known.schema))


def _of_model(home: Home, decision: OfModel) -> None:
    if decision.verdict == "accepted":
        overrides.approve(home, decision.version)
    else:
        overrides.reject(home, decision.version, "rejected in review")


def joined(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Both, the later decision of each thing; a wording has one accepted label, the last."""
    rows = pl.concat([before, after]).unique(KEY, keep="last", maintain_order=True)
    sure = pl.col("kind").eq("label") & pl.col("verdict").eq("accepted")
    last = rows.filter(sure).unique(WORDING, keep="last", maintain_order=True)
    return pl.concat([rows.filter(~sure), last]).sort(KEY)


def accepted(lake: Lake, night: str) -> pl.DataFrame:
    """The clusters of a night; wordings of a rejected one stand each for itself."""
    rejected = lake.read("cluster_reviews", [night]).filter(verdict="rejected")["cluster_id"]
    alone_now = pl.format("{}/{}", "cluster_id", "utterance")
    return lake.read("clusters", [night]).with_columns(
        cluster_id=pl.when(pl.col("cluster_id").is_in(rejected.implode()))
        .then(alone_now)
        .otherwise("cluster_id")
    )


def rewritten(lake: Lake, night: str, rewrites: pl.DataFrame) -> pl.DataFrame:
    """`rewrites` (`locale, source, target`) without those that a person rejected."""
    rejected = lake.read("item_reviews", [night]).filter(kind="rewrite", verdict="rejected")
    named = rejected.select("locale", "target", source="utterance")
    return rewrites.join(named, on=["locale", "source", "target"], how="anti")


def labelled(lake: Lake, night: str, labels: pl.DataFrame) -> pl.DataFrame:
    """Soft labels as a person has them: an accepted one alone and sure, a rejected one gone."""
    told = lake.read("item_reviews", [night]).filter(kind="label")
    sure = told.filter(verdict="accepted").select(*WORDING, "label")
    said = labels.join(told.filter(verdict="rejected"), on=[*WORDING, "label"], how="anti")
    known = sure.join(labels, on=[*WORDING, "label"], how="left").with_columns(
        probability=pl.lit(1.0),
        users=pl.col("users").fill_null(0),
        votes=pl.col("votes").fill_null(0),
    )
    rest = said.join(sure, on=WORDING, how="anti")
    return pl.concat([rest, known.select(rest.columns)]).sort(*WORDING, "label")


def by_person(lake: Lake, night: str) -> pl.DataFrame:
    """`locale, utterance` of the wordings whose label a person accepted."""
    told = lake.read("item_reviews", [night]).filter(kind="label", verdict="accepted")
    return told.select(WORDING)
