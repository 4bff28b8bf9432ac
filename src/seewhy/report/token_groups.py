"""Groups of tokens of the text axis, one for each word, and what is strongest in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of tokens of the text axis.

    Attributes:
        tokens: int64 `[member]`, indices on the text axis, group after group.
        owners: int64 `[member]`, the group of each.
        starts: where each group begins in `tokens`, and their number.
        count: number of groups.
    """

    tokens: Tensor
    owners: Tensor
    starts: tuple[int, ...]
    count: int

    @staticmethod
    def of(groups: Sequence[tuple[int, ...]]) -> Groups:
        """From the tokens of each group."""
        tokens = [token for group in groups for token in group]
        owners = [index for index, group in enumerate(groups) for _ in group]
        starts = [0]
        for group in groups:
            starts.append(starts[-1] + len(group))
        return Groups(
            torch.tensor(tokens).long(), torch.tensor(owners).long(), (*starts,), len(groups)
        )

    @staticmethod
    def singles(count: int) -> Groups:
        """A group for each of the first tokens."""
        each = torch.arange(count)
        return Groups(each, each, tuple(range(count + 1)), count)

    def first(self, count: int) -> Groups:
        """The first groups."""
        members = self.starts[count]
        return Groups(self.tokens[:members], self.owners[:members], self.starts, count)

    def strongest(self, relevance: Tensor) -> tuple[tuple[int, float], ...]:
        """Pairs of a group and its greatest relevance above 0, strongest first.

        Args:
            relevance: float `[text]`.

        Example:
            >>> Groups.of([(0, 1), (2,), (3,)]).strongest(torch.tensor([1.0, 3.0, 0.0, 4.0]))
            ((2, 4.0), (0, 3.0))
        """
        of_groups = torch.zeros(self.count, dtype=relevance.dtype)
        of_groups = of_groups.scatter_reduce(0, self.owners, relevance[self.tokens], "amax")
        values, order = of_groups.sort(descending=True, stable=True)
        kept = int((values > 0).sum())
        return tuple(zip(order[:kept].tolist(), values[:kept].tolist(), strict=True))
