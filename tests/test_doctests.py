"""The examples in docstrings hold."""

import doctest
import importlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).parent.parent
FOLDERS = ("mining", "aggregation", "retrain", "warehouse", "flows")
MODULES = sorted(
    ".".join(place.relative_to(ROOT).with_suffix("").parts)
    for folder in FOLDERS
    for place in (ROOT / folder).rglob("*.py")
    if ">>> " in place.read_text(encoding="utf8")
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_hold(module):
    ran = doctest.testmod(importlib.import_module(module))
    assert ran.attempted and not ran.failed
