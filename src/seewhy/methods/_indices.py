"""Parameters that choose layers or heads: one number, several, or a range."""

from __future__ import annotations

import re
from collections.abc import Callable

from seewhy.core.errors import ParameterError

Indices = int | tuple[int, ...] | str
"""One number, several such as `(3, 5)`, or a range such as `"4-7"` with both ends."""

RANGE = re.compile(r"(-?\d+)-(-?\d+)")


def expect_indices(name: str, value: object, *words: str) -> None:
    """Check numbers of layers or heads; their range is checked with the model.

    Args:
        name: of the parameter.
        value: its value.
        words: other values that it may have.

    Raises:
        ParameterError: if it is neither one of the words, nor a whole number, several, or a range.
    """
    if value in words or _is_number(value) or (isinstance(value, str) and RANGE.fullmatch(value)):
        return
    if isinstance(value, tuple) and value and all(map(_is_number, value)):
        return
    raise ParameterError(
        f"Expected {name} as {''.join(f'{word}, ' for word in words)}a whole number, several such "
        f"as (3, 5), or a range such as 4-7, got {value!r}: 0 is the first, -1 the last."
    )


def all_of(name: str, value: Indices, at: Callable[[int], int]) -> tuple[int, ...]:
    """The numbers that a parameter chooses, counted from 0, rising, each once.

    Args:
        name: of the parameter.
        value: checked by `expect_indices`.
        at: gives a number counted from 0, or raises if it is out of range.

    Raises:
        ParameterError: if a number is out of range, or a range falls.

    Example:
        >>> all_of("layer", (5, -1, 3), lambda number: number % 6)
        (3, 5)
        >>> all_of("layer", "-3--1", lambda number: number % 6)
        (3, 4, 5)
    """
    if isinstance(value, str):
        return _range(name, value, at)
    numbers = value if isinstance(value, tuple) else (value,)
    return tuple(sorted({at(number) for number in numbers}))


def _range(name: str, value: str, at: Callable[[int], int]) -> tuple[int, ...]:
    match = RANGE.fullmatch(value)
    first, last = (at(int(end)) for end in match.groups()) if match else (1, 0)
    if first > last:
        raise ParameterError(
            f"Expected {name} as a rising range, got {value!r}: give the lower end first; negative "
            "numbers count from the end."
        )
    return tuple(range(first, last + 1))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
