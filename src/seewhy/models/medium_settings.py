"""What was chosen for one picture or clip: a resize before the processor, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Resampling


@dataclass(frozen=True)
class Resize:
    """A resize before the processor.

    Attributes:
        size: width and height in pixels.
        resample: Pillow's filter.
        scales: whether the size may follow the scale: then the picture is resized once more from
            the original, within `limits`. Else other scales begin with the same resized picture.
        limits: least and largest number of pixels at other scales.
        reason: what chose the size, for a note; empty for none.
    """

    size: tuple[int, int]
    resample: Resampling = Resampling.BICUBIC
    scales: bool = False
    limits: tuple[int, int] | None = None
    reason: str = ""


@dataclass(frozen=True)
class MediumSettings:
    """What was chosen for one picture or clip.

    Attributes:
        options: settings of the image processor.
        before: a resize before the processor, or None.
        notes: for the reader.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    before: Resize | None = None
    notes: tuple[str, ...] = ()


PLAIN = MediumSettings()
"""Nothing was chosen."""
