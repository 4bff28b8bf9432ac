"""Pure tensor functions, independent of any model."""

from seewhy.functional.aggregate_scales import aggregate_scales
from seewhy.functional.interference import context_weights, interference, remove_interference
from seewhy.functional.logit_lens import logit_lens, text_activation
from seewhy.functional.overlap import (
    auc,
    energy_inside,
    f1_iou,
    function_iou,
    iou,
    leak,
    object_iou,
)
from seewhy.functional.peaks import half_maximum_box, peak
from seewhy.functional.power_mean import power_mean
from seewhy.functional.rank_biased_overlap import rank_biased_overlap
from seewhy.functional.rank_gaussian_filter import rank_gaussian_filter
from seewhy.functional.thresholds import eight_bit, function_threshold, otsu_threshold

__all__ = [
    "aggregate_scales",
    "auc",
    "context_weights",
    "eight_bit",
    "energy_inside",
    "f1_iou",
    "function_iou",
    "function_threshold",
    "half_maximum_box",
    "interference",
    "iou",
    "leak",
    "logit_lens",
    "object_iou",
    "otsu_threshold",
    "peak",
    "power_mean",
    "rank_biased_overlap",
    "rank_gaussian_filter",
    "remove_interference",
    "text_activation",
]
