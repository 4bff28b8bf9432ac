"""A picture with what is known of it: what a data set gives and metrics judge by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from seewhy.core.axes import expect_axes
from seewhy.core.errors import ShapeError

#: What a word can be. `kind` names a thing of the picture ("cup"), `noun` is a general noun or one
#: that matches nothing known, `function` has no meaning of its own, `mark` is punctuation.
ROLES = ("kind", "colour", "size", "count", "relation", "noun", "ground", "function", "mark")


@dataclass(frozen=True)
class Truth:
    """What is known of one word of an answer.

    Attributes:
        start, end: its characters in the answer.
        role: one of `ROLES`, or "" where nothing is known.
        regions: which masks of the sample it speaks of, together; empty for none.
        supported: whether the picture shows what the word says; None where that is not known, or
            the word says nothing of the picture.
        category: what it is matched to, such as a COCO category; words of one category that follow
            each other count once in Obj-IoU. "" for none.
        tags: what breakdowns group by, such as `{"size": "small", "distractor": "yes"}`.
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
    """One picture, a prompt, and what is known of whatever is said of it.

    Attributes:
        id: unlike any other of its data set, the same at every run.
        image: the picture: an upright RGB Pillow image.
        prompt: what the model is asked.
        masks: bool `[region, height, width]` on the image's own pixels.
        annotate: what is known of the words of an answer, in their order; raises `SampleError`
            where the sample cannot judge that answer. Words it says nothing of are left out.
        answer: the right answer, or None where the model's own is to be explained.
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
