"""OpenPSG in TAM's layout: pictures with descriptions of around three sentences."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from seewhy.core.sample import Sample
from seewhy.datasets._anno import LAYOUT, open_annotations
from seewhy.datasets._base import Dataset

PROMPT = "Write a description for this image using around three sentences:"
"""TAM's."""


class Openpsg(Dataset):
    """The entries of its list, in their order; options as in `seewhy.datasets._options.COMMON`."""

    name: ClassVar[str] = "openpsg"
    summary: ClassVar[str] = "OpenPSG: descriptions of around three sentences, in TAM's layout."
    layout: ClassVar[str] = LAYOUT

    def __init__(self, place: Path | None, /, **options: str) -> None:
        self._opened = open_annotations(self.name, place, options)

    @property
    def ids(self) -> tuple[str, ...]:
        """Place in the list and name of the picture, such as `"00017-kitchen"`."""
        return tuple(self._opened.entries)

    def sample(self, id: str) -> Sample:
        """Read a picture and its mask.

        Raises:
            SampleError: as `Annotations.sample` says.
        """
        return self._opened.sample(id, PROMPT)

    @property
    def fingerprint(self) -> str:
        """Of the list, the tagger and whose answers they are."""
        return self._opened.fingerprint
