"""A program of the user's own that trains in the place of the reference trainer, or teaches it."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from test_gate import LAMPS, SEED
from test_retraining import call

from flows import programs, seed, serving
from flows.evaluation_data import Material
from flows.retraining import Retraining, _distilled, retrain
from flows.settings import Settings
from retrain.registry import store
from retrain.training.data import taught_by, training_data
from retrain.training.model import Helpers, load
from retrain.training.program import CommandProgram, asked, scored
from warehouse.errors import BadInput
from warehouse.home import Home, create
from warehouse.tables import Examples

# Learns which labels each word was said with, and answers by them.
BY_WORDS = """
import json, sys
from collections import Counter, defaultdict
from pathlib import Path

folder = Path(sys.argv[1])
kept = folder / "model" / "words.json"
read = lambda name: [json.loads(line) for line in (folder / name).open(encoding="utf8")]
if (folder / "lesson.jsonl").exists():
    words = defaultdict(Counter)
    for row in read("lesson.jsonl"):
        for label, p in zip(row["labels"], row["probabilities"], strict=True):
            for word in row["utterance"].split():
                words[word][label] += p * row["weight"]
    kept.write_text(json.dumps(words))
words = json.loads(kept.read_text())
with (folder / "answers.jsonl").open("w", encoding="utf8") as out:
    for row in read("ask.jsonl"):
        seen = Counter()
        for word in row["utterance"].split():
            seen.update(words.get(word, {}))
        whole = sum(seen.values()) or 1
        labels = [{"label": k, "probability": v / whole} for k, v in seen.items()]
        out.write(json.dumps({"labels": labels}) + "\\n")
