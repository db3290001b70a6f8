"""Exports: what other trainers read is what the training set says."""

import csv
import json
from pathlib import Path
from zipfile import ZipFile

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from flows import exporting, lex_export
from flows.cli import app
from warehouse.errors import BadInput
from warehouse.home import create
from warehouse.tables import Examples

VERSION = "2026-01-08-0001-aaaaaaaa"


def example(utterance: str, label: str, locale: str = "en-GB", **more) -> dict:
    row = {
        "locale": locale,
        "utterance": utterance,
        "labels": [label, "other"],
        "probabilities": [0.9, 0.1],
        "weight": 0.81,
        "users": 7,
        "sources": ["accepted"],
        "slots": None,
        "slots_known": False,
        "split": "train",
        "said_by": 3,
    }
    return row | more


SEVEN = {"name": "time", "value": "seven", "start": 11, "end": 16, "probability": 0.9}
ROWS = [
    example("wake me at seven", "alarm", slots=[SEVEN]),
    example("=cmd|'/c calc'!A0", "music"),
    example("@sum(1)", "music"),
    example("lampe an [bitte]", "lamp", locale="de-DE"),
    example("lampe aus", "lamp", locale="de-DE"),
    example("only mine", "music", split="validation"),
    example("who knows", "music", probabilities=[0.4, 0.3]),
]


def unzipped(place: Path) -> dict[str, dict]:
    with ZipFile(place) as packed:
        return {name: json.loads(packed.read(name)) for name in packed.namelist()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    made = create(place)
    folder = made.training_sets / VERSION
    folder.mkdir(parents=True)
    columns = {n: c.dtype for n, c in Examples.columns().items()}
    pl.DataFrame(ROWS, columns).write_parquet(folder / "examples.parquet")
    return place


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_hugging_face_datasets_load_it(home, tmp_path, form, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    exporting.export(home, form, tmp_path / "out", None)
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert found["train"].num_rows == 6
    assert found["validation"].num_rows == 1
    first = found["train"][0]
    assert first["labels"] == ["alarm", "other"]
    assert first["slots"][0]["value"] == "seven"


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_an_empty_split_has_no_file(home, tmp_path, form):
    kept = pl.DataFrame(ROWS, {n: c.dtype for n, c in Examples.columns().items()})
    place = home / "training_sets" / VERSION / "examples.parquet"
    kept.filter(split="train").write_parquet(place)
    done = exporting.export(home, form, tmp_path / "out", None)
    assert done["files"] == [f"train.{form}"]


@pytest.mark.parametrize(
    "cell",
    ["=1+1", " =2+3", "\t=2+3", "＝1+1", "＋1", "－1", "＠a", "﹣1", "\u200b=1", "\ufeff=1", "\xa0@a", "\r\n=1"],
)  # fmt: skip
def test_a_formula_is_told_however_it_is_written(cell):
    assert exporting._is_formula(cell)


@pytest.mark.parametrize("cell", ["", " ", "lamp = on", "a-b", "'=1", "1+1", "<p>", "%0A=1+1"])
def test_words_are_no_formula(cell):
    assert not exporting._is_formula(cell)


def test_lex_gets_sample_utterances_with_slots_and_the_values_of_their_types(home, tmp_path):
    done = exporting.export(home, "lex", tmp_path / "out", VERSION)
    assert done["files"] == ["de_DE.zip", "en_GB.zip"]
    files = unzipped(tmp_path / "out" / "en_GB.zip")
    assert files["manifest.json"]["metadata"]["resourceType"] == "BotLocale"
    intent = files["en_GB/Intents/alarm/Intent.json"]
    assert intent["sampleUtterances"] == [{"utterance": "wake me at {time}"}]
    assert intent["slotPriorities"] == [{"priority": 1, "slotName": "time"}]
    assert files["en_GB/Intents/alarm/Slots/time/Slot.json"]["slotTypeName"] == "time"
    values = files["en_GB/SlotTypes/time/SlotType.json"]["slotTypeValues"]
    assert values == [{"sampleValue": {"value": "seven"}}]
    german = unzipped(tmp_path / "out" / "de_DE.zip")
    assert german["de_DE/Intents/lamp/Intent.json"]["slotPriorities"] == []


def test_names_that_lex_does_not_take_stay_apart():
    assert lex_export._names(["../a b", "a-b", "日本"]) == {
        "../a b": "a_b",
        "a-b": "a_b_2",
        "日本": "x",
    }


def test_rasa_gets_one_intent_a_wording_with_its_entities(home, tmp_path):
    done = exporting.export(home, "rasa", tmp_path / "out", VERSION)
    assert done["rows"] == 3
    assert done["left_out"] == 4
    english = yaml.safe_load((tmp_path / "out" / "nlu.en-GB.yml").read_text())
    assert english["version"] == "3.1"
    by_intent = {entry["intent"]: entry["examples"].splitlines() for entry in english["nlu"]}
    assert by_intent["alarm"] == ['- wake me at [seven]{"entity": "time"}']
    assert all(line.startswith("- ") for lines in by_intent.values() for line in lines)
    german = yaml.safe_load((tmp_path / "out" / "nlu.de-DE.yml").read_text())
    assert german["nlu"][0]["examples"] == "- lampe aus\n"


def test_a_spreadsheet_runs_no_formula(home, tmp_path):
    exporting.export(home, "csv", tmp_path / "out", None)
    with (tmp_path / "out" / "examples.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(ROWS)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert {"'@sum(1)", "lampe aus"} <= {row["utterance"] for row in rows}
    assert json.loads(rows[0]["slots"])[0]["name"] == "time"


def test_a_locale_names_no_place_outside(home, tmp_path):
    folder = home / "training_sets" / "2026-01-09-0001-bbbbbbbb"
    folder.mkdir()
    columns = {n: c.dtype for n, c in Examples.columns().items()}
    hostile = [example("hello", "greet", locale="../../etc")]
    pl.DataFrame(hostile, columns).write_parquet(folder / "examples.parquet")
    exporting.export(home, "rasa", tmp_path / "out", None)
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["nlu.______etc.yml"]


def test_what_cannot_be_exported_is_said_in_a_line(home, tmp_path):
    (tmp_path / "taken").mkdir()
    folder = home / "training_sets" / "2026-01-07-0001-cccccccc"
    folder.mkdir()
    Examples.create_empty().write_parquet(folder / "examples.parquet")
    with pytest.raises(BadInput, match="is empty; its card"):
        exporting.export(home, "csv", tmp_path / "none", folder.name)
    with pytest.raises(BadInput, match="is there already"):
        exporting.export(home, "csv", tmp_path / "taken", None)
    with pytest.raises(BadInput, match="is no training set"):
        exporting.export(home, "csv", tmp_path / "out", "2020")
    asked = ["export", "--home", str(home), "--format", "xml", "--out", str(tmp_path / "out")]
    assert isinstance(CliRunner().invoke(app, asked).exception, BadInput)
