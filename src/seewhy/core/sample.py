"""A picture with its annotations: what a data set provides and metrics use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ShapeError

#: Roles of words. `kind` names an object of the picture ("cup"), `noun` is a general noun or one
#: that matches no known object, `function` is a function word ("the"), `mark` is punctuation.
ROLES = ("kind", "colour", "size", "count", "relation", "noun", "ground", "function", "mark")


@dataclass(frozen=True)
class Truth:
    """The annotation of one word of an answer.

    Attributes:
        start, end: its characters in the answer.
        role: one of `ROLES`, or "" where nothing is known.
        regions: indices of the masks that it refers to, together; empty for none.
        supported: whether the picture shows what the word names; None where that is not known, or
            the word names nothing in the picture.
        category: what it matches, such as a COCO category; words of one category that follow
            each other count once in Obj-IoU. "" for none.
        tags: groups for breakdowns, such as `{"size": "small", "distractor": "yes"}`.
    """

    start: int
    end: int
    role: str
    regions: tuple[int, ...] = ()
    supported: bool | None = None
    category: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture, a prompt, and the annotation of answers to it.

    Attributes:
        id: unique in its data set, the same in every run.
        image: the picture: an upright RGB Pillow image.
        prompt: the prompt for the model.
        masks: bool `[region, height, width]` on the image's own pixels.
        annotate: the annotated words of an answer, in order; raises `SampleError` where the
            answer cannot be annotated. Words without annotation are left out.
        answer: the reference answer, or None where the model's answer is explained.
    """

    id: str
    image: Any
    prompt: str
    masks: Tensor
    annotate: Callable[[str], tuple[Truth, ...]]
    answer: str | None = None

    def __post_init__(self) -> None:
        expect_axes(self.masks, "region height width", name="masks")
        width, height = self.image.size
        if self.masks.shape[1:] != (height, width):
            raise ShapeError(
                f"Expected masks of the image's size, {height} x {width} pixels, got "
                f"{list(self.masks.shape)} for sample {self.id}: store the masks at that size."
            )
