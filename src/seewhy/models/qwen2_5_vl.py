"""Qwen2.5-VL: sees like Qwen2-VL; its windows are put back in raster order by the merger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from seewhy.models.base import Family, Seen
from seewhy.models.qwen2_vl import Qwen2VL, embed_merged, see_dynamic

if TYPE_CHECKING:
    from PIL.Image import Image


class Qwen25VL(Family):
    """Qwen2.5-VL in transformers' own class (`Qwen2_5_VLForConditionalGeneration`).

    Its vision tower attends within windows and permutes the patches for it. What leaves the tower
    is in raster order again, so the boxes are Qwen2-VL's.
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
    unseen = Qwen2VL.unseen
    default_marker = Qwen2VL.default_marker
    plain_format = Qwen2VL.plain_format

    @property
    def image_token_id(self) -> int:
        """The id of `<|image_pad|>`."""
        return self.model.config.image_token_id

    def see(self, image: Image, scale: float = 1.0) -> Seen:
        """See `seewhy.models.qwen2_vl.see_dynamic`."""
        return see_dynamic(self, image, scale)

    def embed(self, seen: Seen) -> Tensor:
        """See `seewhy.models.qwen2_vl.embed_merged`."""
        return embed_merged(self, seen)
