"""The door: what comes in is typed, what is broken is set aside with its reason, nothing is lost."""

import bz2
import csv
import gzip
import json
import lzma
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logs import turn, write_log
from mining.ingest import heard
from mining.ingest.rows import left_out, log_files
from mining.ingest.times import LocalClock, moment
from mining.ingest.validation import NOTHING_SAID, DoorConfig, admit_file
from mining.sessions.turns import Admitted, account, admit, merge
from warehouse.errors import BadInput
from warehouse.lake import Lake

pytestmark = pytest.mark.quick

CONFIG = DoorConfig(salt=b"s" * 32)


def read(path: Path, config: DoorConfig = CONFIG) -> pl.DataFrame:
    return pl.concat(list(admit_file(path, config)))


def reasons(path: Path) -> list[tuple[int, str, str]]:
    return read(path).drop_nulls("reason").select("line", "field", "reason").rows()


def admitted(duck, logs: list[Path], out: Path, max_broken_share: float = 1.0) -> Admitted:
    out.mkdir(exist_ok=True)
    admit(duck, logs, CONFIG, out)
    return account(out, max_broken_share)


def test_a_row_becomes_a_typed_turn(tmp_path):
    row = turn("ann", 1.5, "cafe\u0301", n_best=[{"intent": "coffee", "confidence": 0.3}])
    found = read(write_log(tmp_path / "log.jsonl", [row])).row(0, named=True)
    assert found["utterance"] == "café"
    assert found["at_ms"] == 1_767_600_001_500
    assert found["best_intent"] == "coffee"
    assert found["intent"] is None
    assert "ann" not in found["user_id"]


def test_the_same_user_has_one_hash_a_home_and_another_elsewhere(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a"), turn("ann", 9, "b")])
    here, elsewhere = read(log), read(log, DoorConfig(salt=b"t" * 32))
    assert here["user_id"].n_unique() == 1
    assert here["user_id"][0] != elsewhere["user_id"][0]


@pytest.mark.parametrize(
    ("change", "field", "word"),
    [
        ({"timestamp": "2026-01-05T08:00:00"}, "timestamp", "zone"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "timestamp", "1970"),
        ({"timestamp": "9999-01-01T00:00:00Z"}, "timestamp", "9999"),
        ({"timestamp": "yesterday"}, "timestamp", "datetime"),
        ({"utterance": "  "}, "utterance", "empty"),
        ({"utterance": "a\0b"}, "utterance", "NUL"),
        ({"utterance": 7}, "utterance", "str"),
        ({"user_id": ""}, "user_id", "length"),
    ],
)
def test_a_broken_row_is_set_aside_with_its_reason(tmp_path, change, field, word):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "fine"), turn("ann", 1, "b") | change])
    ((line, named, reason),) = reasons(log)
    assert (line, named) == (2, field)
    assert word in reason
    assert "secret" not in reason


def test_a_missing_field_is_named(tmp_path):
    row = turn("ann", 0, "a")
    del row["utterance"]
    assert reasons(write_log(tmp_path / "log.jsonl", [row]))[0][1:] == (
        "utterance",
        "is missing; every row needs it",
    )


def test_right_to_left_and_combining_characters_come_through(tmp_path):
    said = ["שלום עולם", "مرحبا بالعالم", "नमस्ते", "e\u0323\u0301"]
    log = write_log(tmp_path / "log.jsonl", [turn("ann", n, u) for n, u in enumerate(said)])
    assert read(log)["utterance"].to_list() == [*said[:3], "ẹ́"]


def test_json_that_breaks_off_costs_its_row_alone(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(turn("ann", 0, "a")) + '\n{"user_id": "b", "utter')
    assert [r[:2] for r in reasons(log)] == [(2, "row")]


def test_bytes_that_are_not_utf8_cost_their_row_alone(tmp_path):
    log = tmp_path / "log.jsonl"
    row = json.dumps(turn("ann", 0, "caf\u00e9"), ensure_ascii=False)
    log.write_bytes(row.encode() + b"\n" + row.encode("latin1") + b"\n")
    assert [r[:2] for r in reasons(log)] == [(2, "row")]


