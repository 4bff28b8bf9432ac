"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path

from seewhy.core.errors import ParameterError


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with `~` replaced by the home folder.

    Raises:
        ParameterError: if there is no such user, or the path holds a null byte.

    Example:
        >>> expanded("a/b").as_posix()
        'a/b'
    """
    try:
        if "\0" in os.fspath(path):
            raise ParameterError("Expected a path, got one with a null byte: correct it.")
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ParameterError(
            f"Expected a path, got {os.fspath(path)[:200]!r}: {error}; write the folder's whole "
            "name."
        ) from error
