"""Qwen3-VL: pictures as in Qwen2-VL; each step of a clip has its own time and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.images.clips import Clip
from seewhy.models.families._qwen_vl_utils import fetched_size, resize_of_part
from seewhy.models.families.qwen2_vl import (
    Qwen2VL,
    dynamic_size,
    merged_features,
    process_dynamic,
    process_frames,
    smart_resize_clip,
)
from seewhy.models.family import Family, VisualInputs
from seewhy.models.row_tensors import dynamic_tensors_of_row

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.medium_settings import Resize

#: Limits for the pixels of all frames of a clip together, if the checkpoint has none.
CLIP_LIMITS = {"shortest_edge": 128 * 32 * 32, "longest_edge": 768 * 32 * 32}


class Qwen3VL(Family):
    """Qwen3-VL and Qwen3.5 in transformers' own classes, mixtures of experts included.

    The boxes are Qwen2-VL's, with patches of 16 pixels. Qwen3-VL adds features of earlier vision
    layers to the language model's early states (DeepStack), token by token, so the boxes are the
    same. But replacing only the embeddings does not remove the picture.
    """

    name = "qwen3-vl"
    model_types = ("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe")
    checkpoints = (
        "Qwen/Qwen3-VL-2B-Instruct",
        "Qwen/Qwen3-VL-4B-Instruct",
        "Qwen/Qwen3-VL-8B-Instruct",
        "Qwen/Qwen3-VL-32B-Instruct",
        "Qwen/Qwen3-VL-30B-A3B-Instruct",
        "Qwen/Qwen3-VL-235B-A22B-Instruct",
        "Qwen/Qwen3.5-27B",
    )
    scaling = Qwen2VL.scaling
    coverage = Qwen2VL.coverage
    default_marker = Qwen2VL.default_marker
    clip_marker = Qwen2VL.clip_marker
    clip_token_field = "video_token_id"
    plain_format = Qwen2VL.plain_format
    part_settings = Qwen2VL.part_settings
    box_format = BoxFormat("relative-1000", ("json", "qwen-tokens"))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.qwen2_vl.process_dynamic`."""
        return process_dynamic(self, image, scale)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `seewhy.models.families.qwen2_vl.dynamic_size`."""
        return dynamic_size(self, size, scale)

    def resize_of_part(self, medium: Image | Clip, part: Mapping[str, Any]) -> Resize:
        """See `seewhy.models.families._qwen_vl_utils.resize_of_part`."""
        return resize_of_part(self, medium, part)

    def size_within(self, size: tuple[int, int], limits: tuple[int, int] | None) -> tuple[int, int]:
        """See `seewhy.models.families._qwen_vl_utils.fetched_size`."""
        return fetched_size(self, size, limits)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `seewhy.models.row_tensors.dynamic_tensors_of_row`."""
        return dynamic_tensors_of_row(self, tensors, ids, row)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """As `qwen2_vl.process_frames`; the limits are for all frames together."""
        return process_frames(
            self, clip, scale, CLIP_LIMITS, size_rule=smart_resize_clip, step_text=step_text
        )

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """As `qwen2_vl.merged_features`, without DeepStack's features."""
        return merged_features(self, visual)


def step_text(seconds: list[float], tokens: str) -> str:
    """A step's text: the mean time of its first and last frame, then its tokens."""
    time = (seconds[0] + seconds[-1]) / 2
    return f"<{time:.1f} seconds><|vision_start|>{tokens}<|vision_end|>"
