"""Why a row could not be diagnosed: a reason that failures of one kind share, and the details."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NamedTuple

import torch

from seewhy.core.errors import SampleError, SeewhyError
from seewhy.core.memory import is_out_of_memory
from seewhy.runs.work import WorkerLost

UNEXPECTED = "unexpected "
"""Reasons of errors that seewhy does not raise on purpose begin so: they are mistakes in code."""

NO_MEMORY = "out of memory"
NO_FILE = "a file cannot be read"

_DEVICE_MESSAGES = ("cuda error", "hip error", "device-side assert")


class Failure(NamedTuple):
    """A reason in one short sentence, and the whole error."""

    reason: str
    detail: str


def failure_of(error: Exception) -> Failure:
    """Why a row failed.

    Args:
        error: that reading, explaining or judging the row raised.

    Raises:
        WorkerLost: if the error leaves the GPU unusable, so that every later row would fail too.

    Example:
        >>> from seewhy.core.errors import ImageError
        >>> failure_of(ImageError("Expected a picture file, got 'a.png': there is no such file."))
        ... # doctest: +NORMALIZE_WHITESPACE
        Failure(reason='The picture is missing, broken, empty or too large.',
        detail="ImageError: Expected a picture file, got 'a.png': there is no such file.")
        >>> failure_of(MemoryError()).reason
        'out of memory'
    """
    shown = "".join(traceback.format_exception_only(error)).strip()
    if is_out_of_memory(error):
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        return Failure(NO_MEMORY, shown)
    if isinstance(error, SampleError):
        return Failure(_one_line(error), shown)
    if isinstance(error, SeewhyError):
        summary = (type(error).__doc__ or type(error).__name__).partition("\n")[0]
        return Failure(summary, f"{type(error).__name__}: {_one_line(error)}")
    if isinstance(error, OSError):
        return Failure(NO_FILE, shown)
    if isinstance(error, RuntimeError) and _says(error, _DEVICE_MESSAGES):
        raise WorkerLost(_one_line(error)) from error
    whole = "".join(traceback.format_exception(error)).strip()
    return Failure(f"{UNEXPECTED}{type(error).__name__}{_place(error)}", whole)


def _says(error: Exception, messages: tuple[str, ...]) -> bool:
    text = str(error).lower()
    return any(message in text for message in messages)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _place(error: Exception) -> str:
    """The last function of seewhy that the error came through."""
    root = Path(__file__).parents[1]
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if root in Path(f.filename).parents
    ]
    if not frames:
        return ""
    module = ".".join(Path(frames[-1].filename).relative_to(root).with_suffix("").parts)
    return f" in seewhy.{module}.{frames[-1].name}"
