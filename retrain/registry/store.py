"""Models in a home: immutable folders, and one pointer to the champion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from warehouse.common.files import keep_once, write_atomically
from warehouse.errors import BadInput
from warehouse.home import Home

if TYPE_CHECKING:
    from retrain.slots.tagger import Slot
    from retrain.training.model import Helpers, Model
    from retrain.training.solver import Floats


def versions(home: Home) -> list[str]:
    """All models, whether or not they served."""
    return sorted(p.parent.name for p in home.models.glob("[!.]*/model.json"))


def champion(home: Home) -> str | None:
    """The version that serves."""
    pointer = home.models / "champion"
    return pointer.read_text().strip() if pointer.is_file() else None


def promote(home: Home, version: str) -> None:
    """Let the version serve, and remember that it did."""
    before = served(home)
    if before[-1:] != [version]:
        content = "\n".join([*before, version])
        write_atomically(home.models / "served", content.encode())
    write_atomically(home.models / "champion", version.encode())


def served(home: Home) -> list[str]:
    """The versions that served, one after the other; the last one serves, or was about to."""
    place = home.models / "served"
    return place.read_text().splitlines() if place.is_file() else []


def keep(
    home: Home,
    version: str,
    model: Model,
    about: dict[str, Any],
    card: str,
    tables: dict[str, pl.DataFrame],
) -> None:
    """Put a model into the home as one step, with `tables` beside it; the same version twice is one."""

    from retrain.training.model import save

    def fill(draft: Path) -> None:
        save(model, draft, about)
        (draft / "card.md").write_text(card, encoding="utf8")
        for name, rows in tables.items():
            rows.write_parquet(draft / f"{name}.parquet")

    keep_once(home.models / version, fill)


def fetch(home: Home, version: str, helpers: Helpers | None = None) -> Model:
    """A model, with the `helpers` that it may need."""
    from retrain.training.model import NO_HELPERS, load

    return load(home.models / version, helpers or NO_HELPERS)


def table(home: Home, version: str, name: str) -> pl.DataFrame:
    """What was kept beside a model."""
    place = home.models / version / f"{name}.parquet"
    try:
        return pl.read_parquet(place)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{place}: cannot be read ({error}); retrain") from None


def unseen(
    home: Home, version: str, cases: pl.DataFrame, model: Model, labels: list[str]
) -> Floats:
    """cases (`locale, utterance`) x `labels`: what models that never saw the wording score, in place of the one that serves;
    a wording that was no seed data then is scored by the `model` itself."""
    from retrain.training.model import aligned

    wordings = cases["utterance"].to_list()
    scores = model.scores_of(wordings, labels, cases["locale"].to_list())
    place = home.models / version / "unseen.parquet"
    if not place.is_file():
        return scores
    kept = pl.read_parquet(place)
    if kept.height:
        known = aligned(np.array(kept["scores"].to_list()), kept["labels"][0].to_list(), labels)
        row = {u.casefold(): i for i, u in enumerate(kept["utterance"])}
        for here, wording in enumerate(wordings):
            if (place_of := row.get(wording.casefold())) is not None:
                scores[here] = known[place_of]
    return scores


def unseen_slots(home: Home, version: str) -> dict[str, list[Slot]]:
    """Of each wording that was seed data then, in lower case, the slots that what serves would find, by taggers that never saw it; none
    of models that were made before there were taggers."""
    from retrain.slots.tagger import Slot

    place = home.models / version / "unseen.parquet"
    if not place.is_file() or "slots" not in pl.read_parquet_schema(place):
        return {}
    kept = pl.read_parquet(place, columns=["utterance", "slots"])
    return {u.casefold(): [Slot(**slot) for slot in slots] for u, slots in kept.iter_rows()}


def about(home: Home, version: str) -> dict[str, Any]:
    """What is known of a model: its training set, labels, the gate's reasons."""
    try:
        return dict(json.loads((home.models / version / "model.json").read_text(encoding="utf8")))
    except (OSError, ValueError) as error:
        raise BadInput(f"{home.models / version}: cannot be read as a model ({error})") from None
