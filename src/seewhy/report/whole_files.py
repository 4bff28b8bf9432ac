"""Single files that are written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seewhy.core.errors import OutputError


def expect_free(paths: list[Path], overwrite: bool = False) -> None:
    """Check, before any work is done, that files may be written.

    Raises:
        OutputError: if there is one already and `overwrite` is not set, or a folder.
    """
    for path in paths:
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:  # a null byte, or half of a character, is the latter
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"Expected the name of a file, got {str(path)[:200]!r} ({reason}): choose another."
            ) from error
        if path.is_dir():
            raise OutputError(f"Expected a file, got {path}, which is a folder: name a file.")
        if not overwrite:
            raise OutputError(
                f"Expected a new file, got {path}, which exists: choose another name, or ask to "
                "overwrite it."
            )


def write_files(contents: Mapping[Path, bytes], overwrite: bool = False) -> None:
    """Write files that belong together.

    All are written under other names first, and renamed at the end.

    Args:
        contents: the content of each file by its path; missing folders are made.
        overwrite: replace files that exist.

    Raises:
        OutputError: as `expect_free`, or if writing fails; nothing is left half-written.
    """
    expect_free(list(contents), overwrite)
    parts = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in contents}
    new_folders = [
        folder
        for path in contents
        for folder in path.absolute().parents
        if not os.path.lexists(folder)
    ]
    try:
        for path, content in contents.items():
            path.absolute().parent.mkdir(parents=True, exist_ok=True)
            parts[path].write_bytes(content)
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise OutputError(
            f"Expected to write {', '.join(map(str, contents))}, got {error.strerror or error}: "
            "choose another place."
        ) from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
        for folder in sorted(set(new_folders), key=lambda one: -len(one.parts)):
            with suppress(OSError):  # one that holds a file stays
                folder.rmdir()
