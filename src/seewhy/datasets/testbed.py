"""The drawn scenes of `seewhy.testbed`: every word of every caption has a known mask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image

from seewhy.core.errors import DatasetError
from seewhy.core.lexicon import listed
from seewhy.core.sample import Sample, Truth
from seewhy.datasets._base import Dataset
from seewhy.datasets._options import choice, expect_id, expect_options, whole
from seewhy.testbed.captions import Utterance, captions, plural, vocabulary
from seewhy.testbed.scenes import SPLITS, Picture, Scene, draw, scene
from seewhy.testbed.shapes import COLOURS, KINDS

VERSION = 1
"""Changes when the scenes or the truths of their words change."""

OPTIONS = ("split", "start", "count", "captions", "habit")

_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = frozenset(".,:")
_NOUNS = frozenset(("picture", "thing", "things"))
_FUNCTIONS = listed(
    "a an the there is are it they all both while and on of to in with shows seen from yes no other"
)


class Testbed(Dataset):
    """Drawn scenes with their captions; options `split`, `start`, `count`, `captions`, `habit`.

    `captions` is 1, 2 or 3 sentences, or `mixed`, in turn. `habit=yes` takes scenes to
    which the habit of the biased model can apply, without a reference answer: the model answers,
    and the words that it adds are known to be unsupported.
    """

    name: ClassVar = "testbed"
    summary: ClassVar = "Drawn scenes with captions, in which every word has a known mask."

    def __init__(self, place: Path | None = None, /, **options: str) -> None:
        if place is not None:
            raise DatasetError(
                f"Expected no folder for testbed, got {place}: its scenes are drawn; give options, "
                "as in testbed:split=train,count=100."
            )
        expect_options(options, OPTIONS)
        values = {name: str(value) for name, value in options.items()}
        self.split = choice(values, "split", ("heldout", *SPLITS))
        self.captions = choice(values, "captions", ("mixed", "1", "2", "3"))
        self.habit = choice(values, "habit", ("no", "yes")) == "yes"
        self.start = whole(values, "start", 0)
        self.count = whole(values, "count", 300, least=1)
        self._indices = self._scene_indices()

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
            annotate=_Annotator(drawn, picture, caption),
            answer=None if self.habit else caption.text,
        )

    @property
    def fingerprint(self) -> str:
        """Of the options and the version of the scenes."""
        facts = f"{VERSION} {self.split} {self.captions} {self.habit}"
        return f"testbed-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"

    def _scene_indices(self) -> tuple[int, ...]:
        if not self.habit:
            return tuple(range(self.start, self.start + self.count))
        bias, indices, index = Bias(), [], self.start
        while len(indices) < self.count:
            if bias.can_apply_to(scene(index, self.split)):
                indices.append(index)
            index += 1
        return tuple(indices)


class _Annotator:
    """Finds the truths of the words of any answer about one scene."""

    def __init__(self, drawn: Scene, picture: Picture, caption: Utterance) -> None:
        self.scene, self.picture, self.caption = drawn, picture, caption

    def __call__(self, answer: str) -> tuple[Truth, ...]:
        """The truths of an answer: of the correct caption, its mentions.

        In any other answer, a word for a kind means the objects of that kind with the colour right
        before it, or all of the kind if none has that colour; it is supported if there is such an
        object. A colour is supported if an object of the kind right after it has the colour. Counts
        and relations are undecided.
        """
        if answer.strip() == self.caption.text:
            shift = answer.index(self.caption.text)
            return tuple(
                self._truth(m.start + shift, m.end + shift, m.role, m.objects, word)
                for m in self.caption.mentions
                if (word := self.caption.text[m.start : m.end])
            )
        return tuple(self._read(answer))

    def _read(self, answer: str) -> Iterator[Truth]:
        matches = [*_WORD.finditer(answer)]
        words = ["", *(match.group().lower() for match in matches), ""]
        for n, match in enumerate(matches, start=1):
            truth = self._truth_of(words[n - 1], words[n], words[n + 1], *match.span())
            if truth is not None:
                yield truth

    def _truth_of(self, before: str, word: str, after: str, start: int, end: int) -> Truth | None:
        """The truth of a word, from the words before and after it."""
        roles = vocabulary()
        role = roles.get(word, "")
        if role == "kind":
            kind = _singular(word)
            colour = before if before in COLOURS else None
            objects = self._objects(kind, colour) or self._objects(kind, None)
            return self._truth(start, end, role, objects, word, bool(objects))
        if role == "colour":
            kind = _singular(after) if roles.get(after) == "kind" else None
            objects = self._objects(kind, word)
            return self._truth(start, end, role, objects, word, bool(objects))
        if role:
            return Truth(start, end, role)
        if word in _NOUNS:
            return Truth(start, end, "noun", tuple(range(len(self.scene.objects))))
        if word in _MARKS:
            return Truth(start, end, "mark")
        return Truth(start, end, "function") if word in _FUNCTIONS else None

    def _objects(self, kind: str | None, colour: str | None) -> tuple[int, ...]:
        return tuple(
            index
            for index, item in enumerate(self.scene.objects)
            if kind in (None, item.kind) and colour in (None, item.colour)
        )

    def _truth(
        self,
        start: int,
        end: int,
        role: str,
        objects: tuple[int, ...],
        text: str,
        supported: bool | None = None,
    ) -> Truth:
        shown = role not in ("function", "mark") and bool(objects)
        if supported is None and shown:
            supported = True
        return Truth(
            start,
            end,
            role,
            objects if role not in ("function", "mark") else (),
            supported,
            _singular(text.lower()) if role == "kind" else "",
            self._tags(objects) if shown else {},
        )

    def _tags(self, objects: tuple[int, ...]) -> dict[str, str]:
        items = self.scene.objects
        sizes = {items[index].size for index in objects}
        kinds = {items[index].kind for index in objects}
        others = [item for index, item in enumerate(items) if index not in objects]
        hidden = any(self.picture.occluded_by[index] is not None for index in objects)
        return {
            "size": sizes.pop() if len(sizes) == 1 else "mixed",
            "distractor": "yes" if any(item.kind in kinds for item in others) else "no",
            "occluded": "yes" if hidden else "no",
            "things": str(len(objects)),
        }


def _singular(word: str) -> str:
    return next((kind for kind in KINDS if word in (kind, plural(kind))), word)
