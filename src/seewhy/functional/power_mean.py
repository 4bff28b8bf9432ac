"""The power mean, between the arithmetic and the geometric mean."""

from __future__ import annotations

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError, ShapeError


def power_mean(first: Tensor, second: Tensor, exponent: float) -> Tensor:
    r"""The mean of two scores, cell by cell.

    $$M_q(a, b) = \Big(\frac{a^q + b^q}{2}\Big)^{1/q}$$

    At q = 1 it is the arithmetic mean, where one high score is enough; as q goes to 0 it approaches
    the geometric mean, which is 0 where one score is. Between them a cell with one score of 0 still
    has a value, but a low one.

    Args:
        first, second: float, non-negative, one shape.
        exponent: q, in (0, 1].

    Returns:
        float32, of the same shape, between the two scores.

    Raises:
        ShapeError: if the shapes differ.
        ParameterError: if the exponent is out of range.

    Example:
        >>> power_mean(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), 0.5)
        tensor([1.0000, 0.2500])
    """
    if first.shape != second.shape:
        raise ShapeError(
            f"Expected two scores of one shape, got {list(first.shape)} and {list(second.shape)}: "
            "resample them to the same grid."
        )
    expect_exponent(exponent)
    # In float32 a small power rounds to 1, and all scores become equal.
    mean = (first.double() ** exponent + second.double() ** exponent) / 2
    larger = torch.maximum(first, second).float()
    return (mean ** (1 / exponent)).float().minimum(larger)  # rounding may exceed it


def expect_exponent(exponent: float) -> None:
    """Check an exponent of `power_mean`.

    Raises:
        ParameterError: if it is not in (0, 1].
    """
    if isinstance(exponent, bool) or not isinstance(exponent, int | float) or not 0 < exponent <= 1:
        raise ParameterError(
            f"Expected an exponent in (0, 1], got {exponent!r}: 1 is the arithmetic mean, and "
            "lower values are closer to the geometric mean."
        )
