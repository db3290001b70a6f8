"""HOME/forgotten.json: who is forgotten, and which erasure is on its way.

    {"users": {hashed id: last day of which turns are refused}, "erasing": an erasure, or null}

An erasure is counted and written here before anything is erased, so that one that was cut short is
finished, and proved in full, by the next run.
"""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from warehouse.errors import BadInput
from warehouse.home import Home


@dataclass(frozen=True)
class Erasing:
    """What is to go, a `user` or all that is `before` a day, and what that comes to, counted before it
    goes. `day` is the one on which it began."""

    erasure: str
    day: str
    user: str | None
    before: str | None
    days: list[str]  # of the turns that go
    turns: int
    wordings: int
    examples: dict[str, int]  # rows of training sets, by version
    erased: bool = False  # all but what is believed because of it
    models: list[str] = field(default_factory=list)  # that learned from it


@dataclass(frozen=True)
class Forgotten:
    users: dict[str, str] = field(default_factory=dict)
    erasing: Erasing | None = None


def read(home: Home) -> Forgotten:
    place = home.root / "forgotten.json"
    if not place.is_file():
        return Forgotten()
    try:
        known: dict[str, Any] = json.loads(place.read_text(encoding="utf8"))
        begun = known["erasing"]
        return Forgotten(dict(known["users"]), Erasing(**begun) if begun else None)
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{place}: is damaged ({error}); restore it, or those whom it names come back"
        ) from None


def begin(home: Home, erasing: Erasing, until: str | None = None) -> None:
    """From here on the erasure is finished by whoever holds the home; a user's turns up to the day
    `until` are refused at the door."""
    known = read(home)
    users = known.users | ({erasing.user: until} if erasing.user and until else {})
    _write(home, Forgotten(users, erasing))


def erased(home: Home, models: list[str]) -> None:
    """What was counted is erased, and must not be again: what the night makes anew would go, too."""
    known = read(home)
    if known.erasing is None:
        raise ValueError("no erasure has begun")
    done = replace(known.erasing, erased=True, models=models)
    _write(home, replace(known, erasing=done))


def settle(home: Home) -> Erasing | None:
    """Nothing is believed any more because of what was erased: the erasure that is done, if any."""
    known = read(home)
    if known.erasing:
        _write(home, replace(known, erasing=None))
    return known.erasing


def _write(home: Home, known: Forgotten) -> None:
    place = home.root / "forgotten.json"
    draft = place.with_name(".forgotten.json.draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(known), indent=1), encoding="utf8")
    os.replace(draft, place)
