"""CONTRIBUTING names the floors that the architecture's test keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def floors() -> tuple[tuple[str, ...], ...]:
    """`FLOORS` of tests/architecture/test_floors.py."""
    path = ROOT / "tests" / "architecture" / "test_floors.py"
    (value,) = (
        node.value
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS"
    )
    return ast.literal_eval(value)


def test_floors_are_those_of_the_architecture_test():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (line,) = re.findall(r"^`\w+`(?: < `\w+`(?:, `\w+`)*)+$", text, re.MULTILINE)
    named = tuple(tuple(re.findall(r"`(\w+)`", part)) for part in line.split(" < "))
    assert named == floors()
