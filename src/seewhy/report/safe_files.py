"""Reading files of a folder that others may have written: only its own, regular and small ones."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from seewhy.core.errors import SchemaError

REMEDY = "make it again"


def is_inside(name: str) -> bool:
    r"""Whether a name of a file, with `/` between folders, stays inside of its folder.

    Example:
        >>> [is_inside(name) for name in ("a/b.png", "../a", "/a", "C:\\a", "a//b", "")]
        [True, False, False, False, False, False]
    """
    path = PurePosixPath(name)
    return (
        bool(name)
        and path.as_posix() == name
        and not (
            path.is_absolute() or ".." in path.parts or name == "." or set(name) & set("\\:\0")
        )
    )


def read_file(source: Path, name: str, limit: int) -> bytes:
    """The content of a file of a folder.

    Args:
        source: the folder.
        name: of the file there.
        limit: the largest size in bytes.

    Raises:
        SchemaError: if the file is missing, outside of the folder, a link or in a linked folder, no
            regular file, or too large.
        OSError: if it cannot be read.
    """
    if not is_inside(name):
        raise SchemaError(f"Expected a file inside {source}, got {name[:200]!r}: {REMEDY}.")
    path = source
    for part in PurePosixPath(name).parts:
        path = path / part
        if path.is_symlink():
            raise SchemaError(
                f"Expected {name} in {source}, got a link at {path.name}: copy the folder with "
                "the files themselves."
            )
    # Not blocking: a pipe in place of a file would wait for its writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise SchemaError(f"Expected a file {name} in {source}, got none: {REMEDY}.")
        if found.st_size > limit:
            raise SchemaError(
                f"Expected {name} in {source} of at most {limit:,} bytes, got {found.st_size:,}: "
                f"it was changed; {REMEDY}."
            )
        return file.read(limit + 1)
