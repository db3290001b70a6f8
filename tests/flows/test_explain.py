"""What `explain` tells of a label, a cluster, a rewrite and a decision, and at which step they stopped."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from flows import reviewing, runs, settings
from flows.cli import app
from flows.explaining.questions import Question, answered
from logs import turn, write_log
from retrain.registry import overrides
from warehouse.errors import BadInput
from warehouse.home import existing, read_training_set, training_versions
from warehouse.lake import Lake

DAY = 86_400
THINGS = ["lamp", "heater", "radio", "oven"]
OTHERS = ["tell me a joke", "what is the weather", "play the news"]
DOING = ["find", "book", "water", "open", "paint", "count", "sell", "wash", "move", "weigh", "draw"]
WHAT = [
    "a table",
    "the tulips",
    "my letters",
    "two tickets",
    "the fence",
    "some apples",
    "a parcel",
]
WHAT += [
    "the curtains",
    "her umbrella",
    "that piano",
    "a horse",
    "the bicycle",
    "old coins",
    "a cup",
]
HOW = ["in york", "by noon", "for anna", "near leeds"]
HOSTILE = "[red]louder :heart: [/x]"
EVIL = "louder\x1b[31m[bold]"
CAFE = "café music"
CHOSEN = settings.Settings(
    mining=settings.Mining(similarity_threshold=0.3, window_days=30),
    trigger=settings.Trigger(min_examples=5_000),
)


def direct(step, *args):
    return step(*args)


def heard(user: str, at: float, wording: str, intent: str, **more: Any) -> dict[str, Any]:
    right = {"intent": intent, "confidence": 0.9, "outcome": "success"}
    return turn(user, at, wording, **(right | more))


def failing(user: str, at: float, wording: str) -> dict[str, Any]:
    return heard(user, at, wording, "joke", confidence=0.3, outcome="failure")


def the_log() -> list[dict[str, Any]]:
    """Ten users say "get the lamp going", are told a joke, and say "switch the lamp on"; twelve others say
    that at once. Beside them: a wish of one user, a robot, what was said long ago, and hostile text."""
    rows = []
    for n in range(10):
        for i, thing in enumerate(THINGS):
            at = n * 4_000 + i * 900
            rows += [
                failing(f"u{n}", at, f"get the {thing} going"),
                heard(f"u{n}", at + 8, f"switch the {thing} on", f"{thing}_on"),
                heard(f"u{n}", at + 90, OTHERS[(n + i) % 3], OTHERS[(n + i) % 3]),
            ]
    for n in range(12):
        for i, thing in enumerate(THINGS):
            at = DAY + n * 4_000 + i * 900
            rows += [
                heard(f"v{n}", at, f"switch the {thing} on", f"{thing}_on"),
                heard(f"v{n}", at + 70, OTHERS[(n + i) % 3], OTHERS[(n + i) % 3]),
            ]
    rows += [
        failing("alone", DAY, "warm my toes"),
        heard("alone", DAY + 8, "switch the heater on", "heater_on"),
    ]
    rows += [heard("one", DAY + 50, "zyx wvu", "odd")]
    rows += [heard("cron", DAY + 400 * n, "status ping", "status") for n in range(60)]
    rows += [heard("early", -40 * DAY, "crank the gramophone", "gramophone")]
    rows += [heard(f"h{n}", DAY + 100 * n, HOSTILE, EVIL) for n in range(6)]
    rows += [heard(f"c{n}", DAY + 100 * n, CAFE, "music") for n in range(3)]
    rows += [
        heard("d", DAY + n, w, "radio_on", locale="en-US")
        for n, w in enumerate(["switch the radio on"])
    ]
    rows += bystanders(150)
    for row in rows:
        row["response"] = "Sorry?" if row["outcome"] == "failure" else "Done."
    return rows


def bystanders(count: int) -> list[dict[str, Any]]:
    """People who want two things each that nobody else wants: beside them it shows what few say, and what many do."""
    wishes = [(do, f"{do} {what} {how}") for do in DOING for what in WHAT for how in HOW]
    return [
        heard(f"b{n}", DAY + 50 * n + 30 * k, wish, do)
        for n in range(count)
        for k, (do, wish) in enumerate(
            (wishes[n * 7 % len(wishes)], wishes[(n * 11 + 3) % len(wishes)])
        )
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """One night of that log."""
    folder = tmp_path_factory.mktemp("explain")
    log = write_log(folder / "log.jsonl", the_log())
    runs.run_night(runs.Request([str(log)], folder / "home", engine="duckdb"), CHOSEN, direct)
    return folder / "home"


def ask(home: Path, wording: str | None = None, **more: str) -> tuple[dict[str, Any], str]:
    found, lines = answered(home, CHOSEN, Question(wording, **more))
    return found, "\n".join(lines)


def put(home: Path, table: str, **row: Any) -> None:
    """One row more in a state table of the newest night."""
    lake = Lake(home / "lake")
    night = lake.days(table)[-1]
    known = lake.read(table, [night])
    fresh = pl.DataFrame([{"locale": "en-GB"} | row], schema=known.schema)
    lake.put(table, night, pl.concat([known, fresh]))


@pytest.fixture
def changed(home, tmp_path) -> Path:
    """The same home, to be changed."""
    return Path(shutil.copytree(home, tmp_path / "home"))


def test_a_label_is_walked_back_to_its_votes_pairs_and_turns(home):
    found, told = ask(home, "get the lamp going")
    assert (found["said"]["users"], found["soft_labels"][0]["label"]) == (10, "lamp_on")
    assert found["example"]["labels"][0] == "lamp_on"
    assert found["stopped_at"] is found["withheld_because"] is None
    (end,) = [v for v in found["votes"] if v["source"] == "chain_end"]
    assert (end["label"], end["users"]) == ("lamp_on", 10)
    assert 5 < end["votes"] <= 10
    assert {p["target"] for p in found["pairs"]} == {"switch the lamp on"}
    of_pairs = {p["source_turn_id"] for p in found["pairs"]}
    assert of_pairs == {t["turn_id"] for t in found["turns"]}
    assert found["defect"]["p_defect"] > 0.9
    assert "published: yes, 10 users said it, 5 needed" in told
    assert "rewrite 'get the lamp going' to 'switch the lamp on': live" in told
    backwards, _ = ask(home, "switch the heater on")
    assert [r["source"] for r in backwards["rewrites_to"]] == ["get the heater going"]
    assert backwards["no_rewrite_because"] == "it rather works"


def test_the_assistants_own_hypotheses_are_no_users(changed):
    night = Lake(changed / "lake").days("votes")[-1]
    cast = {
        "label": "odd",
        "source": "n_best",
        "via": "",
        "user_id": "",
        "day": night,
        "weight": 0.2,
    }
    put(changed, "votes", utterance="zyx wvu", **cast)
    found = {v["source"]: v["users"] for v in ask(changed, "zyx wvu")[0]["votes"]}
    assert found == {"accepted": 1, "n_best": 0}


def test_the_newest_turns_come_first_and_no_more_than_ten(home):
    found, _ = ask(home, "tell me a joke")
    times = [t["timestamp"] for t in found["turns"]]
    assert found["said"]["turns"] > len(times) == 10
    assert times == sorted(times, reverse=True)
    assert times[0].date().isoformat() == found["night"]


@pytest.mark.parametrize(
    ("wording", "step", "why"),
    [
        ("zyx wvu", "floor of users", "odd is believed at .* with 1 user behind .*, 2 needed"),
        ("status ping", "bots", "repetition: 60 turns on 1 day"),
        ("crank the gramophone", "window", "said last on 2025-11-26, before the 30 days"),
    ],
)
def test_what_entered_no_training_set_says_where_it_stopped(home, wording, step, why):
    found, told = ask(home, wording)
    assert (found["example"], found["stopped_at"]) == (None, step)
    assert re.search(why, found["withheld_because"])
    assert f"stopped at: {step}: " in told
    assert found["turns"]


def test_the_bound_that_was_not_reached_is_named(changed):
    put(changed, "utterance_stats", utterance="half sure", turns=3, users=3)
    decided = {"probability": 0.6, "users": 3, "at_least": 0.26, "needed": 0.4, "label": "odd"}
    told = {"stage": "floor of belief", "reason": "best label not believed by enough users"}
    put(changed, "withheld_utterances", utterance="half sure", **decided, **told)
    found, _ = ask(changed, "half sure")
    assert found["stopped_at"] == "floor of belief"
    assert "believed at 0.60 by 3 users: at least at 0.26, 0.40 needed" in found["withheld_because"]
    put(changed, "utterance_stats", utterance="never counted", turns=2, users=2)
    found, _ = ask(changed, "never counted")
    assert (found["stopped_at"], found["soft_labels"]) == ("training set", [])


def test_the_night_says_of_each_wording_where_it_stopped(home):
    """Each wording of the window is in the training set, or is withheld with its reason."""
    lake, key = Lake(home / "lake"), ["locale", "utterance"]
    said, withheld = lake.newest("utterance_stats"), lake.newest("withheld_utterances")
    taught = read_training_set(existing(home), training_versions(existing(home))[-1])
    told = pl.concat([withheld.select(key), taught.select(key)])
    assert said.join(told, on=key, how="anti").is_empty()
    assert withheld.join(taught, on=key, how="semi").is_empty()
    counted = lake.newest("withheld").filter(pl.col("stage").is_in(["training set", "labels"]))
    answers = counted.filter(reason="answers to a question")["rows"].sum()
    assert counted["rows"].sum() - answers == withheld.height


def test_few_users_are_not_published(home):
    found, told = ask(home, CAFE)
    assert found["example"]
    assert not found["published"]["published"]
    assert "published: no, 3 users said it, 5 needed" in told


def test_a_wording_in_another_unicode_form_is_the_same(home):
    other = unicodedata.normalize("NFD", CAFE)
    assert other != CAFE
    assert ask(home, other)[0] == ask(home, CAFE)[0]


def test_what_was_never_said_is_bad_input_in_one_line(home):
    with pytest.raises(BadInput, match="was never said") as told:
        ask(home, "open\nsesame")
    assert len(str(told.value).splitlines()) == 1
    with pytest.raises(BadInput, match="was never said in fr-FR"):
        ask(home, CAFE, locale="fr-FR")


def test_a_wording_of_two_locales_needs_one(home):
    with pytest.raises(BadInput, match="was said in en-GB, en-US; add --locale"):
        ask(home, "switch the radio on")
    assert ask(home, "switch the radio on", locale="en-US")[0]["said"]["turns"] == 1


def test_a_cluster_shows_members_bonds_labels_and_lineage(home):
    name = ask(home, "switch the lamp on")[0]["cluster"]["cluster_id"]
    found, told = ask(home, cluster=name)
    members = {m["utterance"]: m for m in found["members"]}
    assert set(members) == {"get the lamp going", "switch the lamp on"}
    assert members["switch the lamp on"]["users"] == 22
    assert found["central"] in members
    (bond,) = found["bonds"]
    assert bond["moved"] == 10
    (label,) = found["labels"]
    assert (label["label"], label["wordings"], label["in_training_set"]) == ("lamp_on", 2, 2)
    assert [e["event"] for e in found["lineage"]] == ["born"]
    assert found["turns"]
    assert f"cluster {name}, night {found['night']}: 2 wordings around" in told


def test_a_cluster_that_is_no_more_says_what_became_of_it(changed):
    lake = Lake(changed / "lake")
    night = lake.days("lineage")[-1]
    row = {"cluster_id": "old", "event": "merged", "other_id": "new", "users": 7}
    lake.put("lineage", night, pl.DataFrame([row]))
    found, told = ask(changed, cluster="old")
    assert (found["members"], found["turns"]) == ([], [])
    assert f"{night}: old went into new, 7 users" in told
    assert [e["cluster_id"] for e in ask(changed, cluster="new")[0]["lineage"]] == ["old"]
    with pytest.raises(BadInput, match="none: is no cluster of any night"):
        ask(changed, cluster="none")


def test_a_verdict_is_told_of_cluster_and_wording(changed):
    name = ask(changed, "zyx wvu")[0]["cluster"]["cluster_id"]
    decision = reviewing.OfCluster(cluster_id=name, verdict="rejected", name="odd things")
    reviewing.decide(changed, [decision])
    assert f"cluster {name} (odd things, rejected)" in ask(changed, cluster=name)[1]
    assert "its cluster was rejected in review" in ask(changed, "zyx wvu")[1]


def test_a_rewrite_is_walked_back_to_its_chains(home):
    found, told = ask(home, "get the lamp going", target="switch the lamp on")
    assert (found["rewrite"]["status"], found["stopped_at"]) == ("live", None)
    assert [m["users"] for m in found["moves"]] == [10]
    assert [(v["source"], v["label"], v["users"]) for v in found["votes"]] == [
        ("chain_end", "lamp_on", 10)
    ]
    steps = {(p["source_turn_id"], p["target_turn_id"]) for p in found["pairs"]}
    assert steps == {(c["turn_id"], c["end_turn_id"]) for c in found["chains"]}
    assert len(steps) == 10
    assert {t["utterance"] for t in found["turns"]} == {"get the lamp going", "switch the lamp on"}
    assert "because: runs since" in told


@pytest.mark.parametrize(
    ("source", "target", "users", "step", "why"),
    [
        ("play the news", CAFE, 0, "moves", "nobody who said 'play the news' ended up"),
        ("warm my toes", "gibberish", 4, "target", "does not serve 'gibberish'"),
        ("get the lamp going", CAFE, 4, "another", "4 users moved, but another wording"),
        ("warm my toes", CAFE, 4, "stayed", "did not stay with it"),
        ("warm my toes", CAFE, 4, "values", "lacks a value"),
        (
            CAFE,
            "zyx wvu",
            3,
            "success",
            "3 users moved, .* mended with p 0.20 and broken with p 0.10",
        ),
        (CAFE, "zyx wvu", 3, None, "no night has judged it yet"),
    ],
)
def test_a_rewrite_that_there_is_none_of_says_where_it_fell_out(
    changed, source, target, users, step, why
):
    way = {"source": source, "target": target}
    if users:
        counts = {"users": users, "occurrences": users, "p_same": 0.9, "p_kept": 0.9}
        put(changed, "transitions", **way, **counts)
        if step:
            put(changed, "withheld_rewrites", **way, stage=step, p_better=0.2, breaks=0.1)
    found, told = ask(changed, source, target=target)
    assert (found["rewrite"], found["stopped_at"]) == (None, step or "night")
    assert re.search(why, found["because"])
    assert f"none, stopped at: {step or 'night'}" in told


def test_the_night_says_of_each_way_that_users_went_where_it_fell_out(home):
    """Each move is a rewrite that runs or ran, or is withheld with its stage."""
    lake = Lake(home / "lake")
    ways = ["locale", "source", "target"]
    moved, withheld = lake.newest("transitions"), lake.newest("withheld_rewrites")
    running = lake.newest("rewrite_experiments")
    told = pl.concat([withheld.select(ways), running.select(ways)])
    assert moved.join(told, on=ways, how="anti").is_empty()
    assert withheld.join(running, on=ways, how="semi").is_empty()


def test_a_wording_that_users_give_up_says_why_nothing_runs_instead(changed):
    assert "ended up at another" in ask(changed, "warm my toes")[0]["no_rewrite_because"]
    ends = {"source": "warm my toes", "target": "switch the heater on"}
    put(changed, "transitions", **ends, users=1, occurrences=1, p_same=0.9, p_kept=0.9)
    put(changed, "withheld_rewrites", **ends, stage="stayed", p_better=0.2, breaks=0.1)
    assert "1 user moved, but they did not" in ask(changed, "warm my toes")[0]["no_rewrite_because"]


def test_no_rewrite_is_proposed_where_pairs_are_told_weakly_and_that_is_the_reason(changed):
    ends = {"source": "warm my toes", "target": "switch the heater on"}
    put(changed, "transitions", **ends, users=4, occurrences=4, p_same=0.9, p_kept=0.9)
    put(changed, "withheld_rewrites", **ends, stage="verdicts", p_better=0.9, breaks=0.0)
    lake = Lake(changed / "lake")
    weakly = pl.when(pl.col("subject") == "pairs").then(pl.lit("weakly")).otherwise("verdict")
    lake.put("trust", lake.days("trust")[-1], lake.newest("trust").with_columns(verdict=weakly))
    found, _ = ask(changed, "warm my toes", target="switch the heater on")
    assert found["stopped_at"] == "verdicts"
    assert "pairs are told weakly" in found["because"]


def test_a_withdrawn_rewrite_shows_its_arms(changed):
    lake = Lake(changed / "lake")
    night = lake.days("rewrite_experiments")[-1]
    gone = {"status": "withdrawn", "until": night, "p_worse": 0.97, "treated": 9.0}
    gone |= {"treated_reformulated": 0.7, "alone": 4.0, "alone_reformulated": 0.25}
    rows = lake.newest("rewrite_experiments").with_columns(
        **{k: pl.lit(v) for k, v in gone.items()}
    )
    lake.put("rewrite_experiments", night, rows)
    found, told = ask(changed, "get the lamp going", target="switch the lamp on")
    assert found["stopped_at"] == "withdrawn"
    assert f"withdrawn on {night}: worse than leaving the wording alone with p 0.97" in told
    assert "70% of 9.0 users came back where it ran, 25% of 4.0" in told


def test_a_rewrite_that_is_no_longer_there_says_when_it_was(changed):
    lake = Lake(changed / "lake")
    night = lake.days("rewrite_experiments")[-1]
    lake.put("rewrite_experiments", "2026-01-02", lake.newest("rewrite_experiments"))
    lake.put("rewrite_experiments", night, lake.newest("rewrite_experiments").head(0))
    found, told = ask(changed, "get the lamp going", target="switch the lamp on")
    assert found["rewrite"] is None
    assert "known from 2026-01-02 to 2026-01-02, then live" in told


@pytest.fixture(scope="module")
def retrained(home, tmp_path_factory) -> Path:
    """The home after a champion on seed data and a challenger."""
    other = Path(shutil.copytree(home, tmp_path_factory.mktemp("retrained") / "home"))
    wordings = {f"switch the {t} on": f"{t}_on" for t in THINGS} | {w: w for w in OTHERS}
    rows = [{"locale": "en-GB", "utterance": w, "intent": i} for w, i in wordings.items()]
    known = write_log(other.parent / "seed.jsonl", rows)
    runs.run_retraining(other, CHOSEN, known, None, direct)
    return other


def test_a_decision_shows_what_it_rests_on_and_what_came_of_it(retrained):
    found, told = ask(retrained, decision=ask(retrained, CAFE)[0]["night"])
    assert found["decision"]["retrain"] is False
    assert any("5000 needed" in b for b in found["decision"]["because"])
    kept = found["training_set"]
    assert kept["examples"] == kept["fresh"] > 0
    assert {"bots: repetition", "fewer than 2 users behind cluster and label"} <= {
        w["reason"] for w in kept["withheld"]
    }
    (model,) = found["models"]
    assert model["training_set"] == kept["version"]
    assert model["because"]
    assert {f["locale"] for f in model["figures"]} >= {"all", "en-GB"}
    by_set, by_model = (ask(retrained, decision=v)[0] for v in (kept["version"], model["version"]))
    same = ["night", "decision", "training_set", "models", "messages", "person"]
    assert [by_set[k] for k in same] == [by_model[k] for k in same] == [found[k] for k in same]
    assert f"model {model['version']} instead of {model['before']}" in told


def test_a_model_of_seed_data_alone_has_no_night(retrained):
    night = ask(retrained, CAFE)[0]["night"]
    first = ask(retrained, decision=night)[0]["models"][0]["before"]
    found, told = ask(retrained, decision=first)
    assert (found["night"], found["training_set"]) == (None, None)
    assert [m["version"] for m in found["models"]] == [first]
    assert "seed data alone" in told


def test_what_a_person_decided_is_told(retrained, tmp_path):
    held = existing(Path(shutil.copytree(retrained, tmp_path / "home")))
    version = ask(held.root, CAFE)[0]["training_set"]
    overrides.hold(held, "release day")
    overrides.reject(held, version, "a bad day")
    found, told = ask(held.root, decision=version)
    assert found["person"] == {"held": "release day", "rejected": {version: "a bad day"}}
    assert f"a person rejected {version}: a bad day" in told


@pytest.mark.parametrize("name", ["2026-01-09", "monday", "../models"])
def test_an_unknown_decision_is_bad_input(home, name):
    with pytest.raises(BadInput, match=re.escape(name)):
        ask(home, decision=name)


def test_no_user_is_ever_shown(retrained):
    cluster = ask(retrained, "switch the lamp on")[0]["cluster"]["cluster_id"]
    answers = [
        ask(retrained, "get the lamp going"),
        ask(retrained, "status ping"),
        ask(retrained, "get the lamp going", target="switch the lamp on"),
        ask(retrained, cluster=cluster),
        ask(retrained, decision=ask(retrained, CAFE)[0]["night"]),
    ]
    told = "".join(json.dumps(found, default=str) + lines for found, lines in answers)
    users = set(Lake(retrained / "lake").read("turns")["user_id"])
    assert len(users) > 20
    assert not [u for u in users if u in told]
    assert "user_id" not in told


def test_what_was_said_cannot_steer_the_terminal(home):
    told = CliRunner().invoke(app, ["explain", "--home", str(home), HOSTILE]).stdout
    assert HOSTILE in told
    assert "louder[31m[bold]" in told
    assert "\x1b" not in told
    asked = ["explain", "--home", str(home), HOSTILE, "--json", "--config"]
    (home.parent / "window.toml").write_text("[mining]\nwindow_days = 30\n")
    given = CliRunner().invoke(app, [*asked, str(home.parent / "window.toml")]).stdout
    assert json.loads(given) == json.loads(json.dumps(ask(home, HOSTILE)[0], default=str))


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["lamp", "--cluster", "x"],
        ["--cluster", "x", "--decision", "2026-01-06"],
        ["--decision", "2026-01-06", "--target", "x"],
    ],
)
def test_one_thing_is_explained_at_a_time(home, args):
    told = CliRunner().invoke(app, ["explain", "--home", str(home), *args])
    assert isinstance(told.exception, BadInput)


def test_what_is_needed_to_enter_is_what_the_night_asked(home, tmp_path):
    """Other settings than the night's change nothing of what it decided."""
    (tmp_path / "s.toml").write_text("[min_users]\ntraining = 1\npublished = 9\n")
    asked = ["explain", "--home", str(home), "zyx wvu", "--json", "--config"]
    told = json.loads(CliRunner().invoke(app, [*asked, str(tmp_path / "s.toml")]).stdout)
    assert told["stopped_at"] == "floor of users"
    assert "2 needed" in told["withheld_because"]
    assert told["published"]["needed"] == 9


def test_nothing_heavy_is_loaded_for_a_label(home):
    command = [sys.executable, "-X", "importtime", "-m", "flows", "explain", "--home", str(home)]
    done = subprocess.run(
        [*command, "get the lamp going"], capture_output=True, text=True, check=True
    )
    loaded = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "polars" in loaded
    assert not loaded & {"torch", "pyspark", "sklearn", "scipy.stats", "duckdb", "faiss"}


def test_what_was_said_in_review_is_told(changed):
    whole = {"locale": "en-GB", "utterance": "zyx wvu"}
    reviewing.decide(
        changed,
        [
            reviewing.OfLabel(**whole, label="what is the weather", verdict="rejected"),
            reviewing.OfRewrite(**whole, target="get the lamp going", verdict="rejected"),
        ],
    )
    assert "a person rejected its label what is the weather" in ask(changed, "zyx wvu")[1]
    found, _ = ask(changed, "zyx wvu", target="get the lamp going")
    assert (found["stopped_at"], found["because"]) == ("review", "a person rejected it")
