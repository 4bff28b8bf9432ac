"""Context deletion: the most relevant words before a word are dropped first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._curves import curve_figures, on_context
from seewhy.metrics._reruns import RerunnableSample


@dataclass(frozen=True)
class ContextDeletion(Metric):
    """How fast a word becomes improbable as the most relevant context tokens are dropped.

    Context tokens are those of the prompt's own words and of the answer before the word, ranked by
    the method's context relevance, equal ones in random order. They are left out in ten steps; the
    sequence has no gaps. The picture stays. Areas as for `deletion`, with the
    word's log-probability without any context as the blank. Leaving tokens out gives
    texts that are not usual inputs: our choice, because words have no blank.

    Ours, after insertion and deletion on pictures (Petsiuk et al. 2018).
    """

    name: ClassVar[str] = "context-deletion"
    summary: ClassVar[str] = "How fast a word becomes improbable as relevant context is dropped."
    citations: ClassVar[tuple[str, ...]] = ("petsiuk2018rise",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = curve_figures(
        "context-deletion", "the most relevant context tokens", deletion=True
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """A curve and its areas for each selected word."""
        return on_context(self, sample, deletion=True)
