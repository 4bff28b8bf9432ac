"""From attention scores to attention weights."""

from __future__ import annotations

import torch
from torch import Tensor


def weights_of_scores(
    scores: Tensor, mask: Tensor, *, softcap: float | None = None, sinks: Tensor | None = None
) -> Tensor:
    r"""Attention weights from scaled scores: $\mathrm{softmax}(c \tanh(x / c) + m)$.

    Args:
        scores: x, float `[..., head, row, position]`.
        mask: bool, True where a row attends; or float, m, added to the scores; it broadcasts.
        softcap: c, or None if scores are not capped.
        sinks: `[head]`, logits of attention sinks, one more term of each softmax's denominator; or
            None.

    Returns:
        `[..., head, row, position]`; rows sum to 1, or to less with sinks.

    Example:
        >>> scores = torch.zeros(1, 1, 3)
        >>> weights_of_scores(scores, torch.tensor([[True, True, False]]))
        tensor([[[0.5000, 0.5000, 0.0000]]])
        >>> weights_of_scores(scores, torch.tensor([[True] * 3]), sinks=torch.zeros(1)).sum()
        tensor(0.7500)
    """
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    if mask.dtype == torch.bool:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    else:
        scores = scores + mask.to(scores.dtype)
    if sinks is None:
        return scores.softmax(-1)
    column = sinks.to(scores)[:, None, None].expand(*scores.shape[:-1], 1)
    return torch.cat([scores, column], -1).softmax(-1)[..., :-1]
