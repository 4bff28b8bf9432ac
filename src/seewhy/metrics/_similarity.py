"""Similarity of two maps of a word, for sanity checks."""

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


def similarities(
    name: str, original: Tensor, changed: Tensor, word: int
) -> list[Measurement | Undefined]:
    """The similarities of a map and a changed one, as figures of `similarity_figures`.

    If only the changed map is constant, both correlations are 0. If the original map is constant,
    they are undefined.
    """
    became_constant = _is_constant(changed) and not _is_constant(original)
    results: list[Measurement | Undefined] = []
    for suffix, similarity in SIMILARITIES.items():
        if min(original.shape) < 2 and similarity is ssim:
            results.append(Undefined(f"{name}{suffix}", "map of a single row"))
            continue
        correlation = similarity is not ssim
        value = 0.0 if became_constant and correlation else similarity(original, changed)
        results.append(finite_or_undefined(f"{name}{suffix}", value, word, reason="constant map"))
    return results


def _is_constant(values: Tensor) -> bool:
    return bool((values == values.flatten()[0]).all())
