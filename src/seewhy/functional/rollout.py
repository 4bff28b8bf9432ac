"""Rollout: relevance of some positions, propagated down through layers of attention."""

from __future__ import annotations

import torch
from torch import Tensor


class Rollout:
    r"""Rows of the product of all $(k I + m A)$, without any product of square matrices.

    $$r \leftarrow k\, r + m\, r A$$

    for each layer, the highest first. A layer's matrix may come in blocks of rows.

    Args:
        starts: int64 `[row]`, the positions at which each row begins, as 1 of the identity.
        length: number of positions.
        keep, mix: k and m, the shares of the identity and of attention.
        dtype, device: of the relevance.

    Example:
        >>> rollout = Rollout(torch.tensor([1]), 2, keep=0.5, mix=0.5)
        >>> attention = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
        >>> rollout.add(slice(None), torch.tensor([0, 1]), attention)
        >>> rollout.end_layer()
        >>> rollout.relevance()
        tensor([[0.1250, 0.3750]])
    """

    def __init__(
        self,
        starts: Tensor,
        length: int,
        keep: float,
        mix: float,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self._keep, self._mix, self._stayed = keep, mix, 1.0
        self._start = torch.zeros(len(starts), length, dtype=dtype, device=device)
        self._start[torch.arange(len(starts)), starts] = 1.0
        self._relevance = self._start.clone()
        self._moved = torch.zeros_like(self._start)

    def reached(self, rows: Tensor) -> bool:
        """Whether any relevance is at some positions, int64 `[position]`, in this layer."""
        return bool(self._relevance[:, rows.to(self._start.device)].any())

    def add(self, which: int | slice, rows: Tensor, step: Tensor) -> None:
        """Add what some positions read in this layer.

        Args:
            which: for which of the rows of relevance.
            rows: int64 `[position]`, the positions that read.
            step: A, `[position, position]`, of these positions.
        """
        at = rows.to(self._start.device)
        self._moved[which] += self._relevance[which][..., at] @ step.to(self._start)

    def end_layer(self) -> None:
        """Go on with the layer below."""
        self._relevance = self._keep * self._relevance + self._mix * self._moved
        self._moved = torch.zeros_like(self._moved)
        self._stayed *= self._keep

    def relevance(self) -> Tensor:
        """`[row, position]`, without what stayed at its start through the identity."""
        return (self._relevance - self._stayed * self._start).clamp_min(0.0)
