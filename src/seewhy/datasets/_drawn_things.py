"""What both worlds of drawn scenes say of the things that a word is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def tags_of(
    objects: tuple[int, ...], things: Sequence[Any], occluded_by: Sequence[int | None]
) -> dict[str, str]:
    """Tags by which figures are parted.

    Args:
        objects: indices of the things that a word is about, at least one.
        things: of the scene, each with a kind, and a size or None.
        occluded_by: the thing in front of each, or None.
    """
    sizes = {things[index].size or "middle" for index in objects}
    kinds = {things[index].kind for index in objects}
    others = [thing for index, thing in enumerate(things) if index not in objects]
    hidden = any(occluded_by[index] is not None for index in objects)
    return {
        "size": sizes.pop() if len(sizes) == 1 else "mixed",
        "distractor": "yes" if any(thing.kind in kinds for thing in others) else "no",
        "occluded": "yes" if hidden else "no",
        "things": str(len(objects)),
    }
