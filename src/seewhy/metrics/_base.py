"""What a metric is: its figures, its measurements, and why a figure may be missing."""

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
    """One figure of a metric: what it is called and how it is put together over a data set.

    Attributes:
        name: such as `"object-iou"`.
        summary: one sentence.
        higher_is_better: None for a figure that only describes.
        unit: `"fraction"` in [0, 1], `"correlation"` and `"difference"` in [-1, 1], `"ratio"`,
            `"nats"`, `"seconds"`, `"MiB"`, `"passes"`.
        statistic: `"mean"` over all values; `"harmonic"` mean of the means of two other figures;
            `"auroc"` or `"average-precision"` of values as scores of their labels.
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
    """One value that a metric found.

    Attributes:
        figure: the name of one of the metric's figures.
        value: finite.
        word: the place among the sample's words of the one that it is of; None for the sample.
        label: for `"auroc"` and `"average-precision"`, what the value should tell.
        tags: what breakdowns group by, beside the word's role and the tags of its truth.
    """

    figure: str
    value: float
    word: int | None = None
    label: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Undefined:
    """Why a figure is not defined for a sample or word; such are counted, never dropped in silence.

    Attributes:
        figure: its name.
        reason: a few words, the same for the same cause, such as "no noun said".
    """

    figure: str
    reason: str


Results = Iterator[Measurement | Undefined]
"""What a metric yields."""


def finite_or_undefined(
    figure: str, value: float, word: int | None = None, *, reason: str, label: bool | None = None
) -> Measurement | Undefined:
    """A measurement, or why there is none where the value is not finite.

    Args:
        figure: its name.
        value: NaN or infinite where the figure is not defined.
        word, label: as for `Measurement`.
        reason: what it means here that the value is not finite.

    Example:
        >>> finite_or_undefined("auc", math.nan, 3, reason="mask covers all or nothing")
        Undefined(figure='auc', reason='mask covers all or nothing')
    """
    if not math.isfinite(value):
        return Undefined(figure, reason)
    return Measurement(figure, float(value), word, label)


@dataclass(frozen=True)
class Metric(ABC):
    """A way to judge attributions. A metric is one file with one final class.

    The fields of the frozen dataclass are its parameters; they are checked when it is made.

    Class attributes:
        name: the registry name, the file's with dashes.
        summary: one sentence.
        citations: keys of `seewhy.methods._citations`, its own paper first.
        figures: what it measures.
        needs: `"masks"`, `"model"` (it runs the model again), or nothing.
        of_model: whether it judges the model and the words instead of a method: then it is
            measured once a sample, with whatever method comes first.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    citations: ClassVar[tuple[str, ...]] = ()
    figures: ClassVar[tuple[Figure, ...]]
    needs: ClassVar[frozenset[str]] = frozenset()
    of_model: ClassVar[bool] = False

    @abstractmethod
    def measure(self, sample: ExplainedSample) -> Iterable[Measurement | Undefined]:
        """Judge one sample.

        Args:
            sample: an `ExplainedSample`, which plain tensors make; a metric with `"model"` in its
                needs takes a `RerunnableSample`.
        """

    def undefined(self, reason: str) -> list[Undefined]:
        """That none of the figures is defined; those put together from others are not counted."""
        return [Undefined(f.name, reason) for f in self.figures if not f.of]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, JSON-ready."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: list(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