def test_all_formats_read_the_same(tmp_path, duck):
    rows = [turn("ann", n, f"say {n}", confidence=0.5, session_id="s") for n in range(3)]
    plain = write_log(tmp_path / "log.jsonl", rows)
    with gzip.open(tmp_path / "log.jsonl.gz", "wb") as file:
        file.write(plain.read_bytes())
    with (tmp_path / "log.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    times = pl.col("timestamp").str.to_datetime(time_zone="UTC")
    pl.DataFrame(rows).with_columns(times).write_parquet(tmp_path / "log.parquet")
    found = [
        read(tmp_path / name).drop("source").sort("turn_id")
        for name in ("log.jsonl", "log.jsonl.gz", "log.csv", "log.parquet")
    ]
    assert all(f.equals(found[0]) for f in found)


def test_folders_and_globs_are_read_in_one_order(tmp_path):
    for name in ("b.jsonl", "a.jsonl", "notes.txt"):
        write_log(tmp_path / name, [turn("ann", 0, name)])
    by_folder = log_files([str(tmp_path)])
    assert [p.name for p in by_folder] == ["a.jsonl", "b.jsonl"]
    assert log_files([f"{tmp_path}/*.jsonl"]) == by_folder
    with pytest.raises(BadInput, match="no log file"):
        log_files([f"{tmp_path}/*.gz"])


def test_foreign_names_and_local_times_are_mapped(tmp_path):
    row = {"who": "ann", "when": "2026-01-05 09:00:00", "text": "a"}
    config = DoorConfig(
        b"s" * 32, {"user_id": "who", "timestamp": "when", "utterance": "text"}, "Europe/Berlin"
    )
    found = read(write_log(tmp_path / "log.jsonl", [row]), config).row(0, named=True)
    assert (found["utterance"], found["at_ms"]) == ("a", 1_767_600_000_000)


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_missing_column_ends_the_run(tmp_path, name):
    rows = pl.DataFrame({"user_id": ["a"], "text": ["b"]})
    (rows.write_csv if name.endswith("csv") else rows.write_parquet)(tmp_path / name)
    with pytest.raises(BadInput, match="no column timestamp"):
        read(tmp_path / name)


def test_a_truncated_archive_ends_the_run(tmp_path):
    packed = gzip.compress(json.dumps(turn("ann", 0, "a")).encode() * 500)
    (tmp_path / "log.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "log.jsonl.gz")


def test_a_mostly_broken_file_ends_the_run_and_names_the_first_culprit(tmp_path, duck):
    rows = [turn("ann", n, "x") for n in range(8)] + [turn("ann", 9, "a\0b")] * 2
    log = write_log(tmp_path / "log.jsonl", rows)
    with pytest.raises(BadInput, match=r"log.jsonl, row 9, field utterance: holds a NUL.*2 of 10"):
        admitted(duck, [log], tmp_path / "out", 0.05)


@given(st.lists(st.sampled_from(["good", "", "bad time", "not json"]), max_size=30))
def test_rows_are_conserved(tmp_path_factory, kinds):
    from mining.engines.duckdb_engine import DuckdbEngine

    folder = tmp_path_factory.mktemp("conserved")
    lines = {
        "good": json.dumps(turn("ann", 0, "a")),
        "": json.dumps(turn("ann", 0, "")),
        "bad time": json.dumps(turn("ann", 0, "a") | {"timestamp": "?"}),
        "not json": "{",
    }
    (folder / "log.jsonl").write_text("".join(lines[k] + "\n" for k in kinds))
    found = admitted(DuckdbEngine(folder), [folder / "log.jsonl"], folder / "out")
    assert found.read == len(kinds)
    assert found.kept == kinds.count("good")
    assert found.rejects["line"].to_list() == [n for n, k in enumerate(kinds, 1) if k != "good"]


def test_an_empty_file_is_an_empty_night(tmp_path, duck):
    (tmp_path / "log.jsonl").write_text("")
    found = admitted(duck, [tmp_path / "log.jsonl"], tmp_path / "out")
    assert (found.read, found.days) == (0, [])


def test_a_csv_row_with_too_many_cells_is_set_aside_not_cut(tmp_path):
    log = tmp_path / "log.csv"
    when = "2026-01-05T08:00:00Z"
    log.write_text(f"user_id,timestamp,utterance\nann,{when},lamp on, please\nann,{when},lamp on\n")
    assert reasons(log) == [
        (1, "row", "has more cells than the header; quote cells that hold the separator")
    ]


def test_a_csv_with_an_open_quote_ends_the_run(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text('user_id,timestamp,utterance\nann,2026-01-05T08:00:00Z,"lamp on\nann,x,y\n')
    with pytest.raises(BadInput, match="broken CSV"):
        read(log)


def test_a_csv_row_that_is_not_utf8_costs_itself_alone(tmp_path):
    log = tmp_path / "log.csv"
    rows = [
        "user_id,timestamp,utterance",
        "ann,2026-01-05T08:00:00Z,café",
        "ann,2026-01-05T08:00:09Z,b",
    ]
    log.write_bytes(b"\n".join([rows[0].encode(), rows[1].encode("latin1"), rows[2].encode()]))
    assert [r[:2] for r in reasons(log)] == [(1, "row")]


def test_parquet_times_in_nanoseconds_are_read(tmp_path):
    times = pl.Series(["2026-01-05T08:00:00Z"]).str.to_datetime(time_zone="UTC", time_unit="ns")
    rows = pl.DataFrame({"user_id": ["ann"], "timestamp": times, "utterance": ["a"]})
    rows.write_parquet(tmp_path / "log.parquet")
    assert read(tmp_path / "log.parquet")["at_ms"].to_list() == [1_767_600_000_000]


def test_a_mark_at_the_start_of_a_file_is_no_part_of_its_first_row(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a")])
    log.write_bytes(b"\xef\xbb\xbf" + log.read_bytes())
    assert reasons(log) == []


def test_ids_that_different_users_share_are_refused(tmp_path, duck):
    rows = [turn(f"u{n}", n, f"say {n}", turn_id=str(n % 3)) for n in range(12)]
    log = write_log(tmp_path / "log.jsonl", rows)
    with pytest.raises(BadInput, match="field turn_id: 12 rows of different users share an id"):
        admitted(duck, [log], tmp_path / "out", 0.05)


def test_turns_after_a_named_night_are_set_aside(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a"), turn("ann", 9 * 86_400, "b")])
    found = read(log, DoorConfig(salt=b"s" * 32, until=date(2026, 1, 6)))
    assert found.drop_nulls("reason")["line"].to_list() == [2]


def test_a_missing_column_does_not_tell_what_the_first_row_says(tmp_path):
    (tmp_path / "log.csv").write_text("ann@example.org,2026-01-05T08:00:00Z,call my ex\n")
    with pytest.raises(BadInput) as caught:
        read(tmp_path / "log.csv")
    assert "ex" not in str(caught.value).replace(str(tmp_path), "").replace("text", "")


def _delimited(rows: list[dict], separator: str) -> str:
    lines = [rows[0].keys(), *(r.values() for r in rows)]
    return "".join(separator.join(map(str, line)) + "\n" for line in lines)


@pytest.mark.parametrize(
    ("name", "shaped"),
    [
        ("array.json", lambda rows: json.dumps(rows).encode()),
        ("pretty.json", lambda rows: "\n".join(json.dumps(r, indent=1) for r in rows).encode()),
        ("wrapped.json", lambda rows: json.dumps({"page": 1, "turns": rows}).encode()),
        ("returns.jsonl", lambda rows: "\r".join(map(json.dumps, rows)).encode()),
        ("wide.jsonl", lambda rows: "".join(json.dumps(r) + "\n" for r in rows).encode("utf-16")),
        ("no_ending", lambda rows: "".join(json.dumps(r) + "\n" for r in rows).encode()),
        ("semicolon.CSV", lambda rows: _delimited(rows, ";").encode()),
        ("named.csv", lambda rows: ("sep=|\n" + _delimited(rows, "|")).encode()),
        ("tab.tsv", lambda rows: _delimited(rows, "\t").encode("utf-16")),
        ("delimited.txt", lambda rows: _delimited(rows, "\t").encode()),
        ("a.jsonl.bz2", lambda rows: bz2.compress("\n".join(map(json.dumps, rows)).encode())),
        ("a.jsonl.xz", lambda rows: lzma.compress("\n".join(map(json.dumps, rows)).encode())),
        ("a.zst", lambda rows: pa.compress("\n".join(map(json.dumps, rows)).encode(), "zstd", asbytes=True)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_a_file_is_its_first_bytes_say(tmp_path, name, shaped):
    said = [turn(f"user{n}", n, "lamp on") for n in range(3)]
    (tmp_path / name).write_bytes(shaped(said))
    assert read(tmp_path / name)["utterance"].to_list() == ["lamp on"] * 3


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"SQLite format 3\0" + bytes(90), "not a database"),
        (b"PK\x03\x04" + bytes(90), "workbook"),
        (b'[{"user_id": "ann",', "broken JSON"),
        (b"\xd0\xcf\x11\xe0" + bytes(90), "old Excel"),
        (b"Obj\x01" + bytes(90), "Avro"),
        (b"<?xml version='1.0'?><log/>", "XML"),
        (b"log.jsonl".ljust(257, b"\0") + b"ustar" + bytes(250), "tar archive"),
    ],
)
def test_what_is_no_log_is_called_by_its_name(tmp_path, content, named):
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(BadInput, match=named):
        read(tmp_path / "log")


def test_a_broken_csv_row_costs_itself_alone(tmp_path):
    when = "2026-01-05T08:00:00Z"
    rows = ["user_id,timestamp,utterance", f'ann,{when},"lamp" on', f"ann,{when},lamp on"]
    (tmp_path / "log.csv").write_text("\n".join(rows))
    found = read(tmp_path / "log.csv")
    assert found["utterance"].drop_nulls().to_list() == ["lamp on"]
    assert "broken CSV" in found["reason"].drop_nulls().item()


def test_addresses_are_no_folders_and_what_is_left_out_can_be_told(tmp_path):
    with pytest.raises(BadInput, match="copy or mount"):
        log_files(["s3://bucket/log.jsonl"])
    for name in ("log.jsonl", "notes.md", ".hidden"):
        (tmp_path / name).write_text("")
    assert [p.name for p in log_files([str(tmp_path)])] == ["log.jsonl"]
    assert [p.name for p in left_out([str(tmp_path)])] == ["notes.md"]


@pytest.mark.parametrize(
    ("change", "field", "read_as"),
    [
        ({"confidence": 1.0000001}, "confidence", 1.0),
        ({"confidence": "0.87"}, "confidence", 0.87),
        ({"confidence": float("nan")}, "confidence", None),
        ({"outcome": "SUCCESS"}, "outcome", "success"),
        ({"feedback": "1"}, "feedback", 1),
        ({"interrupted": "true"}, "interrupted", True),
        ({"session_id": 17}, "session_id", "17"),
        ({"slots": []}, "slots", None),
        ({"intent": "nan"}, "intent", None),
        ({"intent": {"name": "lamp"}}, "intent", "lamp"),
        ({"locale": "en_us"}, "locale", "en-US"),
        ({"slots": [{"entity": "room", "value": "hall"}]}, "slots", [{"name": "room", "value": "hall"}]),
        ({"slots": {"who": {"value": {"originalValue": "Ann"}}}}, "slots", [{"name": "who", "value": "Ann"}]),
        (
            {"n_best": [{"name": "lamp", "score": "0.5"}, {"name": "heat", "extra": 1}]},
            "n_best",
            [{"intent": "lamp", "confidence": 0.5}, {"intent": "heat", "confidence": None}],
        ),
        ({"n_best": {"heat": 0.2, "lamp": 0.7}}, "best_intent", "lamp"),
        ({"timestamp": 1_767_600_000}, "at_ms", 1_767_600_000_000),
        ({"timestamp": "1767600000123456"}, "at_ms", 1_767_600_000_123),
        ({"timestamp": "1.7676e9"}, "at_ms", 1_767_600_000_000),
        ({"timestamp": "2026-01-05 08:00:00,5 UTC"}, "at_ms", 1_767_600_000_500),
        ({"timestamp": "2026-01-05T10:00+0200"}, "at_ms", 1_767_600_000_000),
    ],
)  # fmt: skip
def test_a_field_in_another_form_is_read(tmp_path, change, field, read_as):
    (found,) = read(write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a") | change])).to_dicts()
    assert found["reason"] is None
    assert found["dropped"] is None
    assert found[field] == read_as


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence", 17),
        ("confidence", []),
        ("outcome", "secret words"),
        ("locale", "not a tag"),
        ("feedback", True),
        ("slots", "hall"),
        ("n_best", 5),
        ("response", {"a": 1}),
    ],
)
def test_an_optional_field_that_cannot_be_read_is_dropped_and_the_turn_stays(
    tmp_path, field, value
):
    row = turn("ann", 0, "a") | {field: value}
    (found,) = read(write_log(tmp_path / "log.jsonl", [row])).to_dicts()
    assert found["utterance"] == "a"
    assert found["dropped"] == [field]


def test_a_count_in_no_year_of_a_log_is_named_with_the_setting(tmp_path):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a") | {"timestamp": 12}])
    assert "log.time_unit" in reasons(log)[0][2]


@given(st.integers(0, 36_000 * 86_400 * 10**6))
def test_the_unit_of_a_count_need_not_be_said(after):
    at = datetime(2000, 1, 2, tzinfo=UTC) + timedelta(microseconds=after)
    us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    for count in (us, us * 1000):
        assert moment(count, None) == at
    assert moment(us // 1000, None) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert moment(us // 10**6, None) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    "name",
    [
        "nlu_fallback", "FallbackIntent", "AMAZON.FallbackIntent", "Default Fallback Intent", "None", "out_of_scope",
        "out_of_scope/other", "input.unknown", "ours",
    ],
)  # fmt: skip
def test_an_intent_that_says_nothing_was_understood_is_none(tmp_path, name):
    row = turn("ann", 0, "a", intent=name, confidence=1.0)
    row["n_best"] = [{"intent": name, "confidence": 1.0}, {"intent": "lamp", "confidence": 0.2}]
    config = DoorConfig(salt=b"s" * 32, fallbacks=frozenset(["ours"]))
    (found,) = read(write_log(tmp_path / "log.jsonl", [row]), config).to_dicts()
    assert (found["intent"], found["best_intent"], found["best_confidence"]) == (None, "lamp", 0.2)


@pytest.mark.parametrize("name", ["play_music", "unknown_caller", "fallback_plan", "none_of_these"])
def test_an_intent_that_only_has_such_a_word_stays(tmp_path, name):
    (found,) = read(
        write_log(tmp_path / "log.jsonl", [turn("ann", 0, "a", intent=name)])
    ).to_dicts()
    assert found["intent"] == name


def test_clicks_and_nothing_are_set_aside_and_not_broken(tmp_path, duck):
    said = [
        '/lamp{"room": "hall"}',
        "/restart",
        '{"payload": "x"}',
        " ",
        "<speak></speak>",
        "and/or",
    ]
    log = write_log(tmp_path / "log.jsonl", [turn("ann", n, u) for n, u in enumerate(said)])
    found = admitted(duck, [log], tmp_path / "out", max_broken_share=0.0)
    assert (found.read, found.kept) == (6, 1)


def test_an_event_without_text_says_nothing_and_is_not_broken(tmp_path):
    row = turn("ann", 0, "a") | {"utterance": None}
    assert reasons(write_log(tmp_path / "log.jsonl", [row])) == [(1, "utterance", NOTHING_SAID)]


def test_markup_is_no_words_and_a_pasted_document_is_cut_with_a_mark(tmp_path):
    said = [
        "<p>lamp &amp; <b>heater</b></p>",
        "fix this: " + "x" * 5_000 + " please",
        "is 3<4 and 5>2",
    ]
    log = write_log(tmp_path / "log.jsonl", [turn("ann", n, u) for n, u in enumerate(said)])
    plain, cut, sums = read(log)["utterance"].to_list()
    assert plain == "lamp & heater"
    assert cut.startswith("fix this:")
    assert cut.endswith("please")
    assert heard.MARK in cut
    assert len(cut) <= heard.LONGEST
    assert sums == "is 3<4 and 5>2"


def test_paths_reach_into_nested_records(tmp_path):
    row = {"who": {"id": 7}, "messages": [{"text": "a"}, {"text": "lamp on"}], "at": 1_767_600_000}
    columns = {"user_id": "who.id", "utterance": "messages[-1].text", "timestamp": "at"}
    config = DoorConfig(salt=b"s" * 32, columns=columns)
    (tmp_path / "log.json").write_text(json.dumps([row]))
    assert read(tmp_path / "log.json", config)["utterance"].to_list() == ["lamp on"]


def test_a_turn_delivered_again_under_another_id_is_one_turn(tmp_path, duck):
    once = [turn("ann", 0, "lamp on", turn_id="a"), turn("ann", 5, "lamp on", turn_id="b")]
    again = turn("ann", 0, "lamp on", turn_id="a2")
    (tmp_path / "out").mkdir()
    found = admitted(duck, [write_log(tmp_path / "log.jsonl", [*once, again])], tmp_path / "out")
    assert (found.kept, found.duplicates) == (3, 1)
    lake = Lake(tmp_path / "lake")
    days = merge(duck, lake, found, 90, None)
    assert lake.read("turns", days)["turn_id"].sort().to_list() == ["a", "b"]


SET_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)  # Berlin: 3:00 becomes 2:00
BERLIN = ZoneInfo("Europe/Berlin")


@given(st.lists(st.integers(1, 9), min_size=60, max_size=60), st.integers(60, 200))
def test_the_hour_that_a_clock_repeats_is_told_by_the_order_of_the_rows(minutes, before):
    """Rows in order from before that hour on, none of them long after the other: each is at its moment."""
    at, clock = SET_BACK - timedelta(minutes=before), LocalClock(BERLIN)
    for step in minutes:
        at += timedelta(minutes=step)
        local = at.astimezone(BERLIN).replace(tzinfo=None, fold=0)
        assert clock.placed(local).astimezone(UTC) == at


@given(st.permutations(range(0, 240, 7)))
def test_in_rows_out_of_order_the_hour_is_of_the_first_pass(minutes):
    """Once rows went back outside of the hour that comes again, their order says nothing."""
    clock = LocalClock(BERLIN)
    for hour in (8, 9):
        clock.placed((SET_BACK - timedelta(hours=hour)).replace(tzinfo=None))
    for minute in minutes:
        local = (
            (SET_BACK + timedelta(minutes=minute)).astimezone(BERLIN).replace(tzinfo=None, fold=0)
        )
        assert clock.placed(local).astimezone(UTC) == local.replace(
            tzinfo=BERLIN, fold=0
        ).astimezone(UTC)


def test_a_row_that_is_late_or_refused_sets_no_clock(tmp_path):
    clock = [
        "2090-01-01 00:00",
        "2026-10-25 02:50",
        "2026-10-25 02:35",
        "2026-10-25 02:55",
        "2026-10-25 02:20",
    ]
    rows = [turn("ann", 0, f"w{n}") | {"timestamp": f"{at}:00"} for n, at in enumerate(clock)]
    config = DoorConfig(b"s" * 32, time_zone="Europe/Berlin", until=date(2026, 11, 1))
    found = read(write_log(tmp_path / "log.jsonl", rows), config).sort("utterance", nulls_last=True)
    assert [f"{t:%H:%M}" for t in found["timestamp"].drop_nulls()] == [
        "00:50",
        "00:35",
        "00:55",
        "01:20",
    ]


def test_a_log_in_local_time_goes_through_the_hour_that_comes_again(tmp_path):
    clock = ["01:50", "02:20", "02:50", "02:10", "02:40", "03:10"]
    rows = [
        turn("ann", 0, f"w{n}") | {"timestamp": f"2026-10-25 {at}:00"} for n, at in enumerate(clock)
    ]
    found = pl.concat(list(admit_file(write_log(tmp_path / "log.jsonl", rows), DoorConfig(b"s" * 32, time_zone="Europe/Berlin"))))  # fmt: skip
    assert [f"{t:%H:%M}" for t in found["timestamp"]] == [
        "23:50",
        "00:20",
        "00:50",
        "01:10",
        "01:40",
        "02:10",
    ]


@pytest.mark.parametrize(
    "written",
    [
        "20260105T080000Z", "2026/01/05 08:00:00 UTC", "2026.01.05T08:00:00Z", "2026-01-05T09:00:00+01:00[Europe/Berlin]",
        "Mon, 05 Jan 2026 08:00:00 +0000", "05 Jan 2026 08:00:00 GMT", {"$date": "2026-01-05T08:00:00Z"},
        {"$date": {"$numberLong": "1767600000000"}}, {"$date": 1767600000000}, {"seconds": "1767600000", "nanos": 0},
        {"_seconds": 1767600000},
    ],
)  # fmt: skip
def test_a_time_of_which_there_is_one_reading_is_read(tmp_path, written):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on") | {"timestamp": written}])
    assert read(log)["timestamp"].to_list() == [datetime(2026, 1, 5, 8, tzinfo=UTC)]


@pytest.mark.parametrize(
    "written",
    ["05/01/2026 08:00", "05.01.2026", "05 Jul 2026 08:00:00 CEST", "Mon, 45 Jan 2026 08:00:00 +0000", {"$date": {"$date": 1}}, {"at": 1}, [1]],
)  # fmt: skip
def test_a_time_of_which_there_are_two_readings_or_none_is_refused(tmp_path, written):
    log = write_log(tmp_path / "log.jsonl", [turn("ann", 0, "lamp on") | {"timestamp": written}])
    assert [field for _, field, _ in reasons(log)] == ["timestamp"]


@pytest.mark.parametrize(
    "clicked",
    ['/do_it{"room": "hall"}', "/start", '{"action": "book"}', "GET_STARTED", "FAQ:OPENING_HOURS", "EXTERNAL: morning"],
)  # fmt: skip
def test_what_a_button_sends_is_no_wording(clicked):
    assert heard.is_click(clicked)


@pytest.mark.parametrize(
    "said", ["OK", "STOP", "and/or", "TV on", "A_1 please", "24/7?", "C: drive", "{light} on"]
)
def test_what_people_write_is_no_click(said):
    assert not heard.is_click(said)


def test_a_json_text_sequence_is_rows(tmp_path):
    rows = write_log(tmp_path / "log.jsonl", [turn("ann", n, "lamp on") for n in range(3)])
    rows.write_bytes(
        b"".join(b"\x1e" + line for line in rows.read_bytes().splitlines(keepends=True))
    )
    assert read(rows)["utterance"].to_list() == ["lamp on"] * 3


@pytest.mark.parametrize("none", [None, "", " ", "null", "None"])
def test_no_slot_was_asked_for_where_its_name_says_nothing(tmp_path, none):
    rows = [turn("ann", 0, "a", prompted_slot=none), turn("ann", 1, "b", prompted_slot="when")]
    found = read(write_log(tmp_path / "log.jsonl", rows))
    assert found["prompted_slot"].to_list() == [None, "when"]
