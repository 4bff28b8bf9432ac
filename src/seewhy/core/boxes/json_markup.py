"""Boxes and points in JSON, as Qwen2.5-VL, Qwen3-VL, GLM-4V and Gemma 4 write them.

The text is not parsed as JSON: it may hold prose and fences around it, single quotes, or end in the
middle. Only keys that name a box or a point are looked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from seewhy.core.boxes.markup import NUMBER, Kind, Markup, Span, numbers_in

#: For each key the kind of its value and the name of the syntax. What `bbox` holds (two corners, or
#: a corner and a size) differs between models, so it has a name of its own.
KEYS: dict[str, tuple[Kind, str]] = {
    "bbox_2d": ("box", "json"),
    "point_2d": ("point", "json"),
    "box_2d": ("box", "json-box_2d"),
    "bbox": ("box", "json-other"),
    "bounding_box": ("box", "json-other"),
}

#: Keys of the same object that say what is located, the first that is there counts.
LABELS = ("label", "text", "text_content", "object", "name", "caption", "class", "category")
LABELS += ("description", "sub_label")

#: Keys of the same object that say in which picture, or when in a clip.
PICTURES = ("image_index", "image_id", "image_idx", "img_idx", "picture", "image")
TIMES = ("time", "timestamp", "seconds")

_LIST = rf"\s*{NUMBER}(?:\s*,\s*{NUMBER})*\s*"
_VALUE = rf"\[{_LIST}\]|\[\s*\[{_LIST}\](?:\s*,\s*\[{_LIST}\])*\s*\]"
#: A value that the text ends inside. Numbers need something between them, so that there is one way
#: to read it.
_CUT = rf"\[[\s\[]*(?:{NUMBER}(?:[\s\[\],]+{NUMBER})*)?\.?[\s\[\],]*\Z"
_PAIR = re.compile(
    rf"""(?P<quote>["'])(?P<key>{"|".join(KEYS)})(?P=quote)\s*:\s*(?P<value>{_VALUE}|{_CUT})"""
)
_INNER = re.compile(rf"\[({_LIST})\]")
#: Braces, and strings, whose braces do not count.
_BRACE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|[{}]")


def in_json(text: str) -> Iterator[Markup]:
    """Boxes and points in JSON objects of a text."""
    objects = _Objects(text)
    for pair in _PAIR.finditer(text):
        kind, syntax = KEYS[pair["key"]]
        begin, end = objects.around(pair.start())
        own = _Fields(text, objects, begin, end)
        count = 4 if kind == "box" else 2
        values = list(_INNER.finditer(text, *pair.span("value")))
        is_cut = not pair["value"].endswith("]") or not values
        shared = {"phrase": own.label(), "picture": own.picture(), "seconds": own.seconds()}
        for value in values:
            numbers = numbers_in(text, *value.span(1))
            if len(numbers) != count:
                continue
            span = pair.span() if len(values) == 1 and not is_cut else value.span()
            yield Markup(kind, syntax, *span, numbers, **shared)
        if is_cut and pair.end() == len(text):
            start = values[-1].end() if values else pair.start("value")
            rest = numbers_in(text, start, pair.end())
            first = pair.start() if not values else start
            yield Markup(kind, syntax, first, pair.end(), rest[:count], is_complete=False, **shared)


class _Objects:
    """The braces of a text: which object a place is in."""

    def __init__(self, text: str) -> None:
        braces = [found for found in _BRACE.finditer(text) if found[0] in "{}"]
        self._places = [brace.start() for brace in braces]
        self._opening = [brace[0] == "{" for brace in braces]
        depths = accumulate(1 if opens else -1 for opens in self._opening)
        self._depths = list(depths)
        self._length = len(text)

    def around(self, place: int) -> Span:
        """The characters of the object around a place; open objects end with the text."""
        before = bisect_right(self._places, place) - 1
        depth = self._depths[before] if before >= 0 else 0
        begin, end = 0, self._length
        for index in range(before, -1, -1):
            if self._opening[index] and self._depths[index] == depth:
                begin = self._places[index]
                break
        for index in range(before + 1, len(self._places)):
            if not self._opening[index] and self._depths[index] == depth - 1:
                end = self._places[index] + 1
                break
        return begin, end


class _Fields:
    """The fields of one JSON object, without those of objects inside it."""

    def __init__(self, text: str, objects: _Objects, begin: int, end: int) -> None:
        self._text, self._objects, self._begin, self._end = text, objects, begin, end

    def label(self) -> Span | None:
        """The characters of what it locates, without quotes; None if there is none."""
        for key in LABELS:
            found = self._find(key, r"\"(?P<a>(?:[^\"\\\n]|\\.)+)\"|'(?P<b>(?:[^'\\\n]|\\.)+)'")
            if found is not None:
                return found.span("a") if found["a"] is not None else found.span("b")
        return None

    def picture(self) -> int | None:
        """The number of the picture that it names."""
        for key in PICTURES:
            if (found := self._find(key, r"(?P<a>\d+)(?![\d.])")) is not None:
                return int(found["a"])
        return None

    def seconds(self) -> float | None:
        """The time that it names, in seconds."""
        for key in TIMES:
            if (found := self._find(key, r"(?P<a>\d+(?:\.\d+)?)")) is not None:
                return float(found["a"])
        return None

    def _find(self, key: str, value: str) -> re.Match[str] | None:
        pattern = re.compile(rf"[\"']{key}[\"']\s*:\s*(?:{value})")
        for found in pattern.finditer(self._text, self._begin, self._end):
            if self._objects.around(found.start()) == (self._begin, self._end):
                return found
        return None
