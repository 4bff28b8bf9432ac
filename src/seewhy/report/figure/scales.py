"""What the colour bar of a figure says of its scale."""

from __future__ import annotations

from seewhy.core.display import Display
from seewhy.report.figure.content import Content
from seewhy.report.figure.texts import decimal

SCALE_NOTES: dict[Display, str] = {
    "answer": "evidence for the word, on one scale for all words of the answer",
    "word": "evidence for the word, each map on its own scale: compare shapes, not brightness",
    "joint": "evidence for the word, each map scaled together with the scores of earlier words",
}
"""Of a figure of one explanation."""

SEVERAL = "evidence for the word, on one scale for each {}"
"""Of the answer's scale, where several explanations are shown."""


def scale_note(content: Content, scale: Display) -> str:
    """The line under the colour bar."""
    if scale == "answer" and len(content.records) > 1:
        return SEVERAL.format(kind_of_rows(content))
    return SCALE_NOTES[scale]


def kind_of_rows(content: Content) -> str:
    """What tells the explanations apart: "method", "model" or "explanation"."""
    methods = {record.provenance.method for record in content.records}
    models = {record.provenance.model for record in content.records}
    if len(models) == 1 and len(methods) > 1:
        return "method"
    return "model" if len(methods) == 1 and len(models) > 1 else "explanation"


def bar_ends(content: Content, scale: Display) -> tuple[str, str]:
    """What stands at the low and the high end of the colour bar.

    Raw values where all maps have one range, else words.
    """
    ranges = {span.range_of(scale) for span in content.spans}
    if len(content.records) > 1 or len(ranges) > 1:
        return ("low", "high") if scale != "word" else ("lowest", "highest of the map")
    ((low, high),) = ranges
    more = " or more" if scale == "answer" else ""
    return decimal(low), f"{decimal(high)}{more}"
