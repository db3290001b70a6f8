"""Models in a home: immutable folders, and one pointer to the champion."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from retrain.model import Model, load, save
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
    evaluation: pl.DataFrame,
) -> None:
    """Put a model into the home as one step; the same version twice is one model."""

    def fill(draft: Path) -> None:
        save(model, draft, about)
        (draft / "card.md").write_text(card)
        evaluation.write_parquet(draft / "evaluation.parquet")

    keep_once(home.models / version, fill)


def fetch(home: Home, version: str) -> Model:
    return load(home.models / version)


def about(home: Home, version: str) -> dict[str, Any]:
    """What is known of a model: its training set, labels, the gate's reasons."""
    try:
        return dict(json.loads((home.models / version / "model.json").read_text()))
    except (OSError, ValueError) as error:
        raise BadInput(f"{home.models / version}: cannot be read as a model ({error})") from None
