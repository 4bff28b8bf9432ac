"""What the data sets of drawn scenes share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

from seewhy.core.errors import DatasetError


def expect_no_folder(name: str, place: Path | None) -> None:
    """Check that no folder was given.

    Raises:
        DatasetError: if one was.
    """
    if place is not None:
        raise DatasetError(
            f"Expected no folder for {name}, got {place}: its scenes are drawn; give options, "
            f"as in {name}:split=train,count=100."
        )


def scene_indices(start: int, number: int, can_be: Callable[[int], bool] | None) -> tuple[int, ...]:
    """The indices of the first scenes from `start` on that can be taken; None takes all.

    Example:
        >>> scene_indices(3, 2, lambda index: index % 2 == 0)
        (4, 6)
    """
    possible = count(start) if can_be is None else filter(can_be, count(start))
    return tuple(islice(possible, number))


def hashed(name: str, facts: str) -> str:
    """The fingerprint of a data set by the facts on which its samples depend."""
    return f"{name}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
