"""LLaVA-OneVision: one picture as base and tiles, several as squares, a clip as pooled frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.encoder_outputs import encoder_outputs
from seewhy.models.families.llava_next import (
    canvas_at,
    collate_tiles,
    expect_patches_alone,
    expect_tiles_alone,
    packed_features,
    process_tiles,
    project,
    resampled_edges,
    scaled_side,
    tokens_on,
)
from seewhy.models.family import (
    Family,
    VisualInputs,
    single_frames,
)
from seewhy.models.isolation import in_eval_mode
from seewhy.models.row_tensors import (
    entries_of_row,
    sliced,
    tokens_in_rows,
    uniform_tensors_of_row,
)

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.images.clips import Clip
    from seewhy.models.processing import ProcessorParts


class LlavaOnevision(Family):
    """LLaVA-OneVision in transformers' own class (`LlavaOnevisionForConditionalGeneration`).

    A single picture is processed as in LLaVA-NeXT, on a canvas of up to 36 tiles, whose grid is
    interpolated if it has more tokens than nine tiles. If there are several pictures, each is
    padded to a square of one tile. Each frame of a clip is squashed to one tile, whose tokens are
    pooled by two on each side.
    """

    name = "llava-onevision"
    model_types = ("llava_onevision",)
    checkpoints = (
        *(f"llava-hf/llava-onevision-qwen2-{n}b-ov-hf" for n in ("0.5", "7", "72")),
        "llava-hf/llava-onevision-qwen2-7b-ov-chat-hf",
        "llava-hf/llava-onevision-qwen2-72b-ov-chat-hf",
    )
    scaling = (
        "interpolated positions: the same canvas of tiles (or square, or frames), each tile "
        "resized to scale times its side, rounded to whole patches"
    )
    coverage = (
        "every pixel is seen, but for a rest of a tile that fills no patch; a single picture is "
        "seen twice, by the base image and by the tiles, which are fused"
    )
    default_marker = "<image>"
    clip_marker = "<video>"
    clip_token_field = "video_token_id"
    plain_format = "<|im_start|>user {marker}\n{prompt}<|im_end|><|im_start|>assistant\n"
    box_format = BoxFormat(None, ("fractions",))

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_patches_alone(model.config)
        ratio = str(model.config.vision_aspect_ratio)
        if not ratio.startswith("anyres_max_"):
            raise GeometryError(
                f"Expected vision_aspect_ratio anyres_max_N, got {ratio!r}: use the checkpoint's "
                "own config."
            )
        self._max_tiles = int(ratio.removeprefix("anyres_max_"))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `seewhy.models.families.llava_next.process_tiles`."""
        return process_tiles(self, image, scale, self._max_tiles)

    def process_image_among(self, image: Image, scale: float, pictures: int) -> VisualInputs:
        """One of several pictures: padded to a square, one tile and a newline token."""
        if pictures == 1:
            return self.process_image(image, scale)
        side, patch = scaled_side(self.model.config, scale), self._patch
        square = {"height": side, "width": side}
        # For two pictures, the image processor pads each to a square.
        processed = self.processor.image_processor(
            [[image, image]], size=square, return_tensors="pt"
        )
        pixels = torch.as_tensor(processed["pixel_values"])[:1, :1]
        expect_tiles_alone(self.processor.image_processor, self._side)
        if tuple(pixels.shape) != (1, 1, 3, side, side):
            raise GeometryError(
                f"Expected a square of {side} pixels for one of several pictures, got pixels of "
                f"shape {list(pixels.shape)} from {self.processor.image_processor}: use the "
                "checkpoint's own processor."
            )
        longest, cells = max(image.size), side // patch
        inner = torch.arange(cells + 1, dtype=torch.float64) * patch * longest / side
        rows, columns = (inner - (longest - length) // 2 for length in image.size[::-1])
        grid = TokenGrid(torch.arange(cells**2).view(cells, cells), rows, columns)
        return VisualInputs(
            tensors=self._square(pixels, image)
            if side == self._side
            else encoder_outputs([self._with_newline(pixels[0])]),
            placeholder=self.default_marker * (cells**2 + 1),
            geometries=(Geometry(image.size, (grid,)),),
            size=self.model_size(image.size, scale, pictures),
            non_spatial=(cells**2,),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        if pictures == 1:
            canvas = canvas_at(self, (size[1], size[0]), scale, self._max_tiles)
            return canvas.content[1], canvas.content[0]
        side, longest = scaled_side(self.model.config, scale), max(size)
        return round(size[0] * side / longest), round(size[1] * side / longest)

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Each frame squashed to one tile and pooled; one newline token at the clip's end.

        The pixels come from SigLIP's image processor, because the video processor needs
        torchvision. Both resize and normalise in the same way.
        """
        side = scaled_side(self.model.config, scale)
        pixels = self._frame_pixels(clip, side)
        pooled = ceil(side // self._patch / 2)
        count = len(clip) * pooled**2
        return VisualInputs(
            tensors={"pixel_values_videos": pixels[None]}
            if side == self._side
            else encoder_outputs(self._pooled(pixels, pooled)[None], "video"),
            placeholder=self.clip_marker * (count + 1),
            geometries=(self._frame_geometry(clip, side, pooled),) * len(clip),
            size=(side, side),
            non_spatial=(count,),
            frames=single_frames(clip),
        )

    def _frame_pixels(self, clip: Clip, side: int) -> Tensor:
        """Float `[frame, 3, side, side]`: each frame squashed to a square and normalised."""
        from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

        settings, image_processor = self.processor.video or {}, self.processor.image_processor
        resize = SiglipImageProcessorPil(
            size={"height": side, "width": side},
            image_mean=settings.get("image_mean", image_processor.image_mean),
            image_std=settings.get("image_std", image_processor.image_std),
            resample=settings.get("resample", 3),  # bicubic
        )
        return resize(list(clip.frames), return_tensors="pt")["pixel_values"]

    def _frame_geometry(self, clip: Clip, side: int, pooled: int) -> Geometry:
        """The boxes of the `pooled` x `pooled` tokens of a frame of `side` pixels."""
        inner = torch.arange(side // self._patch + 1, dtype=torch.float64) * self._patch / side
        index = torch.arange(pooled**2).view(pooled, pooled)
        rows, columns = (resampled_edges(inner * length, pooled) for length in clip.size[::-1])
        return Geometry(clip.size, (TokenGrid(index, rows, columns, name="frame"),))

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `seewhy.models.families.llava_next.packed_features`."""
        return packed_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """As `llava_next.collate_tiles`, with the number of pictures in each row."""
        tensors = collate_tiles(self, rows)
        counts = [count for row in rows if (count := sum(not visual.is_clip for visual in row))]
        if "pixel_values" not in tensors:
            return tensors
        return {**tensors, "batch_num_images": torch.tensor(counts)}

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `Family.tensors_of_row`; one of several pictures of a prompt is a single square."""
        found = {}
        if "batch_num_images" in tensors:
            counts = tensors["batch_num_images"].tolist()
            in_rows = tokens_in_rows(ids, self.image_token_id)
            sizes = tensors["image_sizes"].tolist()
            together = [count for count in counts for _ in range(count)]
            tokens = [self._tokens(*pair) for pair in zip(sizes, together, strict=True)]
            entries = entries_of_row(tokens, in_rows, row)
            found = sliced(tensors, ("pixel_values", "image_sizes"), entries)
        clips = sliced(tensors, ("pixel_values_videos",), slice(None))
        return found | uniform_tensors_of_row(self, clips, ids, row)

    def _tokens(self, size: Sequence[int], pictures: int) -> int:
        """Image tokens of a picture (height, width), among several of a prompt or alone."""
        if pictures > 1:
            return (self._side // self._patch) ** 2 + 1
        height, width = size
        return tokens_on(self, canvas_at(self, (height, width), 1.0, self._max_tiles))

    @property
    def _newline(self) -> Tensor:
        """Float `[1, hidden]`: the embedding after a row, a square or a clip."""
        base: Any = self.model.base_model
        return base.image_newline[None]

    @property
    def _side(self) -> int:
        return self.model.config.vision_config.image_size

    @property
    def _patch(self) -> int:
        return self.model.config.vision_config.patch_size

    def _square(self, pixels: Tensor, image: Image) -> dict[str, Any]:
        return {
            "pixel_values": pixels,
            "image_sizes": torch.tensor([[image.height, image.width]]),
            # More than one, so that the model expects no tiles; `collate` sets the true number.
            "batch_num_images": torch.tensor([2]),
        }

    @in_eval_mode
    def _with_newline(self, pixels: Tensor) -> Tensor:
        features = project(self.model, pixels)[0]
        return torch.cat([features, self._newline.to(features)])

    @in_eval_mode
    def _pooled(self, pixels: Tensor, pooled: int) -> Tensor:
        features = project(self.model, pixels)
        cells = round(features.shape[1] ** 0.5)
        planes = features.view(len(pixels), cells, cells, -1).permute(0, 3, 1, 2)
        planes = torch.nn.functional.interpolate(planes, (pooled, pooled), mode="bilinear")
        rows = planes.permute(0, 2, 3, 1).flatten(0, 2)
        return torch.cat([rows, self._newline.to(rows)])
