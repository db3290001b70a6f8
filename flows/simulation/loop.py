"""The closed loop: a world answers each new champion, and each rewrite that runs, with new behaviour.

home/                       what sayagain made of it: a night a cycle, and retraining where it pays
logs/cycle-NNN.jsonl.gz     what was said in the cycle; truth/ beside it what was meant
seed.jsonl.gz, test.jsonl.gz
cycles.jsonl                one row a cycle
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from flows import encoders, runs, seed
from flows.pipeline import Caller
from flows.settings import Alert, Delivery, Settings, place
from flows.simulation.assistant import LearningAssistant, Served
from flows.simulation.place import Habits, Place
from flows.simulation.world import begin, ordered, write, wrong_share
from retrain.registry import store
from retrain.training.data import training_data
from retrain.training.model import Helpers, Model
from retrain.training.trainer import train
from warehouse.errors import BadInput
from warehouse.home import Home, existing
from warehouse.lake import Lake

HELD = 0.2  # share of turns that the model before answers still, in the cycle after a promotion
LEAST_HELD = 0.05  # and for ever


@dataclass(frozen=True)
class Loop:
    """`cycles` of `habits.days` each. `holdout` is whether arms are drawn; in the cycle `turning`, counted
    from 1, `moved` rewrites go bad, and as many wordings come to mean something else."""

    cycles: int
    seed: int = 1
    holdout: bool = True
    turning: int | None = None
    moved: int = 5


def run(
    out: Path,
    places: list[Place],
    habits: Habits,
    loop: Loop,
    settings: Settings,
    call: Caller,
) -> Iterator[dict[str, Any]]:
    """Run the cycles, a row of figures each: what is right of the test utterances with the champion, what
    its promotion broke of them, which rewrites run."""
    settings = settings.model_copy(
        update={"delivery": Delivery(), "alert": Alert()}
    )  # nobody is told
    if (out / "home").exists():
        raise BadInput(f"--out {out}: holds a loop already; name another folder")
    begin(out, places)
    root = out / "home"
    first = runs.run_retraining(root, settings, out / "seed.jsonl.gz", None, call)
    if not first["promoted"]:
        raise BadInput(f"no model to begin with: {'; '.join(first['because'])}")
    home = existing(place(root, settings))
    world = World(
        places,
        habits,
        loop,
        np.random.default_rng([loop.seed, len(places)]),
        encoders.helpers(home, settings),
    )
    said = {w.utterance for p in places for w in p.said}
    if world.helpers.encoder and len(said) <= habits.turns * loop.cycles:
        world.helpers.encoder.embed(sorted(said))  # many at once, for people say one at a time
    with (out / "cycles.jsonl").open("w", encoding="utf8") as kept:
        for number in range(1, loop.cycles + 1):
            row = _cycle(out, home, world, number, (settings, call))
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            yield row


@dataclass
class World:
    """The places, what was said so far, and what an update of the assistant brought."""

    places: list[Place]
    habits: Habits
    loop: Loop
    rng: np.random.Generator
    helpers: Helpers

    def __post_init__(self) -> None:
        self.said: Counter[tuple[str, str]] = Counter()
        self.updates: dict[tuple[str, str], str] = {}
        self.since = 0  # cycles since the last promotion

    def assistant(self, home: Home) -> LearningAssistant:
        """What serves now."""
        served = store.served(home)
        champion = Served(served[-1], store.fetch(home, served[-1], self.helpers))
        before = None
        if self.loop.holdout and len(served) > 1:
            before = Served(served[-2], store.fetch(home, served[-2], self.helpers))
        fixes = {
            (r["locale"], r["source"]): (r["target"], r["holdout"] if self.loop.holdout else 0.0)
            for r in Lake(home.lake).newest("rewrites").to_dicts()
        }
        held = max(LEAST_HELD, HELD / (1 + self.since))
        return LearningAssistant(champion, before, held, fixes, self.rng, self.updates)

    def turn(self, assistant: LearningAssistant) -> list[tuple[str, str]]:
        """An update of the assistant: it understands wordings that are rewritten, and breaks what runs in
        their place. And words change: others come to mean something else. The wordings whose rewrite
        went bad."""
        known = {(w.locale, w.utterance): (p, w) for p in self.places for w in p.said}
        bad: list[tuple[str, str]] = []
        moved = 0
        for key, _ in self.said.most_common():
            if key not in known:
                continue
            place, wording = known[key]
            if key in assistant.fixes:
                target = key[0], assistant.fixes[key][0]
                heard, runs = (assistant.champion.answer(*k).n_best for k in (key, target))
                fixed = heard[0][0] != wording.intent == runs[0][0]
                if fixed and target not in self.updates and len(bad) < self.loop.moved:
                    self.updates |= {key: wording.intent, target: runs[1][0]}
                    bad.append(key)
            elif moved < self.loop.moved and key not in self.updates:
                moved += place.move(wording) is not None
        return bad


def _cycle(
    out: Path, home: Home, world: World, number: int, how: tuple[Settings, Caller]
) -> dict[str, Any]:
    settings, call = how
    assistant = world.assistant(home)
    turned = world.turn(assistant) if number == world.loop.turning else []
    start = date.fromisoformat(world.habits.start) + timedelta(
        days=(number - 1) * world.habits.days
    )
    log, truth = ordered([p.live(assistant, start) for p in world.places])
    world.said.update((t["locale"], t["utterance"]) for t in log)
    for folder, rows in (("logs", log), ("truth", truth)):
        (out / folder).mkdir(exist_ok=True)
        write(out / folder / f"cycle-{number:03}.jsonl.gz", rows)
    paths = [str(out / "logs" / f"cycle-{number:03}.jsonl.gz")]
    night = runs.run_night(runs.Request(paths, home.root), settings, call)
    before = _right(assistant.champion.model, world.places)
    promoted, after = False, before
    if night.retrain:
        verdict = runs.run_retraining(home.root, settings, None, None, call)
        promoted = verdict["promoted"]
        after = _right(store.fetch(home, verdict["champion"], world.helpers), world.places)
    world.since = 0 if promoted else world.since + 1
    fixes = Lake(home.lake).newest("rewrite_experiments")
    return {
        "cycle": number,
        "night": night.night,
        "turns": len(log),
        "wrong_share": wrong_share(truth),
        "champion": store.champion(home),
        "retrained": night.retrain,
        "promoted": promoted,
        "right_before": round(float(before.mean()), 4),
        "right": round(float(after.mean()), 4),
        "flips": round(float((before & ~after).mean()), 4),
        "by_locale": _by_locale(world.places, before, after),
        "fixes": fixes.filter(status="live").height,
        "withdrawn": fixes.filter(until=night.night).height,
        "turned": [list(key) for key in turned],
        "because": list(verdict["because"] if night.retrain else night.because),
    }


def _by_locale(
    places: list[Place], before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    ends = np.cumsum([len(p.test) for p in places])[:-1]
    parts = zip(places, np.split(before, ends), np.split(after, ends), strict=True)
    return {
        p.spoken.locale: {
            "right_before": round(float(b.mean()), 4),
            "right": round(float(a.mean()), 4),
        }
        for p, b, a in parts
    }


def recovered(rows: list[dict[str, Any]], ceiling: float) -> list[float]:
    """By cycle, the share of the way from seed data alone to the true labels of all that was said."""
    start = rows[0]["right_before"]
    way = max(ceiling - start, 1e-9)
    return [round((row["right"] - start) / way, 4) for row in rows]


def annotated(out: Path, home: Home, places: list[Place], settings: Settings) -> float:
    """Share of the test utterances right with the reference trainer and the champion's encoder, taught seed data
    and the true label of every wording that was said."""
    champion = store.fetch(home, store.served(home)[-1], encoders.helpers(home, settings))
    model = train(
        training_data(pl.concat([seed.kept(home).drop("slots"), told(out)])), champion.encoder
    )
    return float(_right(model, places).mean())


def told(out: Path) -> pl.DataFrame:
    """`locale, utterance, intent`: what each wording that was said in any cycle was meant for most often."""
    said = pl.concat(
        _rows(f, "turn_id", "locale", "utterance").join(
            _rows(out / "truth" / f.name, "turn_id", "intent"), on="turn_id"
        )
        for f in sorted((out / "logs").glob("*.jsonl.gz"))
    )
    return (
        said.drop_nulls("intent")
        .group_by("locale", "utterance", "intent")
        .len()
        .sort("len", "intent", descending=[True, False])
        .unique(["locale", "utterance"], keep="first")
        .select("locale", "utterance", "intent")
    )


def _right(model: Model, places: list[Place]) -> npt.NDArray[np.bool_]:
    """Of the test utterances."""
    test = [w for p in places for w in p.test]
    truth = np.array([w.intent for w in test])
    said, locales = [w.utterance for w in test], [w.locale for w in test]
    return np.asarray(np.array(model.best(said, locales)) == truth)


def _rows(place: Path, *columns: str) -> pl.DataFrame:
    """The columns, of text, of a file of JSON lines."""
    with gzip.open(place, "rt", encoding="utf8") as lines:
        rows = [[row[c] for c in columns] for row in map(json.loads, lines)]
    return pl.DataFrame(rows, dict.fromkeys(columns, pl.String()), orient="row")
