"""Where the code runs: in a notebook's kernel, in a terminal, in a script."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether what is shown goes to a notebook's cell: Jupyter, VS Code, Colab or marimo."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and getattr(marimo, "running_in_notebook", bool)():
        return True
    return getattr(shell(), "kernel", None) is not None


def in_ipython_terminal() -> bool:
    """Whether IPython runs in a terminal, which shows text only."""
    return type(shell()).__name__ == "TerminalInteractiveShell"


def shell() -> Any:
    """IPython's shell, or None; nothing is imported for it."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else getattr(ipython, "get_ipython", lambda: None)()
