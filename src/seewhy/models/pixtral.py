"""Pixtral: LLaVA's class over a vision tower that takes pictures of any size, a patch a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.base import Family, Seen
from seewhy.models.mistral3 import (
    Mistral3,
    collate_padded,
    embed_rows,
    expect_resize_alone,
    see_rows,
)

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import Composed


class Pixtral(Family):
    """Pixtral in transformers' own class (`LlavaForConditionalGeneration`, tower `pixtral`).

    Pictures are treated as in Mistral 3, but no patches are merged: every patch is one token, row
    by row, `[IMG_BREAK]` after each row but the last and `[IMG_END]` after that.
    """

    name = "pixtral"
    model_types = ("llava",)
    checkpoints = ("mistral-community/pixtral-12b",)
    scaling = Mistral3.scaling
    unseen = Mistral3.unseen
    default_marker = Mistral3.default_marker
    plain_format = Mistral3.plain_format

    @classmethod
    def stands_for(cls, config: Any) -> bool:
        """Whether the vision tower is Pixtral's."""
        return config.vision_config.model_type == "pixtral"

    def __init__(self, model: PreTrainedModel, processor: Composed) -> None:
        super().__init__(model, processor)
        expect_resize_alone(processor.image_processor)
        strategy = model.config.vision_feature_select_strategy
        if strategy != "full":
            raise UnsupportedModelError(
                f"Expected vision_feature_select_strategy 'full' with the tower 'pixtral', got "
                f"{strategy!r}: it drops the first patch; load the model with its checkpoint's own "
                "config."
            )

    @property
    def image_token_id(self) -> int:
        """The id of `[IMG]`."""
        return self.model.config.image_token_id

    def see(self, image: Image, scale: float = 1.0) -> Seen:
        """See `seewhy.models.mistral3.see_rows`."""
        return see_rows(self, image, scale, merge=1)

    def embed(self, seen: Seen) -> Tensor:
        """See `seewhy.models.mistral3.embed_rows`."""
        return embed_rows(self, seen)

    def collate(self, rows: Sequence[Sequence[Seen]]) -> dict[str, Any]:
        """See `seewhy.models.mistral3.collate_padded`."""
        return collate_padded(rows)
