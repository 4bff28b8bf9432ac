"""The scale on which maps and context are shown."""

from __future__ import annotations

from torch import Tensor

#: The smallest range, so that a token whose scores are all equal is shown as 0 and not as NaN.
LEAST_RANGE = 1e-12


def to_display(values: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    r"""Scale values to [0, 1] for display.

    $$d = \min(1, \max(0, (v - low) / (high - low)))$$

    Args:
        values: float, any shape.
        low, high: shown as 0 and 1, in the unit of the values; they broadcast to their shape.

    Returns:
        In [0, 1], of the values' shape; finite even where high equals low.

    Example:
        >>> import torch
        >>> to_display(torch.tensor([1.0, 3.0, 9.0]), 2.0, 6.0)
        tensor([0.0000, 0.2500, 1.0000])
    """
    span = high - low
    span = span.clamp_min(LEAST_RANGE) if isinstance(span, Tensor) else max(span, LEAST_RANGE)
    return ((values - low) / span).clamp(0, 1)
