"""The logit lens, also called CAM: the unembedding applied to visual states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seewhy.methods._stages import Pipeline, StagedMethod


@dataclass(frozen=True)
class LogitLens(StagedMethod):
    """A_i[v] = relu(H_v . W[c_i]), without further stages.

    Source: nostalgebraist (2020) for text; TAM's baseline on images.
    """

    name: ClassVar = "logit-lens"
    summary: ClassVar = "The unembedding applied to the final visual states."
    citations: ClassVar = ("nostalgebraist2020logitlens",)
    needs: ClassVar = frozenset({"states"})

    @property
    def stages(self) -> Pipeline:
        """Only the base map."""
        return Pipeline()
