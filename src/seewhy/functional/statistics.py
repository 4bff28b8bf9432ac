"""Statistics of values of many pictures, with intervals by a bootstrap over pictures.

Words of one picture are not independent, so pictures and not words are drawn with replacement
(cluster bootstrap). A drawing is a row of weights: how often each picture was drawn. Every
statistic takes the weights of all drawings at once, and the same weights for all methods make
their differences paired. The weights `ones(1, image)` give the estimate without drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from seewhy.core.errors import ParameterError, ShapeError

Statistic = Literal["mean", "harmonic", "auroc", "average-precision", "fpr95"]

RECALL = 0.95
"""The recall at which `"fpr95"` is taken."""

#: Values times drawings that are computed together: 64 MB of float64.
_BLOCK = 8_000_000


@dataclass(frozen=True, eq=False)
class Values:
    """Values of one figure, and the picture of each.

    Attributes:
        values: float `[value]`, finite.
        images: int64 `[value]`, the index of each value's picture on the axis of the weights.
        labels: bool `[value]`, what a score should predict, or None.
    """

    values: Tensor
    images: Tensor
    labels: Tensor | None = None

    def __post_init__(self) -> None:
        for name in ("values", "images", "labels"):
            tensor = getattr(self, name)
            if tensor is not None and (tensor.ndim != 1 or len(tensor) != len(self.values)):
                raise ShapeError(
                    f"Expected {name} with one entry for each of {len(self.values)} values, got "
                    f"shape {list(tensor.shape)}: give flat tensors of one length."
                )
        if not bool(self.values.isfinite().all()):
            raise ParameterError(
                "Expected finite values, got NaN or infinity: leave out undefined values, and "
                "count them."
            )

    @staticmethod
    def of(
        values: Sequence[float], images: Sequence[int], labels: Sequence[bool] | None = None
    ) -> Values:
        """From plain numbers."""
        return Values(
            torch.tensor(values, dtype=torch.float64),
            torch.tensor(images, dtype=torch.int64),
            None if labels is None else torch.tensor(labels, dtype=torch.bool),
        )

    def among(self, images: Tensor) -> Values:
        """The values of some pictures."""
        kept = torch.isin(self.images, images)
        labels = None if self.labels is None else self.labels[kept]
        return Values(self.values[kept], self.images[kept], labels)


@dataclass(frozen=True)
class Estimate:
    """A statistic with its interval.

    Attributes:
        value: over all pictures; NaN where the statistic is undefined.
        low, high: the interval; NaN where the statistic is undefined for all drawings.
        images: pictures with at least one value.
        values: number of values.
    """

    value: float
    low: float
    high: float
    images: int
    values: int


def bootstrap_weights(images: int, replicates: int = 1000, seed: int = 0) -> Tensor:
    """How often each picture is drawn, in each of many drawings with replacement.

    Args:
        images: number of pictures, at least 1; each drawing draws as many.
        replicates: number of drawings, at least 1.
        seed: of the drawings.

    Returns:
        float64 `[replicate, image]`, each row sums to `images`.

    Raises:
        ParameterError: if there is nothing to draw.

    Source:
        Efron 1979; whole pictures are drawn because their words are not independent (Field and
        Welsh 2007, cluster bootstrap).

    Example:
        >>> bootstrap_weights(5, replicates=3).sum(1).tolist()
        [5.0, 5.0, 5.0]
    """
    if images < 1 or replicates < 1:
        raise ParameterError(
            f"Expected at least 1 image and 1 replicate, got {images} and {replicates}: there is "
            "nothing to draw."
        )
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(images, (replicates, images), generator=generator)
    weights = torch.zeros(replicates, images, dtype=torch.float64)
    return weights.scatter_add_(1, drawn, torch.ones_like(weights))


def weighted_mean(values: Values, weights: Tensor) -> Tensor:
    r"""The mean over values, each as often as its picture was drawn.

    $$\sum_i w_i v_i \,/\, \sum_i w_i$$

    Args:
        values: one for each word, or for each picture.
        weights: float `[replicate, image]`, non-negative.

    Returns:
        float64 `[replicate]`; NaN where no picture with a value was drawn.

    Example:
        >>> two = Values.of([1.0, 2.0, 6.0], images=[0, 0, 1])
        >>> weighted_mean(two, torch.tensor([[1.0, 1.0], [2.0, 0.0]])).tolist()
        [3.0, 1.5]
    """
    _expect_weights(values, weights)
    sums = torch.zeros(2, weights.shape[1], dtype=torch.float64)
    parts = torch.stack([values.values.double(), torch.ones(len(values.values)).double()])
    sums.index_add_(1, values.images, parts)
    totals, counts = sums @ weights.double().T
    return totals / counts


def harmonic_mean(first: Tensor, second: Tensor) -> Tensor:
    r"""The harmonic mean of two non-negative means, for each drawing.

    $$2ab / (a + b)$$

    Args:
        first, second: float `[replicate]`.

    Returns:
        `[replicate]`; 0 where both are 0, NaN where one is.

    Example:
        >>> harmonic_mean(torch.tensor([0.5, 0.0]), torch.tensor([1.0, 0.0]))
        tensor([0.6667, 0.0000])
    """
    total = first + second
    return torch.where(total == 0, 0.0, 2 * first * second / total)


def weighted_auroc(values: Values, weights: Tensor) -> Tensor:
    r"""Area under the ROC curve of scores against their labels, values weighted by drawings.

    $$\frac{\sum_{i \in P, j \in N} w_i w_j \left([v_i > v_j] + \tfrac12 [v_i = v_j]\right)}
    {\sum_{i \in P} w_i \sum_{j \in N} w_j}$$

    Args:
        values: with labels.
        weights: float `[replicate, image]`, non-negative.

    Returns:
        float64 `[replicate]` in [0, 1]; NaN where one of the labels was not drawn.

    Raises:
        ParameterError: if the values have no labels.

    Source:
        Mann and Whitney 1947; equal values count half.

    Example:
        >>> four = Values.of([0.1, 0.4, 0.4, 0.9], [0, 1, 2, 3], [False, False, True, True])
        >>> weighted_auroc(four, torch.ones(1, 4)).tolist()
        [0.875]
    """

    def auroc(positive: Tensor, negative: Tensor) -> Tensor:
        won = positive * (negative.cumsum(1) - negative / 2)
        return won.sum(1) / (positive.sum(1) * negative.sum(1))

    return _by_levels(values, weights, auroc)


def weighted_average_precision(values: Values, weights: Tensor) -> Tensor:
    r"""Average precision of scores against their labels, values weighted by drawings.

    $$\sum_k (R_k - R_{k-1})\, P_k$$

    over the distinct scores as thresholds from the highest down, R and P being recall and
    precision of the values at or above the threshold; no interpolation.

    Args:
        values: with labels.
        weights: float `[replicate, image]`, non-negative.

    Returns:
        float64 `[replicate]` in [0, 1]; NaN where no true label was drawn. For an
        uninformative score it is the share of true labels.

    Raises:
        ParameterError: if the values have no labels.

    Source:
        The sum without interpolation, as in scikit-learn.

    Example:
        >>> three = Values.of([0.9, 0.5, 0.1], [0, 1, 2], [True, False, True])
        >>> weighted_average_precision(three, torch.ones(1, 3)).tolist()
        [0.8333333333333333]
    """

    def precision(positive: Tensor, negative: Tensor) -> Tensor:
        positive, negative = positive.flip(1), negative.flip(1)
        hits = positive.cumsum(1)
        selected = hits + negative.cumsum(1)
        # Thresholds with nothing drawn at or above them add no recall.
        at_threshold = hits / selected.clamp_min(torch.finfo(torch.float64).tiny)
        return (positive * at_threshold).sum(1) / positive.sum(1)

    return _by_levels(values, weights, precision)


def weighted_fpr95(values: Values, weights: Tensor) -> Tensor:
    r"""False positive rate of scores at 95 % recall of true labels, weighted by drawings.

    $$\frac{\sum_{j \in N} w_j [v_j \ge t]}{\sum_{j \in N} w_j}, \quad
    t = \max \left\{ v_k : \frac{\sum_{i \in P} w_i [v_i \ge v_k]}{\sum_{i \in P} w_i}
    \ge 0.95 \right\}$$

    The threshold t is the highest score at which at least 95 % of the true labels are found; no
    interpolation.

    Args:
        values: with labels.
        weights: float `[replicate, image]`, non-negative.

    Returns:
        float64 `[replicate]` in [0, 1], lower is better; NaN where one of the labels was not drawn.
        For an uninformative score it is about 0.95.

    Raises:
        ParameterError: if the values have no labels.

    Source:
        Of the detection of unusual inputs, Liang et al. 2018 (arXiv 1706.02690); the first point
        of scikit-learn's `roc_curve` with a recall of at least 0.95.

    Example:
        >>> four = Values.of([0.1, 0.4, 0.4, 0.9], [0, 1, 2, 3], [False, False, True, True])
        >>> weighted_fpr95(four, torch.ones(1, 4)).tolist()
        [0.5]
    """

    def false_positive_rate(positive: Tensor, negative: Tensor) -> Tensor:
        positive, negative = positive.flip(1), negative.flip(1)
        recall = positive.cumsum(1) / positive.sum(1, keepdim=True)
        rates = negative.cumsum(1) / negative.sum(1, keepdim=True)
        # At the first threshold that finds enough.
        first = (recall >= RECALL).to(torch.int8).argmax(1, keepdim=True)
        found = rates.gather(1, first)[:, 0]
        return torch.where(recall[:, -1].isnan(), recall[:, -1], found)

    return _by_levels(values, weights, false_positive_rate)


def statistic(kind: Statistic, parts: Sequence[Values], weights: Tensor) -> Tensor:
    """One of the statistics, for each drawing.

    Args:
        kind: which.
        parts: two for `"harmonic"`, one for the others.
        weights: float `[replicate, image]`.

    Returns:
        float64 `[replicate]`; NaN where it is undefined.

    Raises:
        ParameterError: if the kind is unknown, or takes another number of parts.
    """
    known = {
        "mean": weighted_mean,
        "auroc": weighted_auroc,
        "average-precision": weighted_average_precision,
        "fpr95": weighted_fpr95,
    }
    wanted = 2 if kind == "harmonic" else 1
    if kind != "harmonic" and kind not in known:
        raise ParameterError(
            f"Expected a statistic among harmonic, {', '.join(known)}, got {kind!r}."
        )
    if len(parts) != wanted:
        raise ParameterError(
            f"Expected {wanted} set{'s' if wanted > 1 else ''} of values for the {kind} "
            f"statistic, got {len(parts)}: harmonic takes two, the others one."
        )
    if kind == "harmonic":
        return harmonic_mean(*(weighted_mean(part, weights) for part in parts))
    return known[kind](parts[0], weights)


def interval(replicates: Tensor, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of a statistic over drawings.

    Args:
        replicates: float `[replicate]`; NaN, where it is undefined, is left out.
        level: the share of drawings inside, in (0, 1).

    Returns:
        Low and high, interpolated linearly; NaN if no drawing is left.

    Raises:
        ParameterError: if the level is out of range.

    Example:
        >>> low, high = interval(torch.arange(101.0), level=0.9)
        >>> round(low, 3), round(high, 3)
        (5.0, 95.0)
    """
    if not 0 < level < 1:
        raise ParameterError(f"Expected a level between 0 and 1, got {level!r}: 0.95 is usual.")
    finite = replicates[replicates.isfinite()].double()
    if not len(finite):
        return float("nan"), float("nan")
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    low, high = finite.quantile(ends).tolist()
    return low, high


