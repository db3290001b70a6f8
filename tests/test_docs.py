"""What the documents say is there, is there."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from flows.cli import app
from flows.settings import Settings, load
from warehouse.errors import BadInput
from warehouse.publish import views
from warehouse.queries import names

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


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
