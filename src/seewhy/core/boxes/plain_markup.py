"""Boxes without any tag, which ordinary text may hold too: read only where a family writes so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seewhy.core.boxes.markup import NUMBER, Markup, numbers_in
from seewhy.core.boxes.phrases import noun_phrase_before

_PAIR = r"\(\d{1,4},[ ]?\d{1,4}\)"
#: A run of pairs, after a space or directly after a word ("the dog(12,34),(56,78)").
_PAIRS = re.compile(rf"(?<![)\]])(?:{_PAIR},?[ ]?)*{_PAIR}(?![\w(\[])")
_ONE_PAIR = re.compile(_PAIR)
_FRACTION = r"(?:0?\.\d{2,}|0\.\d|[01]\.0+|0|1)"
_FRACTIONS = re.compile(rf"(?<![\w\]])\[\s*{_FRACTION}(?:\s*,\s*{_FRACTION}){{3}}\s*\](?![\w\[(])")
_BRACKETS = re.compile(rf"\[\s*{NUMBER}(?:\s*,\s*{NUMBER}){{3}}\s*\]")


def in_pairs(text: str) -> Iterator[Markup]:
    """`(x1,y1),(x2,y2)`: what is left of Qwen2-VL's boxes without their special tokens.

    A pair alone is no box, nor are three or more in a row: those are points of a text.
    """
    for run in _PAIRS.finditer(text):
        if len(_ONE_PAIR.findall(run[0])) != 2 or ")," not in run[0].replace(" ", ""):
            continue
        phrase = noun_phrase_before(text, run.start())
        yield Markup("box", "pairs", *run.span(), numbers_in(text, *run.span()), phrase)


def in_fractions(text: str) -> Iterator[Markup]:
    """`[0.12, 0.34, 0.56, 0.78]`: four fractions, two corners in their order.

    Whole numbers and lists that are not two corners (x1 <= x2, y1 <= y2) are no box.
    """
    for place in _FRACTIONS.finditer(text):
        numbers = numbers_in(text, *place.span())
        left, top, right, bottom = (number.value for number in numbers)
        is_decimal = sum("." in text[n.start : n.end] for n in numbers) >= 2
        if is_decimal and left <= right and top <= bottom:
            phrase = noun_phrase_before(text, place.start())
            yield Markup("box", "fractions", *place.span(), numbers, phrase)


def in_brackets(text: str) -> Iterator[Markup]:
    """`[x1, y1, x2, y2]` with any numbers."""
    for place in _BRACKETS.finditer(text):
        phrase = noun_phrase_before(text, place.start())
        yield Markup("box", "brackets", *place.span(), numbers_in(text, *place.span()), phrase)
