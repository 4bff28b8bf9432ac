"""Control: uniform noise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.methods._base import Method
from seewhy.methods._evidence import Evidence
from seewhy.methods._perturbation import expect_at_least
from seewhy.methods._scores import attribution_from_maps


@dataclass(frozen=True)
class Random(Method):
    """A number drawn uniformly from [0, 1) for each cell, and for each earlier token of the text.

    The numbers of a token depend only on the seed, the text up to it and the size of the grids: not
    on the picture or on later text.

    Source: the usual control; the details are ours.

    Attributes:
        seed: at least 0.
    """

    name: ClassVar = "random"
    summary: ClassVar = "Control: uniform noise on every cell and every context token."
    citations: ClassVar = ("adebayo2018sanity",)
    needs: ClassVar = frozenset()

    seed: int = 0

    def __post_init__(self) -> None:
        expect_at_least("seed", self.seed, 0)

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`."""
        text = evidence.trace.text_tokens
        grids = [grid.shape for grid in evidence.trace.inputs.base_grids]
        maps = [torch.empty(len(text), *grid) for grid in grids]
        context = torch.zeros(len(text), len(text))
        prefix = hashlib.sha256(str(self.seed).encode())
        for i, token in enumerate(text):
            prefix.update(f" {token.id}".encode())
            generator = torch.Generator().manual_seed(int.from_bytes(prefix.digest()[:7]))
            context[i, :i] = torch.rand(i, generator=generator)
            for view, grid in zip(maps, grids, strict=True):
                view[i] = torch.rand(grid, generator=generator)
        return attribution_from_maps(evidence, maps, context=context)
