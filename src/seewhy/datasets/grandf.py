"""GranDf in TAM's layout: pictures with descriptions of around two sentences."""

from __future__ import annotations

from typing import ClassVar

from seewhy.datasets._anno import AnnotatedList


class Grandf(AnnotatedList):
    """The entries of its list, in their order. The prompt is TAM's."""

    name: ClassVar[str] = "grandf"
    summary: ClassVar[str] = "GranDf: descriptions of around two sentences, in TAM's layout."
    prompt: ClassVar[str] = "Write a description for this image using around two sentences:"
