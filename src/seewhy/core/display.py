"""The scales on which maps are shown.

A map is shown on one of three scales: that of the whole answer, its own, or that which it shares
with the scores of the words before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import unknown_name_message

Display = Literal["answer", "word", "joint"]
"""On what scale a map is shown: `"answer"`, one for all words of the answer, so that they can be
compared; `"word"`, this map alone; `"joint"`, together with the scores of the words before it."""

DISPLAY: Display = "answer"
"""The usual one."""

#: The smallest range, so that a token whose scores are all equal is shown as 0 and not as NaN.
LEAST_RANGE = 1e-12

#: On the answer's scale, the part of all values that is below full brightness.
QUANTILE = 0.99


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


def answer_span(maps: Sequence[Tensor], floor: Tensor) -> float:
    r"""How far above its floor a value is shown as 1, on the one scale of a whole answer.

    $$S = \mathrm{quantile}_{0.99} \{ (A_i[v] - f_i)_+ \}$$

    over all tokens i and all cells v. The largest hundredth of all values is shown as 1. Each view
    counts the same, however many cells it has.

    Args:
        maps: for each view float `[token, height, width]`.
        floor: float `[token]`, the value that is shown as 0.

    Returns:
        In the unit of the maps. Where more than 99 % of all values are at the floor, the largest
        value; 0 where all are.

    Example:
        >>> import torch
        >>> answer_span([torch.arange(200.0).view(2, 10, 10)], torch.zeros(2))
        197.0
    """
    above = [(view - floor.to(view)[:, None, None]).clamp_min(0).flatten().cpu() for view in maps]
    cells = max((len(view) for view in above), default=0)
    if cells == 0:
        return 0.0
    values, order = torch.cat(above).sort()
    weights = torch.cat(
        [torch.full((len(view),), cells / max(len(view), 1), dtype=torch.float64) for view in above]
    )
    below = weights[order].cumsum(0)
    # Less a tiny part, so that sums of fractions do not end just below a whole number.
    found = float(values[torch.searchsorted(below, (QUANTILE - 1e-9) * below[-1])])
    return found if found > 0 else float(values[-1])


def expect_display(display: str) -> Display:
    """Return the name of a scale, or raise `UnknownNameError`.

    Example:
        >>> expect_display("word")
        'word'
    """
    if display not in get_args(Display):
        raise UnknownNameError(unknown_name_message("display", display, get_args(Display)))
    return display  # type: ignore[return-value]
