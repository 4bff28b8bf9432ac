"""LLaVA-NeXT: the whole picture first, then a canvas of tiles with a newline after each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from transformers.image_processing_utils import get_patch_output_size, select_best_resolution

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.encoder_outputs import encoder_outputs
from seewhy.models.families.llava import TOWERS, set_sizes
from seewhy.models.family import Family, VisualInputs, concatenate, input_device, on_device
from seewhy.models.isolation import in_eval_mode
from seewhy.models.row_tensors import entries_of_row, sliced, tokens_in_rows

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts


class LlavaNext(Family):
    """LLaVA-NeXT (1.6) in transformers' own class (`LlavaNextForConditionalGeneration`).

    The picture is processed twice: squashed to one tile (the base image), and, with its aspect kept
    and padded on both ends, on the canvas of tiles that is nearest to its size. The tiles' tokens
    form one grid, from which whole rows or columns of padding are cut off, and each row ends with a
    newline token that owns no pixels.
    """

    name = "llava-next"
    model_types = ("llava_next",)
    checkpoints = (
        "llava-hf/llava-v1.6-mistral-7b-hf",
        "llava-hf/llava-v1.6-vicuna-7b-hf",
        "llava-hf/llava-v1.6-vicuna-13b-hf",
        "llava-hf/llava-v1.6-34b-hf",
        "llava-hf/llama3-llava-next-8b-hf",
        "llava-hf/llava-next-72b-hf",
        "ibm-granite/granite-vision-3.2-2b",
        "ibm-granite/granite-vision-3.3-2b",
    )
    scaling = (
        "interpolated positions: the same canvas of tiles, each tile resized to scale times its "
        "side, rounded to whole patches; the vision tower interpolates its position embeddings"
    )
    coverage = (
        "every pixel is seen, but for a rest of a tile that fills no patch; each is seen twice, by "
        "the base image and by the tiles, which are fused"
    )
    default_marker = "<image>"
    plain_format = "USER: {marker}\n{prompt} ASSISTANT:"
    box_format = BoxFormat(None, ("fractions",))

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_patches_alone(model.config)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `process_tiles`."""
        return process_tiles(self, image, scale)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `Family.model_size`."""
        height, width = canvas_at(self, (size[1], size[0]), scale, None).content
        return width, height

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `tiled_tensors_of_row`."""
        return tiled_tensors_of_row(self, tensors, ids, row)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """See `packed_features`."""
        return packed_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """See `collate_tiles`."""
        return collate_tiles(self, rows)


