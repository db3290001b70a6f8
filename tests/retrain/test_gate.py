"""The trainer, the gate, the trigger, and model folders that were touched."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mining.clustering import encoder as mining_encoder
from retrain.gate.judging import Cases, Cost, GateConfig, GateVerdict, judge
from retrain.gate.parts import worse
from retrain.registry import store
from retrain.training.data import FOLDS, training_data
from retrain.training.model import MEMORY, UNKNOWN, aligned, load, loyal, save
from retrain.training.trainer import Reference, sharpest, train
from retrain.trigger import ExpectedGain, TriggerConfig, decide, drift, mended
from warehouse.common.folds import folds
from warehouse.encoders.centres import CentredEncoder
from warehouse.encoders.transformer import Folder
from warehouse.errors import BadInput
from warehouse.home import Home

pytestmark = pytest.mark.quick

LAMPS = [f"{w} lamp {n}" for w in ("switch on", "light the") for n in range(6)]
MUSIC = [f"{w} song {n}" for w in ("stop", "skip the") for n in range(6)]
SEED = pl.DataFrame(
    {"locale": "en", "utterance": LAMPS + MUSIC, "intent": ["lamp"] * 12 + ["music"] * 12}
)


def model_of(seed: pl.DataFrame):
    return train(training_data(seed))


GOOD = model_of(SEED)
BAD = model_of(SEED.with_columns(intent=pl.Series(["music"] * 12 + ["lamp"] * 12)))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> CentredEncoder:
    """An encoder that the seed data taught."""
    folder = tmp_path_factory.mktemp("encoder") / "model"
    pairs = np.array([[i, i + 1] for i in range(11)] + [[i, i + 1] for i in range(12, 23)])
    made = mining_encoder.learn(mining_encoder.Lessons(LAMPS + MUSIC, pairs))
    made.save(folder)
    return CentredEncoder(Folder(folder))


def test_a_model_learns_and_is_reproducible():
    one, two = model_of(SEED), model_of(SEED.reverse())
    assert one.best(["switch on lamp 99", "stop song 99"]) == ["lamp", "music"]
    assert np.array_equal(one.weights, two.weights)
    assert np.allclose(one.probabilities(LAMPS).sum(axis=1), 1)
    assert one.best([]) == []


def test_soft_labels_teach_with_their_weight():
    examples = pl.DataFrame(
        {
            "locale": ["en", "en"],
            "utterance": ["hush everything", "hush it all"],
            "labels": [["music", "lamp"], ["music", "lamp"]],
            "probabilities": [[0.9, 0.1], [0.8, 0.2]],
            "weight": [0.8, 0.6],
        }
    )
    taught = train(training_data(SEED, examples))
    assert taught.best(["hush now"]) == ["music"]
    unsure = examples.with_columns(probabilities=pl.lit([0.5, 0.5]))
    now, then = (
        train(training_data(SEED, e)).probabilities(["hush now"]) for e in (examples, unsure)
    )
    assert now[0, 1] > then[0, 1]


def test_a_wording_is_taught_once_whoever_says_it():
    both = training_data(pl.concat([SEED, SEED.head(3)]))
    assert both.wordings == sorted(LAMPS + MUSIC)
    assert both.shares.sum(axis=1) == pytest.approx(1.0)
    assert both.weights.sum() == pytest.approx(27 / 24 * training_data(SEED).weights.sum())


def test_what_an_encoder_finds_alike_is_labelled_alike(encoder):
    assert train(training_data(SEED), encoder).best(["lamp", "song"]) == ["lamp", "music"]


def test_cases_are_scored_by_models_that_never_saw_them():
    """A case whose label contradicts all others cannot be learned by heart."""
    odd = SEED.with_columns(
        intent=pl.when(pl.col("utterance") == LAMPS[0]).then(pl.lit("music")).otherwise("intent")
    )
    taught = training_data(odd, None)
    model, scores = Reference(None).cross_fit(taught, odd)
    assert taught.labels[scores[0].argmax()] == "lamp"
    assert model.labels == taught.labels
    elsewhere = training_data(odd, example_of(LAMPS[0].upper(), "music"))
    _, scores = Reference(None).cross_fit(elsewhere, odd)
    assert taught.labels[scores[0].argmax()] == "lamp"


def test_a_handful_of_seed_data_is_enough_to_start():
    two = SEED.filter(pl.col("utterance").is_in([LAMPS[0], MUSIC[0]]))
    for n in range(12):
        rows = two.with_columns(utterance=pl.col("utterance") + f" {n}")
        model, scores = Reference(None).cross_fit(training_data(rows), rows)
        assert model.labels == ["lamp", "music"]
        assert scores.shape == (2, 2)


def example_of(utterance: str, label: str) -> pl.DataFrame:
    row = {
        "locale": "en",
        "utterance": utterance,
        "labels": [label],
        "probabilities": [1.0],
        "weight": 1.0,
    }
    return pl.DataFrame([row])


def test_the_folds_are_the_same_in_whatever_case():
    assert folds(["Lamp On"], FOLDS) == folds(["lamp on"], FOLDS)
    many = folds([f"w{n}" for n in range(2000)], FOLDS)
    assert np.bincount(many).min() > 300


def test_probabilities_are_as_sharp_as_they_are_right():
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(4000, 3)) * 2
    odds = np.exp(1.5 * scores)
    drawn = (rng.random(4000)[:, None] > np.cumsum(odds / odds.sum(1, keepdims=True), 1)).sum(1)
    assert sharpest(scores, drawn) == 1.5


@pytest.mark.parametrize("with_encoder", [False, True])
def test_a_saved_model_predicts_the_same(tmp_path, encoder, with_encoder):
    model = train(training_data(SEED), encoder if with_encoder else None).after(BAD, 0.7)
    save(model, tmp_path / "m", {})
    assert np.array_equal(load(tmp_path / "m").scores(LAMPS), model.scores(LAMPS))


HARMS = ["truncated", "changed", "newer", "gone", "pickled", "encoder", "link", "before", "labels"]
HARMS += ["fewer"]


@pytest.mark.parametrize("harm", HARMS)
def test_a_model_folder_that_was_touched_is_refused(tmp_path, encoder, harm):
    folder = tmp_path / "m"
    save(train(training_data(SEED), encoder).after(BAD, 0.7), folder, {})
    weights, facts = folder / "weights.npz", folder / "model.json"
    match harm:
        case "truncated":
            weights.write_bytes(weights.read_bytes()[:100])
        case "changed":
            weights.write_bytes(weights.read_bytes()[:-1] + b"x")
        case "newer":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"format": 99}))
        case "gone":
            facts.unlink()
        case "pickled":
            np.savez(weights, features=np.array([{}], dtype=object))
        case "encoder":
            (folder / "encoder" / "tokenizer.json").write_text("{}")
        case "link":
            (folder / "encoder" / "more").symlink_to(tmp_path)
        case "fewer":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"labels": ["lamp"]}))
        case "before":
            (folder / "before" / "model.json").write_text("{}")
        case "labels":
            facts.write_text(json.dumps(json.loads(facts.read_text()) | {"labels": None}))
    with pytest.raises(BadInput) as refused:
        load(folder)
    assert len(str(refused.value).splitlines()) == 1


def test_an_answer_is_held_until_another_is_ahead_by_so_much():
    asked = LAMPS + MUSIC
    assert GOOD.after(BAD, 0.0).best(asked) == GOOD.best(asked)
    assert GOOD.after(BAD, 50.0).best(asked) == BAD.best(asked)


@given(st.floats(0.0, 6.0), st.integers(0, 5))
def test_holding_turns_no_answer_but_back(incumbent_bonus, seed):
    """What is held more firmly is either the new answer or the old one."""
    rng = np.random.default_rng(seed)
    scores, answers = rng.normal(size=(50, 4)), rng.integers(-1, 4, size=50)
    held = loyal(scores, answers, incumbent_bonus).argmax(axis=1)
    assert ((held == scores.argmax(axis=1)) | (held == answers)).all()


def test_a_label_that_the_model_before_does_not_know_can_win():
    two = pl.concat(
        [
            SEED,
            SEED.head(6).with_columns(
                utterance=pl.lit("brew tea ") + pl.col("utterance"), intent=pl.lit("tea")
            ),
        ]
    )
    assert model_of(two).after(GOOD, 0.5).best(["brew tea now"]) == ["tea"]
    assert aligned(GOOD.scores(["x"]), GOOD.labels, ["tea", *GOOD.labels])[0, 0] == UNKNOWN


def test_few_earlier_models_are_remembered():
    model = GOOD
    for _ in range(MEMORY + 3):
        model = GOOD.after(model, 0.5)
    depth = 0
    while model.before:
        model, depth = model.before, depth + 1
    assert depth == MEMORY


def cases(before, after, rows: list[tuple[str, str]], promises: int = 0) -> Cases:
    """Cases of the seed data, the last of them promises."""
    frame = pl.DataFrame(
        [("en", *row) for row in rows], ["locale", "utterance", "intent"], orient="row"
    ).with_columns(
        weight=pl.lit(1.0),
        kind=pl.Series(
            ["seed"] * (len(rows) - promises) + ["must pass"] * promises, dtype=pl.String
        ),
    )
    wordings = frame["utterance"].to_list()
    return Cases(
        frame,
        GOOD.labels,
        before.scores_of(wordings, GOOD.labels) if before else None,
        after.scores_of(wordings, GOOD.labels),
    )


HELD = [(f"switch on lamp {n}", "lamp") for n in range(50, 55)]
HELD += [(f"stop song {n}", "music") for n in range(50, 55)]
ANY = GateConfig(max_negative_flip_rate=1.0)


def test_the_gate_promotes_the_better_and_refuses_the_worse():
    better = judge(cases(BAD, GOOD, HELD), ANY)
    assert better.promote
    assert better.figures.row(0, named=True)["challenger_accuracy"] == 1.0
    worse = judge(cases(GOOD, BAD, HELD), ANY)
    assert not worse.promote
    assert "not better" in worse.because[0]


def test_the_answers_are_held_as_firmly_as_the_bound_asks():
    """Of two hundred cases the challenger mends sixty and would break ten; held, it breaks none."""
    rows = pl.DataFrame(
        {
            "locale": "en",
            "utterance": [f"u{n}" for n in range(200)],
            "intent": "lamp",
            "weight": 1.0,
            "kind": "seed",
        }
    )
    before, after = np.zeros((200, 2)), np.zeros((200, 2))
    before[:, 0], before[:60, 1] = 1.0, 2.0  # the first sixty are wrong
    after[:, 0] = 3.0
    after[190:, 1] = 3.5  # ten break, by little
    found = judge(
        Cases(rows, ["lamp", "music"], before, after), GateConfig(max_negative_flip_rate=0.02)
    )
    assert found.promote
    assert 0.5 < found.incumbent_bonus <= 3.0  # between what breaks ten and what mends none
    assert found.flipped.is_empty()
    free = judge(Cases(rows, ["lamp", "music"], before, after - before * 9), ANY)
    assert free.promote


def test_flips_are_bounded_for_every_locale_and_intent():
    """A locale that breaks is not hidden by a large one that does not."""
    rows = pl.DataFrame(
        {
            "locale": ["en"] * 3000 + ["sw"] * 60,
            "utterance": [f"u{n}" for n in range(3060)],
            "intent": "lamp",
            "weight": 1.0,
            "kind": "seed",
        }
    )
    before, after = np.zeros((3060, 2)), np.zeros((3060, 2))
    before[:, 0] = 1.0
    before[:900, 1] = 2.0
    after[:, 0] = 20.0
    after[3000:3040] = [0.0, 20.0]
    found = judge(
        Cases(rows, ["lamp", "music"], before, after), GateConfig(max_negative_flip_rate=0.02)
    )
    assert not found.promote
    assert any("locale 'sw'" in reason for reason in found.because)


def by_intent(**counts: tuple[int, int, int]) -> GateVerdict:
    """The verdict on models that break, mend and keep so many cases of each intent, whatever is held."""
    parts = [changed("en", "seed", c).with_columns(intent=pl.lit(n)) for n, c in counts.items()]
    rows = pl.concat(parts).with_columns(utterance=pl.format("u{}", pl.int_range(pl.len())))
    labels = sorted({*counts, "other"})
    column = np.array([labels.index(i) for i in rows["intent"]])
    scores = []
    for side in ("before", "after"):
        answer = np.where(rows[side].to_numpy(), column, labels.index("other"))
        scores.append(50.0 * (answer[:, None] == np.arange(len(labels))))
    return judge(Cases(rows.drop("before", "after"), labels, *scores), ANY)


def test_an_intent_that_would_be_lost_stops_a_promotion_and_one_of_few_cases_is_named():
    found = by_intent(lamp=(0, 300, 2000), music=(3, 0, 0))
    assert not found.promote
    assert found.because == ("loses intent 'music': 3 of its cases were right, none is now",)
    few = by_intent(lamp=(0, 300, 2000), music=(2, 0, 0))
    assert few.promote
    assert few.because[0].endswith("; loses intent 'music'")
    kept = by_intent(lamp=(0, 300, 2000), music=(3, 0, 1))
    assert kept.promote
    assert "loses" not in kept.because[0]


def test_what_users_said_hides_no_intent_that_is_lost_on_the_seed_data():
    rows = [
        changed("en", "seed", (0, 300, 2000)),
        changed("en", "seed", (5, 0, 0)).with_columns(intent=pl.lit("music")),
        changed("en", "users", (0, 30, 9)).with_columns(intent=pl.lit("music")),
    ]
    cases = pl.concat(rows).with_columns(utterance=pl.format("u{}", pl.int_range(pl.len())))
    scores = [
        50.0
        * np.stack(
            [right & (cases["intent"] == intent).to_numpy() for intent in ("lamp", "music")], axis=1
        )
        for right in (cases["before"].to_numpy(), cases["after"].to_numpy())
    ]
    wrong = [np.hstack([s, 25.0 * np.ones((len(s), 1))]) for s in scores]
    found = judge(Cases(cases.drop("before", "after"), ["lamp", "music", "other"], *wrong), ANY)
    assert not found.promote
    assert "loses intent 'music': 5 of its cases were right, none is now" in found.because


def test_small_intents_are_judged_together():
    few = {f"i{n}": (2, 0, 3) for n in range(8)}
    found = by_intent(lamp=(0, 300, 2000), **few)
    assert "makes small intents (8) worse: breaks 16 cases" in "; ".join(found.because)
    assert by_intent(lamp=(0, 300, 2000), i0=few["i0"]).promote


def test_an_intent_that_the_challenger_was_not_taught_is_named():
    rows = changed("en", "seed", (0, 300, 2000))
    before = 50.0 * (rows.select("before", other=~pl.col("before")).to_numpy())
    after = np.stack([np.full(rows.height, 50.0), np.full(rows.height, UNKNOWN)], axis=1)
    found = judge(Cases(rows.drop("before", "after"), ["lamp", "music"], before, after), ANY)
    assert found.promote
    assert found.because[0].endswith("; loses intent 'music'")


def changed(
    locale: str, kind: str, counts: tuple[int, int, int], weight: float = 1.0
) -> pl.DataFrame:
    """Cases of a locale: so many that break, that are mended, that stay right."""
    rows = [(False, True)] * counts[1] + [(True, False)] * counts[0] + [(True, True)] * counts[2]
    return pl.DataFrame(rows, ["before", "after"], orient="row").with_columns(
        locale=pl.lit(locale),
        utterance=pl.format("{} {}", pl.lit(locale), pl.int_range(len(rows))),
        intent=pl.lit("lamp"),
        weight=pl.lit(weight),
        kind=pl.lit(kind),
    )


def judged_by(*parts: pl.DataFrame, taught: tuple[str, ...] = ()) -> GateVerdict:
    """The verdict where the two models answer as the parts say, whatever is held."""
    rows = pl.concat(parts)
    right = rows.select("before", "after").to_numpy().astype(float)
    before, after = (np.stack([r, 1 - r], axis=1) * 50 for r in right.T)
    cases = rows.drop("before", "after")
    return judge(Cases(cases, ["lamp", "music"], before, after, taught=taught), ANY)


LARGE = changed("en", "seed", (0, 300, 2700))


def test_a_locale_that_surely_got_worse_stops_a_promotion():
    verdict = judged_by(LARGE, changed("sw", "seed", (9, 0, 300)))
    assert not verdict.promote
    assert verdict.because == ("makes locale 'sw' worse: breaks 9 cases, mends 0 (p 0.002)",)
    assert judged_by(LARGE, changed("sw", "seed", (9, 4, 300))).promote
    assert judged_by(LARGE, changed("sw", "seed", (5, 0, 300))).promote


def test_the_chance_of_a_mistake_is_shared_out_over_the_locales():
    """A locale that alone would stop it does not where fifty others were asked, too."""
    others = [changed(f"l{n:02}", "seed", (0, 0, 30)) for n in range(50)]
    assert judged_by(LARGE, *others, changed("sw", "seed", (7, 0, 300))).promote
    assert not judged_by(LARGE, *others, changed("sw", "seed", (12, 0, 300))).promote


def test_small_locales_are_judged_together():
    few = [changed(f"l{n}", "seed", (2, 0, 3)) for n in range(6)]
    verdict = judged_by(LARGE, *few)
    assert not verdict.promote
    assert "makes small locales (6) worse: breaks 12 cases" in "; ".join(verdict.because)
    told = verdict.figures.filter(intent="all")["locale"].to_list()
    assert told == ["all", "en", "small locales (6)"]
    assert judged_by(LARGE, *few[:1]).promote


def test_a_locale_without_seed_cases_is_judged_by_its_users_as_far_as_they_are_believed():
    verdict = judged_by(LARGE, changed("sw", "users", (12, 0, 60), 0.9))
    assert not verdict.promote
    assert "makes locale 'sw' worse: breaks 11 cases" in "; ".join(verdict.because)
    assert judged_by(LARGE, changed("sw", "users", (12, 0, 60), 0.3)).promote
    seeded = changed("sw", "seed", (0, 0, 30))
    assert judged_by(LARGE, seeded, changed("sw", "users", (9, 0, 60), 0.9)).promote


def test_a_locale_that_was_taught_and_cannot_be_judged_is_named():
    figures = judged_by(LARGE, taught=("en", "th")).figures
    row = figures.filter(locale="th").row(0, named=True)
    assert row["cases"] == 0
    assert row["challenger_accuracy"] is None
    assert figures.filter(intent="all")["locale"].to_list() == ["all", "en", "th"]


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_sign_test_of_a_locale_is_the_exact_one(flips, mended):
    """Against the slower truth: a sum of binomial probabilities."""
    p = binomtest(flips, flips + mended, alternative="greater").pvalue if flips else 1.0
    told = list(worse(changed_cases(flips, mended), 0.05, "locale"))
    assert bool(told) == (p < 0.05)


def changed_cases(flips: int, mended: int) -> pl.DataFrame:
    rows = changed("sw", "seed", (flips, mended, 1))
    return rows.with_columns(
        flipped=pl.col("before") & ~pl.col("after"), mended=~pl.col("before") & pl.col("after")
    )


@pytest.mark.parametrize(("cost", "told"), [(Cost(60.0, 5.0), "60.0 ms"), (Cost(1.0, 5e3), "MiB")])
def test_a_model_that_is_too_dear_is_refused(cost, told):
    verdict = judge(replace(cases(BAD, GOOD, HELD), cost=cost), ANY)
    assert not verdict.promote
    assert told in verdict.because[0]
    assert judge(replace(cases(BAD, GOOD, HELD), cost=Cost(1.0, GOOD.mib)), ANY).promote


def test_a_gain_that_could_be_chance_is_refused():
    verdict = judge(cases(BAD, GOOD, HELD[:2]), ANY)
    assert not verdict.promote
    assert "could be chance: mends 2 cases, breaks 0" in verdict.because[0]


def test_few_cases_bound_nothing():
    verdict = judge(cases(BAD, GOOD, HELD), GateConfig(max_negative_flip_rate=0.02))
    assert not verdict.promote
    assert "0 of 10 seen" in verdict.because[0]


def test_a_broken_promise_refuses_a_better_model():
    verdict = judge(cases(BAD, GOOD, [*HELD, ("switch on lamp 3", "music")], promises=1), ANY)
    kept = judge(cases(BAD, GOOD, [*HELD, ("switch on lamp 3", "lamp")], promises=1), ANY)
    assert not verdict.promote
    assert any("promises" in reason for reason in verdict.because)
    assert kept.promote


def test_the_first_model_serves():
    verdict = judge(cases(None, GOOD, HELD), GateConfig())
    assert verdict.promote
    assert verdict.because[0].startswith("the first model")


def test_without_cases_nothing_is_promoted():
    verdict = judge(cases(BAD, GOOD, []), GateConfig())
    assert not verdict.promote
    assert "no seed data" in verdict.because[0]


KNOWN = ExpectedGain(200, 100, turns=1000.0, mended=40.0, broken=10.0, drift=(), nights=None)


def test_retraining_pays_where_it_mends_more_than_it_breaks():
    assert decide(KNOWN, TriggerConfig()).retrain
    for change, told in (
        ({"examples": 99}, "99 believed wordings"),
        ({"fresh": 49}, "49 of them new"),
        ({"nights": 2}, "2 nights old"),
        ({"mended": 14.0}, "less than 0.5% of them better"),
    ):
        decision = decide(replace(KNOWN, **change), TriggerConfig())
        assert not decision.retrain
        assert told in decision.because[0]


def test_all_that_speaks_against_it_is_told():
    against = decide(replace(KNOWN, examples=9, fresh=1, nights=0, mended=0.0), TriggerConfig())
    assert len(against.because) == 4


def test_what_moved_needs_a_smaller_gain():
    little = replace(KNOWN, mended=11.0)
    assert not decide(little, TriggerConfig()).retrain
    assert decide(replace(little, drift=("labels moved",)), TriggerConfig()).retrain
    nothing = replace(little, mended=9.0, drift=("labels moved",))
    assert not decide(nothing, TriggerConfig()).retrain


def test_only_other_answers_are_mended_and_never_less_than_nothing():
    rows = pl.DataFrame(
        {
            "turns": [10.0, 10.0, 10.0],
            "believed": [0.8, 0.8, 0.3],
            "answered": [0.1, 0.1, 0.6],
            "same": [True, False, False],
        }
    )
    assert mended(rows) == pytest.approx(7.0)


def labelled(counts: dict[str, int], word: str = "u") -> pl.DataFrame:
    rows = [(f"{word}{label}{n}", label, 1.0) for label, k in counts.items() for n in range(k)]
    return pl.DataFrame(rows, ["utterance", "label", "turns"], orient="row")


def test_drift_is_told_where_labels_or_wordings_moved():
    then = labelled({"lamp": 200, "music": 200})
    assert drift(then, then) == ()
    assert "labels moved" in drift(labelled({"lamp": 200, "music": 40}), then)[0]
    assert "wordings that are new" in drift(labelled({"lamp": 200, "music": 200}, "v"), then)[0]


def test_promotion_is_one_pointer(tmp_path):
    home = Home(tmp_path)
    home.models.mkdir()
    assert store.champion(home) is None
    store.promote(home, "a")
    store.promote(home, "b")
    assert store.champion(home) == "b"
    assert sorted(p.name for p in home.models.iterdir()) == ["champion", "served"]
    assert store.served(home) == ["a", "b"]
