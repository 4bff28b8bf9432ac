"""Energy in the mask: how much of a map's mass lies on what the word speaks of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from seewhy.functional.overlap import energy_inside
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured


@dataclass(frozen=True)
class Energy(Metric):
    """The share of the display's mass inside the mask, and that share over the mask's own share.

    Energy depends on where a map's zero lies: it is that of the display, the joint minimum of
    image and text scores (our reading; Wang et al. min-max scale the map).
    """

    name: ClassVar[str] = "energy"
    summary: ClassVar[str] = "The share of a map's mass that lies on what the word speaks of."
    citations: ClassVar[tuple[str, ...]] = ("wang2020scorecam",)
    needs: ClassVar[frozenset[str]] = frozenset({"masks"})
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("energy", "Share of the map's mass on the mask."),
        Figure("energy-gain", "That share over the mask's share of the picture.", unit="ratio"),
    )

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """Two values for each word with a mask."""
        for at, mask in case.masked():
            if isinstance(mask, str):
                yield from self.undefined(mask)
                continue
            share = float(energy_inside(case.heatmap(at), mask))
            yield measured("energy", share, at, otherwise="empty map")
            gain = share / float(mask.float().mean())
            yield measured("energy-gain", gain, at, otherwise="empty map")