@dataclass(frozen=True)
class Canvas:
    """A picture on its canvas of tiles; pairs are (vertical, horizontal).

    Attributes:
        picture: height and width of the original in pixels.
        tiles: rows and columns of tiles.
        side: pixels of a tile's side.
        patch: pixels of a patch's side.
        max_tiles: the grid is interpolated if it has more tokens than this number of tiles
            (LLaVA-OneVision); None for no limit.
    """

    picture: tuple[int, int]
    tiles: tuple[int, int]
    side: int
    patch: int
    max_tiles: int | None = None

    @property
    def cells(self) -> int:
        """Patches on a tile's side; a remainder that fills no patch is not used."""
        return self.side // self.patch

    @cached_property
    def content(self) -> tuple[int, int]:
        """Height and width of the picture on the canvas in pixels, its aspect kept."""
        # Only the shape counts: the array is one zero, repeated by strides.
        full = (self.tiles[0] * self.side, self.tiles[1] * self.side)
        shape = np.broadcast_to(np.uint8(0), (3, *self.picture))
        return get_patch_output_size(shape, full, input_data_format="channels_first")

    @cached_property
    def kept(self) -> tuple[slice, slice]:
        """Rows and columns of the grid after its padding is cut off.

        The model computes them in tokens from the picture's aspect, not from the padding in pixels.
        """
        full = [count * self.cells for count in self.tiles]
        height, width = self.picture
        if width / height > full[1] / full[0]:
            padding = full[0] - int(round(height * (full[1] / width), 7))
            return slice(padding // 2, full[0] - padding // 2), slice(0, full[1])
        padding = full[1] - int(round(width * (full[0] / height), 7))
        return slice(0, full[0]), slice(padding // 2, full[1] - padding // 2)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid that enters the language model."""
        rows, columns = (part.stop - part.start for part in self.kept)
        if self.max_tiles is None:
            return rows, columns
        ratio = (rows * columns / (self.max_tiles * self.cells**2)) ** 0.5
        return (rows, columns) if ratio <= 1.1 else (int(rows // ratio), int(columns // ratio))

    def edges(self, axis: int) -> Tensor:
        """Edges of the grid's cells in pixels of the original: float64 `[cells + 1]`."""
        inner = torch.arange(self.cells, dtype=torch.float64) * self.patch
        starts = torch.cat([inner + tile * self.side for tile in range(self.tiles[axis])])
        edges = torch.cat([starts, starts[-1:] + self.patch])
        kept = self.kept[axis]
        edges = edges[kept.start : kept.stop + 1]
        margin = (self.tiles[axis] * self.side - self.content[axis]) // 2
        edges = (edges - margin) * self.picture[axis] / self.content[axis]
        return resampled_edges(edges, self.shape[axis])

    def grids(self) -> tuple[TokenGrid, ...]:
        """The base image's grid and, after it on the visual axis, that of the tiles.

        For a very narrow picture the model cuts all rows off as padding: only the base is left.
        """
        count = self.cells**2
        inner = torch.arange(self.cells + 1, dtype=torch.float64) * self.patch / self.side
        height, width = self.picture
        index = torch.arange(count).view(self.cells, self.cells)
        base = TokenGrid(index, inner * height, inner * width, name="base")
        rows, columns = self.shape
        if not rows * columns:
            return (base,)
        raster = torch.arange(count, count + rows * columns).view(rows, columns)
        return base, TokenGrid(raster, self.edges(0), self.edges(1), name="tiles")

    @property
    def newlines(self) -> tuple[int, ...]:
        """Indices of the newline tokens among the picture's image tokens."""
        rows, columns = self.shape
        return tuple(self.cells**2 + row * (columns + 1) + columns for row in range(rows))

    def pack(self, features: Tensor, newline: Tensor | None) -> Tensor:
        """Features as they enter the language model.

        Args:
            features: float `[1 + tile, token, hidden]`, the base image's first.
            newline: float `[hidden]`.

        Returns:
            Float `[token, hidden]`.
        """
        (down, across), cells = self.tiles, self.cells
        tiles = features[1:].view(down, across, cells, cells, -1).transpose(1, 2)
        raster = tiles.reshape(down * cells, across * cells, -1)[self.kept[0], self.kept[1]]
        if raster.shape[:2] != self.shape:
            planes = raster.permute(2, 0, 1)[None]
            planes = torch.nn.functional.interpolate(planes, self.shape, mode="bilinear")
            raster = planes[0].permute(1, 2, 0)
        if newline is not None:
            ends = newline.to(raster).expand(len(raster), 1, -1)
            raster = torch.cat([raster, ends], 1)
        return torch.cat([features[0], raster.flatten(0, 1)])


def resampled_edges(edges: Tensor, cells: int) -> Tensor:
    """Edges of `cells` cells over a grid's extent, of equal size when counted in its old cells.

    Example:
        >>> resampled_edges(torch.tensor([0.0, 10.0, 20.0, 60.0], dtype=torch.float64), 2).tolist()
        [0.0, 15.0, 60.0]
    """
    old_cells = len(edges) - 1
    if cells == old_cells:
        return edges
    positions = torch.linspace(0, old_cells, cells + 1, dtype=torch.float64)
    low = positions.floor().long().clamp(max=old_cells - 1)
    return edges[low] + (edges[low + 1] - edges[low]) * (positions - low)


def process_tiles(
    family: Family, image: Image, scale: float, max_tiles: int | None = None
) -> VisualInputs:
    """Process a picture as base image and tiles, on the processor's canvas.

    Args:
        family: LLaVA-NeXT or LLaVA-OneVision.
        image: an upright RGB picture.
        scale: relative to a tile's side.
        max_tiles: see `Canvas`.

    Raises:
        GeometryError: if the image processor's tiles do not match its settings.
    """
    config: Any = family.model.config
    canvas = canvas_at(family, (image.height, image.width), scale, max_tiles)
    processed = _processed_tiles(family, image, canvas)
    has_newlines = family.model.base_model.image_newline is not None
    count = tokens_on(family, canvas)
    is_native = canvas.side == config.vision_config.image_size
    token = family.processor.tokenizer.convert_ids_to_tokens(family.image_token_id)
    return VisualInputs(
        tensors=(
            {name: torch.as_tensor(processed[name]) for name in ("pixel_values", "image_sizes")}
            if is_native
            else _features(family, processed, canvas)
        ),
        placeholder=token * count,
        geometries=(Geometry(image.size, canvas.grids()),),
        size=(canvas.content[1], canvas.content[0]),
        non_spatial=canvas.newlines if has_newlines else (),
    )


def tokens_on(family: Family, canvas: Canvas) -> int:
    """Number of image tokens of a picture on a canvas, newlines included."""
    rows, columns = canvas.shape
    has_newlines = family.model.base_model.image_newline is not None
    return canvas.cells**2 + rows * (columns + has_newlines)


def tiled_tensors_of_row(
    family: Family,
    tensors: Mapping[str, Any],
    ids: Tensor,
    row: int,
    max_tiles: int | None = None,
) -> dict[str, Any]:
    """See `Family.tensors_of_row`; the tokens of each picture follow from its size.

    Args:
        family: LLaVA-NeXT, or LLaVA-OneVision with single pictures.
        tensors, ids, row: as for `Family.tensors_of_row`.
        max_tiles: see `Canvas`.
    """
    names = ("pixel_values", "image_sizes")
    if not set(names) <= set(tensors):
        return {}
    sizes = tensors["image_sizes"].tolist()
    canvases = (canvas_at(family, (height, width), 1.0, max_tiles) for height, width in sizes)
    tokens = [tokens_on(family, canvas) for canvas in canvases]
    entries = entries_of_row(tokens, tokens_in_rows(ids, family.image_token_id), row)
    return sliced(tensors, names, entries)


def expect_tiles_alone(processor: Any, side: int) -> None:
    """Check that nothing changes a tile after it was cut out.

    Raises:
        UnsupportedModelError: if tiles would be resized or cropped once more.
    """
    square = {"height": side, "width": side}
    size, crop = set_sizes(processor.size), set_sizes(processor.crop_size)
    if size not in ({"shortest_edge": side}, square) or (crop or square) != square:
        raise UnsupportedModelError(
            f"Expected an image processor with size and crop_size of the tiles, {side} pixels, got "
            f"size = {size}, crop_size = {crop}: each tile would be resized and cropped once more, "
            "so its pixels would not be known; leave these settings out."
        )


def canvas_at(
    family: Family, picture: tuple[int, int], scale: float, max_tiles: int | None
) -> Canvas:
    """The processor's canvas for a picture, with its tiles at a scale.

    Args:
        family: LLaVA-NeXT or LLaVA-OneVision.
        picture: height and width.
        scale: relative to a tile's side.
        max_tiles: see `Canvas`.

    Raises:
        GeometryError: if model and processor have different canvases.
    """
    config: Any = family.model.config
    points = [list(point) for point in family.processor.image_processor.image_grid_pinpoints]
    if points != [list(point) for point in config.image_grid_pinpoints]:
        raise GeometryError(
            f"Expected the model's image_grid_pinpoints {config.image_grid_pinpoints}, got "
            f"{points} from the processor: load model and processor from one checkpoint."
        )
    height, width = select_best_resolution(picture, points)
    native = config.vision_config.image_size
    tiles, side = (height // native, width // native), scaled_side(config, scale)
    return Canvas(picture, tiles, side, config.vision_config.patch_size, max_tiles)


def _processed_tiles(family: Family, image: Image, canvas: Canvas) -> Any:
    """The image processor's output for a picture, with tiles of the canvas's size.

    Raises:
        GeometryError: if the tiles do not match its settings.
    """
    processor: Any = family.processor.image_processor
    config: Any = family.model.config
    (down, across), side = canvas.tiles, canvas.side
    settings: dict[str, Any] = {}
    if side != config.vision_config.image_size:
        square = {"height": side, "width": side}
        settings = {"size": square, "image_grid_pinpoints": [[down * side, across * side]]}
        if processor.do_center_crop:
            settings["crop_size"] = square
    processed = processor(image, return_tensors="pt", **settings)
    shape = tuple(processed["pixel_values"].shape)
    if shape != (1, 1 + down * across, 3, side, side):
        raise GeometryError(
            f"Expected a base image and {across} x {down} tiles of {side} pixels for an image of "
            f"{image.width} x {image.height}, got pixels of shape {list(shape)} from {processor}: "
            "use the checkpoint's own processor."
        )
    expect_tiles_alone(processor, config.vision_config.image_size)
    return processed


def scaled_side(config: Any, scale: float) -> int:
    """Pixels of a tile's side at a scale: whole patches, the tower's own size at scale 1."""
    native, patch = config.vision_config.image_size, config.vision_config.patch_size
    cells = max(1, round(native // patch * scale))
    return native if cells == native // patch else cells * patch


@in_eval_mode
def _features(family: Family, processed: Any, canvas: Canvas) -> dict[str, Any]:
    """Tiles of another size are passed as features: the model would pack them by its own size."""
    pixels, base = processed["pixel_values"].flatten(0, 1), cast(Any, family.model.base_model)
    packed = canvas.pack(project(family.model, pixels), base.image_newline)
    return encoder_outputs([packed])


def project(model: Any, pixels: Tensor) -> Tensor:
    """Float `[tile, token, hidden]`: the projected patches of tiles of any size."""
    config, base = model.config, model.base_model
    pixels = pixels.to(input_device(model), base.vision_tower.dtype)
    states = base.vision_tower(
        pixels, output_hidden_states=True, interpolate_pos_encoding=True
    ).hidden_states
    layers = config.vision_feature_layer
    layers = [layers] if isinstance(layers, int) else layers
    features = torch.cat([states[layer] for layer in layers], -1)
    if config.vision_feature_select_strategy == "default":
        features = features[:, 1:]
    return base.multi_modal_projector(features)


def packed_features(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: the packed features without newlines, for one picture."""
    features = features_of(family, visual)
    return features[visual.spatial_mask.to(features.device)]


@in_eval_mode
def features_of(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[token, hidden]`: all tokens of a picture in the language model's input."""
    model: Any = family.model
    if "mm_encoder_outputs" in visual.tensors:
        (outputs,) = visual.tensors["mm_encoder_outputs"].values()
        return torch.cat(list(outputs.pooler_output))
    tensors = on_device(visual.tensors, model)
    if "pixel_values_videos" in tensors:
        return torch.cat(list(model.get_video_features(**tensors).pooler_output))
    return torch.cat(list(model.get_image_features(**tensors).pooler_output))


def collate_tiles(family: Family, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
    """Batch pictures with different numbers of tiles, padded with empty tiles as by the processor.

    If one picture has another size than the tower's, all pictures are passed as features.
    """
    visuals = [visual for row in rows for visual in row]
    if any("mm_encoder_outputs" in visual.tensors for visual in visuals):
        return _collated_features(family, visuals)
    counts = [v.tensors["pixel_values"].shape[1] for v in visuals if not v.is_clip]
    return concatenate([_with_empty_tiles(visual, max(counts, default=0)) for visual in visuals])


def _collated_features(family: Family, visuals: Sequence[VisualInputs]) -> dict[str, Any]:
    """The features of all pictures, and those of all clips, in place of pixels."""
    images = [features_of(family, visual) for visual in visuals if not visual.is_clip]
    clips = [features_of(family, visual) for visual in visuals if visual.is_clip]
    outputs: dict[str, Any] = {}
    if images:
        outputs |= encoder_outputs(images)["mm_encoder_outputs"]
    if clips:
        outputs |= encoder_outputs(torch.cat(clips)[None], "video")["mm_encoder_outputs"]
    return {"mm_encoder_outputs": outputs}


def _with_empty_tiles(visual: VisualInputs, count: int) -> dict[str, Any]:
    """A picture's tensors with empty tiles added up to `count`; a clip's as they are."""
    tensors = dict(visual.tensors)
    if "pixel_values" in tensors:
        pixels = tensors["pixel_values"]
        empty = pixels.new_zeros(1, count - pixels.shape[1], *pixels.shape[2:])
        tensors["pixel_values"] = torch.cat([pixels, empty], 1)
    return tensors


def expect_patches_alone(config: Any) -> None:
    """Check that each tile's tokens are its patches, without a class token.

    Raises:
        UnsupportedModelError: if the tower is not supported, its class token is kept, or a patch is
            dropped as one.
    """
    tower, strategy = config.vision_config.model_type, config.vision_feature_select_strategy
    if tower not in TOWERS:
        raise UnsupportedModelError(
            f"Expected a vision tower of type {' or '.join(TOWERS)}, got {tower!r}: no family of "
            "seewhy supports it, choose another model."
        )
    fitting = "default" if TOWERS[tower] else "full"
    if strategy != fitting:
        raise UnsupportedModelError(
            f"Expected vision_feature_select_strategy {fitting!r} with the tower {tower!r}, got "
            f"{strategy!r}: tiles would have one token too many or too few; load the model with "
            "its checkpoint's own config."
        )
