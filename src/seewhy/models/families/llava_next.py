"""LLaVA-NeXT: the whole picture first, then a canvas of tiles as one raster with ends of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from transformers.image_processing_utils import get_patch_output_size, select_best_resolution
from transformers.modeling_outputs import BaseModelOutputWithPooling

from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.families.llava import TOWERS
from seewhy.models.family import Family, VisualInputs, concatenate, input_device, on_device

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts


class LlavaNext(Family):
    """LLaVA-NeXT (1.6) in transformers' own class (`LlavaNextForConditionalGeneration`).

    The picture is seen twice: squashed to one tile (the base image), and, with its aspect kept and
    padded on both ends, on a canvas of tiles that comes nearest to its size. The tiles' tokens form
    one raster, from which whole rows or columns of padding are cut off, and each row ends in a
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
    unseen = (
        "every pixel is seen, but for a rest of a tile that fills no patch; each is seen twice, by "
        "the base image and by the tiles, which are fused"
    )
    default_marker = "<image>"
    plain_format = "USER: {marker}\n{prompt} ASSISTANT:"

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_patches_alone(model.config)

    @property
    def image_token_id(self) -> int:
        """The id of `<image>`."""
        return self.model.config.image_token_id

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """See `process_tiles`."""
        return process_tiles(self, image, scale)

    def visual_features(self, seen: VisualInputs) -> Tensor:
        """See `packed_features`."""
        return packed_features(self, seen)

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
        most: how many tiles' worth of tokens the raster may have before it is interpolated
            (LLaVA-OneVision); None for no bound.
    """

    picture: tuple[int, int]
    tiles: tuple[int, int]
    side: int
    patch: int
    most: int | None = None

    @property
    def cells(self) -> int:
        """Patches on a tile's side; a rest that fills no patch is seen by none."""
        return self.side // self.patch

    @cached_property
    def content(self) -> tuple[int, int]:
        """Height and width of the picture on the canvas in pixels, its aspect kept."""
        # Only the shape counts: the array is one zero, seen through strides.
        whole = (self.tiles[0] * self.side, self.tiles[1] * self.side)
        shape = np.broadcast_to(np.uint8(0), (3, *self.picture))
        return get_patch_output_size(shape, whole, input_data_format="channels_first")

    @cached_property
    def kept(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that are left once its padding is cut off.

        The model counts in tokens and by the picture's aspect, not by the padding in pixels.
        """
        whole = [count * self.cells for count in self.tiles]
        height, width = self.picture
        if width / height > whole[1] / whole[0]:
            rest = whole[0] - int(round(height * (whole[1] / width), 7))
            return slice(rest // 2, whole[0] - rest // 2), slice(0, whole[1])
        rest = whole[1] - int(round(width * (whole[0] / height), 7))
        return slice(0, whole[0]), slice(rest // 2, whole[1] - rest // 2)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the raster as it enters the language model."""
        rows, columns = (part.stop - part.start for part in self.kept)
        ratio = (rows * columns / (self.most * self.cells**2)) ** 0.5 if self.most else 1.0
        return (rows, columns) if ratio <= 1.1 else (int(rows // ratio), int(columns // ratio))

    def edges(self, axis: int) -> Tensor:
        """Edges of the raster's cells in pixels of the original: float64 `[cells + 1]`."""
        inner = torch.arange(self.cells, dtype=torch.float64) * self.patch
        starts = torch.cat([inner + tile * self.side for tile in range(self.tiles[axis])])
        edges = torch.cat([starts, starts[-1:] + self.patch])
        kept = self.kept[axis]
        edges = edges[kept.start : kept.stop + 1]
        margin = (self.tiles[axis] * self.side - self.content[axis]) // 2
        edges = (edges - margin) * self.picture[axis] / self.content[axis]
        return respaced(edges, self.shape[axis])

    def grids(self) -> tuple[TokenGrid, ...]:
        """The base image's raster and, behind it on the visual axis, that of the tiles.

        Of a very narrow picture the model cuts all rows off as padding: the base alone is left.
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
        """Places of the newline tokens among the picture's image tokens."""
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


def respaced(edges: Tensor, cells: int) -> Tensor:
    """Edges of `cells` cells that share a raster's extent evenly, counted in its own cells.

    Example:
        >>> respaced(torch.tensor([0.0, 10.0, 20.0, 60.0], dtype=torch.float64), 2).tolist()
        [0.0, 15.0, 60.0]
    """
    known = len(edges) - 1
    if cells == known:
        return edges
    places = torch.linspace(0, known, cells + 1, dtype=torch.float64)
    low = places.floor().long().clamp(max=known - 1)
    return edges[low] + (edges[low + 1] - edges[low]) * (places - low)


def process_tiles(
    family: Family, image: Image, scale: float, most: int | None = None
) -> VisualInputs:
    """One picture as base image and tiles; the canvas is the one that the processor chooses.

    Args:
        family: LLaVA-NeXT or LLaVA-OneVision.
        image: an upright RGB picture.
        scale: of the side of a tile.
        most: see `Canvas`.

    Raises:
        GeometryError: if the image processor's tiles are not those that its settings say.
    """
    processor: Any = family.processor.image_processor
    config: Any = family.model.config
    own, picture = config.vision_config.image_size, (image.height, image.width)
    points = [list(point) for point in processor.image_grid_pinpoints]
    if points != [list(point) for point in config.image_grid_pinpoints]:
        raise GeometryError(
            f"Expected the model's image_grid_pinpoints {config.image_grid_pinpoints}, got "
            f"{points} from the processor: load model and processor from one checkpoint."
        )
    height, width = select_best_resolution(picture, points)
    tiles, side = (height // own, width // own), scaled_side(config, scale)
    canvas = Canvas(picture, tiles, side, config.vision_config.patch_size, most)
    settings: dict[str, Any] = {}
    if side != own:
        square = {"height": side, "width": side}
        settings = {"size": square, "image_grid_pinpoints": [[tiles[0] * side, tiles[1] * side]]}
        if processor.do_center_crop:
            settings["crop_size"] = square
    made = processor(image, return_tensors="pt", **settings)
    expected = (1, 1 + tiles[0] * tiles[1], 3, side, side)
    if tuple(made["pixel_values"].shape) != expected:
        raise GeometryError(
            f"Expected a base image and {tiles[1]} x {tiles[0]} tiles of {side} pixels for an "
            f"image of {image.width} x {image.height}, got pixels of shape "
            f"{list(made['pixel_values'].shape)} from {processor}: use the checkpoint's own "
            "processor."
        )
    rows, columns = canvas.shape
    has_newlines = family.model.base_model.image_newline is not None
    token = family.processor.tokenizer.convert_ids_to_tokens(family.image_token_id)
    count = canvas.cells**2 + rows * (columns + has_newlines)
    return VisualInputs(
        tensors=_native(made) if side == own else _features(family, made, canvas),
        placeholder=token * count,
        geometries=(Geometry(image.size, canvas.grids()),),
        size=(canvas.content[1], canvas.content[0]),
        non_spatial=canvas.newlines if has_newlines else (),
    )


def scaled_side(config: Any, scale: float) -> int:
    """Pixels of a tile's side at a scale: whole patches, the tower's own size at scale 1."""
    own, patch = config.vision_config.image_size, config.vision_config.patch_size
    cells = max(1, round(own // patch * scale))
    return own if cells == own // patch else cells * patch


def _native(made: Any) -> dict[str, Any]:
    return {name: torch.as_tensor(made[name]) for name in ("pixel_values", "image_sizes")}


@torch.no_grad()
def _features(family: Family, made: Any, canvas: Canvas) -> dict[str, Any]:
    """Tiles of another size go in as features: the model would pack them by its own size."""
    pixels, base = made["pixel_values"].flatten(0, 1), cast(Any, family.model.base_model)
    packed = canvas.pack(project(family.model, pixels), base.image_newline)
    return {"mm_encoder_outputs": as_outputs("image", [packed])}


def project(model: Any, pixels: Tensor) -> Tensor:
    """Float `[tile, token, hidden]`: what tower and projector make of tiles of any size."""
    config, base = model.config, model.base_model
    pixels = pixels.to(input_device(model), base.vision_tower.dtype)
    states = base.vision_tower(
        pixels, output_hidden_states=True, interpolate_pos_encoding=True
    ).hidden_states
    chosen = config.vision_feature_layer
    layers = [chosen] if isinstance(chosen, int) else chosen
    features = torch.cat([states[layer] for layer in layers], -1)
    if config.vision_feature_select_strategy == "default":
        features = features[:, 1:]
    return base.multi_modal_projector(features)


def as_outputs(kind: str, features: Any) -> dict[str, Any]:
    """Features as the model's own encoder step leaves them, under `"image"` or `"video"`."""
    return {kind: BaseModelOutputWithPooling(pooler_output=features)}  # pyright: ignore


def packed_features(family: Family, seen: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: the packed features without newlines, for one picture."""
    features = features_of(family, seen)
    owners = torch.ones(len(features), dtype=torch.bool)
    owners[list(seen.non_spatial)] = False
    return features[owners.to(features.device)]


@torch.no_grad()
def features_of(family: Family, seen: VisualInputs) -> Tensor:
    """Float `[token, hidden]`: all that stands for a picture in the language model's input."""
    model: Any = family.model
    if "mm_encoder_outputs" in seen.tensors:
        (outputs,) = seen.tensors["mm_encoder_outputs"].values()
        return torch.cat(list(outputs.pooler_output))
    tensors = on_device(seen.tensors, model)
    if "pixel_values_videos" in tensors:
        return torch.cat(list(model.get_video_features(**tensors).pooler_output))
    return torch.cat(list(model.get_image_features(**tensors).pooler_output))


def collate_tiles(family: Family, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
    """Pictures of different numbers of tiles, padded with empty ones as the processor does.

    Pictures of other sizes than the tower's go in as features, and then all of them do.
    """
    visuals = [seen for row in rows for seen in row]
    if any("mm_encoder_outputs" in seen.tensors for seen in visuals):
        outputs: dict[str, Any] = {}
        for kind in ("image", "video"):
            own = [
                features_of(family, seen) for seen in visuals if seen.is_clip == (kind == "video")
            ]
            if own:
                outputs |= as_outputs(kind, own if kind == "image" else torch.cat(own)[None])
        return {"mm_encoder_outputs": outputs}
    most = max((s.tensors["pixel_values"].shape[1] for s in visuals if not s.is_clip), default=0)
    parts = []
    for seen in visuals:
        part = dict(seen.tensors)
        if "pixel_values" in part:
            pixels = part["pixel_values"]
            empty = pixels.new_zeros(1, most - pixels.shape[1], *pixels.shape[2:])
            part["pixel_values"] = torch.cat([pixels, empty], 1)
        parts.append(part)
    return concatenate(parts)


def expect_patches_alone(config: Any) -> None:
    """Check that each tile's tokens are its patches, with no class token among them.

    Raises:
        UnsupportedModelError: if the tower is not known, or its class token is kept, or a patch is
            dropped for one.
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
            f"{strategy!r}: tiles would hold a token too many or too few; load the model with its "
            "checkpoint's own config."
        )
