"""A person's brake: what is held and what was rejected, remembered by every later night.

brake.json    {"held": why, or null, "rejected": {version of a model or training set: why}}
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from retrain.registry import store
from warehouse.common.files import write_atomically
from warehouse.errors import BadInput
from warehouse.home import Home


@dataclass(frozen=True)
class Overrides:
    """`held`: why nothing is to be retrained or promoted, where a person said so. `rejected`: why, by
    version."""

    held: str | None = None
    rejected: dict[str, str] = field(default_factory=dict)

    def refused(self, training_set: str | None) -> str | None:
        """Why a person rejected this training set, if so."""
        why = self.rejected.get(training_set) if training_set else None
        return None if why is None else f"a person rejected {training_set}: {why}"

    def against(self, training_set: str | None) -> str | None:
        """Why a person wants no model of this training set to serve now, if so."""
        held = None if self.held is None else f"held by a person: {self.held}"
        return self.refused(training_set) or held


def read(home: Home) -> Overrides:
    place = home.root / "brake.json"
    if not place.is_file():
        return Overrides()
    try:
        told = json.loads(place.read_text(encoding="utf8"))
        return Overrides(told["held"], dict(told["rejected"]))
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
    """Let a model serve, whatever the gate says: the newest that nobody rejected where none is named."""
    chosen = version or _newest(home)
    about = known(home, chosen)
    store.fetch(home, chosen)
    brake = read(home)
    forgiven = {chosen, about.get("training_set")}
    rejected = {v: why for v, why in brake.rejected.items() if v not in forgiven}
    _write(home, replace(brake, rejected=rejected))
    store.promote(home, chosen)
    return chosen


def reject(home: Home, version: str, because: str) -> str | None:
    """Never let this model, or any of its training set, serve; the model that serves now.

    Where it serves, the last one that served before it and is not rejected does again.
    """
    rejected = {version: because}
    if version not in {p.name for p in home.training_sets.glob("[!.]*")}:
        taught = known(home, version).get("training_set")
        rejected |= {taught: because} if taught else {}
    brake = read(home)
    brake = replace(brake, rejected=brake.rejected | rejected)
    serving = store.champion(home)
    if serving and _rejected(home, serving, brake):
        earlier = [v for v in store.served(home) if not _rejected(home, v, brake)]
        if not earlier:
            raise BadInput(f"{serving}: no other model served before it that could serve instead")
        serving = earlier[-1]
    _write(home, brake)
    if serving:
        store.promote(home, serving)
    return serving


def rollback(home: Home) -> str | None:
    """Let the model before the champion serve again, and reject the champion; the one that serves."""
    serving = store.champion(home)
    if serving is None:
        raise BadInput(f"{home.root}: has no champion to roll back")
    return reject(home, serving, "rolled back")


def _rejected(home: Home, version: str, brake: Overrides) -> bool:
    return version in brake.rejected or known(home, version).get("training_set") in brake.rejected


def known(home: Home, version: str) -> dict[str, Any]:
    """What is known of a model; BadInput where there is none of that name."""
    if not version or not (home.models / version / "model.json").is_file():
        raise BadInput(f"{version!r}: is no model of {home.models}; name one of its folders")
    return store.about(home, version)


def _newest(home: Home) -> str:
    """The model that was trained last, of those that nobody rejected."""
    brake = read(home)
    free = [v for v in store.versions(home) if not _rejected(home, v, brake)]
    if not free:
        raise BadInput(f"{home.root}: has no model to approve; `sayagain retrain` trains one")
    return max(free, key=lambda version: int(version.split("-")[3]))  # its number


def _write(home: Home, brake: Overrides) -> None:
    content = json.dumps(asdict(brake), ensure_ascii=False, indent=1)
    write_atomically(home.root / "brake.json", content.encode())
