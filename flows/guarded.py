"""Settings as a step may see them: those that it declares, and no others."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from warehouse.lake import Undeclared


class Guarded:
    """A section of settings that gives what is declared: a name, or a name inside a section (`mining.window_days`)."""

    def __init__(self, section: BaseModel, declared: Sequence[str], path: str = "") -> None:
        self._section, self._declared, self._path = section, declared, path

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}{name}"
        value = getattr(self._section, name)
        if path in self._declared:
            return value
        if any(d.startswith(f"{path}.") for d in self._declared):
            return Guarded(value, self._declared, f"{path}.")
        raise Undeclared(f"the setting {path} is read, which is not declared")


def dumped(settings: BaseModel, declared: Sequence[str]) -> dict[str, Any]:
    """The values of the declared settings, by their names."""
    found = {}
    for path in sorted(declared):
        value: Any = settings
        for name in path.split("."):
            value = getattr(value, name)
        found[path] = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return found
