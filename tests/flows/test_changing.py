"""Words that change in an invented world: from a day on, as its truth tells."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows.simulation.place import Habits
from flows.simulation.world import simulate
from mining.trends.detection import terms
from warehouse.errors import BadInput

LOCALES = ["en-GB", "ja-JP"]
SAME = Habits(60, 8, 4_000, "2026-01-05", 4, 0.2, 1, 0.0)
CHANGING = replace(SAME, changing_day=5)
DAY = "2026-01-09"
FILES = ["log.jsonl.gz", "seed.jsonl.gz", "test.jsonl.gz", "truth.jsonl.gz", "world.json"]


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("changing")
    simulate(out, None, 7, CHANGING, LOCALES)
    return out


def told(world: Path, locale: str, kind: str) -> dict[str, Any]:
    changes = json.loads((world / "world.json").read_text("utf8"))["changes"]
    (found,) = [c for c in changes if (c["locale"], c["kind"]) == (locale, kind)]
    return found


def turns(world: Path, locale: str) -> list[dict[str, Any]]:
    log, truth = rows(world / "log.jsonl.gz"), rows(world / "truth.jsonl.gz")
    both = [said | true | {"heard": said["intent"]} for said, true in zip(log, truth, strict=True)]
    return [turn for turn in both if turn["locale"] == locale]


def test_the_same_arguments_give_the_same_bytes(world, tmp_path):
    simulate(tmp_path, None, 7, CHANGING, LOCALES)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (world / name).read_bytes()


def test_nothing_is_changed_where_it_is_not_asked_for(tmp_path):
    facts = simulate(tmp_path, None, 7, SAME, LOCALES)
    assert "changes" not in facts
    assert "changing_day" not in facts["parameters"]
    assert not any("change" in t for t in rows(tmp_path / "truth.jsonl.gz"))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["value", "slang", "intent"])
def test_each_change_is_said_from_its_day_on_and_not_before(world, locale, kind):
    change = told(world, locale, kind)
    assert change["day"] == DAY
    using = [t for t in turns(world, locale) if t.get("change") == kind]
    assert len(using) > 5
    assert min(t["timestamp"] for t in using) >= DAY
    assert change["label"] in {t["intent"] for t in using}
    if kind == "intent":
        assert all(t["intent"] == change["intent"] and not t["right"] for t in using)
    else:
        spelled = [t for t in using if change["word"] in t["utterance"]]
        assert len(spelled) > 0.7 * len(using)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_new_word_is_nobodys_and_of_the_letters_of_the_locale(world, locale):
    before = [t["utterance"].casefold() for t in turns(world, locale) if t["timestamp"] < DAY]
    for kind in ("value", "slang"):
        word = told(world, locale, kind)["word"]
        assert not any(word in said for said in before)
        assert set(word) <= set("".join(before))


@pytest.mark.parametrize("locale", LOCALES)
def test_slang_takes_the_place_of_a_word(world, locale):
    change = told(world, locale, "slang")

    def saying(word: str, since: str, until: str) -> int:
        mine = [t for t in turns(world, locale) if since <= t["timestamp"] < until]
        return sum(word in t["utterance"] for t in mine if t["kind"] != "robot")

    assert saying(change["before"], "2026-01-05", DAY) > 20
    late = ("2026-01-11", "2026-01-13")
    assert saying(change["word"], *late) > 2 * saying(change["before"], *late)


@pytest.mark.parametrize("locale", LOCALES)
def test_the_assistant_has_never_heard_of_the_new_intent(world, locale):
    unheard = told(world, locale, "intent")["intent"]
    seed = [r["intent"] for r in rows(world / "seed.jsonl.gz") if r["locale"] == locale]
    assert seed
    assert unheard not in seed
    assert unheard not in {t["heard"] for t in turns(world, locale)}
    assert unheard in [r["intent"] for r in rows(world / "test.jsonl.gz")]


def test_a_day_after_the_last_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--changing-day 9"):
        simulate(tmp_path, None, 7, replace(SAME, changing_day=9), LOCALES)


def test_terms_are_words_or_runs_of_characters():
    assert terms("Turn it OFF, please", whole=True) == {"turn", "it", "off", "please"}
    assert terms("灯り を消", whole=False) == {"灯り", "を消"}
    assert terms("usb", whole=False) == {"usb"}
