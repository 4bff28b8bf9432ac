"""An uploaded folder as an entry of the history."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from seewhy.app.entries import Entry, Origin
from seewhy.app.imports import read_import

if TYPE_CHECKING:
    from seewhy.app.sitting_data import SittingData
    from seewhy.explanation import Explanation

_ONE_AT_A_TIME = threading.Lock()
"""Reading takes much memory: one zip at a time."""


def add_imported(sitting: SittingData, content: bytes) -> Entry:
    """Read a zip of a saved explanation, and keep it.

    It can be asked about again if its model is one of the app's, and its question was one text
    with pictures: of clips and of longer chats, a saved explanation does not hold all.
    """
    with (
        _ONE_AT_A_TIME,
        tempfile.TemporaryDirectory(dir=sitting.folder) as folder,
    ):
        explanation = read_import(content, sitting.limits, Path(folder))
        model = explanation.model[:200]
        can_ask = model in sitting.models.names and _is_whole(explanation)
        media = ()
        if can_ask:
            needed = sitting.entries.media()
            kept = [sitting.media.add(picture, "", needed) for picture in explanation.images]
            media = tuple(medium.id for medium in kept)
        origin = Origin(
            model=model,
            asked=explanation.prompt,
            media=media,
            change="imported",
            can_ask=can_ask,
            settings={"method": explanation.method},
        )
        return sitting.entries.add(explanation, origin)


def _is_whole(explanation: Explanation) -> bool:
    """Whether the saved explanation holds all that its model was asked."""
    record = explanation.record
    turns = [span.role for span in record.turns]
    has_clips = any(picture.frames for picture in record.pictures)
    return not has_clips and turns in ([], ["user"]) and record.thinking is None
