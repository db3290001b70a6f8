"""What an edit makes compute anew: what reaches the edited file, and nothing else."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows import night, reach

pytestmark = pytest.mark.quick

STEPS = {each.name: each.work for each in (night.take_in, *night.HEARD, *night.believed())}


def reached(step: str) -> set[str]:
    _, places = reach._of_function(STEPS[step])
    return {str(p.relative_to(reach.ROOT)) for p in places}


@pytest.mark.parametrize("step", STEPS)
def test_no_step_reaches_a_help_text_or_the_report(step):
    found = reached(step)
    assert not {"warehouse/report/page.py", "flows/deployments.py"} & found
    assert not [place for place in found if place.startswith("flows/cli")]
    assert (reach.ROOT / "flows" / "cli" / "ask.py").exists()


def test_word_lists_reach_the_clusters_and_not_the_log():
    assert "mining/clustering/words.toml" in reached("cluster_utterances")
    for step in ("take_in", "score_pairs", "count_utterances", "embed_utterances"):
        assert "mining/clustering/words.toml" not in reached(step)


def test_a_prior_reaches_what_is_judged_by_it():
    for step in ("score_pairs", "judge_turns"):
        assert {"mining/priors/card.json", "mining/priors/pairs.zip"} <= reached(step)
    assert "mining/priors/card.json" not in reached("take_in")


def test_sql_reaches_the_steps_that_ask_it():
    assert {"mining/utterances/votes.sql", "mining/engines/people.sql"} <= reached(
        "label_utterances"
    )
    assert "mining/utterances/votes.sql" not in reached("count_utterances")
    assert "mining/rephrases/pairs.sql" in reached("take_in")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of one's own, in the place of ours."""
    root = tmp_path / "ours"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "inner.py").write_text('"""Words."""\nWORDS = "list.toml"\n')
    (root / "list.toml").write_text("a = 1\n")
    (root / "other.toml").write_text("a = 1\n")
    (root / "alone.py").write_text("X = 1\n")
    (root / "steps.py").write_text(
        "from ours import inner\nMOST = 3\n\n\ndef step():\n    return helper()\n\n\n"
        "def helper():\n    return inner.WORDS, MOST\n\n\ndef unused():\n    return 1\n"
    )
    monkeypatch.setattr(reach, "OURS", ("ours",))
    monkeypatch.setattr(reach, "ROOT", tmp_path)
    monkeypatch.setattr(reach, "BEHIND", ())
    monkeypatch.setattr(reach, "PIPELINE", root / "__init__.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield root
    for name in [n for n in sys.modules if n.split(".")[0] == "ours"]:
        del sys.modules[name]
    shutil.rmtree(root)


def key(root: Path) -> str:
    """The key of the package's step, as a fresh process would have it."""
    for name in [n for n in sys.modules if n.split(".")[0] == "ours"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    shutil.rmtree(root / "__pycache__", ignore_errors=True)
    reach._read.cache_clear()
    import linecache

    linecache.clearcache()
    return reach.code_of(importlib.import_module("ours.steps").step)


@pytest.mark.parametrize(
    ("file", "before", "after", "matters"),
    [
        ("list.toml", "a = 1", "a = 2", True),
        ("inner.py", "Words.", "All words.", True),
        ("steps.py", "MOST = 3", "MOST = 4", True),
        ("steps.py", "return inner.WORDS, MOST", "return MOST, inner.WORDS", True),
        ("steps.py", "return 1", "return 2", False),
        ("alone.py", "X = 1", "X = 2", False),
        ("other.toml", "a = 1", "a = 2", False),
    ],
)
def test_an_edit_matters_where_it_is_reached(package, file, before, after, matters):
    first = key(package)
    place = package / file
    place.write_text(place.read_text().replace(before, after))
    assert (key(package) != first) == matters


FOLDERS = ("flows", "mining", "aggregation", "retrain", "warehouse")


def done(tree: Path, log: Path, home: Path) -> dict[str, bool]:
    """The steps of a night of the program in `tree`, and whether each was computed."""
    command = [sys.executable, "-m", "flows", "run", str(log), "--home", str(home), "-v"]
    ran = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    lines = re.findall(r"^([a-z ]+?) +[\d.]+ s( \(known\))?$", ran.stderr, re.MULTILINE)
    return {name.replace(" ", "_"): not known for name, known in lines if name in NAMED}


NAMED = {name.replace("_", " ") for name in STEPS}


@pytest.mark.slow
def test_an_edit_computes_what_reaches_it_and_what_follows_from_another_result(
    small_world, tmp_path
):
    """A help text nothing; a word list the clusters, and what reads them where they are others now."""
    tree = tmp_path / "tree"
    for folder in FOLDERS:
        shutil.copytree(reach.ROOT / folder, tree / folder)
    log, home = small_world / "log.jsonl.gz", tmp_path / "home"
    assert all(done(tree, log, home).values())
    help_text = tree / "flows" / "cli" / "ask.py"
    help_text.write_text(help_text.read_text().replace("A read-only query", "A query"))
    assert not any(done(tree, log, home).values())
    words = tree / "mining" / "clustering" / "words.toml"
    edited = words.read_text().replace('negation = ["not",', 'negation = ["the", "my", "not",')
    assert edited != words.read_text()
    words.write_text(edited)
    computed = {name for name, fresh in done(tree, log, home).items() if fresh}
    assert {"cluster_utterances", "judge_turns", "label_utterances"} <= computed
    before = {"take_in", "score_pairs", "count_utterances", "embed_utterances"}
    assert not computed & before
