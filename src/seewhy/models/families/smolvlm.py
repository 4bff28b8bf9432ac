"""SmolVLM2: Idefics3's tiles over a smaller language model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from torch import Tensor

from seewhy.core.errors import GeometryError, UnsupportedInputError
from seewhy.core.geometry import Geometry
from seewhy.models.families.idefics3 import (
    cell_of,
    collate_tiles,
    expect_longest_edges,
    placeholder,
    process_tiles,
    texts,
    tile_at,
    tile_features,
    tiled,
)
from seewhy.models.family import Family, VisualInputs

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.images.clips import Clip
    from seewhy.models.processing import ProcessorParts

#: English numbers, up to where they are put together.
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class SmolVLM(Family):
    """SmolVLM2 in transformers' own class (`SmolVLMForConditionalGeneration`).

    Pictures are tiled as in Idefics3: the tiles row by row, the whole picture last. The checkpoints
    differ in the size of a tile, in patches and in tokens a tile. Where the patches leave a rest of
    a tile (6 of 384 pixels with those of 14), no token sees it. The frames of a clip are squashed
    to one tile each, with the time before each and their number, in words, before all.
    """

    name = "smolvlm"
    model_types = ("smolvlm",)
    checkpoints = (
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
    )
    scaling = (
        "tiles: the canvas gets scale times as many tiles on its long side, rounded, between 1 and "
        "6 (for more there are no row and column markers); a picture that is not split is resized "
        "to scale times its side, and its patches take the positions at the same fractions"
    )
    unseen = (
        "every pixel is seen (but for a rest of a tile's right and bottom that fills no patch); a "
        "picture of several tiles is seen twice, by its tiles and as a whole, which are fused"
    )
    default_marker = "<image>"
    clip_marker = "<video>"
    plain_format = "<|im_start|>User:{marker}{prompt}<end_of_utterance>\nAssistant:"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_longest_edges(processor.image_processor)

    @property
    def image_token_id(self) -> int:
        """The id of `<image>`."""
        return self.model.config.image_token_id

    def template(self, clips: bool) -> str | None:
        """The checkpoint's own; for clips transformers' own where that one knows no video."""
        from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE

        own = self.processor.template
        return DEFAULT_CHAT_TEMPLATE if clips and self.clip_marker not in (own or "") else own

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does.

        Raises:
            GeometryError: if the image processor's tiles are not those that its settings say.
        """
        return process_tiles(self, image, scale)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip at a scale; 1 is what the model's own video processor does.

        Raises:
            UnsupportedInputError: if it has a thousand frames or more.
            GeometryError: if the image processor's tiles are not those that its settings say.
        """
        tile, cell = tile_at(self, scale), cell_of(self)
        side = tile // cell
        made = self.processor.image_processor(
            [list(clip.frames)],
            return_tensors="pt",
            do_pad=True,
            do_resize=True,
            size={"longest_edge": tile},
            max_image_size={"longest_edge": tile},
            do_image_splitting=False,
        )
        if tuple(made["pixel_values"].shape) != (1, len(clip), 3, tile, tile):
            raise GeometryError(
                f"Expected {len(clip)} square tiles of {tile} pixels for frames of {clip.size[0]} "
                f"x {clip.size[1]}, got pixels of shape {list(made['pixel_values'].shape)}: use "
                "the checkpoint's own processor."
            )
        frame = placeholder(0, 0, **texts(self, side))
        times = [f"{int(second // 60):02d}:{int(second % 60):02d}" for second in clip.seconds]
        duration = timedelta(seconds=int(clip.seconds[-1]))
        grid = tiled(clip.size, 1, 1, side, share=side * cell / tile)
        return VisualInputs(
            tensors={name: made[name] for name in ("pixel_values", "pixel_attention_mask")},
            placeholder=(
                f"You are provided the following series of {spelled(len(clip))} frames from a "
                f"{duration} [H:MM:SS] video.\n"
                + "".join(f"\nFrame from {time}:{frame}" for time in times)
                + "\n\n"
            ),
            geometries=tuple(Geometry(clip.size, (grid,)) for _ in clip.frames),
            size=(side * cell, side * cell),
            frames=tuple((place,) for place in range(len(clip))),
            notes=("frames were resized by the image processor, in the video processor's place",),
        )

    def visual_features(self, seen: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        return tile_features(self, seen)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """All tiles of a prompt in one row, shorter rows filled up with empty tiles."""
        return collate_tiles(rows)


def spelled(number: int) -> str:
    """A number in English words, as SmolVLM's processor writes it.

    Raises:
        UnsupportedInputError: if it is not between 0 and 999.

    Example:
        >>> spelled(164)
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
    hundreds, rest = f"{ONES[number // 100]} hundred", number % 100
    return f"{hundreds} and {spelled(rest)}" if rest else hundreds
