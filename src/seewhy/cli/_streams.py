"""Standard output and error that may be closed, or full, at any time."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from seewhy.core.errors import OutputError


class ReaderGone(Exception):  # noqa: N818 - no mistake
    """The program that reads the output has ended, as `head` does; there is nobody to tell."""


class Output:
    """Standard output whose failures are errors of their own kind.

    Args:
        stream: the stream, or None where it was closed before the start.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text.

        Raises:
            ReaderGone: if its reader has ended.
            OutputError: if it cannot be written, as on a full disk.
        """
        with _told():
            return _open(self._stream).write(text)

    def flush(self) -> None:
        """Write what is waiting; the errors are those of `write`."""
        if self._stream is not None:
            with _told():
                self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream if self._stream is not None else io.StringIO(), name)


class Progress(Output):
    """Standard error: where it cannot be written, the work goes on without it."""

    def write(self, text: str) -> int:
        """Write text if that is possible."""
        with suppress(OutputError, ReaderGone):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is waiting if that is possible."""
        with suppress(OutputError, ReaderGone):
            super().flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except (OSError, ValueError) as error:  # closed files raise a ValueError
        if isinstance(error, OutputError | UnicodeError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"Expected to write the result to standard output, got {reason}: make room, or send "
            "it elsewhere. What was saved to files is complete."
        ) from error


def _open(stream: TextIO | None) -> TextIO:
    if stream is None:
        raise OSError("it is closed")
    return stream


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Put `Output` and `Progress` in the place of the process's streams."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            # Text that the terminal cannot encode must not raise an error.
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = Output(before[0]), Progress(before[1])  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def give_up_stdout() -> None:
    """Send what still waits in standard output nowhere: Python would report it again at exit."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())  # type: ignore[union-attr]
