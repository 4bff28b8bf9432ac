"""Files that are written completely or not at all, in a folder that one run writes at a time."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from seewhy.core.errors import OutputError

TEMPORARY = ".part"
"""Suffix of temporary files."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name, flush it to disk, then rename it.

    Raises:
        OSError: as `write`; no file remains then.
    """
    part = path.with_name(f".{path.name}{TEMPORARY}")
    try:
        write(part)
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def remove_temporary(folder: Path) -> None:
    """Remove the temporary files of a killed run."""
    for path in folder.glob(f".*{TEMPORARY}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def replace_folder(new: Path, target: Path) -> None:
    """Rename a complete folder to `target`; at no moment is there half of one.

    Raises:
        OSError: if it cannot be renamed; what was at `target` is still there then.
    """
    old = target.with_name(f".{target.name}.old{TEMPORARY}")
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        with suppress(OSError):
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, so that a renamed or removed file stays so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for one run.

    The lock is the operating system's and is released when the process ends or is killed.

    Raises:
        OutputError: if another process holds it, or the folder cannot be written.
    """
    import fcntl

    with output_errors(folder):
        lock = open(folder / ".lock", "w")  # noqa: SIM115 - held by the `with` below
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"Expected {folder} for this run alone, got one that another run is "
                "writing: wait for it, or choose another folder."
            ) from None
        yield


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Convert errors of the file system to an OutputError with a remedy."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "make room" if full else "correct that"
        raise OutputError(
            f"Expected to write results to {folder}, got {error.strerror or error}: {remedy}, "
            "then give the same command again; all complete rows are kept."
        ) from error
