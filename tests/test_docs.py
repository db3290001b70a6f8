"""What the documents say is there, is there."""

import ast
import gzip
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import foreign
import pytest
from typer.main import get_command

from flows import reference
from flows.cli import app
from flows.pipeline import directly
from flows.runs import Request, run_night
from flows.settings import Settings, load
from flows.simulation.place import Habits
from flows.simulation.world import simulate
from warehouse.errors import BadInput
from warehouse.publish import views
from warehouse.queries import names

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / f"{name}.md" for name in ("README", "ARCHITECTURE", "CONTRIBUTING")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def test_every_command_and_option_of_the_readme_exists():
    commands = get_command(app).commands  # type: ignore[attr-defined]
    said = re.findall(r"^    sayagain (\w+)(.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {name for name, _ in said} >= {"run", "retrain", "report"}
    for name, rest in said:
        options = {o for p in commands[name].params for o in p.opts}
        assert set(re.findall(r"(--[\w-]+)", rest)) <= options, name


def test_every_target_of_the_readme_is_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([\w-]+)", (ROOT / "README.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_path_and_link_of_a_page_exists(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(
        r"`((?:flows|mining|aggregation|retrain|warehouse|benchmarks)/[\w/.]+)`", text
    ):
        assert (ROOT / path).exists(), path


def test_the_settings_page_shows_every_key(tmp_path):
    page = (ROOT / "docs" / "settings.md").read_text()
    shown = tomllib.loads(re.search(r"```toml\n(.*?)```", page, re.DOTALL).group(1))  # type: ignore[union-attr]
    Settings.model_validate(shown)
    assert set(shown) == set(Settings.model_fields)
    sections = (s for s in Settings.model_fields.items() if s[0] not in ("assistant", "format"))
    for section, kind in sections:
        known = set(kind.annotation.model_fields)  # type: ignore[union-attr]
        assert set(shown[section]) == known, section


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[log]\ntime_zone = 'Mars/Base'", "log.time_zone: 'Mars/Base' is not a time zone"),
        ("[log.columns]\nwho = 'x'", "'who' is not a field of the log; known: user_id"),
        ("[min_users]\npublished = 0", "min_users.published"),
        (
            "[languages]\nlexicon.sw-KE = {path = 'a', to = 'b', at = 'c'}",
            "at is unknown; known: path, to",
        ),
        (
            "[languages]\nlexicon.sw-KE = {path = 'a', to = 'sw-KE'}",
            "sw-KE is translated to itself",
        ),
        ("[nothing]\n", "nothing is unknown; known: alert, assistant, delivery"),
        ("[floors]\npublished = 5", "floors is called min_users since 0.2.0"),
        ("[mining]\nsimilar = 0.8", "mining.similar is called mining.similarity_threshold"),
        ("format = 1", "format: "),
        ("= 3", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_key(tmp_path, text, told):
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(BadInput) as caught:
        load(tmp_path / "settings.toml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_file_of_the_views_and_the_cookbook_says_what_it_is():
    for view in views():
        assert view.comment, view.name
    folder = ROOT / "warehouse" / "queries"
    assert all((folder / f"{n}.sql").read_text().startswith("-- ") for n in names())


def test_the_steps_of_the_architecture_are_those_of_the_night():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    assert reference.written(text) == text, "python -m flows.reference"


def test_the_page_of_commands_says_what_the_program_says(tmp_path):
    command = [Path(sys.executable).parent / "typer", "flows.cli", "utils", "docs"]
    made = tmp_path / "cli.md"
    named = ["--name", "sayagain", "--output", made]
    subprocess.run([*command, *named], check=True, capture_output=True, cwd=ROOT)
    assert (ROOT / "docs" / "cli.md").read_text() == made.read_text(), "make docs"


def logs_of_readers(folder: Path) -> None:
    """The logs that readers of the stories have: of a Rasa bot, a Lex bot and a chat, and what the bots know."""
    habits = Habits(40, 4, 2_000, "2026-01-05", 8, 0.1, 0, 0.0, shape="command")
    simulate(folder / "theirs", None, 5, habits, ["en-GB"])
    log = gzip.decompress((folder / "theirs" / "log.jsonl.gz").read_bytes()).splitlines()
    rows = [json.loads(line) for line in log]
    rows = [r | {"slots": r["slots"] or {}, "n_best": r["n_best"] or []} for r in rows]
    rows.sort(key=lambda r: r["timestamp"])
    foreign.rasa_tracker_store(folder / "events.db", rows).rename(folder / "rasa.db")
    (folder / "store.db-wal").rename(folder / "rasa.db-wal")
    foreign.lex(folder / "lex.jsonl", rows)
    foreign.chat(folder / "chat.jsonl", rows)
    seed = gzip.decompress((folder / "theirs" / "seed.jsonl.gz").read_bytes())
    (folder / "known.jsonl").write_bytes(seed)


@pytest.mark.pages
def test_the_notebook_runs(tmp_path):
    """Cell by cell, on a home of two locales."""
    simulate(tmp_path / "world", None, 5, Habits(30, 3, 1_200, "2026-01-05", 8, 0.1, 0, 0.0), None)
    request = Request([str(tmp_path / "world" / "log.jsonl.gz")], tmp_path / "home")
    run_night(request, Settings(), directly)
    cells = json.loads((ROOT / "docs" / "warehouse.ipynb").read_text())["cells"]
    told = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(told)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SAYAGAIN_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.pages
def test_the_commands_of_the_first_page_and_of_the_stories_run(tmp_path):
    """As a newcomer types them, one after the other: stories go on where the first page ended."""
    pages = [ROOT / "docs" / "index.md", *sorted((ROOT / "docs" / "stories").glob("*.md"))]
    told = [re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL) for page in pages]
    assert len(told[0]) == 3
    assert all(told)
    blocks = [block for page in told for block in page]
    logs_of_readers(tmp_path)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    known = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=known | {"PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "(known)" in done.stderr
    assert (tmp_path / "home" / "report.html").exists()
    assert "by 2 persons" in done.stdout
    assert '"auditors": 2' in done.stdout
    assert (tmp_path / "sayagain.prom").read_text().endswith("# EOF\n")


def test_the_pages_of_the_site_are_those_of_the_folder():
    named = set(re.findall(r"([\w/-]+\.md)", (ROOT / "mkdocs.yml").read_text()))
    folder = ROOT / "docs"
    assert named == {str(p.relative_to(folder)) for p in folder.rglob("*.md")}


def test_where_the_constants_of_a_method_come_from_is_named():
    """Numbers stand in the module that uses them, and its docstring leads to their sources."""
    for folder in ("mining", "aggregation", "retrain"):
        for place in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(place.read_text())
            numbers = [
                node
                for node in tree.body
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id.isupper()
                and isinstance(node.value, ast.Constant)
                and type(node.value.value) in (int, float)
            ]
            if numbers:
                assert "docs/method.md, " in (ast.get_docstring(tree) or ""), place


def test_the_method_names_files_and_functions_that_are_there():
    text = (ROOT / "docs" / "method.md").read_text()
    code = {p.name: p.read_text() for p in ROOT.rglob("*.py") if ".venv" not in p.parts}
    named = re.findall(r"\(`(\w+)`(?: in `(\w+\.py)`)?[;)]", text)
    assert len(named) > 4
    for name, place in named:
        assert any(f"def {name}(" in t for n, t in code.items() if place in ("", n)), name
