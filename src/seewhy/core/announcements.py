"""One line about work that takes longer than usual and is done once, told to whoever listens.

Without a listener it goes to stderr; in a notebook, where a line of its own shows what is waited
for, and where progress bars are turned off (`TQDM_DISABLE`), nothing is written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from seewhy.core.notebooks import in_notebook

_LISTENER: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Hand announcements of the block, in this thread, to a listener."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def announce(text: str) -> None:
    """Tell what begins now.

    Example:
        >>> said = []
        >>> with listening(said.append):
        ...     announce("unpacking a model")
        >>> said
        ['unpacking a model']
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener(text)
    elif sys.stderr is not None and not in_notebook() and not _bars_are_off():
        sys.stderr.write(f"seewhy: {text}\n")
        sys.stderr.flush()


def _bars_are_off() -> bool:
    return os.environ.get("TQDM_DISABLE", "").casefold() not in ("", "0", "false")
