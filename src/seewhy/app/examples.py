"""Drawn scenes to begin with, for the models of the package."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import not_found
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.worlds import EMOJI, SHAPES, drawn_scene, world_of

if TYPE_CHECKING:
    from PIL.Image import Image

SPLIT = "heldout"
"""The shipped models were not trained on its scenes."""

SCENES = (0, 1, 2, 3, 4, 5)
PREFIXES = {SHAPES: "scene", EMOJI: "emoji"}
"""Of the ids of a world's examples."""


def listed() -> list[dict[str, Any]]:
    """What the page is told of the examples: scenes of the worlds that shipped models know."""
    return [
        {"id": number, "title": _title(world, index), "url": f"/api/examples/{number}"}
        for number, (world, index) in _examples().items()
    ]


def example(number: str) -> tuple[Image, str]:
    """An example's picture and title.

    Raises:
        RequestError: with 404 if there is no such example.
    """
    if number not in _examples():
        raise not_found("an example")
    from seewhy.images import with_note

    world, index = _examples()[number]
    note = f"The picture is scene {index} of the split {SPLIT!r}, seed 0, of {world}."
    return with_note(_drawn(world, index), note), _title(world, index)


@cache
def _examples() -> dict[str, tuple[str, int]]:
    """World and scene of each example, by its id."""
    worlds = dict.fromkeys([SHAPES, *map(world_of, pretrained())])
    return {f"{PREFIXES[world]}-{index}": (world, index) for world in worlds for index in SCENES}


@cache
def _drawn(world: str, index: int) -> Image:
    from PIL.Image import fromarray

    return fromarray(drawn_scene(world, index, SPLIT))


@cache
def _title(world: str, index: int) -> str:
    if world == EMOJI:
        from seewhy.testbed.emoji.scenes import scene as scene_of_things

        things = scene_of_things(index, SPLIT).things
        names = [f"{t.colour} {t.kind}" if t.colour else t.kind for t in things]
    else:
        from seewhy.testbed.scenes import scene

        names = [f"{thing.colour} {thing.kind}" for thing in scene(index, SPLIT).objects]
    return ", ".join(dict.fromkeys(names)).capitalize()
