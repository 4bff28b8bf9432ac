"""The temporary folder of a running app; what killed ones left is removed at the next start.

Its owner alone can enter it. The process holds a lock of the operating system on it, which ends
with the process, also when that is killed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from seewhy.report.partial_folders import lock_folder, sweep_unheld

PREFIX = "seewhy-app-"
_OURS = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")


class AppFolder:
    """A new temporary folder, locked, and removed by `close`.

    Args:
        parent: where it is made; None takes the system's folder for temporary files.
    """

    def __init__(self, parent: Path | None = None) -> None:
        where = Path(tempfile.gettempdir() if parent is None else parent)
        sweep_apps(where)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where)).resolve()
            self._lock = lock_folder(self.path)
            # Another app may have swept it before it was locked.
            if self._lock is None or self.path.is_dir():
                return
            os.close(self._lock)

    def close(self) -> None:
        """Remove the folder and all that is in it; a second call does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep_apps(parent: Path) -> None:
    """Remove the folders of apps that have ended without doing so themselves."""
    sweep_unheld(parent, _OURS)
