"""The two worlds of drawn scenes, and which of them a shipped model was trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.smol.part_files import assembled_from, is_in_parts

SHAPES, EMOJI = "testbed", "emoji"
"""Worlds, by the names of their data sets: coloured shapes, and things of the emoji world."""


def world_of(model: str | None) -> str:
    """The world of a shipped model, or of one in a folder; of shapes for any other, and for none.

    >>> world_of("tiny-llava")
    'testbed'
    """
    if model is None:
        return SHAPES
    folder = pretrained().get(model, model)
    return EMOJI if is_in_parts(folder) or assembled_from(folder) else SHAPES


def drawn_scene(world: str, index: int, split: str = "heldout", seed: int = 0) -> np.ndarray:
    """A scene's picture, uint8 `[height, width, 3]`.

    Args:
        world: `SHAPES` or `EMOJI`.
        index, split, seed: of the scene.

    Raises:
        ValueError: if the world is unknown.
    """
    return _drawing(world)(index, split, seed)


def _drawing(world: str) -> Callable[[int, str, int], np.ndarray]:
    if world == SHAPES:
        from seewhy.testbed.scenes import draw, scene

        return lambda *which: draw(scene(*which)).image
    if world == EMOJI:
        from seewhy.testbed.emoji.scenes import draw as draw_things
        from seewhy.testbed.emoji.scenes import scene as scene_of_things

        return lambda *which: draw_things(scene_of_things(*which)).image
    raise ValueError(f"Expected the world {SHAPES} or {EMOJI}, got {world!r}.")
