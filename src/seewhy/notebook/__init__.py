"""Explanations in the cells of a notebook: a picture that is always there, and the live page.

`explanation` as the last line of a cell calls `cell_output`; `explainer.interact()` calls
`interact`.
"""

from __future__ import annotations

from seewhy.core.notebooks import in_notebook
from seewhy.notebook.cell_output import cell_output

__all__ = ["cell_output", "in_notebook"]
