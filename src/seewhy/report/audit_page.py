"""An audit's page: one self-contained file, like the report.

Answers, words, prompts and errors are data: the page holds them as JSON, and its script inserts
them into the document as text only.
"""

from __future__ import annotations

from seewhy.report.audit_payload import AuditPayload
from seewhy.report.page import assembled

STYLES = ("look.css", "tables.css", "audit.css")
"""The page's style sheets, in order."""


def html(payload: AuditPayload) -> str:
    """Return the page as one HTML document without external references.

    Args:
        payload: JSON-ready data without NaN, from `seewhy.audit.payload.payload`.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    return assembled("audit", STYLES, payload)