"""


@pytest.fixture
def command(tmp_path) -> list[str]:
    (tmp_path / "by_words.py").write_text(BY_WORDS)
    return [sys.executable, str(tmp_path / "by_words.py")]


@pytest.fixture
def home(tmp_path) -> Home:
    home = create(tmp_path / "home")
    seed.keep(home, SEED)
    return home


def predicted(home: Home, wordings: list[str], settings: Settings) -> list[str]:
    lines = io.BytesIO("\n".join(wordings).encode())
    answers = serving.answers(home.root, lines, 1, settings)
    return [json.loads(a)["labels"][0]["label"] for a in answers]


def test_a_command_trains_is_judged_serves_and_is_asked_again(home, command):
    settings = Settings.model_validate({"trainer": {"command": command}})
    told = retrain(Retraining(home, settings, None), call)
    assert told["promoted"]
    assert predicted(home, LAMPS[:5], settings) == ["lamp"] * 5
    kept = home.models / told["champion"] / "outside" / "words.json"
    assert "lamp" in json.loads(kept.read_text())["lamp"]
    figures = store.table(home, told["champion"], "evaluation").row(0, named=True)
    assert figures["cases"] == SEED.height
    assert figures["challenger_accuracy"] > 0.9


def test_its_model_does_not_say_what_is_run(home, command):
    settings = Settings.model_validate({"trainer": {"command": command}})
    told = retrain(Retraining(home, settings, None), call)
    model = store.fetch(home, told["champion"])
    with pytest.raises(BadInput, match="give --config that names it"):
        model.best(LAMPS)
    assert sys.executable not in (home.models / told["champion"] / "model.json").read_text()


@pytest.mark.parametrize("deed", ["changed", "added", "linked"])
def test_a_model_of_its_own_that_was_tampered_with_is_refused(home, command, deed):
    settings = Settings.model_validate({"trainer": {"command": command}})
    told = retrain(Retraining(home, settings, None), call)
    folder = home.models / told["champion"]
    if deed == "changed":
        (folder / "outside" / "words.json").write_text("{}")
    elif deed == "added":
        (folder / "outside" / "more.json").write_text("{}")
    else:
        (folder / "outside" / "link").symlink_to("/etc/hosts")
    with pytest.raises(BadInput, match=r"restore it, or retrain|holds a link"):
        load(folder, Helpers(programs.trainer(settings)))


def program(tmp_path: Path, written: str) -> CommandProgram:
    (tmp_path / "junk.py").write_text(
        f"import sys, pathlib; (pathlib.Path(sys.argv[1]) / 'answers.jsonl').write_text({written!r})"
    )
    return CommandProgram([sys.executable, str(tmp_path / "junk.py")], 30)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "has 0 rows, ask.jsonl 1"),
        ("{", "row 1"),
        ('{"labels": [{"label": "a", "probability": 7}]}', "row 1: .*<= 1.001"),
        ('{"labels": [{"label": "a"}]}', "row 1: .*probability"),
        (
            '{"labels": [{"label": "a", "probability": 0.9}, {"label": "b", "probability": 0.9}]}',
            "row 1: its probabilities sum to more than 1",
        ),
    ],
)
def test_answers_that_are_none_are_named(tmp_path, written, told):
    with pytest.raises(BadInput, match=told):
        asked(program(tmp_path, written), tmp_path, ["lamp"])


def test_a_program_that_fails_hangs_or_is_missing_is_bad_input(tmp_path):
    for words, seconds, told in (
        ([sys.executable, "-c", "raise SystemExit(4)"], 30.0, "ended with 4"),
        ([sys.executable, "-c", "import threading; threading.Event().wait()"], 0.2, "did not end"),
        (["no-such-program"], 30.0, "cannot be run"),
        ([sys.executable, "-c", ""], 30.0, "was not written"),
    ):
        with pytest.raises(BadInput, match=told):
            asked(CommandProgram(words, seconds), tmp_path, ["lamp"])


def test_a_teacher_has_its_share_of_the_targets_of_what_is_believed():
    examples = pl.DataFrame(
        {
            "locale": ["en"],
            "utterance": ["dim it"],
            "labels": [["lamp", "song"]],
            "probabilities": [[0.5, 0.5]],
        }
    ).with_columns(weight=pl.lit(0.4))
    taught = training_data(SEED, examples)
    lamp = taught.labels.index("lamp")
    sure = np.full((1, len(taught.labels)), -20.0)
    sure[0, lamp] = 0.0
    mixed = taught_by(taught, ["dim it"], sure, 0.5)
    here = taught.wordings.index("dim it")
    assert mixed.shares[here, lamp] == pytest.approx(0.75)
    assert np.allclose(np.asarray(mixed.shares.sum(axis=1)), 1.0)
    others = [n for n in range(len(taught.wordings)) if n != here]
    assert (mixed.shares[others] != taught.shares[others]).nnz == 0
    assert np.array_equal(mixed.weights, taught.weights)


def test_a_teacher_that_is_sure_of_nothing_changes_nothing():
    examples = pl.DataFrame(
        {"locale": ["en"], "utterance": ["dim it"], "labels": [["lamp"]], "probabilities": [[1.0]]}
    ).with_columns(weight=pl.lit(0.4))
    taught = training_data(SEED, examples)
    for answer in ({}, {"elsewhere": 0.9}, {"lamp": 0.02, "music": 0.02}):
        mixed = taught_by(taught, ["dim it"], scored([answer], taught.labels), 0.5)
        assert np.allclose(np.asarray(mixed.shares.sum(axis=1)), 1.0)
        assert (mixed.shares != taught.shares).nnz == 0


def test_a_teacher_of_the_settings_answers_for_what_is_believed(home, tmp_path):
    (tmp_path / "teacher.py").write_text(
        "import sys, json, pathlib; f = pathlib.Path(sys.argv[1]);"
        "row = json.dumps({'labels': [{'label': 'music', 'probability': 1.0}]});"
        "n = len((f / 'ask.jsonl').read_text().splitlines());"
        "(f / 'answers.jsonl').write_text((row + '\\n') * n)"
    )
    teacher = {"teacher": [sys.executable, str(tmp_path / "teacher.py")], "teacher_share": 0.25}
    examples = Examples.create_empty().select(
        "locale", "utterance", "labels", "probabilities", "weight"
    )
    one = pl.DataFrame(
        {
            "locale": ["en"],
            "utterance": ["dim"],
            "labels": [["lamp"]],
            "probabilities": [[1.0]],
            "weight": [0.5],
        },
        schema=examples.schema,
    )
    material = Material(SEED, one, SEED.clear(), None)
    taught = _distilled(Settings.model_validate({"trainer": teacher}), material, tmp_path)
    row = taught.shares[taught.wordings.index("dim")].toarray()[0]
    assert row[taught.labels.index("music")] == pytest.approx(0.25)


def test_a_program_that_keeps_nothing_in_the_folder_still_answers(home, tmp_path):
    (tmp_path / "zero.py").write_text(
        "import sys, json, pathlib; f = pathlib.Path(sys.argv[1]);"
        "rows = [json.loads(l) for l in (f / 'ask.jsonl').open()];"
        "label = lambda u: 'lamp' if 'lamp' in u else 'music';"
        "(f / 'answers.jsonl').write_text(''.join(json.dumps({'labels': [{'label':"
        " label(r['utterance']), 'probability': 1.0}]}) + '\\n' for r in rows))"
    )
    settings = Settings.model_validate(
        {"trainer": {"command": [sys.executable, str(tmp_path / "zero.py")]}}
    )
    retrain(Retraining(home, settings, None), call)
    assert predicted(home, ["stop song 1", "the lamp"], settings) == ["music", "lamp"]


def test_another_program_is_not_handed_its_model(home, command):
    settings = Settings.model_validate({"trainer": {"command": command}})
    told = retrain(Retraining(home, settings, None), call)
    other = CommandProgram([*command, "--other"], 30)
    model = store.fetch(home, told["champion"], Helpers(other))
    assert not model.can_answer
    with pytest.raises(BadInput, match="give --config that names it"):
        model.best(LAMPS)
    assert store.fetch(home, told["champion"], Helpers(programs.trainer(settings))).can_answer


def test_a_program_that_was_mended_trains_anew(home, command):
    settings = Settings.model_validate({"trainer": {"command": command}})
    before = programs.files(settings)
    script = Path(command[1])
    script.write_text(script.read_text() + "\n# mended\n")
    assert programs.files(settings) != before


def test_two_trainers_are_one_too_many():
    with pytest.raises(ValueError, match="not both"):
        Settings.model_validate({"trainer": {"command": ["x"], "deployment": "a/b"}})
