"""What may be published of what was said: masks, floors, and differential privacy."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from logs import turn, write_log
from mining.clustering.constraints import slot_values
from mining.ingest.validation import DoorConfig, admit_file
from mining.release.k_anonymity import Release, bounds, release, select, sigma, threshold
from mining.release.redaction import Mask, shown
from warehouse.blur import blurred

pytestmark = pytest.mark.quick

EVERYTHING = Mask(["numbers", "addresses", "names"], ["*name*", "*person*"])
NO_VALUES = pl.DataFrame(
    schema={"locale": pl.String, "name": pl.String, "value": pl.String, "wordings": pl.Int64}
)


def masked(locale: str, *wordings: str, names: tuple[str, ...] = ()) -> list[str]:
    rows = pl.DataFrame({"locale": [locale] * len(wordings), "utterance": wordings})
    values = [(locale, "person", name, 1) for name in names]
    held = pl.DataFrame(values, NO_VALUES.schema, orient="row")
    return shown(rows, held, EVERYTHING).to_list()


@pytest.mark.parametrize(
    ("locale", "wording", "told"),
    [
        ("en-GB", "wake me at 7:30 am", "wake me at <number> am"),
        ("en-GB", "call +49 171 123-45 now", "call +<number> now"),
        ("en-GB", "call five five one two", "call <number>"),
        ("en-GB", "one lamp please", "one lamp please"),
        ("en-GB", "mail ann.b@mail.example now", "mail <address> now"),
        ("en-GB", "mail ann at mail dot com", "mail <address>"),
        ("en-GB", "open https://x.example/y?z", "open <address>"),
        ("de-DE", "ruf null eins sieben an", "ruf <number> an"),
        ("ar-SA", "اتصل ٠١٧١", "اتصل <number>"),
        ("ja-JP", "二十分後に起こして", "<number>分後に起こして"),
        ("zxx", "7 lamps", "<number> lamps"),
    ],
)
def test_numbers_and_addresses_are_masked(locale, wording, told):
    assert masked(locale, wording) == [told]


def test_a_name_is_masked_wherever_it_is_said_and_only_as_a_whole_word():
    said = masked("en-GB", "call Ann", "annual plan", "is ann here?", names=("ann",))
    assert said == ["call <name>", "annual plan", "is <name> here?"]


@pytest.mark.parametrize(
    ("locale", "wording", "name", "told"),
    [
        ("en-GB", "call jean-luc now", "jean-luc", "call <name> now"),
        ("en-GB", "call O’Brien, please", "O'Brien", "call <name>, please"),
        ("en-GB", "call ann's phone", "Ann", "call <name> phone"),
        ("de-DE", "ruf Frau Weiß an", "weiß", "ruf Frau <name> an"),
        ("tr-TR", "İbrahim ara", "ibrahim", "<name> ara"),
        (
            "es-ES",
            "llama a María de la Cruz Santos ya",
            "maría de la cruz santos",
            "llama a <name> ya",
        ),
        ("hi-IN", "मीरा को फोन करो", "मीरा", "<name> को फोन करो"),
        ("ta-IN", "கண்ணன் அழை", "கண்ணன்", "<name> அழை"),
        ("th-TH", "โทรหาสมชาย", "สมชาย", "โทรหา<name>"),
        ("ja-JP", "クリストファーに電話", "クリストファー", "<name>に電話"),
        ("ja-JP", "山田さんに電話", "山田", "<name>さんに電話"),
        ("zh-CN", "打电话给 欧阳娜娜", "欧阳娜娜", "打电话给 <name>"),
    ],
)
def test_names_are_masked_however_they_are_written(locale, wording, name, told):
    assert masked(locale, wording, names=(name,)) == [told]


@pytest.mark.parametrize(
    "held",
    [
        "wilma brandvold",
        ["wilma brandvold"],
        ["tove", "wilma brandvold"],
        {"who": {"value": "wilma brandvold"}},
        [{"value": "wilma brandvold", "role": "guest"}, {"value": "tove"}],
        {"given": "wilma brandvold", "age": 7},
    ],
)
def test_names_are_masked_wherever_they_lie_inside_a_value(tmp_path, held):
    rows = [turn(f"u{n}", n, "call wilma brandvold", slots={"person_name": held}) for n in range(3)]
    door = admit_file(write_log(tmp_path / "log.jsonl", rows), DoorConfig(b"s" * 32))
    pl.concat(list(door)).write_parquet(tmp_path / "turns.parquet")
    values = slot_values([tmp_path / "turns.parquet"])
    said = pl.DataFrame({"locale": ["en-GB"], "utterance": ["call wilma brandvold"]})
    assert shown(said, values, EVERYTHING).to_list() == ["call <name>"]


nested = st.recursive(
    st.text("abc[]{}", max_size=4) | st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xy", max_size=2), inner, max_size=3)
    ),
)


def texts(value: object) -> set[str]:
    if isinstance(value, dict | list):
        return {t for v in (value.values() if isinstance(value, dict) else value) for t in texts(v)}
    return {value} if isinstance(value, str) else set()


@given(nested.filter(lambda value: isinstance(value, dict | list)))
def test_every_text_inside_a_value_is_a_value(tmp_path_factory, value):
    file = tmp_path_factory.getbasetemp() / "held.parquet"
    slots = [[{"name": "person", "value": json.dumps(value)}]]
    pl.DataFrame({"locale": ["en"], "utterance": ["a"], "slots": slots}).write_parquet(file)
    assert set(slot_values([file])["value"]) == texts(value)


def test_a_slot_filled_by_mistake_masks_nothing():
    rows = [f"lamp {where}" for where in ("on", "off", "down", "up")]
    assert masked("en-GB", *rows, names=("lamp",)) == rows


def test_a_long_value_filled_by_mistake_does_not_hide_a_name():
    rows = ["call ann now", "call ann now please", "call ann now and then", "ring ann", "ask ann"]
    values = [("en-GB", "person", "ann", 5), ("en-GB", "person", "ann now", 1)]
    held = pl.DataFrame(values, NO_VALUES.schema, orient="row")
    said = pl.DataFrame({"locale": "en-GB", "utterance": rows})
    assert not [w for w in shown(said, held, EVERYTHING) if "ann" in w]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("breaks 8.3% of locale sw-KE at least", "breaks 8.3% of one locale at least"),
        (
            "makes locale sw-KE worse: breaks 12 cases, mends 0 (p 0.0002)",
            "makes one locale worse: breaks 10 cases, mends <5 (p 0.0002)",
        ),
        (
            "makes small locales (6) worse: breaks 12 cases, mends 1 (p 2e-06)",
            "makes small locales (5) worse: breaks 10 cases, mends <5 (p 2e-06)",
        ),
    ],
)
def test_a_reason_that_is_published_names_no_locale(reason, told):
    assert blurred(reason, 5) == told


@given(st.text(max_size=40), st.sampled_from(["en-GB", "ja-JP", "ru-RU", "und"]))
def test_no_digit_is_left_and_masking_twice_changes_nothing(text, locale):
    (once,) = masked(locale, text)
    assert not any(c.isdecimal() for c in once)
    assert masked(locale, once) == [once]


turns = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["lamp on", "call 1", "call 2", "lamp off"])),
    min_size=1,
    max_size=40,
)


def people(said: list[tuple[int, str]]) -> dict[str, pl.DataFrame]:
    rows = [
        {"turn_id": f"t{n}", "user_id": f"u{user}", "locale": "en-GB", "utterance": wording}
        for n, (user, wording) in enumerate(said)
    ]
    schema = {"turn_id": pl.String, "user_id": pl.String, "locale": pl.String}
    robots = {"user_id": pl.String, "locale": pl.String, "utterance": pl.String, "day": pl.String}
    whole = pl.DataFrame(rows, schema | {"utterance": pl.String}).with_columns(
        timestamp=pl.lit("2026-01-05T08:00:00Z").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"),
        executed_utterance=pl.lit(None, pl.String),
    )
    return {"turns": whole, "bots": pl.DataFrame(schema=robots)}


@given(turns, st.integers(1, 4))
@settings(max_examples=40)
def test_users_of_what_is_shown_alike_are_counted_once(tmp_path_factory, said, k):
    from mining.engines.duckdb_engine import DuckdbEngine

    engine = DuckdbEngine(tmp_path_factory.mktemp("release"))
    who: dict[str, set[int]] = {}
    for user, wording in said:
        who.setdefault(wording.replace("1", "<number>").replace("2", "<number>"), set()).add(user)
    told = people(said)
    wordings = engine.query("utterance_stats", told)
    privacy = Release(k, None, 1e-6, 10, 0)
    rows, withheld = release(engine, told, wordings, NO_VALUES, EVERYTHING, privacy)
    assert dict(rows.select("shown", "users").iter_rows()) == {
        wording: len(users) for wording, users in who.items() if len(users) >= k
    }
    assert rows.height + withheld["rows"].sum() == wordings.height


@given(turns, st.integers(1, 3))
@settings(max_examples=40)
def test_no_user_gives_more_than_one(tmp_path_factory, said, most):
    from mining.engines.duckdb_engine import DuckdbEngine

    engine = DuckdbEngine(tmp_path_factory.mktemp("given"))
    one = people([(0, wording) for _, wording in said])
    items = engine.query("utterance_stats", one).select("locale", "utterance", shown="utterance")
    found = engine.query("contributed", one | {"released": items}, {"most": most})
    assert found.height == min(most, items.height)
    assert (found["given"] ** 2).sum() == pytest.approx(1, abs=1e-5)
    assert (found["given"] ** 2).sum() <= 1


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 3.0, 8.0])
@pytest.mark.parametrize("delta", [1e-3, 1e-6])
def test_the_noise_keeps_the_promise_and_is_no_larger_than_it_must(epsilon, delta):
    """The slower truth: how far one distribution exceeds e^epsilon times the other, summed on a grid."""

    def beyond(deviation: float) -> float:
        x = np.linspace(-12 * deviation - 1, 12 * deviation + 2, 400_001)
        over = norm.pdf(x, 1, deviation) - np.exp(epsilon) * norm.pdf(x, 0, deviation)
        return float(np.clip(over, 0, None).sum() * (x[1] - x[0]))

    needed = sigma(epsilon, delta)
    assert beyond(needed) <= delta * 1.001
    assert beyond(needed * 0.98) > delta


@pytest.mark.parametrize("most", [1, 10, 100])
def test_what_one_user_alone_said_hardly_ever_passes(most):
    deviation, delta = sigma(1.0, 5e-7), 5e-7
    least = threshold(deviation, delta, most)
    for items in range(1, most + 1):
        passes = -np.expm1(items * norm.logcdf((least - 1 / np.sqrt(items)) / deviation))
        assert passes <= delta * 1.0001


def test_what_most_say_is_chosen_and_what_few_say_is_not():
    rows = pl.DataFrame(
        {"locale": "en-GB", "shown": [f"w{n:03}" for n in range(200)], "given": [200.0, 2.0] * 100}
    )
    chosen = [select(rows, 1.0, Release(5, 1.0, 1e-6, 10, seed)) for seed in (1, 1, 2)]
    assert set(chosen[0]["shown"]) == set(rows.filter(pl.col("given") > 100)["shown"])
    assert chosen[0].equals(chosen[1])
    near = rows.with_columns(given=pl.lit(bounds(1.0, Release(5, 1.0, 1e-6, 10, 0))[1]))
    noisy = [
        select(near, 1.0, Release(5, 1.0, 1e-6, 10, seed))["shown"].to_list() for seed in (1, 2)
    ]
    assert noisy[0] != noisy[1]
    assert 60 < len(noisy[0]) < 140


def test_a_night_without_one_user_does_not_differ_by_what_he_said():
    """The same seed, but other noise: wordings that he never said change places, too."""
    privacy = Release(5, 1.0, 1e-6, 10, 1)
    names = [f"w{n:04}" for n in range(2_000)]
    whole = pl.DataFrame(
        {"locale": "en-GB", "shown": names, "given": [bounds(1.0, privacy)[1]] * 2_000}
    )
    his = pl.col("shown").is_in(names[:5])
    without = whole.with_columns(given=pl.when(his).then(pl.col("given") - 0.3).otherwise("given"))
    chosen = [set(select(rows, 1.0, privacy)["shown"]) for rows in (whole, without)]
    assert len((chosen[0] ^ chosen[1]) - set(names[:5])) > 500


@pytest.mark.parametrize("k", [1, 5, 50])
@pytest.mark.parametrize("epsilon", [0.5, 8.0])
def test_the_exact_floor_takes_hardly_anything_away(k, epsilon):
    privacy = Release(k, epsilon, 1e-6, 10, 0)
    deviation, least = bounds(epsilon, privacy)
    passes = -np.expm1(privacy.most * norm.logcdf((least - (k - 1)) / deviation))
    assert passes <= privacy.delta / 4
