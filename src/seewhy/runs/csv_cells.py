"""Text in cells of CSV files that is safe to open in a spreadsheet, and the text again."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")
"""What a cell begins with that spreadsheets take for a formula, and the apostrophe."""


def safe_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    Text that begins like a formula, or with an apostrophe, gets an apostrophe in front: to have the
    text again, take one apostrophe away where there is one.

    Source:
        OWASP, CSV injection.

    Example:
        >>> safe_cell("=1+1"), safe_cell("boat"), safe_cell("'tis")
        ("'=1+1", 'boat', "''tis")
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def cell_text(cell: str) -> str:
    """The text of which `safe_cell` made a cell.

    Example:
        >>> cell_text("'=1+1"), cell_text("boat"), cell_text("''tis")
        ('=1+1', 'boat', "'tis")
    """
    return cell.removeprefix("'")
