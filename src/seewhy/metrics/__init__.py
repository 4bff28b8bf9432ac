"""Metrics: one file each, found by file name.

A metric takes an `ExplainedSample`. `ArraySample` makes one from plain tensors, for maps from any
source; metrics with `"model"` in their needs run the model again and take a
`seewhy.metrics._reruns.RerunnableSample`, which the bench makes.
"""

from __future__ import annotations

from seewhy.core.registry import Registry
from seewhy.metrics._base import Figure, Measurement, Metric, Results, Undefined
from seewhy.metrics._sample import (
    AnswerWord,
    ArraySample,
    ExplainedSample,
    answer_words,
    native_map,
    word_heatmap,
    word_mask,
)

__all__ = [
    "METRICS",
    "AnswerWord",
    "ArraySample",
    "ExplainedSample",
    "Figure",
    "Measurement",
    "Metric",
    "Results",
    "Undefined",
    "answer_words",
    "native_map",
    "word_heatmap",
    "word_mask",
]

METRICS: Registry[Metric] = Registry(
    "seewhy.metrics",
    Metric,
    "metric",
    group="seewhy.metrics",
)
