"""Boxes between special tokens or tags: Qwen2-VL, InternVL, GLM-4V, PaliGemma and DocTags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seewhy.core.boxes.markup import NUMBER, Kind, Markup, Number, Span, numbers_in
from seewhy.core.boxes.phrases import noun_phrase_before, tagged_phrase_before

_PAIR = rf"\(\s*{NUMBER}\s*,\s*{NUMBER}\s*\)"
_FOUR = rf"{NUMBER}(?:\s*,\s*{NUMBER}){{3}}"

#: Between Qwen's tokens, or InternVL's tags: two corners, one point, or lists of four numbers.
_CORNERS = re.compile(rf"{_PAIR}\s*,?\s*{_PAIR}|{_PAIR}|\[\s*{_FOUR}\s*\]|{_FOUR}")
_QWEN = re.compile(r"<\|box_start\|>(?P<inside>.*?)(?P<close><\|box_end\|>|\Z)", re.DOTALL)
_TAGS = re.compile(r"<box>(?P<inside>.*?)(?P<close></box>|\Z)", re.DOTALL)
_GLM = re.compile(r"<\|begin_of_box\|>(?P<inside>.*?)(?P<close><\|end_of_box\|>|\Z)", re.DOTALL)
#: GLM's brackets vary, and its tokens frame every final answer: only four whole numbers, or a point
#: in two pairs of brackets, are a place.
_GLM_FOUR = r"\d+(?:\s*,\s*\d+){3}"
_GLM_ONE = re.compile(rf"[\[({{<]+\s*(?P<box>{_GLM_FOUR})\s*[\])}}>]+")
_GLM_POINT = re.compile(r"\[\[\s*\d+\s*,\s*\d+\s*\]\]")
_GLM_CUT = re.compile(r"\s*\[\[[\d\s,]*")
_GLM_ALL = re.compile(rf"\s*\[?\s*(?:[\[({{<]+\s*{_GLM_FOUR}\s*[\])}}>]+[\s,]*)+\]?\s*")

_LOC = re.compile(r"(?:<loc(?:\d{4})>\s*){4}(?:<seg\d{3}>\s*)*")
_LOC_CUT = re.compile(r"(?:<loc\d{4}>\s*){1,3}(?:<(?:l(?:o(?:c\d{0,4})?)?)?)?\Z")
_DOC = re.compile(r"(?:<loc_\d{1,3}>\s*){4}")
_AFTER = re.compile(r"[^\S\n]*(?P<phrase>[^<>;\n]*[^<>;\s])")


def in_qwen_tokens(text: str) -> Iterator[Markup]:
    """`<|box_start|>(x1,y1),(x2,y2)<|box_end|>`, also of a point."""
    return _between(text, _QWEN, "qwen-tokens")


def in_box_tags(text: str) -> Iterator[Markup]:
    """`<box>[[x1,y1,x2,y2], ...]</box>`, and Qwen-VL's `<box>(x1,y1),(x2,y2)</box>`."""
    return _between(text, _TAGS, "box-tags")


def _between(text: str, pattern: re.Pattern[str], syntax: str) -> Iterator[Markup]:
    """The places between opening and closing tags; they share the phrase before the tags."""
    for tags in pattern.finditer(text):
        phrase = _phrase_before(text, tags.start())
        places = list(_CORNERS.finditer(text, *tags.span("inside")))
        if not tags["close"]:
            yield from _cut_off(text, tags, places, syntax, phrase)
            continue
        for place in places:
            span = tags.span() if len(places) == 1 else place.span()
            numbers = numbers_in(text, *place.span())
            kind: Kind = "box" if len(numbers) == 4 else "point"
            yield Markup(kind, syntax, *span, numbers, phrase)


def _cut_off(
    text: str,
    tags: re.Match[str],
    places: list[re.Match[str]],
    syntax: str,
    phrase: Span | None,
) -> Iterator[Markup]:
    """Places after an opening tag without its closing one: the last may lack its end.

    A pair is taken as half of a box here, and a number at the end as half of a number.
    """
    start = tags.start("inside")
    for place in places:
        numbers = numbers_in(text, *place.span())
        if len(numbers) == 4 and place[0][-1] in ")]":
            yield Markup("box", syntax, *place.span(), numbers, phrase)
            start = place.end()
    rest = numbers_in(text, start, tags.end())
    if rest or start == tags.start("inside"):
        first = tags.start() if start == tags.start("inside") else start
        yield Markup("box", syntax, first, tags.end(), rest[:4], phrase, is_complete=False)


def in_glm_tokens(text: str) -> Iterator[Markup]:
    """`<|begin_of_box|>[[x1,y1,x2,y2]]<|end_of_box|>`, in brackets of any kind."""
    for tags in _GLM.finditer(text):
        inside = tags["inside"]
        phrase = noun_phrase_before(text, tags.start())
        if not tags["close"] and _GLM_CUT.fullmatch(inside):
            numbers = numbers_in(text, *tags.span("inside"))[:4]
            yield Markup("box", "glm-tokens", *tags.span(), numbers, phrase, is_complete=False)
        elif _GLM_POINT.fullmatch(inside.strip()):
            numbers = numbers_in(text, *tags.span("inside"))
            yield Markup("point", "glm-tokens", *tags.span(), numbers, phrase)
        elif _GLM_ALL.fullmatch(inside):
            boxes = list(_GLM_ONE.finditer(text, *tags.span("inside")))
            for box in boxes:
                span = tags.span() if len(boxes) == 1 else box.span()
                yield Markup("box", "glm-tokens", *span, numbers_in(text, *box.span("box")), phrase)


def in_loc_tokens(text: str) -> Iterator[Markup]:
    """PaliGemma's `<loc0123>` four times, and what they locate after them."""
    for place in _LOC.finditer(text):
        yield Markup("box", "loc", *_stripped(place), _locs(text, place, r"<loc(\d{4})>"),
                     _phrase_after(text, place.end()))  # fmt: skip
    if cut := _LOC_CUT.search(text, _end_of_last(text, _LOC)):
        numbers = _locs(text, cut, r"<loc(\d{4})>")
        yield Markup("box", "loc", *cut.span(), numbers, is_complete=False)


def in_doctags(text: str) -> Iterator[Markup]:
    """DocTags' `<loc_12>` four times, and the element's text after them."""
    for place in _DOC.finditer(text):
        yield Markup("box", "doctags", *_stripped(place), _locs(text, place, r"<loc_(\d{1,3})>"),
                     _phrase_after(text, place.end()))  # fmt: skip


def _end_of_last(text: str, pattern: re.Pattern[str]) -> int:
    """Where the last match ends, so that a cut-off box is not looked for inside it."""
    return max((match.end() for match in pattern.finditer(text)), default=0)


def _locs(text: str, place: re.Match[str], pattern: str) -> tuple[Number, ...]:
    """The numbers of location tokens: digits alone are a coordinate's characters."""
    found = re.compile(pattern).finditer(text, *place.span())
    return tuple(number for match in found for number in numbers_in(text, *match.span(1)))


def _stripped(place: re.Match[str]) -> Span:
    return place.start(), place.start() + len(place[0].rstrip())


def _phrase_after(text: str, end: int) -> Span | None:
    found = _AFTER.match(text, end)
    return None if found is None else found.span("phrase")


def _phrase_before(text: str, start: int) -> Span | None:
    return tagged_phrase_before(text, start) or noun_phrase_before(text, start)