def estimate(
    kind: Statistic, parts: Sequence[Values], weights: Tensor, level: float = 0.95
) -> Estimate:
    """A statistic over all pictures, with its interval from the drawings.

    Args:
        kind: which statistic.
        parts: two for `"harmonic"`, one for the others.
        weights: float `[replicate, image]` from `bootstrap_weights`.
        level: of the interval.

    Example:
        >>> result = estimate("mean", [Values.of([0.0, 1.0], [0, 1])], bootstrap_weights(2))
        >>> result.value, result.low, result.high, result.images
        (0.5, 0.0, 1.0, 2)
    """
    value = statistic(kind, parts, torch.ones(1, weights.shape[1]))
    low, high = interval(statistic(kind, parts, weights), level)
    return Estimate(float(value), low, high, *_sizes(parts))


def paired_difference(
    kind: Statistic,
    parts: Sequence[Values],
    others: Sequence[Values],
    weights: Tensor,
    level: float = 0.95,
) -> Estimate:
    """The difference of two methods' statistics, on the pictures that both have.

    Both are computed on the same drawings, so that the effect of a picture on both cancels out.
    Pictures that one of the two lacks are left out of both.

    Args:
        kind: which statistic.
        parts: the first method's values.
        others: the second method's, as many.
        weights: float `[replicate, image]` from `bootstrap_weights`, one for both.
        level: of the interval.

    Returns:
        First minus second; `images` and `values` count those of the first on shared pictures.

    Example:
        >>> first, second = Values.of([1.0, 3.0], [0, 1]), Values.of([0.5, 2.5, 9.0], [0, 1, 2])
        >>> result = paired_difference("mean", [first], [second], bootstrap_weights(3))
        >>> result.value, round(result.low, 6), round(result.high, 6), result.images
        (0.5, 0.5, 0.5, 2)
    """
    shared = [
        part.images[torch.isin(part.images, other.images)].unique()
        for part, other in zip(parts, others, strict=True)
    ]
    first = [part.among(images) for part, images in zip(parts, shared, strict=True)]
    second = [part.among(images) for part, images in zip(others, shared, strict=True)]

    def difference(drawn: Tensor) -> Tensor:
        return statistic(kind, first, drawn) - statistic(kind, second, drawn)

    low, high = interval(difference(weights), level)
    value = difference(torch.ones(1, weights.shape[1]))
    return Estimate(float(value), low, high, *_sizes(first))


