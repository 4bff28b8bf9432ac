"""Every registered family as a tiny model, for tests that hold for all of them.

Each `tiny_*.py` beside this file builds one or more families and says so in two constants:
`BUILDERS`, from a family's registry name to a function without arguments that returns
`(model, processor)`, and `ATTENTION`, parameter names by which that vision tower's attention
writes (they are silenced for the probe). `SHAPES` may name further rectangles for the probe.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from seewhy.models import Loaded, load

TINY = [
    importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("tiny_*.py"))
]

BUILDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    name: builder for module in TINY for name, builder in module.BUILDERS.items()
}

#: What attention writes, over all families: parameter names that hold one of these are silenced.
ATTENTION = tuple(sorted({end for module in TINY for end in module.ATTENTION}))

#: Further rectangles of a family, for branches of its own: width and height.
SHAPES: dict[str, list[tuple[int, int]]] = {
    name: shapes for module in TINY for name, shapes in getattr(module, "SHAPES", {}).items()
}


def build(name: str) -> Loaded:
    """A new tiny model of a family, loaded as a pair."""
    return load(BUILDERS[name]())


@cache
def shared(name: str) -> Loaded:
    """The same one at every call, for tests that leave it as it was."""
    return build(name)
