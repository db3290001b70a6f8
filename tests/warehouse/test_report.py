"""The report as a person has it: in a real browser, with a log that is not trusted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.publish import publish
from warehouse.report import page

EVIL = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"
SMALL = "small locales (3)"
PICTURES = ["pulse", "funnel", "locales", "intents", "map", "calibration", "gate"]
PICTURES += ["launch-en-GB", "launch-ru-RU", "changed"]
TABLES = [
    "places",
    "beliefs",
    "worst",
    "hurts-en-GB",
    "hurts-ru-RU",
    "changed",
    "candidates",
    "withheld",
    "confusions",
    "clusters",
    "hurts",
    "decisions",
    "gate",
    "waiting",
    "nights",
    "sessions",
]


@pytest.fixture(scope="module")
def root(nights, tmp_path_factory) -> Path:
    """A home whose most said wording is an attack, and which has small locales."""
    home = tmp_path_factory.mktemp("page") / "home"
    shutil.copytree(nights[1].file.parent, home)
    lake = Lake(home / "lake")
    night = lake.days("released_utterances")[-1]
    said = lake.read("released_utterances", [night]).sort("users", descending=True)
    changed = pl.col("shown").replace(said["shown"][0], EVIL)
    lake.put("released_utterances", night, said.with_columns(changed))
    few = lake.read("daily_intents", [night]).filter(locale="ru-RU")
    small = few.with_columns(locale=pl.lit(SMALL))
    lake.put("pooled_intents", night, pl.concat([lake.read("pooled_intents", [night]), small]))
    change(lake, night, said)
    publish(Home(home), lake, 3)
    (home / "report.html").write_text(page.render(home), encoding="utf8")
    return home


def change(lake: Lake, night: str, said: pl.DataFrame) -> None:
    """Clusters of the wordings that most say are taken to rise, and to be one wish that no label explains."""
    held = lake.read("clusters", [night]).drop("users").join(said, on=["locale", "utterance"])
    rows = held.sort("users", descending=True).unique("cluster_id", keep="first").head(8)
    told = rows.select(
        *("locale", "utterance", "users"),
        **{name: pl.lit(night) for name in ("since", "candidate_id")},
        **{name: pl.lit(20) for name in ("now", "users_now", "wordings")},
        **{name: pl.lit(0) for name in ("before", "terms", "well", "explained", "q")},
        unit="cluster_id", cluster_id="cluster_id", clusters=pl.concat_list("cluster_id"),
        kind=pl.lit("cluster"), change=pl.lit("rising"), label=pl.lit(None), days=pl.lit(7),
        ratio=pl.lit(8.0), at_least=pl.int_range(2, pl.len() + 2), at_most=pl.lit(30.0),
    )  # fmt: skip
    lake.put("trends", night, told)
    lake.put("intent_candidates", night, told.head(1))
    one = told.row(0, named=True)["locale"]
    lake.put("intent_candidate_members", night, told.filter(locale=one))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = [
        shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
    ]
    place = next((f for f in found if f), None)
    if place is None:
        pytest.skip("no Chromium here; Debian's package chromium has it")
    with sync_playwright() as play:
        started = play.chromium.launch(
            executable_path=place, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture
def opened(browser, root) -> Iterator[Page]:
    """The page, drawn; at the end there was no word on the console, no error, no other request."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    tab, told, asked = context.new_page(), [], []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    place = (root / "report.html").as_uri()
    tab.goto(place)
    tab.wait_for_function("document.documentElement.dataset.drawn")
    yield tab
    assert told == []
    assert asked == [place]
    context.close()


def test_every_section_has_its_content(opened):
    assert opened.title().startswith("sayagain: night 2026-")
    assert "turns of 2 locales" in opened.inner_text("#lead")
    for name in ("better", "first", "model", "now"):
        assert opened.locator(f"#answer-{name} .short").inner_text(), name
    for name in PICTURES:
        assert opened.locator(f"#picture-{name} svg path").count() > 3, name
    for name in TABLES:
        assert opened.locator(f"table#{name} tbody tr").count() > 0, name


def test_what_was_said_is_shown_and_not_run(opened):
    assert opened.title() != "taken"
    assert "onerror" in opened.inner_text("body")


def test_the_search_leaves_rows_that_hold_it_and_marks_the_map(opened):
    rows = opened.locator("tbody tr:visible")
    everything = rows.count()
    locale = opened.locator("#confusions tbody td").first.inner_text()
    opened.fill("#search", locale.upper())
    assert 0 < rows.count() < everything
    assert opened.inner_text("#found") == f"{rows.count()} of {everything} rows"
    opened.fill("#search", "nobody said this")
    assert rows.count() == 0
    faint = opened.locator("#picture-map path[opacity='0.05']")
    assert faint.count() == opened.locator("#picture-map .mark-symbol.role-mark path").count() > 0
    opened.fill("#search", "")
    assert faint.count() == 0
    assert rows.count() == everything


