"""Drawn scenes to begin with, for the models of the package."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from seewhy.app.errors import not_found

if TYPE_CHECKING:
    from PIL.Image import Image

SPLIT = "heldout"
"""The shipped models were not trained on its scenes."""

SCENES = (0, 1, 2, 3, 4, 5)


def listed() -> list[dict[str, Any]]:
    """What the page is told of the examples."""
    return [
        {"id": f"scene-{index}", "title": _title(index), "url": f"/api/examples/scene-{index}"}
        for index in SCENES
    ]


def example(number: str) -> tuple[Image, str]:
    """An example's picture and title.

    Raises:
        RequestError: with 404 if there is no such example.
    """
    index = next((index for index in SCENES if f"scene-{index}" == number), None)
    if index is None:
        raise not_found("an example")
    from seewhy.images import with_note

    note = f"The picture is scene {index} of the split {SPLIT!r}, seed 0."
    return with_note(_drawn(index), note), _title(index)


@cache
def _drawn(index: int) -> Image:
    from PIL.Image import fromarray

    from seewhy.testbed.scenes import draw, scene

    return fromarray(draw(scene(index, SPLIT)).image)


@cache
def _title(index: int) -> str:
    from seewhy.testbed.scenes import scene

    names = [f"{thing.colour} {thing.kind}" for thing in scene(index, SPLIT).objects]
    return ", ".join(names).capitalize()
