"""One line in a notebook's cell that says what is waited for, and disappears.

It is shown only where something takes longer than a moment, and only in a notebook. When all is
done, nothing of it is left in the cell.
"""

from __future__ import annotations

import contextvars
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from seewhy.core.notebooks import in_notebook, shell

DELAY = 0.8
"""Seconds before the line is shown."""

PAUSE = 1.0
"""Seconds between changes of the line."""


@contextmanager
def progress_line(
    text: str, more: Callable[[], str] | None = None
) -> Iterator[Callable[[str], None] | None]:
    """Show what the block does, if it takes longer than a moment.

    Args:
        text: what it does at first.
        more: says how far it is; called now and then, in a thread.

    Yields:
        A function that takes what it does next; None outside of a notebook's main thread.
    """
    publisher = getattr(shell(), "display_pub", None) if in_notebook() else None
    # Other threads have no cell of their own.
    if publisher is None or threading.current_thread() is not threading.main_thread():
        yield None
        return
    line = _Line(publisher, text, more)
    line.start()
    try:
        yield line.tell
    finally:
        line.end()


class _Line:
    """The line, and the thread that keeps it up to date."""

    def __init__(self, publisher: Any, text: str, more: Callable[[], str] | None) -> None:
        self._publisher, self._text, self._more = publisher, text, more
        self._number = uuid.uuid4().hex
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._is_shown = False
        # What a thread publishes goes to the cell whose context it has.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=lambda: context.run(self._run), name="seewhy-progress", daemon=True
        )

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def tell(self, text: str) -> None:
        """Say what is done next."""
        self._text = text

    def end(self) -> None:
        """Remove the line."""
        self._ended.set()
        self._thread.join()
        if self._is_shown:
            self._publish({})

    def _run(self) -> None:
        pause = DELAY
        while not self._ended.wait(pause):
            pause = PAUSE
            self._publish({"text/plain": self._line()})
            self._is_shown = True

    def _line(self) -> str:
        seconds = time.monotonic() - self._began
        more = self._more() if self._more is not None else ""
        return f"seewhy: {self._text} … {more}{seconds:.0f} s"

    def _publish(self, data: dict[str, str]) -> None:
        told = {"transient": {"display_id": self._number}, "update": self._is_shown}
        self._publisher.publish(data, {}, **told)
