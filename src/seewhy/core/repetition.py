"""Answers that repeat themselves: one word, or a few, over and over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 64
"""Pieces of the longest loop that is looked for."""
LEAST_REPEATS = 3
"""How often several pieces must follow each other to be a loop."""
LEAST_SINGLE = 5
"""How often one piece must."""
LEAST_PIECES = 12
"""Pieces that all repeats of a loop of several pieces hold together, at least."""


@dataclass(frozen=True)
class Loop:
    """Pieces that are repeated without anything between.

    Attributes:
        start: index of the first piece.
        length: pieces of one repeat.
        repeats: how often they follow each other, the first time included.
    """

    start: int
    length: int
    repeats: int


def longest_loop(pieces: Sequence[str]) -> Loop | None:
    """The loop that covers most pieces, of equal ones the shortest; None if there is none.

    A loop must hold a letter or a number: rows of dots or dashes are none. Several numbers in a row
    are none either, such as a table of zeros.

    Args:
        pieces: words or tokens, in order.

    Example:
        >>> longest_loop("a large large large large large".split())
        Loop(start=1, length=1, repeats=5)
        >>> longest_loop("a red car and a blue car".split()) is None
        True
    """
    best: Loop | None = None
    for length in range(1, min(LONGEST, len(pieces) // LEAST_REPEATS) + 1):
        loop = _longest_of(pieces, length)
        if loop is not None and (best is None or _covers(loop) > _covers(best) * 1.2):
            best = loop
    return best


def _covers(loop: Loop) -> int:
    return loop.length * loop.repeats


def _longest_of(pieces: Sequence[str], length: int) -> Loop | None:
    """The longest loop whose repeats have this many pieces."""
    best: Loop | None = None
    start = run = 0
    for index in range(length, len(pieces) + 1):
        if index < len(pieces) and pieces[index] == pieces[index - length]:
            start = index - length if run == 0 else start
            run += 1
            continue
        loop = Loop(start, length, run // length + 1)
        if _is_loop(loop, pieces) and (best is None or loop.repeats > best.repeats):
            best = loop
        run = 0
    return best


def _is_loop(loop: Loop, pieces: Sequence[str]) -> bool:
    least = LEAST_SINGLE if loop.length == 1 else LEAST_REPEATS
    if loop.repeats < least or (loop.length > 1 and _covers(loop) < LEAST_PIECES):
        return False
    letters = [any(map(str.isalpha, p)) for p in pieces[loop.start : loop.start + loop.length]]
    return any(letters)
