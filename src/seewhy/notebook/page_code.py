"""The code of a page for a notebook's cell: its modules as one ES module, and its rules.

Rules that ask for the window's width ask for the cell's instead, and sizes do not depend on the
font size of the notebook's own page.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property

from seewhy.report.page import asset
from seewhy.report.page_script import page_script

#: CSS pixels of one rem: the default of browsers. Notebooks may have another root font size.
REM = 16


@dataclass(frozen=True)
class PageCode:
    """A page's code.

    Attributes:
        script: an ES module that exports `show(model, root, style)`.
        style: all its rules.
    """

    script: str
    style: str

    @cached_property
    def version(self) -> str:
        """A name that changes with the code: a notebook keeps each version once."""
        return hashlib.sha256(f"{self.script}\0{self.style}".encode()).hexdigest()[:16]

    @cached_property
    def packed(self) -> tuple[bytes, bytes]:
        """Script and style, packed with gzip."""
        return packed(self.script), packed(self.style)


@cache
def page_code(kind: str, style: str) -> PageCode:
    """The code of a kind of page.

    Args:
        kind: `"report"`, `"comparison"` or `"app"`: `assets/js/notebook/<kind>_page.js`.
        style: the page's rules, as a page that is all ours has them.
    """
    entry = f"notebook/{kind}_page.js"
    script = f"{page_script(entry)}\nexport const {{ show }} = $notebook_{kind}_page;\n"
    return PageCode(script, in_cell(style + asset("notebook.css")))


def loader() -> str:
    """The ES module that anywidget runs: it gets everything else from the kernel."""
    return asset("js/notebook/loader.js")


def in_cell(style: str) -> str:
    """Rules of a page, for a page in a cell.

    Example:
        >>> in_cell("@media (max-width: 9rem) { a { top: 2rem; } }")
        '@container seewhy-cell (max-width: 144px) { a { top: 32px; } }'
        >>> in_cell("a { height: 50vh; }")
        'a { height: calc(50 * var(--cell-vh)); }'
    """
    style = re.sub(
        r"(?<![\w-])(-?(?:\d+\.?\d*|\.\d+))rem\b", lambda m: f"{float(m[1]) * REM:g}px", style
    )
    style = re.sub(r"(?<![\w-])([\d.]+)d?vh\b", r"calc(\1 * var(--cell-vh))", style)
    style = re.sub(r"(?<![\w-])([\d.]+)vw\b", r"\1cqw", style)
    return re.sub(r"@media (?=\((?:min|max)-width:)", "@container seewhy-cell ", style)


def packed(text: str) -> bytes:
    """Text as gzip, always the same bytes for the same text."""
    return gzip.compress(text.encode("utf-8", "surrogatepass"), mtime=0)
