"""A comparison's page: one self-contained file, like the report.

Words, prompts, names and notes are data: the page holds them as JSON, and its script inserts them
into the document as text only.
"""

from __future__ import annotations

from seewhy.report.comparison_payload import ComparisonPayload
from seewhy.report.page import assembled

STYLES = ("look.css", "comparison.css")
"""The page's style sheets, in order."""


def html(payload: ComparisonPayload) -> str:
    """Return the page as one HTML document without external references.

    Args:
        payload: JSON-ready data without NaN, from `seewhy.report.comparison_payload.payload`.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    return assembled("comparison", STYLES, payload)
