"""What a lexicon and a table of forms do to a night, a training set and a model; nothing without them."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from test_export import example
from typer.testing import CliRunner

from aggregation import training_set
from flows import exporting, languages, runs, seed
from flows.cli import app
from flows.evaluation_data import Material
from flows.pipeline import directly
from flows.settings import Languages, Mining, MinUsers, Settings
from logs import turn, write_log
from retrain.training.data import training_data
from warehouse.errors import BadInput
from warehouse.home import Home, read_training_set, read_variants, training_versions
from warehouse.tables import Examples, ExampleVariants, WithheldUtterances

FORMS = "lampen\tlampen\tN;PL\nlampe\tlampe\tN;SG\nlampe\tlampen\tN;PL\nlampe\tlamps\tN;PL\nsee\tsaw\tV;PST\n"
WORDS = "lampe,lamp\nlampe,light\nan,on\n"
SAID = ["lampe an", "lampe bitte an", "bitte lampe an", "lamps an"]
NEWS = ["was gibt es neues", "neues bitte", "gibt es neues"]


@pytest.fixture
def known(tmp_path) -> Settings:
    (tmp_path / "forms.tsv").write_text(FORMS)
    (tmp_path / "words.csv").write_text(WORDS)
    return asked(tmp_path)


def asked(folder: Path, **more: object) -> Settings:
    lexicon = {"de-DE": {"path": str(folder / "words.csv"), "to": "en-US"}}
    tables = {"de-DE": str(folder / "forms.tsv"), "de-AT": str(folder / "forms.tsv")}
    found = Languages.model_validate({"lexicon": lexicon, "morphology": tables} | more)
    return Settings(
        mining=Mining(similarity_threshold=0.3), min_users=MinUsers(training=1), languages=found
    )


def test_wordings_are_read_with_what_is_known_of_their_locale(known):
    rows = [("de-AT", "Lamps"), ("de-DE", "lamps an"), ("en-GB", "lamps on")]
    wordings = pl.DataFrame(rows, ["locale", "utterance"], orient="row")
    assert languages.read_as(known, wordings).rows() == [
        ("de-AT", "Lamps", "lampe", None),
        ("de-DE", "lamps an", "lampe an", "lamp light on"),
        ("en-GB", "lamps on", None, None),
    ]
    abroad = pl.DataFrame({"locale": ["en-US"], "utterance": ["Light on, please"]})
    told = languages.read_as(known, pl.concat([wordings, abroad])).filter(locale="de-DE")
    assert told["translated"].item() == "light on"  # nobody says lamp there
    nothing = languages.read_as(Settings(), wordings)
    assert nothing["folded"].is_null().all()
    assert nothing["translated"].is_null().all()


def test_variants_are_made_where_they_are_asked_for(known, tmp_path):
    rows = [("de-DE", "lamps an"), ("en-GB", "lamps on")]
    wordings = pl.DataFrame(rows, ["locale", "utterance"], orient="row")
    assert languages.variants(known, wordings).is_empty()
    made = languages.variants(asked(tmp_path, variants=True), wordings)
    assert made["locale"].unique().to_list() == ["de-DE"]
    assert set(made["variant"]) == {"lampe an", "lampen an"}


def test_a_broken_file_ends_the_run_before_anything_is_written(known, tmp_path):
    (tmp_path / "forms.tsv").write_text("lampe\tlampen\tN;PL\nlampe\tlamps\n")
    config, log = tmp_path / "settings.toml", write_log(tmp_path / "log.jsonl", [])
    config.write_text(f"[languages.morphology]\nde-DE = '{tmp_path / 'forms.tsv'}'\n")
    home = tmp_path / "home"
    done = CliRunner().invoke(app, ["run", str(log), "--home", str(home), "--config", str(config)])
    assert isinstance(done.exception, BadInput)
    assert "forms.tsv, row 2: features is missing" in str(done.exception)
    assert not home.exists()


def built_of(rows: list[dict]) -> training_set.TrainingSet:
    withheld = WithheldUtterances.create_empty()
    examples = Examples.validate(pl.DataFrame(rows), cast=True)
    return training_set.TrainingSet(examples, withheld, pl.DataFrame())


def test_a_variant_means_what_its_wording_does_and_weighs_less():
    unsure = example("lampe aus", "off", weight=0.36)
    apart = example("lampe jetzt an", "lamp", split="validation")
    built = built_of([example("lampe an", "lamp"), example("lichter an", "light"), unsure, apart])
    assert training_set.sure(built.examples)["utterance"].to_list() == ["lampe an", "lichter an"]
    made = pl.DataFrame(
        [
            ("en-GB", "lampe an", "lampen an"),
            ("en-GB", "lampe an", "lamps an"),
            ("en-GB", "lichter an", "lamps an"),
        ],
        ["locale", "utterance", "variant"],
        orient="row",
    )
    said = pl.DataFrame({"locale": ["en-GB", "de-DE"], "utterance": ["Lampen an", "lamps an"]})
    varied = training_set.varied(built, made, said)
    assert varied.variants.rows() == [
        ("en-GB", "lamps an", "lampe an", ["lamp", "other"], [0.9, 0.1], 0.25 * 0.81)
    ]
    assert varied.examples.equals(built.examples)
    nothing = training_set.varied(built, made.clear(), said)
    assert training_set.content_hash(nothing) == training_set.content_hash(built)
    assert training_set.content_hash(varied) != training_set.content_hash(built)
    assert "1 variants of wordings, which nobody said" in training_set.card(
        "v1", varied, training_set.change(varied.examples, None), None, "{}"
    )


def variants_of(*pairs: tuple[str, str]) -> pl.DataFrame:
    rows = [("en-GB", made, source, ["lamp"], [1.0], 0.1) for made, source in pairs]
    return pl.DataFrame(rows, ExampleVariants.create_empty().schema, orient="row")


def test_a_case_is_not_taught_by_its_variants():
    """No variant is a case, and none was made of one: else a model would know cases that it never saw."""
    known = pl.DataFrame([("en-GB", "Lamp on", "lamp", None)], seed.SCHEMA, orient="row")
    examples = built_of(
        [example("lamps on", "lamp"), example("the lamp on", "lamp", split="validation")]
    ).examples
    made = variants_of(
        ("lamped on", "lamps on"), ("lamp on", "lamps on"), ("lamp oned", "lamp on"),
        ("the lamp on", "lamps on"), ("the lamps on", "the lamp on"),
    )  # fmt: skip
    material = Material.of(known, examples, None, made)
    assert material.variants["utterance"].to_list() == ["lamped on"]
    assert Material.of(known, examples, None, None).variants.is_empty()


def test_variants_are_taught_beside_the_examples_at_their_weight():
    known = pl.DataFrame({"locale": ["en-GB"], "utterance": ["news"], "intent": ["news"]})
    examples = built_of([example("lamps on", "lamp", weight=0.4)]).examples
    plain, more = (
        training_data(known, examples),
        training_data(known, examples, variants_of(("lamp on", "lamps on"))),
    )
    weights = dict(zip(more.wordings, more.weights, strict=True))
    assert set(weights) - set(plain.wordings) == {"lamp on"}
    assert weights["lamp on"] == pytest.approx(0.1 / 0.4)
    assert all(
        weights[w] == pytest.approx(v) for w, v in zip(plain.wordings, plain.weights, strict=True)
    )


@pytest.fixture(scope="module")
def learned(tmp_path_factory) -> Path:
    """A home in which a night made variants, and a model learned them. Only eve says "lampe weg"."""
    folder = tmp_path_factory.mktemp("languages")
    (folder / "forms.tsv").write_text(FORMS)
    (folder / "words.csv").write_text(WORDS)
    rows = [
        turn(user, 400 * n, wording, locale="de-DE", intent=intent, outcome="success")
        for user in ("ann", "bob", "cy", "dan", "eli", "fay")
        for intent, wordings in (("lamp", SAID), ("news", NEWS))
        for n, wording in enumerate(wordings)
    ]
    rows += [
        turn("eve", 400 * n, "lampe weg", locale="de-DE", intent="lamp", outcome="success")
        for n in range(3)
    ]
    told = [{"locale": "de-DE", "utterance": u, "intent": i} for u, i in
            (("lampe jetzt an", "lamp"), ("licht an", "lamp"), ("licht", "lamp"),
             ("sag mir neues", "news"), ("neuigkeiten", "news"), ("die nachrichten", "news"))]  # fmt: skip
    seeds = write_log(folder / "seed.jsonl", told)
    request = runs.Request(
        [str(write_log(folder / "log.jsonl", rows))], folder / "home", seed_data=seeds
    )
    runs.run_night(request, asked(folder, variants=True), directly)
    return folder


def test_a_night_keeps_variants_beside_the_examples(learned):
    home = Home(learned / "home")
    (version,) = training_versions(home)
    examples, made = read_training_set(home, version), read_variants(home, version)
    assert made is not None
    ExampleVariants.validate(made)
    assert set(made["source"]) <= set(examples["utterance"])
    assert not set(made["utterance"]) & {*SAID, *NEWS}
    assert "lampen an" in set(made["utterance"])


def test_what_lies_beside_is_neither_exported_nor_published(learned, tmp_path):
    made = "lampen an"
    exporting.export(learned / "home", "jsonl", tmp_path / "out", None)
    assert f'"{made}"' not in (tmp_path / "out" / "train.jsonl").read_text()
    assert made.encode() not in (learned / "home" / "warehouse.duckdb").read_bytes()


def test_a_model_learns_from_them(learned, tmp_path):
    root = Path(shutil.copytree(learned / "home", tmp_path / "home"))
    chosen = asked(learned, variants=True)
    told = runs.run_retraining(root, chosen, None, None, directly)
    (version,) = training_versions(Home(root))
    assert told["training_set"] == version


def test_variants_of_what_a_forgotten_user_said_are_forgotten(learned, tmp_path):
    root = Path(shutil.copytree(learned / "home", tmp_path / "home"))
    (version,) = training_versions(Home(root))
    place = Home(root).training_sets / version / "variants.parquet"
    made = pl.read_parquet(place)
    hers = "lampe weg"
    assert hers in set(made["source"])
    equal = made.head(1).with_columns(utterance=pl.lit(hers))  # what she said, made of another's
    pl.concat([made, equal]).write_parquet(place)
    runs.run_forgetting(root, asked(learned), "eve", directly)
    assert pl.read_parquet(place).equals(made.filter(pl.col("source") != hers))
