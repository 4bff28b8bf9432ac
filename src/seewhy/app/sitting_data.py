"""What a sitting holds: its pictures, its history and its comparisons, in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from seewhy.app.comparisons import Comparisons
from seewhy.app.entries import EntryStore
from seewhy.app.errors import RequestError
from seewhy.app.limits import Limits
from seewhy.app.loaded_models import LoadedModels
from seewhy.app.media import MediaStore, total_bytes


class SittingData:
    """The data of one sitting. Threads may share it.

    Args:
        number: the sitting's id, which is a secret.
        folder: for its files; it is made.
        models: that can be asked.
        limits: of what it may hold.
    """

    def __init__(self, number: str, folder: Path, models: LoadedModels, limits: Limits) -> None:
        self.id, self.folder, self.models, self.limits = number, folder, models, limits
        self.media = MediaStore(folder / "media", limits.kept_pictures)
        self.entries = EntryStore(folder / "entries", limits.entries)
        self.comparisons = Comparisons()
        self.is_closed = False

    def clear_if_closed(self) -> None:
        """Remove its files if it has ended: a job that ran then may have written some more."""
        if self.is_closed:
            shutil.rmtree(self.folder, ignore_errors=True)

    def expect_room(self) -> None:
        """Raise `RequestError` if its files take as much as they may."""
        if total_bytes(self.folder.rglob("*")) > self.limits.sitting_bytes:
            raise RequestError(
                409,
                "full",
                "This sitting's files take as much space as they may: remove some entries.",
            )
