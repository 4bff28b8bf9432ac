"""Points in XML-like tags, as Molmo and Qwen2.5-VL write them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seewhy.core.boxes.markup import NUMBER, Markup, Number, Span, value_of

_TAG = re.compile(
    r"<(?P<name>points?)\s+(?P<fields>(?:\w+\s*=\s*(?:\"[^\"]*\"|'[^']*')\s*)*)"
    r"(?:/?>(?:(?P<text>[^<]*)</(?P=name)>)?|(?P<cut>[^<>]*)\Z)"
)
_FIELD = re.compile(r"(?P<name>\w+)\s*=\s*(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.DOTALL)
_PLACE = re.compile(r"(?P<axis>[xy])(?P<number>\d*)")
_DECIMAL = re.compile(rf"\s*({NUMBER})\s*%?\s*")


def in_point_tags(text: str) -> Iterator[Markup]:
    """`<point x="12.5" y="30" alt="cup">cup</point>` and `<points x1=.. y1=.. x2=.. ...>`."""
    for tag in _TAG.finditer(text):
        fields = {field["name"]: field for field in _FIELD.finditer(text, *tag.span("fields"))}
        phrase = _phrase(tag, fields)
        points = list(_points(fields))
        if not points and tag["cut"] is not None:
            yield Markup("point", "point-tags", *tag.span(), (), phrase, is_complete=False)
        for x, y, own in points:
            span = tag.span() if len(points) == 1 else own
            yield Markup("point", "point-tags", *span, (x, y), phrase)


def _points(fields: dict[str, re.Match[str]]) -> Iterator[tuple[Number, Number, Span]]:
    """Pairs of x and y with the same number, in the order of the text, and their characters."""
    for name, field in fields.items():
        place = _PLACE.fullmatch(name)
        if place is None or place["axis"] != "x":
            continue
        other = fields.get(f"y{place['number']}")
        if other is None:
            continue
        x, y = _number(field), _number(other)
        if x is not None and y is not None:
            span = min(field.start(), other.start()), max(field.end(), other.end())
            yield x, y, span


def _number(field: re.Match[str]) -> Number | None:
    found = _DECIMAL.fullmatch(field["value"])
    if found is None:
        return None
    start = field.start("value")
    return Number(value_of(found[1]), start + found.start(1), start + found.end(1))


def _phrase(tag: re.Match[str], fields: dict[str, re.Match[str]]) -> Span | None:
    """The text between the tags, else the field `alt`."""
    if tag["text"] and tag["text"].strip():
        start = tag.start("text") + len(tag["text"]) - len(tag["text"].lstrip())
        return start, start + len(tag["text"].strip())
    alt = fields.get("alt")
    return alt.span("value") if alt is not None and alt["value"].strip() else None
