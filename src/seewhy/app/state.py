"""What the page is told at first: models, methods, examples, limits and history."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from seewhy.app import examples
from seewhy.app.entries import Entry
from seewhy.app.limits import Limits
from seewhy.app.loaded_models import LoadedModels

SCHEMA_VERSION = 1

CONTROLS = ("centre", "random")
"""Methods that are no explanations: what others are compared with in the bench."""

SLOW = frozenset({"gradients", "pictures"})
"""Needs of a method that make it take a multiple of the answer's own time."""


def of(models: LoadedModels, limits: Limits, entries: Sequence[Entry]) -> dict[str, Any]:
    """The state of a sitting, JSON-ready."""
    from seewhy.methods import DEFAULT

    told = models.state()
    return {
        "schema": SCHEMA_VERSION,
        "models": told,
        "default_model": models.default,
        "methods": methods(),
        "default_method": DEFAULT,
        "examples": examples.listed() if any(model["shipped"] for model in told) else [],
        "limits": limits.shown(),
        "entries": [entry.to_json() for entry in entries],
    }


@cache
def methods() -> list[dict[str, Any]]:
    """The methods that a client may name, the default first."""
    from seewhy.methods import DEFAULT, METHODS, create

    names = sorted(METHODS.names(), key=lambda name: (name != DEFAULT, name))
    return [
        {
            "name": name,
            "title": METHODS.get(name).summary,
            "can_contrast": create(name).can_contrast,
            "speed": "slow" if create(name).all_needs & SLOW else "fast",
        }
        for name in names
        if name not in CONTROLS
    ]
