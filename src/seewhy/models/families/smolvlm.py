"""SmolVLM2: Idefics3's tiles with a smaller language model; clips frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import GeometryError, UnsupportedInputError
from seewhy.core.geometry import Geometry
from seewhy.models.families.idefics3 import (
    Idefics3,
    cell_side,
    collate_tiles,
    expect_longest_edges,
    placeholder,
    placeholder_parts,
    process_tiles,
    tile_features,
    tile_side_at,
    tiled_grid,
    tiled_size,
    tiles_of_row,
)
from seewhy.models.family import (
    RESIZED_BY_IMAGE_PROCESSOR,
    Family,
    VisualInputs,
    minutes_and_seconds,
    single_frames,
)

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.images.clips import Clip
    from seewhy.models.processing import ProcessorParts

#: English numbers that are one word.
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class SmolVLM(Family):
    """SmolVLM2 in transformers' own class (`SmolVLMForConditionalGeneration`).

    Pictures are tiled as in Idefics3: the tiles row by row, the whole picture last. The checkpoints
    differ in the size of a tile, in patches and in tokens per tile. If patches do not cover all of
    a tile (patches of 14 leave 6 of 384 pixels), no token sees the rest. Each frame of a clip is
    squashed to one tile, with its time before it; the number of frames, in words, comes first.
    """

    name = "smolvlm"
    model_types = ("smolvlm",)
    checkpoints = (
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
    )
    scaling = Idefics3.scaling
    coverage = Idefics3.coverage
    default_marker = "<image>"
    clip_marker = "<video>"
    plain_format = "<|im_start|>User:{marker}{prompt}<end_of_utterance>\nAssistant:"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_longest_edges(processor.image_processor)

    def template(self, clips: bool) -> str | None:
        """The checkpoint's template; for clips transformers' default if that one has no video."""
        from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE

        template = self.processor.template
        has_video = self.clip_marker in (template or "")
        return DEFAULT_CHAT_TEMPLATE if clips and not has_video else template

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        Raises:
            GeometryError: if the image processor's tiles do not match its settings.
        """
        return process_tiles(self, image, scale)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `seewhy.models.families.idefics3.tiled_size`."""
        return tiled_size(self, size, scale)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `seewhy.models.families.idefics3.tiles_of_row`."""
        return tiles_of_row(tensors, row)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip; at scale 1 exactly as the model's own video processor does.

        Raises:
            UnsupportedInputError: if it has a thousand frames or more.
            GeometryError: if the image processor's tiles do not match its settings.
        """
        tile, cell = tile_side_at(self, scale), cell_side(self)
        side = tile // cell
        processed = self._frame_tiles(clip, tile)
        grid = tiled_grid(clip.size, 1, 1, side, share=side * cell / tile)
        return VisualInputs(
            tensors={name: processed[name] for name in ("pixel_values", "pixel_attention_mask")},
            placeholder=clip_placeholder(
                clip.seconds, placeholder(0, 0, **placeholder_parts(self, side))
            ),
            geometries=(Geometry(clip.size, (grid,)),) * len(clip),
            size=(side * cell, side * cell),
            frames=single_frames(clip),
            notes=(RESIZED_BY_IMAGE_PROCESSOR,),
        )

    def _frame_tiles(self, clip: Clip, tile: int) -> Any:
        """The image processor's output for a clip's frames, each squashed to one tile.

        Raises:
            GeometryError: if the image processor's tiles do not match its settings.
        """
        processed = self.processor.image_processor(
            [list(clip.frames)],
            return_tensors="pt",
            do_pad=True,
            do_resize=True,
            size={"longest_edge": tile},
            max_image_size={"longest_edge": tile},
            do_image_splitting=False,
        )
        shape = tuple(processed["pixel_values"].shape)
        if shape != (1, len(clip), 3, tile, tile):
            raise GeometryError(
                f"Expected {len(clip)} square tiles of {tile} pixels for frames of {clip.size[0]} "
                f"x {clip.size[1]}, got pixels of shape {list(shape)}: use the checkpoint's own "
                "processor."
            )
        return processed

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        return tile_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """All tiles of a prompt in one row; shorter rows are padded with empty tiles."""
        return collate_tiles(rows)


def clip_placeholder(seconds: Sequence[float], frame: str) -> str:
    """The text of a clip: the number of frames, then each frame with its time.

    Args:
        seconds: the time of each frame.
        frame: the text of one frame.

    Raises:
        UnsupportedInputError: if there are a thousand frames or more.
    """
    duration = timedelta(seconds=int(seconds[-1]))
    frames = "".join(f"\nFrame from {minutes_and_seconds(time)}:{frame}" for time in seconds)
    return (
        f"You are provided the following series of {number_in_words(len(seconds))} frames from a "
        f"{duration} [H:MM:SS] video.\n{frames}\n\n"
    )


def number_in_words(number: int) -> str:
    """A number in English words, as in SmolVLM's processor.

    Raises:
        UnsupportedInputError: if it is not between 0 and 999.

    Example:
        >>> number_in_words(164)
        'one hundred and sixty-four'
    """
    if not 0 <= number < 1000:
        raise UnsupportedInputError(
            f"Expected a clip of fewer than 1000 frames, got {number}: sample fewer."
        )
    if number < 20:
        return ONES[number]
    if number < 100:
        tens, ones = TENS[number // 10 - 2], number % 10
        return f"{tens}-{ONES[ones]}" if ones else tens
    hundreds, below = f"{ONES[number // 100]} hundred", number % 100
    return f"{hundreds} and {number_in_words(below)}" if below else hundreds
