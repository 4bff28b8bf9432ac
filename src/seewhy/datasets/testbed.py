"""The drawn scenes of `seewhy.testbed`: every word of every caption has a known mask."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image

from seewhy.core.sample import Sample
from seewhy.datasets._base import Dataset
from seewhy.datasets._drawn import expect_no_folder, hashed, scene_indices
from seewhy.datasets._options import choice, expect_id, expect_options, whole
from seewhy.datasets._testbed_truths import Annotator
from seewhy.testbed.captions import captions
from seewhy.testbed.habits import HABITS, Habit
from seewhy.testbed.scenes import SPLITS, draw, scene

VERSION = 1
"""Changes when the scenes or the truths of their reference answers change."""

READING = 2
"""Changes when the truths of the words of other answers change. 2: relations and counts."""

OPTIONS = ("split", "start", "count", "captions", "habit")

_HABITS: dict[str, Habit] = {habit.name: habit for habit in HABITS.values()}


class Testbed(Dataset):
    """Drawn scenes with their captions; options `split`, `start`, `count`, `captions`, `habit`.

    `captions` is 1, 2 or 3 sentences, or `mixed`, in turn. `habit` is one of the habits of the
    biased models, `kind`, `colour` or `relation` (`seewhy.testbed.habits`; `yes` is `kind`): it
    takes scenes to which the habit can apply, without a reference answer. The model answers, and
    the words that rest on its habit are known to be unsupported.
    """

    name: ClassVar = "testbed"
    summary: ClassVar = "Drawn scenes with captions, in which every word has a known mask."

    def __init__(self, place: Path | None = None, /, **options: str) -> None:
        expect_no_folder(self.name, place)
        expect_options(options, OPTIONS)
        values = {name: str(value) for name, value in options.items()}
        self.split = choice(values, "split", ("heldout", *SPLITS))
        self.captions = choice(values, "captions", ("mixed", "1", "2", "3"))
        habit = choice(values, "habit", ("no", "yes", *_HABITS))
        self.habit = _HABITS.get("kind" if habit == "yes" else habit)
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
        drawn = scene(index, self.split)
        picture = draw(drawn)
        sentences = index % 3 if self.captions == "mixed" else int(self.captions) - 1
        caption = captions(drawn, picture)[sentences]
        return Sample(
            id=id,
            image=Image.fromarray(picture.image),
            prompt=caption.prompt,
            masks=torch.from_numpy(picture.masks),
            annotate=Annotator(drawn, picture, caption),
            answer=None if self.habit else caption.text,
        )

    @property
    def fingerprint(self) -> str:
        """Of the options and the version of the scenes; with a habit also of the reading."""
        habit = False if self.habit is None else f"{self.habit.name} {READING}"
        facts = f"{VERSION} {self.split} {self.captions} {habit}"
        return hashed(self.name, facts)

    @property
    def own_answers_fingerprint(self) -> str:
        """Also of the version of the reading of answers."""
        return (
            self.fingerprint if self.habit else hashed(self.name, f"{self.fingerprint} {READING}")
        )

    def _can_apply(self, index: int) -> bool:
        assert self.habit is not None
        return self.habit.can_apply_to(scene(index, self.split))
