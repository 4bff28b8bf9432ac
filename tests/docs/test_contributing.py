"""CONTRIBUTING names the floors that the architecture's test keeps."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def floors() -> tuple[tuple[str, ...], ...]:
    """`FLOORS` of tests/architecture/test_floors.py."""
    path = ROOT / "tests" / "architecture" / "test_floors.py"
    spec = importlib.util.spec_from_file_location("floors_for_contributing", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.FLOORS


def test_floors_are_those_of_the_architecture_test():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (line,) = re.findall(r"^`\w+`(?: < `\w+`(?:, `\w+`)*)+$", text, re.MULTILINE)
    named = tuple(tuple(re.findall(r"`(\w+)`", part)) for part in line.split(" < "))
    assert named == floors()
