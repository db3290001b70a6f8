"""Models in a home: immutable folders, and one pointer to the champion."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from retrain.model import Floats, Model, aligned, load, save
from warehouse.errors import BadInput
from warehouse.home import Home, keep_once, write_atomically


def champion(home: Home) -> str | None:
    """The version that serves."""
    pointer = home.models / "champion"
    return pointer.read_text().strip() if pointer.is_file() else None


def promote(home: Home, version: str) -> None:
    write_atomically(home.models / "champion", version.encode())


def keep(
    home: Home,
    version: str,
    model: Model,
    about: dict[str, Any],
    card: str,
    tables: dict[str, pl.DataFrame],
) -> None:
    """Put a model into the home as one step, with `tables` beside it; the same version twice is one."""

    def fill(draft: Path) -> None:
        save(model, draft, about)
        (draft / "card.md").write_text(card)
        for name, rows in tables.items():
            rows.write_parquet(draft / f"{name}.parquet")

    keep_once(home.models / version, fill)


def fetch(home: Home, version: str) -> Model:
    return load(home.models / version)


def evaluation(home: Home, version: str) -> pl.DataFrame:
    """What the gate measured of a model."""
    return pl.read_parquet(home.models / version / "evaluation.parquet")


def unseen(
    home: Home, version: str, wordings: list[str], model: Model, labels: list[str]
) -> Floats:
    """wordings x `labels`: what models that never saw the wording score, in place of the one that serves;
    a wording that was not known then is scored by the `model` itself, which never saw it either."""
    scores = model.scores_of(wordings, labels)
    place = home.models / version / "unseen.parquet"
    if not place.is_file():
        return scores
    kept = pl.read_parquet(place)
    if kept.height:
        known = aligned(np.array(kept["scores"].to_list()), kept["labels"][0].to_list(), labels)
        row = {u: i for i, u in enumerate(kept["utterance"])}
        for here, wording in enumerate(wordings):
            if wording in row:
                scores[here] = known[row[wording]]
    return scores


def about(home: Home, version: str) -> dict[str, Any]:
    """What is known of a model: its training set, labels, the gate's reasons."""
    try:
        return dict(json.loads((home.models / version / "model.json").read_text()))
    except (OSError, ValueError) as error:
        raise BadInput(f"{home.models / version}: cannot be read as a model ({error})") from None