def test_a_locale_that_is_chosen_is_shown_alone(opened):
    everything = opened.locator("tbody tr:visible").count()
    marks = opened.locator("#picture-map .mark-symbol.role-mark path").count()
    opened.select_option("#place", "ru-RU")
    for name in ("places", "worst", "hurts", "confusions", "clusters", "beliefs"):
        told = opened.locator(f"#{name} tbody tr:visible td:first-child")
        assert set(told.all_inner_texts()) == {"ru-RU"}, name
    assert opened.locator("section.launch:visible h4").all_inner_texts() == ["ru-RU"]
    opened.wait_for_function(
        "all => document.querySelectorAll('#picture-map .mark-symbol.role-mark path').length < all",
        arg=marks,
    )
    assert "published (wordings)" in opened.locator("#picture-funnel").inner_text()
    opened.select_option("#place", "")
    assert opened.locator("tbody tr:visible").count() == everything
    assert opened.locator("section.launch:visible").count() == 2


def test_small_locales_are_one_that_can_be_chosen(opened):
    names = opened.locator("#places tbody tr:visible td:first-child").all_inner_texts()
    assert names == ["en-GB", "ru-RU", SMALL]
    lines = "#picture-locales .mark-line path"
    assert opened.locator(lines).count() == 3
    opened.select_option("#place", SMALL)
    opened.wait_for_function("lines => document.querySelectorAll(lines).length === 1", arg=lines)
    assert opened.locator("#worst tbody tr:visible").count() > 0
    assert opened.locator("section.launch:visible").count() == 0


def test_a_launch_tells_what_failed_what_is_believed_and_what_waits(opened):
    told = opened.locator("section.launch[data-place='ru-RU']").inner_text()
    for part in ("3 days since the launch", "users: ", "an estimate", "are believed", "What waits"):
        assert part in told, part


def test_the_map_tells_under_the_pointer_and_zooms(opened):
    mark = opened.locator("#picture-map .mark-symbol.role-mark path").last
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    told = opened.locator("#vg-tooltip-element.visible")
    told.wait_for()
    assert "users" in told.inner_text()
    before = mark.get_attribute("transform")
    opened.mouse.wheel(0, -400)
    opened.wait_for_function(
        "before => [...document.querySelectorAll('#picture-map .mark-symbol.role-mark path')].at(-1)"
        ".getAttribute('transform') !== before",
        arg=before,
    )


def serious(tab: Page) -> list[tuple[str, str]]:
    """What axe finds of the page that is serious or critical."""
    found = Axe().run(tab).response["violations"]
    bad = [v for v in found if v["impact"] in ("serious", "critical")]
    return [(v["id"], node["html"][:80]) for v in bad for node in v["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200, 1800])
def test_it_fits_its_window_and_can_be_read(browser, root, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    tab = context.new_page()
    tab.goto((root / "report.html").as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn")
    tab.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    cut = "[...document.querySelectorAll('.wide')].filter(x => x.scrollWidth > x.clientWidth + 1)"
    assert tab.evaluate(f"{cut}.map(x => x.querySelector('table').id)") == []
    over = "[...document.querySelectorAll('td, th')].filter(x => x.scrollWidth > x.clientWidth + 1 && x.offsetParent)"
    assert tab.evaluate(f"{over}.map(x => x.textContent)") == []
    assert serious(tab) == []
    ink, paper = (
        tab.evaluate(f"getComputedStyle(document.body).{name}")
        for name in ("color", "backgroundColor")
    )
    light = [sum(map(int, c[4:-1].split(","))) / 765 for c in (ink, paper)]
    assert abs(light[0] - light[1]) > 0.6
    text = tab.evaluate("getComputedStyle(document.querySelector('.picture svg text')).fill")
    assert text == ink
    context.close()


def test_on_a_phone_the_questions_below_open_when_they_are_asked(browser, root):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto((root / "report.html").as_uri())
    tab.wait_for_function("document.documentElement.dataset.drawn")
    assert tab.locator("details[open]").count() == 0
    assert tab.evaluate("document.querySelector('#glance').getBoundingClientRect().width") <= 390
    tab.click("nav a[href='#wishes']")
    tab.wait_for_selector("#picture-map svg path")
    assert tab.locator("details[open]").count() == 1
    tab.fill("#search", "a")
    assert tab.locator("details[open]").count() == tab.locator("details").count()
    context.close()


def test_it_is_small_and_loads_nothing(root):
    html = (root / "report.html").read_text(encoding="utf8")
    assert len(html.encode()) < 3_000_000
    assert "default-src 'none'" in html
    assert EVIL not in html


def test_the_page_of_an_earlier_night_is_made_again(nights, root):
    first, last = Lake(root / "lake").days("decisions")
    again = page.render(root, first)
    assert f"Night {first}" in again
    assert f"Night {last}" not in again
    assert page.render(root, last) == (root / "report.html").read_text(encoding="utf8")
    with pytest.raises(
        BadInput, match=f"--night 2020-01-01: is not kept here; nights: {first}, {last}"
    ):
        page.render(root, "2020-01-01")
