"""Where files that can be made again are kept between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from seewhy.core.paths import expanded

VARIABLE = "SEEWHY_CACHE"
"""The environment variable that names another folder."""


def cache_folder() -> Path:
    """The folder, which may not exist yet.

    `SEEWHY_CACHE`, else `seewhy` in `XDG_CACHE_HOME`, else in the platform's own place:
    `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
    """
    if named := os.environ.get(VARIABLE):
        return expanded(named)
    # By the standard a relative path is ignored.
    if (home := os.environ.get("XDG_CACHE_HOME")) and os.path.isabs(home):
        return Path(home, "seewhy")
    if sys.platform == "win32" and (home := os.environ.get("LOCALAPPDATA")):
        return Path(home, "seewhy", "cache")
    return expanded("~/Library/Caches" if sys.platform == "darwin" else "~/.cache") / "seewhy"
