"""The base class of metrics, their figures, measurements and undefined figures."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from seewhy.functional.statistics import Statistic
from seewhy.metrics._sample import ExplainedSample


@dataclass(frozen=True)
class Figure:
    """One figure of a metric: its name, and how it is aggregated over a data set.

    Attributes:
        name: such as `"object-iou"`.
        summary: one sentence.
        higher_is_better: None for a figure that only describes.
        unit: `"fraction"` in [0, 1], `"correlation"` and `"difference"` in [-1, 1], `"ratio"`,
            `"nats"`, `"seconds"`, `"MiB"`, `"passes"`.
        statistic: `"mean"` over all values; `"harmonic"` mean of the means of two other figures;
            `"auroc"`, `"average-precision"` or `"fpr95"` of values as scores of their labels.
        of: for `"harmonic"`, the names of the two figures.
    """

    name: str
    summary: str
    higher_is_better: bool | None = True
    unit: str = "fraction"
    statistic: Statistic = "mean"
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One value of a metric.

    Attributes:
        figure: the name of one of the metric's figures.
        value: finite.
        word: index of its word in the sample's words; None for the sample.
        label: for statistics of scores, such as `"auroc"`, the class that the value should predict.
        tags: groups of breakdowns, besides the word's role and the tags of its truth.
    """

    figure: str
    value: float
    word: int | None = None
    label: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Undefined:
    """Why a figure is not defined for a sample or word; such cases are counted.

    Attributes:
        figure: its name.
        reason: short, the same for the same cause, such as "no noun said".
    """

    figure: str
    reason: str


Results = Iterator[Measurement | Undefined]
"""What a metric yields."""


def finite_or_undefined(
    figure: str, value: float, word: int | None = None, *, reason: str, label: bool | None = None
) -> Measurement | Undefined:
    """A measurement; or, if the value is not finite, an `Undefined`.

    Args:
        figure: its name.
        value: NaN or infinite if the figure is not defined.
        word, label: as for `Measurement`.
        reason: why the value may not be finite.

    Example:
        >>> finite_or_undefined("auc", math.nan, 3, reason="mask covers all or nothing")
        Undefined(figure='auc', reason='mask covers all or nothing')
    """
    if not math.isfinite(value):
        return Undefined(figure, reason)
    return Measurement(figure, float(value), word, label)


@dataclass(frozen=True)
class Metric(ABC):
    """Evaluates attributions. A metric is one file with one final class.

    The fields of the frozen dataclass are its parameters; they are checked when it is made.

    Class attributes:
        name: the registry name, the file's with dashes.
        summary: one sentence.
        citations: keys of `seewhy.methods._citations`, its own paper first.
        figures: what it measures.
        needs: `"masks"`, `"model"` (it runs the model again), or nothing.
        of_model: whether it evaluates the model instead of a method: then it is measured once per
            sample, with the first method.
        revision: increased by one where a figure's definition changes, so that values of two
            definitions never come into one table.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citations: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[Figure, ...]]
    needs: ClassVar[frozenset[str]] = frozenset()
    of_model: ClassVar[bool] = False
    revision: ClassVar[int] = 1

    @abstractmethod
    def measure(self, sample: ExplainedSample) -> Iterable[Measurement | Undefined]:
        """Evaluate one sample.

        Args:
            sample: an `ExplainedSample`; a metric with `"model"` in its
                needs takes a `RerunnableSample`.
        """

    def undefined(self, reason: str) -> list[Undefined]:
        """All figures as undefined, except those that are computed from other figures."""
        return [Undefined(f.name, reason) for f in self.figures if not f.of]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, JSON-ready."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
