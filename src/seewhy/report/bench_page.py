"""The bench's page: one self-contained file, like the report.

Labels, words and reasons are data: the page holds them as JSON, and its script inserts them into
the document as text only.
"""

from __future__ import annotations

from seewhy.report.bench_payload import BenchPayload
from seewhy.report.page import assembled

STYLES = ("look.css", "tables.css", "bench.css")
"""The page's style sheets, in order."""


def html(payload: BenchPayload) -> str:
    """Return the page as one HTML document without external references.

    Args:
        payload: JSON-ready data without NaN, from `seewhy.bench.reporting.payload`.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    return assembled("bench", STYLES, payload)
