"""Stop what a thread or task is doing, from outside of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from seewhy.core.errors import Cancelled


@dataclass(frozen=True, eq=False)
class Cancelling:
    """A block whose work may be cancelled.

    Attributes:
        is_cancelled: says whether it is; called often, from the thread of the block.
    """

    is_cancelled: Callable[[], bool]

    def check(self) -> None:
        """Raise `Cancelled` if the work is cancelled."""
        if self.is_cancelled():
            raise Cancelled(
                "Expected to finish, got cancelled: ask again, the model is as it was before."
            )


_OPEN: ContextVar[tuple[Cancelling, ...]] = ContextVar("cancelling", default=())
"""The blocks in which this thread or task is, the outermost first."""


@contextmanager
def cancelling(is_cancelled: Callable[[], bool]) -> Iterator[Cancelling]:
    """Let `check_cancelled` ask `is_cancelled` in the block, only in this thread or task."""
    block = Cancelling(is_cancelled)
    token = _OPEN.set((*_OPEN.get(), block))
    try:
        block.check()
        yield block
    finally:
        _OPEN.reset(token)


def is_within(block: Cancelling) -> bool:
    """Whether this thread or task is in a block."""
    return block in _OPEN.get()


def can_be_cancelled() -> bool:
    """Whether this thread or task is in any block of `cancelling`."""
    return bool(_OPEN.get())


def check_cancelled() -> None:
    """Raise `Cancelled` if a block in which this thread or task is has been cancelled.

    Example:
        >>> with cancelling(lambda: False):
        ...     check_cancelled()
    """
    for block in _OPEN.get():
        block.check()
