"""Parameters that several stages share, and the checks of their ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

from seewhy.core.errors import ParameterError, ScaleError
from seewhy.core.suggestions import unknown_choice_message
from seewhy.functional.interference import Variant

__all__ = ["SCALES", "Grid", "Variant", "Weights", "base_first", "expect_choice", "expect_scales"]

Weights = Literal["uniform", "consistency"]
Grid = Literal["base", "finest"]

#: The default scales of MSEA, chosen on the testbed (suite `ablation`): the paper names none.
SCALES = (1.0, 0.75, 1.25)


def expect_scales(scales: tuple[float, ...] | None) -> None:
    """Check scales.

    Raises:
        ScaleError: if there is none, or one is not a positive number or is repeated.
    """
    if scales is None:
        return
    if not scales:
        raise ScaleError("Expected at least one scale, got none: give 1 for the base scale alone.")
    for scale in scales:
        number = isinstance(scale, int | float) and not isinstance(scale, bool)
        if not number or not math.isfinite(scale) or scale <= 0:
            raise ScaleError(
                f"Expected positive scales, got {scale!r}: 0.5 shows the model half the size."
            )
    repeated = sorted({s for s in scales if scales.count(s) > 1})
    if repeated:
        raise ScaleError(
            f"Expected each scale once, got {', '.join(f'{s:g}' for s in repeated)} repeatedly: "
            "weights are set by `weights`, not by repetition."
        )


def base_first(scales: Sequence[float] | None) -> tuple[float, ...] | None:
    """Scales in reading order: the base scale, then the others in their order.

    Raises:
        ScaleError: as `expect_scales`.

    Example:
        >>> base_first([0.5, 2])
        (1.0, 0.5, 2.0)
    """
    if scales is None:
        return None
    scales = tuple(scales)
    expect_scales(scales)
    return (1.0, *(float(s) for s in scales if s != 1))


def expect_choice(name: str, value: str, choices: object) -> None:
    """Check that `value` is one of a Literal's.

    Raises:
        ParameterError: if it is not.
    """
    known = get_args(choices)
    if value not in known:
        raise ParameterError(unknown_choice_message(name, value, known))
