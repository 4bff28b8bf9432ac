"""The logit lens, also called CAM: what visual states say through the unembedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._stages import Pipeline, StagedMethod


@dataclass(frozen=True)
class LogitLens(StagedMethod):
    """A_i[v] = relu(H_v . W[c_i]), nothing added and nothing removed.

    Source: nostalgebraist (2020) for text; TAM's baseline on images.
    """

    name: ClassVar = "logit-lens"
    summary: ClassVar = "Final visual states through the unembedding, as they are."
    citations: ClassVar = ("nostalgebraist2020logitlens",)
    needs: ClassVar = frozenset({"states"})

    @property
    def stages(self) -> Pipeline:
        """The base map alone."""
        return Pipeline()
