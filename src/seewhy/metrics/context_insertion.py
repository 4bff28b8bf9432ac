"""Context insertion: the most relevant words before a word are kept first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.metrics._base import Figure, Metric, Results
from seewhy.metrics._curves import curve_figures, on_context
from seewhy.metrics._reruns import RerunnableSample


@dataclass(frozen=True)
class ContextInsertion(Metric):
    """How fast a word becomes probable as the most relevant context tokens are put back.

    Context tokens are those of the prompt's own words and of the answer before the word, ranked by
    the method's context relevance, equal ones in random order. They are put back in ten steps; the
    sequence has no gaps. The picture stays. Areas as for `insertion`, with the
    word's log-probability without any context as the blank. Leaving tokens out gives
    texts that are not usual inputs: our choice, because words have no blank.

    Ours, after insertion and deletion on pictures (Petsiuk et al. 2018).
    """

    name: ClassVar[str] = "context-insertion"
    summary: ClassVar[str] = "How fast a word becomes probable as relevant context is put back."
    citations: ClassVar[tuple[str, ...]] = ("petsiuk2018rise",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = curve_figures(
        "context-insertion", "the most relevant context tokens", deletion=False
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """A curve and its areas for each selected word."""
        return on_context(self, sample, deletion=False)
