"""The false positive rate of a score at a fixed recall."""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError


def false_positive_rate_at_recall(
    positive: Tensor, negative: Tensor, recall: float = 0.95
) -> Tensor:
    r"""How many negatives lie at or above the highest threshold that finds enough positives.

    $$\mathrm{FPR} = N(t) / N, \quad t = \max \{ s : P(s) / P \ge r \}$$

    with P(s) and N(s) the weight of positives and negatives whose score is at least s.

    Args:
        positive: float `[replicate, score]`, the weight of positives at each distinct score, scores
            rising.
        negative: likewise of negatives.
        recall: r, in (0, 1].

    Returns:
        float64 `[replicate]` in [0, 1]; NaN where there are no positives or no negatives.

    Raises:
        ParameterError: if the recall is out of range.

    Example:
        >>> false_positive_rate_at_recall(torch.tensor([[0., 1, 1]]), torch.tensor([[3., 1, 0]]))
        tensor([0.2500], dtype=torch.float64)
    """
    if not 0 < recall <= 1:
        raise ParameterError(f"Expected a recall in (0, 1], got {recall!r}: 0.95 is usual.")
    above = positive.double().flip(1).cumsum(1)
    false = negative.double().flip(1).cumsum(1)
    # A tiny tolerance: 19 of 20 is 0.95 however the sum was rounded.
    found = above >= recall * above[:, -1:] - 1e-9 * above[:, -1:]
    first = found.double().argmax(1, keepdim=True)
    share = false.gather(1, first) / false[:, -1:]
    undefined = (above[:, -1:] == 0) | (false[:, -1:] == 0)
    return torch.where(undefined, torch.nan, share)[:, 0]
