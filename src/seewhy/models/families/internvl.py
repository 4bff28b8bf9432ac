"""InternVL 2.5 and 3: tiles of a resized canvas, then a thumbnail of the whole picture."""

from __future__ import annotations

from math import ceil, floor, log
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import get_optimal_tiled_canvas

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid, pixel_edges
from seewhy.images.clips import Clip
from seewhy.models.families.idefics3 import tile_order
from seewhy.models.families.llava import set_sizes
from seewhy.models.family import (
    RESIZED_BY_IMAGE_PROCESSOR,
    Family,
    VisualInputs,
    on_device,
    single_frames,
)
from seewhy.models.isolation import in_eval_mode

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.models.processing import ProcessorParts


class InternVL(Family):
    """InternVL in transformers' own class (`InternVLForConditionalGeneration`).

    The image processor stretches the picture to a canvas of whole tiles, row by row, and adds the
    whole picture as a last tile (the thumbnail) if there is more than one. Within a tile the pixel
    shuffle joins 2 x 2 patches to one token and keeps the order of the rows. So a picture of many
    tiles has two token grids: one across all tiles, and the thumbnail's. Every frame of a clip is
    one tile.
    """

    name = "internvl"
    model_types = ("internvl",)
    checkpoints = (
        "OpenGVLab/InternVL2_5-2B-MPO-hf",
        "OpenGVLab/InternVL2_5-8B-MPO-hf",
        *(f"OpenGVLab/InternVL3-{n}B-hf" for n in (1, 2, 8, 9, 14, 38, 78)),
    )
    scaling = (
        "tiles: another tiling, whose canvas comes nearest to scale times the base canvas on each "
        "side (beyond max_patches if need be); a picture of one tile keeps it, the tile is resized "
        "to scale times its side, and the vision tower interpolates its position embeddings; so "
        "are the frames of a clip"
    )
    coverage = (
        "every pixel is seen; a picture of several tiles is seen twice, by its tiles and by the "
        "thumbnail, which are fused"
    )
    default_marker = "<IMG_CONTEXT>"
    clip_marker = "<video>"
    plain_format = "<|im_start|>user\n{marker}\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    usual_settings: ClassVar = {"crop_to_patches": True}
    box_format = BoxFormat("relative-1000", ("box-tags",))

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        Raises:
            GeometryError: if the image processor's tiles do not match its settings.
        """
        settings = self._settings(image.height, image.width, scale)
        # The default is False in the checkpoints' image processors, but True in their processors.
        pixels = self.processor.image_processor(
            image, return_tensors="pt", crop_to_patches=True, **settings
        )["pixel_values"]
        columns, rows = tiling(image.height, image.width, **settings)
        tile, tiles = settings["size"]["height"], rows * columns
        expected = (tiles + (tiles > 1), 3, tile, tile)
        if tuple(pixels.shape) != expected or tile % self._cell:
            raise GeometryError(
                f"Expected {expected[0]} square tiles, their side a multiple of {self._cell} "
                f"pixels, for an image of {image.width} x {image.height} in {columns} x {rows} "
                f"tiles, got pixels of shape {list(pixels.shape)} from {settings}: use the "
                "checkpoint's own processor."
            )
        side = tile // self._cell
        return VisualInputs(
            tensors={"pixel_values": pixels},
            placeholder=self._framed(expected[0] * side**2),
            geometries=(
                Geometry(image.size, grids(image.width, image.height, columns, rows, side)),
            ),
            size=(columns * tile, rows * tile),
        )

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        settings = self._settings(size[1], size[0], scale)
        columns, rows = tiling(size[1], size[0], **settings)
        return columns * settings["size"]["width"], rows * settings["size"]["height"]

    def process_video(self, clip: Clip, scale: float = 1.0) -> VisualInputs:
        """Prepare a clip; at scale 1 exactly as the model's own video processor does.

        Raises:
            GeometryError: if the video processor's frames are not of whole tokens.
        """
        settings = frame_settings(self.processor)
        size, cell = settings["size"], self._cell
        tile = size.get("height", 0)
        if size != {"height": tile, "width": tile} or tile % cell or not tile:
            raise GeometryError(
                f"Expected a video processor with square frames, their side a multiple of {cell} "
                f"pixels, got size = {size}: use the checkpoint's own processor."
            )
        if scale != 1:
            tile = max(1, round(tile * scale / cell)) * cell
        pixels = self.processor.image_processor(
            list(clip.frames),
            return_tensors="pt",
            do_resize=True,
            crop_to_patches=False,
            **{**settings, "size": {"height": tile, "width": tile}},
        )["pixel_values"]
        side = tile // cell
        frame, grid = self._framed(side**2), grids(*clip.size, 1, 1, side)
        return VisualInputs(
            tensors={"pixel_values": pixels},
            placeholder="\n".join(f"Frame{n + 1}: {frame}" for n in range(len(clip))),
            geometries=tuple(Geometry(clip.size, grid) for _ in clip.frames),
            size=(tile, tile),
            frames=single_frames(clip),
            notes=(RESIZED_BY_IMAGE_PROCESSOR,),
        )

    @in_eval_mode
    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        model: Any = self.model
        return model.get_image_features(**on_device(visual.tensors, model)).pooler_output.flatten(
            0, 1
        )

    def _framed(self, count: int) -> str:
        """`count` image tokens between the tokens that start and end an image."""
        tokens = self.processor.tokenizer
        start = getattr(tokens, "start_image_token", "<img>")
        end = getattr(tokens, "end_image_token", "</img>")
        return start + tokens.convert_ids_to_tokens(self.image_token_id) * count + end

    @property
    def _cell(self) -> int:
        """Pixels of a tile under one token, on each side."""
        config: Any = self.model.config
        return round(config.vision_config.patch_size[0] / config.downsample_ratio)

    def _settings(self, height: int, width: int, scale: float) -> dict[str, Any]:
        """The image processor's tile size and tile counts at a scale."""
        processor = self.processor.image_processor
        size = set_sizes(processor.size)
        if set(size) != {"height", "width"}:
            raise UnsupportedModelError(
                f"Expected an image processor whose size is a height and a width, got {size}: use "
                "the checkpoint's own processor."
            )
        native: dict[str, Any] = {
            "size": size,
            "min_patches": processor.min_patches,
            "max_patches": processor.max_patches,
        }
        if not self.processor.call_settings.get("crop_to_patches", True):
            native |= {"min_patches": 1, "max_patches": 1}
        if scale == 1:
            return native
        columns, rows = tiling(height, width, **native)
        if columns * rows == 1:
            tile = max(1, round(native["size"]["height"] * scale / self._cell)) * self._cell
            return {"size": {"height": tile, "width": tile}, "min_patches": 1, "max_patches": 1}

        tiles = nearest_tiles(height, width, native["size"], columns * scale, rows * scale)
        return {"size": native["size"], "min_patches": tiles, "max_patches": tiles}


