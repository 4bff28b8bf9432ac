"""OpenPSG in TAM's layout: pictures with descriptions of around three sentences."""

from __future__ import annotations

from typing import ClassVar

from seewhy.datasets._anno import AnnotatedList


class Openpsg(AnnotatedList):
    """The entries of its list, in their order. The prompt is TAM's."""

    name: ClassVar[str] = "openpsg"
    summary: ClassVar[str] = "OpenPSG: descriptions of around three sentences, in TAM's layout."
    prompt: ClassVar[str] = "Write a description for this image using around three sentences:"
