"""Qwen2.5-VL: pictures as in Qwen2-VL; window attention does not change the token order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.images.clips import Clip
from seewhy.models.families.qwen2_vl import (
    FRAME_LIMITS,
    Qwen2VL,
    merged_features,
    process_dynamic,
    process_frames,
)
from seewhy.models.family import Family, VisualInputs

if TYPE_CHECKING:
    from PIL.Image import Image


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
    box_format = BoxFormat("pixels-input", ("json", "qwen-tokens", "point-tags"))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.qwen2_vl.process_dynamic`."""
        return process_dynamic(self, image, scale)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """As `qwen2_vl.process_frames`, with positions in time in seconds."""
        visual = process_frames(self, clip, scale, FRAME_LIMITS)
        seconds = self.model.config.vision_config.temporal_patch_size / clip.fps
        timed = {**visual.tensors, "second_per_grid_ts": torch.tensor([seconds])}
        return replace(visual, tensors=timed)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `seewhy.models.families.qwen2_vl.merged_features`."""
        return merged_features(self, visual)
