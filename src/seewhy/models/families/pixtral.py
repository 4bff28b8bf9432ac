"""Pixtral: LLaVA's class, a vision tower for any size, one token for each patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.families.mistral3 import (
    Mistral3,
    collate_padded,
    expect_resize_alone,
    process_rows,
    row_features,
    rows_size,
    rows_tensors_of_row,
)
from seewhy.models.family import Family, VisualInputs

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts


class Pixtral(Family):
    """Pixtral in transformers' own class (`LlavaForConditionalGeneration`, tower `pixtral`).

    Pictures are processed as in Mistral 3, but no patches are merged: every patch is one token, row
    by row, `[IMG_BREAK]` after each row but the last and `[IMG_END]` after that.
    """

    name = "pixtral"
    model_types = ("llava",)
    checkpoints = ("mistral-community/pixtral-12b",)
    scaling = Mistral3.scaling
    coverage = Mistral3.coverage
    default_marker = Mistral3.default_marker
    plain_format = Mistral3.plain_format

    @classmethod
    def supports(cls, config: Any) -> bool:
        """Whether the vision tower is Pixtral's."""
        return config.vision_config.model_type == "pixtral"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_resize_alone(processor.image_processor)
        strategy = model.config.vision_feature_select_strategy
        if strategy != "full":
            raise UnsupportedModelError(
                f"Expected vision_feature_select_strategy 'full' with the tower 'pixtral', got "
                f"{strategy!r}: it drops the first patch; load the model with its checkpoint's own "
                "config."
            )

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.mistral3.process_rows`."""
        return process_rows(self, image, scale, merge=1)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `seewhy.models.families.mistral3.rows_size`."""
        return rows_size(self, size, scale, merge=1)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `seewhy.models.families.mistral3.rows_tensors_of_row`."""
        return rows_tensors_of_row(self, tensors, ids, row, merge=1)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `seewhy.models.families.mistral3.row_features`."""
        return row_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """See `seewhy.models.families.mistral3.collate_padded`."""
        return collate_padded(rows)
