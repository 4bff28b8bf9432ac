"""Rates of words over many answers, with intervals from running sums: no value is kept.

Words of one answer are not independent. A rate is therefore the ratio of two sums over answers, and
its variance is that of a ratio of sums (linearised). From it follows how many independent words
would say as much, and with that number Wilson's interval is computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval.

    Attributes:
        count: how many have the property.
        total: of how many.
        value: count / total; NaN for a total of 0.
        low, high: the interval, in [0, 1]; NaN for a total of 0.
    """

    count: int
    total: int
    value: float
    low: float
    high: float


def wilson_interval(share: float, number: float, z: float = Z95) -> tuple[float, float]:
    r"""Wilson's interval of a share.

    $$\frac{p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}}{1 + z^2/n}$$

    Args:
        share: p, in [0, 1].
        number: n, how many independent values it stands on; more than 0, not always whole.
        z: of the level; 1.96 for 95 %.

    Returns:
        Low and high, in [0, 1]; NaN if `number` is not above 0.

    Source:
        Wilson 1927.

    Example:
        >>> [round(end, 4) for end in wilson_interval(0.5, 10)]
        [0.2366, 0.7634]
    """
    if not number > 0:
        return math.nan, math.nan
    weight = z * z / number
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / number + weight / (4 * number)) / (1 + weight)
    # Of 0 and of 1 one end is the share itself, which rounding would miss.
    low = 0.0 if share <= 0 else max(0.0, middle - half)
    return low, 1.0 if share >= 1 else min(1.0, middle + half)


def rate(count: int, total: int) -> Rate:
    """A share of independent things, such as answers, with Wilson's interval.

    Example:
        >>> rate(0, 4).value, round(rate(0, 4).high, 3)
        (0.0, 0.49)
    """
    share = count / total if total else math.nan
    return Rate(count, total, share, *wilson_interval(share, total))


@dataclass
class ClusteredSums:
    """Running sums of a ratio over answers: constant memory for any number of answers.

    Attributes:
        clusters: answers added.
        hits, total: sums of what is counted, and of how many there were; `hits` may be sums of
            values in [0, 1].
    """

    clusters: int = 0
    hits: float = 0.0
    total: int = 0
    _hits_squared: float = 0.0
    _products: float = 0.0
    _totals_squared: float = 0.0

    def add(self, hits: float, total: int) -> None:
        """Add one answer: the sum of its values, and their number."""
        if not total:
            return
        self.clusters += 1
        self.hits += hits
        self.total += total
        self._hits_squared += hits * hits
        self._products += hits * total
        self._totals_squared += total * total

    @property
    def value(self) -> float:
        """The ratio of both sums; NaN without values."""
        return self.hits / self.total if self.total else math.nan

    @property
    def variance(self) -> float:
        r"""Linearised variance of the ratio p.

        $$\sum_i (y_i - p n_i)^2 \,/\, (\sum_i n_i)^2$$

        Source:
            Cochran 1977, section 6.3, without the factor m / (m - 1), so that answers with one
            word each give the variance of independent words.
        """
        if not self.total:
            return math.nan
        p = self.value
        squares = self._hits_squared - 2 * p * self._products + p * p * self._totals_squared
        return max(0.0, squares) / self.total**2

    def rate(self) -> Rate:
        """The share with Wilson's interval at the number of words that would say as much.

        That number is p (1 - p) / variance, but no more than the words; where all words agree, the
        variance says nothing and it is the number of answers.
        """
        p, spread = self.value, self.value * (1 - self.value)
        if not self.total:
            return rate(0, 0)
        agree = spread <= 0 or self.variance <= 0
        number = self.clusters if agree else min(self.total, spread / self.variance)
        return Rate(round(self.hits), self.total, p, *wilson_interval(p, number))

    def mean_interval(self) -> tuple[float, float]:
        """The mean's normal 95 % interval, inside [0, 1]; NaN without values."""
        if not self.total:
            return math.nan, math.nan
        half = Z95 * math.sqrt(self.variance)
        return max(0.0, self.value - half), min(1.0, self.value + half)
