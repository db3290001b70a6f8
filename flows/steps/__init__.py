"""The steps of a night, a file each. A step in a file of this folder that the list of `flows/night.py` does not name comes
where its tables let it: adding one is adding a file."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from flows.pipeline import Step

__all__ = ["added", "every_step"]


def every_step() -> list[Step]:
    """The steps of all files of this folder, by their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    found = {
        thing.name: thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, Step)
    }
    return [found[name] for name in sorted(found)]


def added(listed: Iterable[Step]) -> list[Step]:
    """Those that are not listed."""
    names = {each.name for each in listed}
    return [each for each in every_step() if each.name not in names]