def _sizes(parts: Sequence[Values]) -> tuple[int, int]:
    """Numbers of pictures and of values."""
    images = torch.cat([part.images for part in parts])
    return len(images.unique()), len(images)


def _by_levels(values: Values, weights: Tensor, measure) -> Tensor:
    """Apply `measure` to each drawing's weight of true and of false labels at each score.

    Both are `[replicate, score]`, over the distinct scores in increasing order.
    """
    _expect_weights(values, weights)
    if values.labels is None:
        raise ParameterError(
            "Expected labels with the values, got none: give one for each score, "
            "true where it should be high."
        )
    if not len(values.values):
        return torch.full((len(weights),), float("nan"), dtype=torch.float64)
    scores, level = values.values.double().unique(return_inverse=True)
    rows = max(1, _BLOCK // len(level))
    results = []
    for block in weights.double().split(rows):
        drawn = block[:, values.images]
        label_weights = torch.zeros(2, len(block), len(scores), dtype=torch.float64)
        label_weights[0].index_add_(1, level, drawn * values.labels)
        label_weights[1].index_add_(1, level, drawn * ~values.labels)
        results.append(measure(*label_weights))
    return torch.cat(results)


def _expect_weights(values: Values, weights: Tensor) -> None:
    images = values.images
    if weights.ndim != 2 or (len(images) and int(images.max()) >= weights.shape[1]):
        raise ShapeError(
            "Expected weights with axes [replicate image] and a column for each image, got shape "
            f"{list(weights.shape)}: draw them with bootstrap_weights(number of images)."
        )
