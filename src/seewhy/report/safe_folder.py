"""A folder that is written completely or not at all, with the checksum of every file.

`manifest.json` states what the folder is and lists its files, so that a user's own folder is never
overwritten and damaged files are found when they are read.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from seewhy.core.errors import OutputError, SchemaError
from seewhy.core.strict_json import parse
from seewhy.report.partial_folders import REPLACED, partial_folder, sweep
from seewhy.report.safe_files import is_inside, read_file

MANIFEST = "manifest.json"

#: Bytes of a path on Linux, and those that the files of a folder and a temporary name take.
PATH_MAX, LONGEST_FILE = 4095, 300

#: Sizes in bytes beyond which a file is not read.
MANIFEST_BYTES_MAX, FILE_BYTES_MAX = 2**24, 2**34

#: The value of `kind` in the manifest.
KIND = "seewhy explanation"


def expect_writable(folder: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Check, before any work is done, that `write_folder` may write `folder`.

    A folder is replaced only if seewhy wrote it and it holds nothing else.

    Returns:
        The absolute path.

    Raises:
        OutputError: if it exists and `overwrite` is not set, or holds what seewhy did not write,
            or if the path cannot be written, such as for a name that is too long.
    """
    try:
        target = Path(os.path.abspath(folder))
        if _exists(target):
            if not overwrite:
                raise OutputError(
                    f"Expected a new folder, got {target}, which exists: "
                    "choose another, or ask to overwrite it."
                )
            _expect_written_by_seewhy(target)
        existing = next((p for p in target.parents if _exists(p)), target.parent)
        if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
            raise OutputError(
                f"Expected a folder that can be written, got {existing}: choose another place."
            )
        _expect_names_that_fit(existing, target)
    except OutputError:
        raise
    except (OSError, ValueError) as error:  # a null byte, or half of a character, is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"Expected a folder that can be written, got {str(folder)[:300]!r} ({reason}): choose "
            "another place or a shorter name."
        ) from error
    return target


def _exists(path: Path) -> bool:
    """Whether there is something at a path.

    Raises:
        OSError: if that cannot be found out, such as for a name that is too long.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _expect_names_that_fit(existing: Path, target: Path) -> None:
    """Ask the system whether it can hold the missing folders and the longest path in the last.

    Raises:
        OSError: if it cannot.
    """
    for name in target.relative_to(existing).parts:
        _exists(existing / name)
    if len(os.fsencode(target)) + LONGEST_FILE > PATH_MAX:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def write_folder(
    folder: str | os.PathLike[str],
    write: Callable[[Path], object],
    description: Mapping[str, Any],
    overwrite: bool = False,
) -> Path:
    """Write a folder and its manifest, completely or not at all.

    Everything is written to a sibling folder first, which is renamed at the end: a failure or a
    Ctrl-C leaves only what was there before.

    Args:
        folder: the folder to make; missing parents are made too.
        write: writes every file except the manifest to the folder that is its argument.
        description: JSON-ready, what the manifest holds in addition to the files.
        overwrite: replace the folder if it is one that seewhy wrote.

    Returns:
        The folder's absolute path.

    Raises:
        OutputError: as `expect_writable`, or if writing fails.
    """
    target = expect_writable(folder, overwrite)
    new_parents = [p for p in target.parents if not os.path.lexists(p)]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target.parent)
        with partial_folder(target) as work:
            write(work)
            manifest = {"kind": KIND, **description, "files": _files(work)}
            (work / MANIFEST).write_text(json_text(manifest), "utf-8")
            _rename_into_place(work, target, overwrite)
    except OSError as error:
        _remove_empty(new_parents)
        if isinstance(error, OutputError):
            raise
        raise OutputError(
            f"Expected to write {target}, got {error.strerror or error}: nothing was left there."
        ) from error
    except BaseException:
        _remove_empty(new_parents)
        raise
    return target


def read_manifest(source: Path) -> dict[str, Any]:
    """The manifest of a folder that seewhy wrote.

    Raises:
        SchemaError: if the folder has none, or not one of seewhy.
    """
    hint = "give the folder of an explanation that seewhy saved"
    try:
        manifest = parse(read_file(source, MANIFEST, MANIFEST_BYTES_MAX))
    except SchemaError:
        raise
    except OSError as error:
        raise SchemaError(
            f"Expected {MANIFEST} in {source}, which cannot be read "
            f"({error.strerror or error}): {hint}."
        ) from error
    except ValueError as error:
        raise SchemaError(
            f"Expected JSON in {source / MANIFEST}, got something else ({error}): {hint}."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise SchemaError(
            f"Expected the manifest of an explanation in {source}, got another one: {hint}."
        )
    return manifest


def read_checked(source: Path, name: str, manifest: Mapping[str, Any]) -> bytes:
    """The content of one file, checked against the manifest.

    Raises:
        SchemaError: if the file is missing, a link, not in the manifest, outside the folder, or
            changed.
    """
    if not isinstance(name, str) or not is_inside(name):
        raise SchemaError(f"Expected a file inside {source}, got {name!r}: make it again.")
    try:
        listed = manifest["files"][name]
        checksum, size = listed["sha256"], listed.get("bytes")
    except (LookupError, TypeError, AttributeError) as error:
        raise SchemaError(
            f"Expected {name} in the manifest of {source}, got none: make it again."
        ) from error
    try:
        content = read_file(source, name, FILE_BYTES_MAX)
    except OSError as error:
        raise SchemaError(
            f"Expected {name} in {source}, got {error.strerror or error}: make it again."
        ) from error
    if hashlib.sha256(content).hexdigest() != checksum or size not in (None, len(content)):
        raise SchemaError(
            f"Expected {name} in {source} as its manifest describes it, got other content: "
            "it was damaged or changed; make it again."
        )
    return content


def safe_name(text: str) -> str:
    """A word as part of a file name: at most 40 letters and digits, valid on any file system.

    Example:
        >>> safe_name("Red-hot"), safe_name("../x"), safe_name("."), safe_name("né")
        ('red-hot', 'x', 'mark', 'ne')
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"[^\w-]+|_+", "-", plain).strip("-")
    # A file name can have 255 bytes, and a letter up to four.
    return plain[:40] or "mark"


