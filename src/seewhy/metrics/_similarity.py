"""How alike two maps of a word are, for metrics of sanity."""

from __future__ import annotations

from torch import Tensor

from seewhy.functional.similarity import pearson, spearman, ssim
from seewhy.metrics._base import Figure, Measurement, Undefined, finite_or_undefined

#: How two maps are compared; the first is the figure without a suffix.
SIMILARITIES = {"": spearman, "-pearson": pearson, "-ssim": ssim}


def similarity_figures(name: str, what: str) -> tuple[Figure, ...]:
    """One figure for each of `SIMILARITIES`, low being good: the map should have changed."""
    known = {"": "Rank correlation", "-pearson": "Correlation", "-ssim": "Structural similarity"}
    return tuple(
        Figure(f"{name}{suffix}", f"{known[suffix]} of the map with {what}.", False, "correlation")
        for suffix in SIMILARITIES
    )


def similarities(name: str, own: Tensor, other: Tensor, word: int) -> list[Measurement | Undefined]:
    """How alike two maps are, under `similarity_figures`.

    A map that became constant is no longer alike: where only the other one is constant, both
    correlations are 0. Where the word's own map is, they are undefined.
    """
    lost = bool((other == other.flatten()[0]).all()) and bool((own != own.flatten()[0]).any())
    found: list[Measurement | Undefined] = []
    for suffix, alike in SIMILARITIES.items():
        if min(own.shape) < 2 and alike is ssim:
            found.append(Undefined(f"{name}{suffix}", "map of a single row"))
            continue
        value = 0.0 if lost and alike is not ssim else alike(own, other)
        found.append(finite_or_undefined(f"{name}{suffix}", value, word, reason="constant map"))
    return found
