"""Scenes of `seewhy.testbed.emoji`: every word of every caption has a known mask."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from seewhy.core.errors import DatasetError
from seewhy.core.sample import Sample
from seewhy.datasets._base import Dataset
from seewhy.datasets._drawn import expect_no_folder, hashed, scene_indices
from seewhy.datasets._emoji_truths import Annotator
from seewhy.datasets._options import choice, expect_id, expect_options, whole
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.scenes import SPLITS, Picture, Scene, draw, scene
from seewhy.testbed.emoji.sprites import VARIABLE, has_unseen_style

VERSION = 1
"""Changes when the scenes or the truths of their reference answers change."""

READING = 2
"""Changes when the truths of the words of other answers change. 2: all claims."""

OPTIONS = ("split", "start", "count", "captions", "scale", "habit")

_HABITS = {habit.name: habit for habit in EMOJI_HABITS.values()}

KEPT_SCENES = 128
"""Drawn scenes that a process keeps, about 0.6 MB each: a run draws each one once."""


class Emoji(Dataset):
    """Scenes of emoji with their captions.

    Options: `split`, `start`, `count`, `captions`, `scale`, `habit`.
    `captions` is 1, 2 or 3 sentences, or `mixed`, in turn. `scale` 2 enlarges the pictures to twice
    their size, so that a model sees four times as many visual tokens of the same content. `habit`
    is that of a biased model, `kind` (`seewhy.testbed.emoji.habits`): it takes scenes to which the
    habit can apply, without a reference answer. The model answers, and the words that rest on its
    habit are known to be unsupported.
    """

    name: ClassVar = "emoji"
    summary: ClassVar = "Scenes of emoji of many kinds, in which every word has a known mask."

    def __init__(self, place: Path | None = None, /, **options: str) -> None:
        expect_no_folder(self.name, place)
        expect_options(options, OPTIONS)
        values = {name: str(value) for name, value in options.items()}
        self.split = choice(values, "split", tuple(dict.fromkeys(("heldout", *SPLITS))))
        if self.split == "style" and not has_unseen_style():
            raise DatasetError(
                "Expected the drawings of the split style, which are not shipped, got none: set "
                f"{VARIABLE} to their file (python -m seewhy.testbed.emoji.build_sprites makes "
                "it), or take another split."
            )
        self.captions = choice(values, "captions", ("mixed", "1", "2", "3"))
        self.scale = int(choice(values, "scale", ("1", "2")))
        self.habit = _HABITS.get(choice(values, "habit", ("no", *_HABITS)))
        self.start = whole(values, "start", 0)
        self.count = whole(values, "count", 300, least=1)
        self._indices = scene_indices(
            self.start, self.count, self._can_apply if self.habit else None
        )

    @property
    def ids(self) -> tuple[str, ...]:
        """Such as `heldout-12`."""
        return tuple(f"{self.split}-{index}" for index in self._indices)

    def sample(self, id: str) -> Sample:
        """Draw a scene."""
        expect_id(id, self.ids)
        index = int(id.rpartition("-")[2])
        drawn, picture = drawn_scene(index, self.split)
        sentences = index % 3 if self.captions == "mixed" else int(self.captions) - 1
        caption = captions(drawn, picture)[sentences]
        image, masks = Image.fromarray(picture.image), picture.masks
        if self.scale > 1:
            width, height = image.size
            size = width * self.scale, height * self.scale
            image = image.resize(size, Image.Resampling.BICUBIC)
            masks = masks.repeat(self.scale, 1).repeat(self.scale, 2)
        return Sample(
            id=id,
            image=image,
            prompt=caption.prompt,
            masks=torch.from_numpy(masks),
            annotate=Annotator(drawn, picture, caption),
            answer=None if self.habit else caption.text,
        )

    @property
    def fingerprint(self) -> str:
        """Of the options and the version of the scenes; with a habit also of the reading."""
        scale = f" {self.scale}" if self.scale > 1 else ""
        habit = f" {self.habit!r} {READING}" if self.habit else ""
        return hashed(self.name, f"{VERSION} {self.split} {self.captions}{scale}{habit}")

    @property
    def own_answers_fingerprint(self) -> str:
        """Also of the version of the reading of answers."""
        return (
            self.fingerprint if self.habit else hashed(self.name, f"{self.fingerprint} {READING}")
        )

    def _can_apply(self, index: int) -> bool:
        assert self.habit is not None
        return self.habit.can_apply_to(scene(index, self.split))


def drawn_scene(index: int, split: str) -> tuple[Scene, Picture]:
    """A scene and its picture; the latest ones are drawn once.

    Args:
        index: at least 0.
        split: one of `seewhy.testbed.emoji.scenes.SPLITS`.
    """
    drawn, picture, packed = _packed_scene(index, split)
    masks = np.unpackbits(packed, axis=-1, count=drawn.width).astype(bool)
    return drawn, replace(picture, masks=masks)


@lru_cache(maxsize=KEPT_SCENES)
def _packed_scene(index: int, split: str) -> tuple[Scene, Picture, np.ndarray]:
    """A scene, its picture without masks, and these with eight pixels in a byte."""
    drawn = scene(index, split)
    picture = draw(drawn)
    empty = np.zeros((0, drawn.height, drawn.width), bool)
    return drawn, replace(picture, masks=empty), np.packbits(picture.masks, axis=-1)
