"""Which scales the model really sees: true ratios, twins, and scales in place of forbidden ones.

A processor rounds sizes to whole tokens and has limits. So a requested scale may come out at
another ratio, or at nearly the size of another scale. Definitions:

- The **true scale** of a reading is the square root of the ratio of its pixels in the model's input
  to those at scale 1, over all pictures (and steps of a clip) together. For tiles it is the canvas
  that counts; padding does not.
- Two readings are **twins** if for every picture the square roots of their areas differ by at most
  10 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Sizes = tuple[tuple[int, int], ...]
"""For each view width and height in pixels of the model's input."""

TWIN = 1.1
"""The ratio of sides up to which two sizes are nearly the same."""

LEAST = 0.2
"""The smallest scale that may take the place of another one."""

#: For the comparison of ratios such as 44 / 40 with 1.1.
ROUNDING = 1e-9


def true_scale(sizes: Sequence[tuple[int, int]], base: Sequence[tuple[int, int]]) -> float:
    """The ratio of sides that the model sees, over all views.

    Args:
        sizes: width and height of each view.
        base: those at scale 1.

    Example:
        >>> true_scale([(36, 24)], [(48, 32)])
        0.75
    """
    pixels, of_base = (sum(width * height for width, height in views) for views in (sizes, base))
    return math.sqrt(pixels / of_base)


def are_twins(sizes: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> bool:
    """Whether two readings show every view in nearly the same size.

    Example:
        >>> are_twins([(47, 26)], [(48, 26)]), are_twins([(47, 26)], [(60, 33)])
        (True, False)
    """
    ratios = (true_scale([one], [other]) for one, other in zip(sizes, others, strict=True))
    return all(max(ratio, 1 / ratio) <= TWIN + ROUNDING for ratio in ratios)


def twin_among(sizes: Sizes, known: Mapping[float, Sizes]) -> float | None:
    """The requested scale of a reading with nearly the same size; an equal size comes first."""
    equal = (scale for scale, others in known.items() if others == sizes)
    near = (scale for scale, others in known.items() if are_twins(sizes, others))
    return next(equal, None) or next(near, None)


@dataclass(frozen=True)
class Choice:
    """What became of a requested scale.

    Attributes:
        scale: the scale to read, which may be another one; None for none.
        note: for the reader; empty if the requested scale is read.
    """

    scale: float | None
    note: str = ""


def choose_scale(
    scale: float, sizes_at: Callable[[float], Sizes | None], known: Mapping[float, Sizes]
) -> Choice:
    """The scale to read for a requested one that may be replaced.

    A scale that comes out as a twin of another one is left out. If it is above 1, a limit forbids
    to go up: then the first of 1 / scale, 1 / scale^2, ... takes its place that is no twin.

    Args:
        scale: the requested scale.
        sizes_at: the sizes at a scale; None for a scale that cannot be read.
        known: the sizes of the scales that are read already, the base scale first.
    """
    sizes = sizes_at(scale)
    base_scale, base = next(iter(known.items()))
    if sizes is None:
        return Choice(None)
    twin = twin_among(sizes, known)
    forbidden = scale > 1 and true_scale(sizes, base) * base_scale <= TWIN + ROUNDING
    if twin is None and not forbidden:
        return Choice(scale)
    reason = f"Scale {scale:g} was left out: {_came_out(sizes, twin, known, base)}."
    lower = _scale_below(scale, sizes_at, known) if scale > 1 else None
    if lower is None:
        return Choice(None, reason)
    return Choice(lower, f"{reason} Scale {lower:.3g} took its place.")


def _came_out(sizes: Sizes, twin: float | None, known: Mapping[float, Sizes], base: Sizes) -> str:
    written = f"it comes out at {described(sizes)} pixels"
    if twin is None:
        return f"{written}, {true_scale(sizes, base):.3g} times the sides at scale 1"
    if known[twin] == sizes:
        return f"{written}, as scale {twin:g} does"
    return f"{written}, within 10 % of {described(known[twin])} at scale {twin:g}"


def _scale_below(
    scale: float, sizes_at: Callable[[float], Sizes | None], known: Mapping[float, Sizes]
) -> float | None:
    """The largest of 1 / scale, 1 / scale^2, ... that gives a new size below the base scale's."""
    base, lower = next(iter(known.values())), 1 / scale
    while lower >= LEAST:
        sizes = sizes_at(lower)
        if sizes is not None and twin_among(sizes, known) is None and true_scale(sizes, base) < 1:
            return lower
        lower /= scale
    return None


def described(sizes: Sizes) -> str:
    """Sizes in words, each once."""
    return " and ".join(dict.fromkeys(f"{width} x {height}" for width, height in sizes))