def json_text(data: object) -> str:
    """Data as the text of a JSON file.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    # Escaped to ASCII, so that even a lone surrogate from a broken token can be written and read.
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _files(work: Path) -> dict[str, dict[str, Any]]:
    """Checksum and size of every file in a folder, by its path there."""
    return {
        path.relative_to(work).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(p for p in work.rglob("*") if p.is_file())
    }


def _rename_into_place(work: Path, target: Path, overwrite: bool) -> None:
    """Rename the finished folder to `target`; an older folder there is removed afterwards."""
    if not os.path.lexists(target):
        work.rename(target)
        return
    # The target may have changed, or appeared, during the writing.
    expect_writable(target, overwrite)
    with partial_folder(target, REPLACED) as aside:
        # Under its own name: if this process is killed now, the next run finds and restores it.
        old = aside / target.name
        target.rename(old)
        try:
            work.rename(target)
        except BaseException:
            old.rename(target)
            raise


def _expect_written_by_seewhy(target: Path) -> None:
    """Raise unless the folder is empty, or holds what seewhy wrote and nothing else.

    Whether it is seewhy's is found out first: a foreign folder, which may be large, is not walked.
    """
    problem = f"Expected a folder that seewhy wrote, got {target}"
    if not target.is_dir() or target.is_symlink():
        raise OutputError(f"{problem}, which is not a folder: choose another place.")
    with os.scandir(target) as entries:
        if next(entries, None) is None:
            return
    try:
        listed = {*read_manifest(target)["files"], MANIFEST}
    except (SchemaError, KeyError, TypeError) as error:
        raise OutputError(
            f"{problem}, which has no {MANIFEST} of seewhy: choose another place."
        ) from error
    for name in _files_below(target):
        if name not in listed:
            raise OutputError(
                f"{problem}, which also holds {name!r}: move it away, or choose another place."
            )


def _files_below(folder: Path) -> Iterator[str]:
    """The files in a folder, relative to it; links count as files.

    Raises:
        OSError: if a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    for path, folders, files in os.walk(folder, onerror=refuse):
        links = [name for name in folders if os.path.islink(os.path.join(path, name))]
        for name in sorted([*files, *links]):
            yield (Path(path) / name).relative_to(folder).as_posix()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
