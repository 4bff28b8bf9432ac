"""Folders that are being written, beside where they will be, and what killed runs left of them.

A run holds a lock of the operating system on its partial folder, which ends with the process, also
when that is killed. A partial folder that nobody holds is swept by the next run that writes beside
it. Other programs' files are left alone: the name must be ours, and the folder's owner the same.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WRITTEN, REPLACED = "seewhy.part", "seewhy-old.part"
"""Endings of folders that are being written, and of those that hold a folder being replaced."""

NAME_BYTES = 120
"""Bytes of a target's name that are part of the partial folder's."""

_OURS = re.compile(rf"\..+\.[a-z0-9_]{{8}}\.({re.escape(WRITTEN)}|{re.escape(REPLACED)})")


@contextmanager
def partial_folder(target: Path, ending: str = WRITTEN) -> Iterator[Path]:
    """A new folder beside `target` to write in; it is removed afterwards, unless it was renamed.

    Args:
        target: what it will be.
        ending: `WRITTEN`, or `REPLACED` for one that holds an older folder for a moment.

    Raises:
        OSError: if it cannot be made.
    """
    name = os.fsencode(target.name)[:NAME_BYTES].decode("utf-8", "ignore")
    work, lock = _locked_folder(target.parent, f".{name}.", f".{ending}")
    try:
        # mkdtemp gives access to the owner only; the finished folder gets the usual permissions.
        mask = os.umask(0)
        os.umask(mask)
        work.chmod(0o777 & ~mask)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep(parent: Path) -> None:
    """Remove the partial folders in `parent` whose processes have ended.

    A folder that such a process was about to replace is put back where it was, if nothing is there.
    """
    sweep_unheld(parent, _OURS, _put_back)


def sweep_unheld(
    parent: Path, names: re.Pattern[str], before: Callable[[Path], None] | None = None
) -> None:
    """Remove this user's folders in `parent` that no process holds a lock on.

    Args:
        parent: the folder that holds them.
        names: which names are ours, as a whole.
        before: called with each folder before it is removed.
    """
    with suppress(OSError), os.scandir(parent) as entries:
        found = [entry.name for entry in entries if names.fullmatch(entry.name)]
        for name in found:
            with suppress(OSError):
                _sweep(parent / name, before)


def _sweep(folder: Path, before: Callable[[Path], None] | None) -> None:
    found = folder.lstat()
    if folder.is_symlink() or not folder.is_dir() or found.st_uid != os.geteuid():
        return
    lock = lock_folder(folder)
    if lock is None:
        return
    try:
        if before is not None:
            before(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _put_back(folder: Path) -> None:
    """Put a folder that was about to be replaced back where it was, if nothing is there."""
    if folder.name.endswith(REPLACED):
        for old in folder.iterdir():
            if not os.path.lexists(folder.parent / old.name):
                old.rename(folder.parent / old.name)


def _locked_folder(parent: Path, prefix: str, suffix: str) -> tuple[Path, int | None]:
    """A new folder and the lock on it; no lock where the file system has none."""
    while True:
        work = Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent))
        lock = lock_folder(work)
        # Another run may have swept it before it was locked.
        if lock is None or work.is_dir():
            return work, lock
        os.close(lock)


def lock_folder(folder: Path) -> int | None:
    """Lock a folder; None if another process holds it, or it cannot be locked."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
