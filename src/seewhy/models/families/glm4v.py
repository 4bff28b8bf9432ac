"""GLM-4V: sees pictures like Qwen2-VL, counts their pixels as a step's; clips frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import UnsupportedInputError
from seewhy.images.clips import Clip
from seewhy.models.families.qwen2_vl import (
    Qwen2VL,
    merged_features,
    process_dynamic,
    process_frames,
    volume_sides,
)
from seewhy.models.family import Family, VisualInputs, concatenate

if TYPE_CHECKING:
    from PIL.Image import Image

#: Pixels that all frames of a clip may have together where the checkpoint does not say.
CLIP_LIMITS = {"shortest_edge": 112 * 112, "longest_edge": 28 * 28 * 2 * 30000}


class Glm4V(Family):
    """GLM-4.1V, GLM-4.5V and GLM-4.6V in transformers' own classes.

    Each side becomes a whole number of tokens; the limits of pixels count a picture twice, as the
    two frames of a step. Clips are written with the image token, so that a prompt may hold
    pictures or clips, not both.
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
    unseen = Qwen2VL.unseen
    default_marker = "<|image|>"
    clip_marker = "<|video|>"
    plain_format = "<|begin_of_image|>{marker}<|end_of_image|>{prompt}\n"

    @property
    def image_token_id(self) -> int:
        """The id of `<|image|>`, which stands for visual tokens of clips too."""
        return self.model.config.image_token_id

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.qwen2_vl.process_dynamic`."""
        return process_dynamic(self, image, scale, volume_sides)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """As `qwen2_vl.process_frames`; the limits hold for all frames together."""

        def write(seconds: list[float], tokens: str) -> str:
            return f"<|begin_of_image|>{tokens}<|end_of_image|>{self._time(seconds[0])}"

        return process_frames(
            self,
            clip,
            scale,
            CLIP_LIMITS,
            sides=volume_sides,
            write=write,
            token=self.default_marker,
        )

    def visual_features(self, seen: VisualInputs) -> Tensor:
        """See `seewhy.models.families.qwen2_vl.merged_features`."""
        return merged_features(self, seen)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """As every family, but for pictures and clips together.

        Raises:
            UnsupportedInputError: if pictures and clips come together: the model tells its
                features apart by the token, which is the same for both.
        """
        every = [seen for row in rows for seen in row]
        if len({seen.is_clip for seen in every}) > 1:
            raise UnsupportedInputError(
                "Expected pictures or clips in one forward pass of glm4v, got both: ask about "
                "them one by one."
            )
        return concatenate([seen.tensors for seen in every])

    def token_types(self, ids: Tensor, prompt: int) -> dict[str, Tensor]:
        """`mm_token_type_ids`: image tokens between a video's begin and end are 2, others 1."""
        config = self.model.config
        opened = (ids == config.video_start_token_id).cumsum(-1)
        closed = (ids == config.video_end_token_id).cumsum(-1)
        kinds = (ids == self.image_token_id).long()
        return {"mm_token_type_ids": kinds + kinds * (opened > closed)}

    def _time(self, seconds: float) -> str:
        """A step's time as GLM-4.6V's processor writes it, or in whole seconds as before it.

        Checkpoints of 4.6V name the model types of those before; their image processor tells.
        """
        later = type(self.processor.image_processor).__name__.startswith("Glm46V")
        return f"{seconds:.1f} seconds" if later else str(int(seconds))
