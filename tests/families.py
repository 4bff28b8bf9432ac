"""Every registered family as a tiny model, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import tiny_internvl
import tiny_llava
import tiny_models
from seewhy.models import Loaded, load

BUILDERS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "internvl": tiny_internvl.build,
    "llava": tiny_llava.build,
    "qwen2-5-vl": lambda: tiny_models.build("qwen2-5-vl"),
    "qwen2-vl": lambda: tiny_models.build("qwen2-vl"),
}

#: What attention writes, family by family: parameter names that hold one of these are silenced.
ATTENTION = ("attn.proj", "attention.projection_layer", "self_attn.out_proj")


def build(name: str) -> Loaded:
    """A new tiny model of a family, loaded as a pair."""
    return load(BUILDERS[name]())


@cache
def shared(name: str) -> Loaded:
    """The same one at every call, for tests that leave it as it was."""
    return build(name)
