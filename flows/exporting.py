"""A training set as files that other trainers read at once.

Internal: an export holds wordings of single users, as the training set does.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml

from flows import lex_export, newest
from warehouse.common.files import keep_once
from warehouse.errors import BadInput
from warehouse.home import existing, read_training_set, training_versions

Format = Literal["parquet", "jsonl", "rasa", "lex", "csv"]
SPLITS = ("train", "validation")
FORMULA = ("=", "+", "-", "@")  # with these a spreadsheet takes a cell for a formula
CONTROL = ("\t", "\r", "\n")  # and it drops these before them
MARKUP = (
    r"[\[\](){}\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"  # what Rasa reads as annotations or as lines
)
NOT_A_NAME = re.compile(r"[^A-Za-z0-9-]")  # in the name of a file
ONE_LABEL = ("rasa", "lex")  # take one label a wording
SURE = 0.5  # probability from which a soft label is fit to be a hard one


def export(root: Path, form: Format, out: Path, version: str | None) -> dict[str, Any]:
    """Write a training set (the newest where no `version` is given) into the new folder `out`; how many
    rows were written and how many left out."""
    home = existing(root)
    known = training_versions(home)
    if not known:
        raise BadInput(f"{root}: has no training set yet; run a night first")
    last = newest.training_set(home)
    if version and version not in known:
        raise BadInput(f"--version {version}: is no training set; the newest is {last}")
    if out.exists():
        raise BadInput(f"--out {out}: is there already; name a new folder")
    chosen = version or last or known[-1]
    examples = read_training_set(home, chosen)
    if examples.is_empty():
        raise BadInput(f"{root}: training set {chosen} is empty; its card.md says why")
    kept = _fit_for_rasa(examples) if form in ONE_LABEL else examples
    try:
        keep_once(out, partial(WRITERS[form], kept))
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be written ({error.strerror})") from None
    return {
        "training_set": chosen,
        "rows": kept.height,
        "left_out": examples.height - kept.height,
        "files": sorted(f.name for f in out.iterdir()),
    }


def _parquet(examples: pl.DataFrame, out: Path) -> None:
    """`datasets.load_dataset(DIR)` finds the splits by the names of the files. An empty split has no file: it could
    not be loaded."""
    for split, rows in _splits(examples):
        rows.write_parquet(out / f"{split}.parquet")


def _jsonl(examples: pl.DataFrame, out: Path) -> None:
    """As Parquet, a JSON object a line."""
    for split, rows in _splits(examples):
        rows.write_ndjson(out / f"{split}.jsonl")


def _splits(examples: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for split in SPLITS:
        rows = examples.filter(split=split)
        if rows.height:
            yield split, rows


def _csv(examples: pl.DataFrame, out: Path) -> None:
    """A row a wording and label. Cells that a spreadsheet would take for a formula begin with an
    apostrophe (OWASP, CSV injection); a byte order mark says that it is UTF-8."""
    columns = ("labels", "probabilities")
    rows = examples.explode(*columns).rename({"labels": "label", "probabilities": "probability"})
    plain = rows.select(
        *(_harmless(name) for name in ("locale", "utterance", "label")),
        "probability",
        "weight",
        "users",
        "said_by",
        "split",
        sources=pl.col("sources").list.join(" "),
        slots=pl.col("slots").map_elements(_slots_as_text, pl.String()),
    )
    plain.write_csv(out / "examples.csv", include_bom=True)


def _harmless(name: str) -> pl.Expr:
    runs = pl.col(name).map_elements(_is_formula, pl.Boolean())
    return pl.when(runs).then(pl.lit("'") + pl.col(name)).otherwise(pl.col(name)).alias(name)


def _is_formula(cell: str) -> bool:
    """Whether a spreadsheet may run it: full-width signs count, and what is blank or cannot be seen does not."""
    seen = (
        c for c in unicodedata.normalize("NFKC", cell) if unicodedata.category(c)[0] not in "ZC"
    )
    return cell.startswith(CONTROL) or next(seen, "") in FORMULA


def _slots_as_text(slots: pl.Series) -> str:
    found = [{name: slot[name] for name in ("name", "value", "start", "end")} for slot in slots]
    return json.dumps(found, ensure_ascii=False)


def _fit_for_rasa(examples: pl.DataFrame) -> pl.DataFrame:
    """Rasa and Lex take one label a wording, and read brackets as annotations."""
    sure = pl.col("probabilities").list.first() >= SURE
    train = pl.col("split") == "train"
    return examples.filter(train & sure & ~pl.col("utterance").str.contains(MARKUP))


def _rasa(examples: pl.DataFrame, out: Path) -> None:
    """`nlu.LOCALE.yml` each, with entities where slots were projected."""
    rows = examples.with_columns(intent=pl.col("labels").list.first())
    for (locale,), spoken in sorted(rows.partition_by("locale", as_dict=True).items()):
        intents = []
        for (intent,), said in sorted(spoken.partition_by("intent", as_dict=True).items()):
            lines = (
                _annotated(utterance, slots or [])
                for utterance, slots in said.select("utterance", "slots").iter_rows()
            )
            text = "".join(f"- {line}\n" for line in lines)
            intents.append({"intent": intent, "examples": _Block(text)})
        with (out / f"nlu.{NOT_A_NAME.sub('_', locale)}.yml").open("w", encoding="utf8") as file:
            yaml.dump(
                {"version": "3.1", "nlu": intents},
                file,
                Dumper=_Dumper,
                allow_unicode=True,
                sort_keys=False,
                width=2**31,
            )


def _annotated(utterance: str, slots: list[dict[str, Any]]) -> str:
    plain = (slot for slot in slots if not re.search(MARKUP, slot["name"]))
    for slot in sorted(plain, key=lambda s: -s["start"]):
        start, end = slot["start"], slot["end"]
        entity = json.dumps({"entity": slot["name"]}, ensure_ascii=False)
        utterance = f"{utterance[:start]}[{utterance[start:end]}]{entity}{utterance[end:]}"
    return utterance


class _Block(str):
    """A text that YAML writes as a block, a line each."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), "|")
)
WRITERS: dict[Format, Callable[[pl.DataFrame, Path], None]] = {
    "parquet": _parquet,
    "jsonl": _jsonl,
    "csv": _csv,
    "rasa": _rasa,
    "lex": lex_export.write,
}
