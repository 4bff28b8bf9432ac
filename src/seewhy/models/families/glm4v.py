"""GLM-4V: pictures as in Qwen2-VL, with other pixel limits; clips frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import UnsupportedInputError
from seewhy.images.clips import Clip
from seewhy.models.families.qwen2_vl import (
    Qwen2VL,
    dynamic_size,
    merged_features,
    process_dynamic,
    process_frames,
    smart_resize_clip,
)
from seewhy.models.family import Family, VisualInputs, concatenate
from seewhy.models.row_tensors import dynamic_tensors_of_row

if TYPE_CHECKING:
    from PIL.Image import Image

#: Limits for the pixels of all frames of a clip together, if the checkpoint has none.
CLIP_LIMITS = {"shortest_edge": 112 * 112, "longest_edge": 28 * 28 * 2 * 30000}


class Glm4V(Family):
    """GLM-4.1V, GLM-4.5V and GLM-4.6V in transformers' own classes.

    Each side becomes a whole number of tokens; the pixel limits count a picture twice, as the two
    frames of a step. Clips have the image token's id, so a prompt may have pictures or clips, not
    both.
    """

    name = "glm4v"
    model_types = ("glm4v", "glm4v_moe", "glm46v")
    checkpoints = (
        "zai-org/GLM-4.1V-9B-Thinking",
        "zai-org/GLM-4.1V-9B-Base",
        "zai-org/GLM-4.5V",
        "zai-org/GLM-4.6V",
        "zai-org/GLM-4.6V-Flash",
    )
    scaling = Qwen2VL.scaling
    coverage = Qwen2VL.coverage
    default_marker = "<|image|>"
    clip_marker = "<|video|>"
    plain_format = "<|begin_of_image|>{marker}<|end_of_image|>{prompt}\n"
    box_format = BoxFormat("relative-1000", ("glm-tokens", "json"))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.qwen2_vl.process_dynamic`."""
        return process_dynamic(self, image, scale, smart_resize_clip)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `seewhy.models.families.qwen2_vl.dynamic_size`."""
        return dynamic_size(self, size, scale, smart_resize_clip)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `seewhy.models.row_tensors.dynamic_tensors_of_row`."""
        return dynamic_tensors_of_row(self, tensors, ids, row)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """As `qwen2_vl.process_frames`; the limits are for all frames together."""

        def step_text(seconds: list[float], tokens: str) -> str:
            return f"<|begin_of_image|>{tokens}<|end_of_image|>{self._time(seconds[0])}"

        return process_frames(
            self,
            clip,
            scale,
            CLIP_LIMITS,
            size_rule=smart_resize_clip,
            step_text=step_text,
            token=self.default_marker,
        )

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `seewhy.models.families.qwen2_vl.merged_features`."""
        return merged_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """As in `Family`, but not for pictures and clips together.

        Raises:
            UnsupportedInputError: if there are pictures and clips: the model assigns features by
                the token's id, which is the same for both.
        """
        visuals = [visual for row in rows for visual in row]
        if len({visual.is_clip for visual in visuals}) > 1:
            raise UnsupportedInputError(
                "Expected pictures or clips in one forward pass of glm4v, got both: use "
                "one prompt for each."
            )
        return concatenate([visual.tensors for visual in visuals])

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """`mm_token_type_ids`: image tokens between a video's begin and end are 2, others 1."""
        config = self.model.config
        opened = (ids == config.video_start_token_id).cumsum(-1)
        closed = (ids == config.video_end_token_id).cumsum(-1)
        types = (ids == self.image_token_id).long()
        return {"mm_token_type_ids": types + types * (opened > closed)}

    def _time(self, seconds: float) -> str:
        """A step's time as in GLM-4.6V's processor, or in whole seconds as in earlier ones.

        Checkpoints of 4.6V may have an earlier `model_type`; the image processor's class differs.
        """
        is_glm46v = type(self.processor.image_processor).__name__.startswith("Glm46V")
        return f"{seconds:.1f} seconds" if is_glm46v else str(int(seconds))
