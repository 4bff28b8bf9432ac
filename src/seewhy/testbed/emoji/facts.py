"""What is true of a scene, and clear enough to be said: groups, places, relations, sizes.

Every test here is on integers, with a margin: where a picture leaves room for doubt, nothing
is said, and a reading of it is undecided.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import isqrt

import numpy as np

from seewhy.testbed.emoji.kinds import KINDS, SIGN
from seewhy.testbed.emoji.meanings import meant, possibly_meant
from seewhy.testbed.emoji.scenes import Scene
from seewhy.testbed.scenes import Picture

PLACES = ("left", "right", "top", "bottom", "middle")
"""Parts of the picture, as `FactsOfScene.place` names them; corners are two of them."""

OPPOSITE = {
    "left": "right",
    "above": "below",
    "front": "behind",
    "near": "far",
}
OPPOSITE |= {back: forth for forth, back in OPPOSITE.items()}
"""Relations of one thing to another, each with the one that it excludes."""


VAGUE = ("thing in", "part of")
"""Beginnings of hypernyms that say where things commonly are, and not what they are."""


class FactsOfScene:
    """The facts of one scene; things are meant by their indices in `Scene.things`.

    Attributes:
        shown: the things of which at least half is visible, from left to right.
    """

    def __init__(self, scene: Scene, picture: Picture) -> None:
        self.scene, self.things = scene, scene.things
        self.occluded_by = picture.occluded_by
        areas = [int(np.count_nonzero(mask)) for mask in picture.masks]
        full = [max(1, int(area)) for area in picture.full_areas]
        number = range(len(scene.things))
        self.share = tuple(100 * areas[i] // full[i] for i in number)
        self.shown = tuple(
            sorted((i for i in number if self.share[i] >= 50), key=lambda i: self.things[i].x)
        )

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The things that are said together ("two red cars"), from left to right.

        Things of one kind are parted by their colours, if each of them has one.
        """
        groups: dict[tuple[str, str | None], list[int]] = {}
        for i in self.shown:
            groups.setdefault(self._look(i), []).append(i)
        return tuple(tuple(group) for group in groups.values())

    def _look(self, i: int) -> tuple[str, str | None]:
        thing = self.things[i]
        if thing.kind == SIGN:
            return SIGN, thing.word
        alike = self.of_kind(thing.kind)
        coloured = all(self.things[j].colour is not None for j in alike)
        return thing.kind, thing.colour if coloured else None

    def of_kind(self, kind: str, colour: str | None = None) -> tuple[int, ...]:
        """All things of a kind, and of a colour if one is given; hidden ones too."""
        return tuple(
            i
            for i, thing in enumerate(self.things)
            if thing.kind == kind and colour in (None, thing.colour)
        )

    def called(self, name: str) -> tuple[int, ...]:
        """All things that a kind's or hypernym's name means; hidden ones too."""
        kinds = meant(name)
        return tuple(i for i, thing in enumerate(self.things) if thing.kind in kinds)

    def possibly_called(self, name: str) -> tuple[int, ...]:
        """All things that a name may mean, those of `called` included."""
        kinds = possibly_meant(name)
        return tuple(i for i, thing in enumerate(self.things) if thing.kind in kinds)

    def is_clear(self, name: str) -> bool:
        """Whether it is clear which things a name means, and how many: none is hidden."""
        things = self.called(name)
        return things == self.possibly_called(name) and self.all_shown(things)

    def all_shown(self, things: tuple[int, ...]) -> bool:
        """Whether at least half of each of these things is visible."""
        return all(self.share[i] >= 50 for i in things)

    def colour(self, group: tuple[int, ...]) -> str | None:
        """The colour that all things of a group have; None if there is none or it is not said."""
        colours = {self.things[i].colour for i in group}
        return colours.pop() if len(colours) == 1 else None

    def size(self, group: tuple[int, ...]) -> str | None:
        """The size that all things of a group have; None if there is none or it is not said."""
        sizes = {self.things[i].size for i in group}
        return sizes.pop() if len(sizes) == 1 else None

    def is_countable(self, group: tuple[int, ...]) -> bool:
        """Whether the number of the things that look like a group's is clear: none is hidden."""
        look = self._look(group[0])
        return all(self.share[i] >= 50 for i in self.indices if self._look(i) == look)

    def is_sole(self, i: int) -> bool:
        """Whether the word for this thing's kind means no other thing."""
        return len(self.possibly_called(self.things[i].kind)) == 1

    def is_told_apart(self, i: int) -> bool:
        """Whether the kind, with the colour (or the word on a sign), means this thing alone."""
        look = self._look(i)
        return self.is_sole(i) or (
            look[1] is not None and sum(self._look(j) == look for j in self.indices) == 1
        )

    @cached_property
    def indices(self) -> range:
        return range(len(self.things))

    def hypernym(self, group: tuple[int, ...]) -> str | None:
        """What kind of thing a group is, in a word that says more than its name; or None."""
        kind = KINDS[self.things[group[0]].kind]
        vague = kind.hypernym.startswith(VAGUE) or kind.hypernym in kind.name
        return None if vague or kind.name == SIGN else kind.hypernym

    # Places in the picture

    def position(self, i: int) -> tuple[int, int]:
        """The centre, in thousandths of the picture's width and height."""
        thing = self.things[i]
        return 1000 * thing.x // self.scene.width, 1000 * thing.y // self.scene.height

    def is_at(self, i: int, place: str, slack: int = 0) -> bool:
        """Whether a thing is clearly at one of `PLACES`.

        slack: thousandths of the picture's sides by which the bounds are wider.
        """
        x, y = self.position(i)
        if place == "middle":
            return max(abs(x - 500), abs(y - 500)) <= 110 + slack
        value = {"left": x, "right": 1000 - x, "top": y, "bottom": 1000 - y}[place]
        return value <= 340 + slack

    def places(self, i: int) -> tuple[str, ...]:
        """The places where a thing clearly is."""
        return tuple(place for place in PLACES if self.is_at(i, place))

    # Relations of two things

    def relation_verdict(self, how: str, first: int, second: int) -> bool | None:
        """Whether thing `first` is `how` ("left", "above", "front", "near", ...) thing `second`.

        None where the picture leaves room for doubt. To the left is true where the distance
        across is at least 1.3 times the one down, and false where the thing is to the right, or
        the distance down is more than three times the one across; the others likewise.
        """
        if first == second:
            return None
        if how == "front":
            return self._covers(first, second)
        if how == "behind":
            return self._covers(second, first)
        a, b = self.things[first], self.things[second]
        dx, dy = b.x - a.x, b.y - a.y
        if how in ("near", "far"):
            near = self._is_near(first, second)
            return near if near is None or how == "near" else not near
        along, across = {
            "left": (dx, dy),
            "right": (-dx, dy),
            "above": (dy, dx),
            "below": (-dy, dx),
        }[how]
        if along > 0 and 10 * along >= 13 * abs(across):
            return True
        margin = min(self.scene.width, self.scene.height) // 25
        if along < -margin or 3 * along < abs(across):
            return False
        return None

    def _covers(self, front: int, back: int) -> bool | None:
        if self.occluded_by[back] == front:
            return True
        return False if self.occluded_by[front] == back else None

    def _is_near(self, first: int, second: int) -> bool | None:
        a, b = self.things[first], self.things[second]
        distance = isqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2)
        reach = (a.side + b.side) // 2
        if 10 * distance <= 12 * reach:
            return True
        far = 55 * min(self.scene.width, self.scene.height) // 100
        return False if distance >= far and distance >= 2 * reach else None

    def relations(self, first: int, second: int) -> tuple[str, ...]:
        """The relations of one thing to another that are clearly true."""
        names = ("left", "right", "above", "below", "front", "behind", "near", "far")
        return tuple(how for how in names if self.relation_verdict(how, first, second))

    def between_verdict(self, i: int, one: int, other: int) -> bool | None:
        """Whether thing i is between two others; None where it is not clear.

        It is where it stands in the middle half of the line from one to the other, and not
        further from it than a sixth of its length; it is not where it stands beyond an end, or
        further from it than half of its length.
        """
        a, b, c = self.things[one], self.things[other], self.things[i]
        dx, dy = b.x - a.x, b.y - a.y
        square = dx * dx + dy * dy
        along = (c.x - a.x) * dx + (c.y - a.y) * dy
        across = abs((c.x - a.x) * dy - (c.y - a.y) * dx)
        if square <= 4 * along and 4 * along <= 3 * square and 6 * across <= square:
            return True
        return False if along < 0 or along > square or 2 * across > square else None

    def is_ordered(self, group: tuple[int, ...], axis: str) -> bool:
        """Whether things stand clearly one after the other: axis "x" across, "y" down."""
        least = (self.scene.width if axis == "x" else self.scene.height) // 14
        places = [getattr(self.things[i], axis) for i in group]
        return all(b - a >= least for a, b in pairwise(places))

    def bigger_verdict(self, first: int, second: int) -> bool | None:
        """Whether one thing is larger than another by its longest side; None where it is close."""
        a, b = self.things[first].side, self.things[second].side
        if 10 * a >= 14 * b:
            return True
        return False if 10 * b >= 14 * a else None