def frame_settings(processor: ProcessorParts) -> dict[str, Any]:
    """The video processor's settings for a frame, as settings of an image processor.

    Settings that are not set there are those of the image processor.

    Raises:
        UnsupportedModelError: if it does not resize frames, or crops them.
    """
    video: dict[str, Any] = {
        name: value for name, value in (processor.video or {}).items() if value is not None
    }
    if not video.get("do_resize", True) or video.get("do_center_crop"):
        raise UnsupportedModelError(
            "Expected a video processor that resizes frames and does not crop them, got do_resize "
            f"= {video.get('do_resize')}, do_center_crop = {video.get('do_center_crop')}: use the "
            "checkpoint's own processor."
        )
    names = ("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")
    names += ("size", "resample")
    settings = {name: video.get(name, getattr(processor.image_processor, name)) for name in names}
    return {**settings, "size": set_sizes(settings["size"])}


def tiling(
    height: int, width: int, size: dict[str, int], min_patches: int, max_patches: int
) -> tuple[int, int]:
    """Columns and rows of tiles for a picture, by the image processor's own rule."""
    tile = (size["height"], size["width"])
    return get_optimal_tiled_canvas((height, width), tile, min_patches, max_patches)


def nearest_tiles(
    height: int, width: int, size: dict[str, int], columns: float, rows: float
) -> int:
    """The number of tiles whose tiling is nearest to `columns` x `rows`."""

    def misfit(tiles: int) -> float:
        across, down = tiling(height, width, size, tiles, tiles)
        return abs(log(across / columns)) + abs(log(down / rows))

    return min(sorted(tile_counts_around(columns, rows)), key=misfit)


def tile_counts_around(columns: float, rows: float) -> set[int]:
    """Numbers of tiles of the tilings around `columns` x `rows`.

    Example:
        >>> sorted(tile_counts_around(1.5, 0.5))
        [1, 2]
    """
    across, down = ({max(1, floor(n)), ceil(n)} for n in (columns, rows))
    return {a * d for a in across for d in down}


def grids(width: int, height: int, columns: int, rows: int, side: int) -> tuple[TokenGrid, ...]:
    """The token grid of all tiles and, after it on the visual axis, the thumbnail's.

    Args:
        width, height: of the original picture in pixels, all of which is stretched.
        columns, rows: of tiles; a single tile has no thumbnail.
        side: tokens on a tile's side.
    """
    tiles = rows * columns
    if tiles == 1:
        return (TokenGrid.over((0, 0, width, height), side, side),)
    tiled = TokenGrid(
        index=tile_order(rows, columns, side),
        row_edges=pixel_edges(height, rows * side),
        column_edges=pixel_edges(width, columns * side),
        name="tiles",
    )
    thumbnail = TokenGrid.over(
        (0, 0, width, height), side, side, first=tiles * side**2, name="thumbnail"
    )
    return tiled, thumbnail
