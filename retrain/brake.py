"""A person's brake: what is held and what was rejected, remembered by every later night.

brake.json    {"held": why, or null, "rejected": {version of a model or training set: why}}
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from retrain import store
from warehouse.errors import BadInput
from warehouse.home import Home, write_atomically


@dataclass(frozen=True)
class Brake:
    """`held`: why nothing is to be retrained or promoted, where a person said so. `rejected`: why, by
    version."""

    held: str | None = None
    rejected: dict[str, str] = field(default_factory=dict)

    def against(self, training_set: str | None) -> str | None:
        """Why a person wants no model of this training set to serve, if so."""
        if training_set in self.rejected:
            return f"a person rejected {training_set}: {self.rejected[training_set]}"
        if self.held is not None:
            return f"held by a person: {self.held}"
        return None


def read(home: Home) -> Brake:
    place = home.root / "brake.json"
    if not place.is_file():
        return Brake()
    try:
        known = json.loads(place.read_text(encoding="utf8"))
        return Brake(known["held"], dict(known["rejected"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{place}: is damaged ({error}); delete it, and hold or reject anew"
        ) from None


def hold(home: Home, because: str) -> None:
    """Nothing is retrained or promoted until it is released."""
    _write(home, replace(read(home), held=because))


def release(home: Home) -> None:
    _write(home, replace(read(home), held=None))


def approve(home: Home, version: str | None) -> str:
    """Let a model serve, whatever the gate says: the newest one where none is named."""
    chosen = version or _newest(home)
    _about(home, chosen)
    store.fetch(home, chosen)
    brake = read(home)
    forgiven = {chosen, store.about(home, chosen).get("training_set")}
    _write(
        home,
        replace(brake, rejected={v: w for v, w in brake.rejected.items() if v not in forgiven}),
    )
    store.promote(home, chosen)
    return chosen


def reject(home: Home, version: str, because: str) -> str | None:
    """Never let this model, or any of this training set, serve; the model that serves now."""
    rejected = {version: because}
    if not (home.training_sets / version).is_dir():
        taught = _about(home, version).get("training_set")
        rejected |= {taught: because} if taught else {}
    serving = store.champion(home)
    if serving == version:
        serving = _before(home, version)
    brake = read(home)
    _write(home, replace(brake, rejected=brake.rejected | rejected))
    if serving:
        store.promote(home, serving)
    return serving


def rollback(home: Home) -> str | None:
    """Let the model before the champion serve again, and reject the champion; the one that serves."""
    serving = store.champion(home)
    if serving is None:
        raise BadInput(f"{home.root}: has no champion to roll back")
    return reject(home, serving, "rolled back")


def _before(home: Home, version: str) -> str:
    """The model that served before this one, of those that nobody rejected."""
    rejected = read(home).rejected
    before = _about(home, version).get("before")
    while before in rejected:
        before = _about(home, before).get("before")
    if before is None:
        raise BadInput(f"{version}: is the first model; there is none before it to serve instead")
    return str(before)


def _about(home: Home, version: str) -> dict[str, Any]:
    if not (home.models / version / "model.json").is_file():
        raise BadInput(
            f'{version}: is no model of {home.root}; `sayagain sql --home HOME "from models"` lists them'
        )
    return store.about(home, version)


def _newest(home: Home) -> str:
    """The model that was trained last."""
    known = sorted(
        (p.parent.name for p in home.models.glob("[!.]*/model.json")),
        key=lambda version: version.split("-")[3],  # the night comes first, then the number
    )
    if not known:
        raise BadInput(f"{home.root}: has no model yet; `sayagain retrain` trains one")
    return known[-1]


def _write(home: Home, brake: Brake) -> None:
    content = json.dumps(asdict(brake), ensure_ascii=False, indent=1)
    write_atomically(home.root / "brake.json", content.encode())
