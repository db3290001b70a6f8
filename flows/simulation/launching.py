"""A language is launched: nobody speaks it before a day, and its assistant knows a few utterances of it, or none."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from warehouse.errors import BadInput


@dataclass(frozen=True)
class Launch:
    """Of which `locales`, on which `day` (from 1, the first of the world), with how many `seeds` of each
    intent. Until anything was learned, what serves them was taught by the other locales, and reads by
    n-grams, and by `encoder` (a folder of sentence-transformers) where there is one."""

    locales: tuple[str, ...]
    day: int = 1
    seeds: int = 0
    encoder: Path | None = None

    def opens(self, start: str) -> date:
        """The first day on which anybody speaks, in a world that starts on that day."""
        return date.fromisoformat(start) + timedelta(days=self.day - 1)


def check(launch: Launch, locales: list[str]) -> None:
    """BadInput where the launched locales are not among those of a world, or leave no other one."""
    for name in launch.locales:
        if name not in locales:
            raise BadInput(f"--launch {name}: is no locale of this world: {', '.join(locales)}")
    if launch.seeds == 0 and set(locales) <= set(launch.locales):
        raise BadInput("--launch: leave a locale that is not launched, or give --launch-seeds")
