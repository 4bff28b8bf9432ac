"""Qwen2.5-VL: pictures as in Qwen2-VL; window attention does not change the token order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.images.clips import Clip
from seewhy.models.families._qwen_vl_utils import fetched_size, resize_of_part
from seewhy.models.families.qwen2_vl import (
    FRAME_LIMITS,
    Qwen2VL,
    dynamic_size,
    merged_features,
    process_dynamic,
    process_frames,
)
from seewhy.models.family import Family, VisualInputs
from seewhy.models.row_tensors import dynamic_tensors_of_row

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.medium_settings import Resize


class Qwen25VL(Family):
    """Qwen2.5-VL in transformers' own class (`Qwen2_5_VLForConditionalGeneration`).

    Its vision tower attends within windows and permutes the patches for it. Its output is in raster
    order again, so the boxes are Qwen2-VL's.
    """

    name = "qwen2-5-vl"
    model_types = ("qwen2_5_vl",)
    checkpoints = (
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "Qwen/Qwen2.5-VL-32B-Instruct",
        "Qwen/Qwen2.5-VL-72B-Instruct",
    )
    scaling = Qwen2VL.scaling
    coverage = Qwen2VL.coverage
    default_marker = Qwen2VL.default_marker
    clip_marker = Qwen2VL.clip_marker
    clip_token_field = "video_token_id"
    plain_format = Qwen2VL.plain_format
    part_settings = Qwen2VL.part_settings
    box_format = BoxFormat("pixels-input", ("json", "qwen-tokens", "point-tags"))

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
        """As `qwen2_vl.process_frames`, with positions in time in seconds."""
        visual = process_frames(self, clip, scale, FRAME_LIMITS)
        seconds = self.model.config.vision_config.temporal_patch_size / clip.fps
        timed = {**visual.tensors, "second_per_grid_ts": torch.tensor([seconds])}
        return replace(visual, tensors=timed)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `seewhy.models.families.qwen2_vl.merged_features`."""
        return merged_features(self, visual)
