"""Numbers of the pages' payloads: boxes, and how numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from torch import Tensor

# JSON has no tuples: the types in a list of fixed length are in its annotation.
Box = Annotated[list[float], (float, float, float, float)]
"""Left, top, right and bottom in pixels of the original picture."""


def short(number: float | np.floating | Tensor, digits: int = 5) -> float:
    """Round to significant digits.

    >>> short(0.123456789), short(1234567.0)
    (0.12346, 1234600.0)
    """
    number = float(number)
    if not math.isfinite(number):
        raise ValueError(f"Expected finite numbers in a record, got {number}.")
    return float(f"{number:.{digits}g}")


def shorts(numbers: Sequence[float], digits: int = 5) -> list[float]:
    """Round many numbers to significant digits, as `short` does each.

    >>> shorts([0.123456789, 1234567.0], 3)
    [0.123, 1230000.0]
    """
    if not math.isfinite(sum(numbers)):
        raise ValueError(f"Expected finite numbers in a record, got {sum(numbers)}.")
    form = f".{digits}g"
    return [float(format(number, form)) for number in numbers]
