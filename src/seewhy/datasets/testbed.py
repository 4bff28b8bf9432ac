"""The drawn world of `seewhy.testbed`: every word of every caption has a known mask."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

import torch
from PIL import Image

from seewhy.core.errors import DatasetError, SampleError
from seewhy.core.sample import Sample, Truth
from seewhy.datasets._base import Dataset
from seewhy.datasets._words import listed
from seewhy.testbed.captions import Bias, Utterance, captions, plural, vocabulary
from seewhy.testbed.scenes import SPLITS, Picture, Scene, draw, scene
from seewhy.testbed.shapes import COLOURS, KINDS

#: Changes when the world or what is known of its words does.
VERSION = 1

DEFAULTS: Final[Mapping[str, str]] = {
    "split": "heldout",
    "start": "0",
    "count": "300",
    "captions": "mixed",
    "habit": "no",
}

_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = frozenset(".,:")
_NOUNS = frozenset(("picture", "thing", "things"))
_FUNCTIONS = listed(
    "a an the there is are it they all both while and on of to in with shows seen from yes no other"
)


class Testbed(Dataset):
    """Drawn scenes with their captions; options `split`, `start`, `count`, `captions`, `habit`.

    `captions` is 1, 2 or 3 sentences, or `mixed`, which takes turns. `habit=yes` takes scenes in
    which the habit of the biased model can show, and no right answer: the model speaks, and what
    it invents is known to be unsupported.
    """

    name: ClassVar = "testbed"
    summary: ClassVar = "Drawn scenes with captions, in which every word has a known mask."

    def __init__(self, place: Path | None = None, /, **options: str) -> None:
        if place is not None:
            raise DatasetError(
                f"Expected no folder for testbed, got {place}: its scenes are drawn; give options, "
                "as in testbed:split=train,count=100."
            )
        unknown = sorted(set(options) - set(DEFAULTS))
        if unknown:
            raise DatasetError(
                f"Expected options of testbed ({', '.join(DEFAULTS)}), got {', '.join(unknown)}."
            )
        chosen = {**DEFAULTS, **{name: str(value) for name, value in options.items()}}
        self.split = _one_of("split", chosen["split"], SPLITS)
        self.captions = _one_of("captions", chosen["captions"], ("1", "2", "3", "mixed"))
        self.habit = _one_of("habit", chosen["habit"], ("yes", "no")) == "yes"
        self.start, self.count = (
            _whole(name, chosen[name], least) for name, least in (("start", 0), ("count", 1))
        )
        self._indices = self._chosen()

    @property
    def ids(self) -> tuple[str, ...]:
        """Such as `heldout-12`."""
        return tuple(f"{self.split}-{index}" for index in self._indices)

    def sample(self, id: str) -> Sample:
        """Draw one."""
        if id not in self.ids:
            raise SampleError(f"Expected an id of this data set, got {id!r}.")
        index = int(id.rpartition("-")[2])
        drawn = scene(index, self.split)
        picture = draw(drawn)
        sentences = index % 3 if self.captions == "mixed" else int(self.captions) - 1
        said = captions(drawn, picture)[sentences]
        return Sample(
            id=id,
            image=Image.fromarray(picture.image),
            prompt=said.prompt,
            masks=torch.from_numpy(picture.masks),
            annotate=_Annotator(drawn, picture, said),
            answer=None if self.habit else said.text,
        )

    @property
    def fingerprint(self) -> str:
        """Of the options and the world's version."""
        said = f"{VERSION} {self.split} {self.captions} {self.habit}"
        return f"testbed-{hashlib.sha256(said.encode()).hexdigest()[:16]}"

    def _chosen(self) -> tuple[int, ...]:
        if not self.habit:
            return tuple(range(self.start, self.start + self.count))
        bias, found, index = Bias(), [], self.start
        while len(found) < self.count:
            if bias.could(scene(index, self.split)):
                found.append(index)
            index += 1
        return tuple(found)


class _Annotator:
    """What is known of the words of any answer about one scene."""

    def __init__(self, drawn: Scene, picture: Picture, said: Utterance) -> None:
        self.scene, self.picture, self.said = drawn, picture, said

    def __call__(self, answer: str) -> tuple[Truth, ...]:
        """The right caption's own mentions; of any other answer what its words say for themselves.

        In another answer a word for a kind speaks of the things of the kind and of the colour named
        right before it, or of all of the kind where none has that colour; it is supported if there
        is one. A colour is supported if a thing of the kind named behind it has it. Counts and
        relations are left undecided.
        """
        if answer.strip() == self.said.text:
            shift = answer.index(self.said.text)
            return tuple(
                self._truth(m.start + shift, m.end + shift, m.role, m.objects, said)
                for m in self.said.mentions
                if (said := self.said.text[m.start : m.end])
            )
        return tuple(self._read(answer))

    def _read(self, answer: str):
        words, roles = [*_WORD.finditer(answer)], vocabulary()
        texts = [word.group().lower() for word in words]
        for at, (word, text) in enumerate(zip(words, texts, strict=True)):
            start, end = word.span()
            before, after = (
                texts[at - 1] if at else "",
                texts[at + 1] if at + 1 < len(texts) else "",
            )
            role = roles.get(text, "")
            if role == "kind":
                colour = before if before in COLOURS else None
                kind = _singular(text)
                objects = self._things(kind, colour) or self._things(kind, None)
                yield self._truth(start, end, role, objects, text, bool(objects))
            elif role == "colour":
                kind = _singular(after) if roles.get(after) == "kind" else None
                objects = self._things(kind, text)
                yield self._truth(start, end, role, objects, text, bool(objects))
            elif role:
                yield Truth(start, end, role)
            elif text in _NOUNS:
                yield Truth(start, end, "noun", tuple(range(len(self.scene.objects))))
            elif text in _MARKS:
                yield Truth(start, end, "mark")
            elif text in _FUNCTIONS:
                yield Truth(start, end, "function")

    def _things(self, kind: str | None, colour: str | None) -> tuple[int, ...]:
        return tuple(
            place
            for place, thing in enumerate(self.scene.objects)
            if kind in (None, thing.kind) and colour in (None, thing.colour)
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
        speaks = role not in ("function", "mark") and bool(objects)
        if supported is None and speaks:
            supported = True
        return Truth(
            start,
            end,
            role,
            objects if role not in ("function", "mark") else (),
            supported,
            _singular(text.lower()) if role == "kind" else "",
            self._tags(objects) if speaks else {},
        )

    def _tags(self, objects: tuple[int, ...]) -> dict[str, str]:
        all_things = self.scene.objects
        sizes = {all_things[place].size for place in objects}
        kinds = {all_things[place].kind for place in objects}
        others = [t for place, t in enumerate(all_things) if place not in objects]
        hidden = any(self.picture.occluded_by[place] is not None for place in objects)
        return {
            "size": sizes.pop() if len(sizes) == 1 else "mixed",
            "distractor": "yes" if any(t.kind in kinds for t in others) else "no",
            "occluded": "yes" if hidden else "no",
            "things": str(len(objects)),
        }


def _singular(word: str) -> str:
    return next((kind for kind in KINDS if word in (kind, plural(kind))), word)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise DatasetError(
            f"Expected {name} of testbed as one of {', '.join(known)}, got {value!r}."
        )
    return value


def _whole(name: str, value: str, least: int) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) < least:
        raise DatasetError(
            f"Expected {name} of testbed as a whole number of at least {least}, got {value!r}."
        )
    return int(value)
