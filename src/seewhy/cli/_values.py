"""Parsers of option values; standard library only."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def whole(*, at_least: int) -> Callable[[str], int]:
    """A parser of whole numbers of at least a bound."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = at_least - 1
        if number < at_least:
            raise argparse.ArgumentTypeError(
                f"Expected a whole number of at least {at_least}, got {text!r}"
            )
        return number

    return read


def real(*, above: float, below: float = math.inf) -> Callable[[str], float]:
    """A parser of finite numbers between two bounds, without the bounds."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not above < number < below:
            bounds = f"above {above:g}" + (f" and below {below:g}" if below < math.inf else "")
            raise argparse.ArgumentTypeError(f"Expected a number {bounds}, got {text!r}")
        return number

    return read
