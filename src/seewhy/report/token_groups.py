"""Groups of tokens of the text axis, one for each word, and what is strongest in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

FEW = 8
"""A list is sorted as a whole unless this part of it, or more, is kept."""


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

    def strongest(self, relevance: Tensor) -> Tensor:
        """The greatest relevance of each group, at least 0: float `[group]`.

        Args:
            relevance: float `[text]`.

        Example:
            >>> Groups.of([(0, 1), (2,), (3,)]).strongest(torch.tensor([1.0, 3.0, -1.0, 4.0]))
            tensor([3., 0., 4.])
        """
        of_groups = torch.zeros(self.count, dtype=relevance.dtype)
        return of_groups.scatter_reduce(0, self.owners, relevance[self.tokens], "amax")


def ranked(values: Tensor, most: int | None = None) -> tuple[tuple[int, float], ...]:
    """Pairs of an index and its value above 0, greatest first, of equals the first first.

    Args:
        values: float `[index]`.
        most: how many at most; None for all.

    Example:
        >>> ranked(torch.tensor([3.0, 0.0, 4.0]))
        ((2, 4.0), (0, 3.0))
    """
    # NumPy: of thousands of lists the overhead of each call matters.
    numbers = values.numpy()
    kept = int(np.count_nonzero(numbers > 0))
    kept = kept if most is None else min(kept, most)
    order = _greatest(numbers, kept)
    return tuple(zip(order.tolist(), numbers[order].tolist(), strict=True))


def _greatest(numbers: np.ndarray, kept: int) -> np.ndarray:
    """The indices of the first `kept`, greatest first; of a long list only those are sorted."""
    if not 0 < kept < len(numbers) // FEW:
        return np.argsort(-numbers, kind="stable")[:kept]
    least = np.partition(numbers, len(numbers) - kept)[len(numbers) - kept]
    candidates = np.flatnonzero(numbers >= least)
    return candidates[np.argsort(-numbers[candidates], kind="stable")[:kept]]
