"""Idefics3: tiles of a resized canvas, row by row, then the whole picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.models.idefics3.image_processing_pil_idefics3 import get_resize_output_image_size

from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.families.llava import set_sizes
from seewhy.models.family import Family, VisualInputs, concatenate, on_device
from seewhy.models.isolation import in_eval_mode
from seewhy.models.row_tensors import sliced

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: Rows and columns of tiles that the tokenizers have markers for (`<row_6_col_6>`).
MAX_MARKED_TILES = 6


class Idefics3(Family):
    """Idefics3 and the first SmolVLM, in one class (`Idefics3ForConditionalGeneration`).

    The image processor resizes the picture to its longest edge, stretches it to a canvas of whole
    tiles and cuts these out row by row; the whole picture, squashed to one tile, comes last. A
    marker with row and column comes before each tile's tokens. Without splitting there is only the
    squashed picture.
    """

    name = "idefics3"
    model_types = ("idefics3",)
    checkpoints = (
        "HuggingFaceM4/Idefics3-8B-Llama3",
        "HuggingFaceTB/SmolVLM-Instruct",
        "HuggingFaceTB/SmolVLM-500M-Instruct",
        "HuggingFaceTB/SmolVLM-256M-Instruct",
    )
    scaling = (
        "tiles: the canvas gets scale times as many tiles on its long side, rounded, between 1 and "
        "6 (for more there are no row and column markers); a picture that is not split is resized "
        "to scale times its side, and its patches take the positions at the same fractions"
    )
    coverage = (
        "every pixel is seen (but for a rest of a tile's right and bottom that fills no patch); a "
        "picture of several tiles is seen twice, by its tiles and as a whole, which are fused"
    )
    default_marker = "<image>"
    plain_format = "User:{marker}{prompt}<end_of_utterance>\nAssistant:"
    box_format = BoxFormat("relative-500", ("doctags",))

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        expect_longest_edges(processor.image_processor)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture; at scale 1 exactly as the model's own processor does.

        Raises:
            GeometryError: if the image processor's tiles do not match its settings.
        """
        return process_tiles(self, image, scale)

    def model_size(self, size: tuple[int, int], scale: float, pictures: int) -> tuple[int, int]:
        """See `tiled_size`."""
        return tiled_size(self, size, scale)

    def tensors_of_row(self, tensors: Mapping[str, Any], ids: Tensor, row: int) -> dict[str, Any]:
        """See `tiles_of_row`."""
        return tiles_of_row(tensors, row)

    def visual_features(self, visual: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: the projected tokens, as they enter the language model."""
        return tile_features(self, visual)

    def collate(self, rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
        """All tiles of a prompt in one row; shorter rows are padded with empty tiles."""
        return collate_tiles(rows)


def process_tiles(family: Family, image: Image, scale: float) -> VisualInputs:
    """The visual inputs of a picture in Idefics3 and SmolVLM.

    Raises:
        GeometryError: if the image processor's tiles do not match its settings.
    """
    settings = settings_at(family, image.size, scale)
    processed = family.processor.image_processor(
        image, return_tensors="pt", return_row_col_info=True, do_pad=True, **settings
    )
    (rows,), (columns,) = processed["rows"][0], processed["cols"][0]
    tile, cell = settings["max_image_size"]["longest_edge"], cell_side(family)
    side, shape = tile // cell, tuple(processed["pixel_values"].shape)
    expected = (1, rows * columns + 1, 3, tile, tile)
    patch = family.model.config.vision_config.patch_size
    if shape != expected or not side or tile // patch * patch % cell:
        raise GeometryError(
            f"Expected {expected[1]} square tiles of {tile} pixels, their whole patches a multiple "
            f"of {cell} pixels, for an image of {image.width} x {image.height} in {columns} x "
            f"{rows} tiles, got pixels of shape {list(shape)} from {settings}: use the "
            "checkpoint's own processor."
        )
    grids = token_grids(image.size, columns, rows, side, share=side * cell / tile)
    return VisualInputs(
        tensors={name: processed[name] for name in ("pixel_values", "pixel_attention_mask")},
        placeholder=placeholder(rows, columns, **placeholder_parts(family, side)),
        geometries=(Geometry(image.size, grids),),
        size=(max(1, columns) * side * cell, max(1, rows) * side * cell),
    )


def tiled_size(family: Family, size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Width and height of the tiles' patches together, as `process_tiles` makes them."""
    processor, settings = family.processor.image_processor, settings_at(family, size, scale)
    tile, cell = settings["max_image_size"]["longest_edge"], cell_side(family)
    covered = tile // cell * cell
    if not settings.get("do_image_splitting", processor.do_image_splitting):
        return covered, covered
    longest = settings.get("size", set_sizes(processor.size))["longest_edge"]
    resizes = settings.get("do_resize", processor.do_resize)
    columns, rows = tiles_across(size, longest if resizes else None, tile)
    return columns * covered, rows * covered


def tiles_across(size: tuple[int, int], longest: int | None, tile: int) -> tuple[int, int]:
    """Columns and rows of tiles, by the image processor's own rules.

    Args:
        size: width and height of the picture.
        longest: to which the longer side is resized; None if the picture is not resized.
        tile: side of a tile.

    Example:
        >>> tiles_across((640, 480), 1456, 364)
        (4, 3)
    """
    width, height = size
    if longest is not None:
        array = np.broadcast_to(np.uint8(0), (3, height, width))
        height, width = get_resize_output_image_size(array, resolution_max_side=longest)
    # The longer side first; the other one follows from it, rounded down before it is rounded up.
    ratio = width / height
    if width >= height:
        columns = ceil(width / tile)
        return columns, ceil(int(columns * tile / ratio) / tile)
    rows = ceil(height / tile)
    return ceil(int(rows * tile * ratio) / tile), rows


def tiles_of_row(tensors: Mapping[str, Any], row: int) -> dict[str, Any]:
    """See `Family.tensors_of_row`; the first axis counts prompts."""
    return sliced(tensors, ("pixel_values", "pixel_attention_mask"), slice(row, row + 1))


def token_grids(
    size: tuple[int, int], columns: int, rows: int, side: int, *, share: float
) -> tuple[TokenGrid, ...]:
    """The grid of all tiles and, after it on the visual axis, the whole picture's.

    Args:
        size: width and height of the picture.
        columns, rows: of tiles; 0 where the picture is not split.
        side: tokens on a tile's side.
        share: of a tile's side, from its start, that its patches cover.
    """
    whole = tiled_grid(size, 1, 1, side, share=share)
    if not rows:
        return (whole,)
    tiles = tiled_grid(size, columns, rows, side, share=share, name="tiles")
    index = whole.index + tiles.index.numel()
    return tiles, TokenGrid(index, whole.row_edges, whole.column_edges, "thumbnail")


@in_eval_mode
def tile_features(family: Family, visual: VisualInputs) -> Tensor:
    """Float `[visual, hidden]`: the projected tokens of all tiles, one after the other."""
    model: Any = family.model
    outputs = model.get_image_features(**on_device(visual.tensors, model))
    return torch.cat(list(outputs.pooler_output))


def collate_tiles(rows: Sequence[Sequence[VisualInputs]]) -> dict[str, Any]:
    """Tensors `[batch, tile, ...]`: a row holds the tiles of all its pictures.

    Shorter rows end in tiles of zeros, which the model treats as padding.
    """
    joined = concatenate(
        [
            {name: tensor.squeeze(0) for name, tensor in visual.tensors.items()}
            for row in rows
            for visual in row
        ]
    )
    counts = [sum(visual.tensors["pixel_values"].shape[1] for visual in row) for row in rows]
    return {
        name: torch.stack(
            [
                pad(part, (0, 0) * (part.ndim - 1) + (0, max(counts) - len(part)))
                for part in tensor.split(counts)
            ]
        )
        for name, tensor in joined.items()
    }


def placeholder_parts(family: Family, side: int) -> dict[str, str]:
    """The texts for `placeholder`, for tiles of `side` x `side` tokens."""
    tokens = family.processor.tokenizer
    return {
        "image": tokens.convert_ids_to_tokens(family.image_token_id) * side**2,
        "around": getattr(tokens, "fake_image_token", "<fake_token_around_image>"),
        "whole": getattr(tokens, "global_image_token", "<global-img>"),
    }


def placeholder(rows: int, columns: int, *, image: str, around: str, whole: str) -> str:
    """The text of one picture: its tiles row by row, each with its marker, then the whole picture.

    Args:
        rows, columns: of tiles; 0 where the picture is not split.
        image: the image tokens of one tile.
        around: the marker before every tile, and after the last.
        whole: the marker of the whole picture.
    """
    lines = [
        "".join(f"{around}<row_{row}_col_{column}>{image}" for column in range(1, columns + 1))
        for row in range(1, rows + 1)
    ]
    tiles = "".join(f"{line}\n" for line in lines) + ("\n" if rows else "")
    return f"{tiles}{around}{whole}{image}{around}"


def settings_at(family: Family, picture: tuple[int, int], scale: float) -> dict[str, Any]:
    """The image processor's settings at a scale.

    Args:
        family: Idefics3 or SmolVLM.
        picture: width and height.
        scale: relative to the canvas's long side in tiles, or to the tile's side.
    """
    processor = family.processor.image_processor
    longest, tile = (
        int(size["longest_edge"]) for size in (processor.size, processor.max_image_size)
    )
    tile_size = {"max_image_size": {"longest_edge": tile}}
    if scale == 1:
        return tile_size
    edge = longest if processor.do_resize else max(picture)
    across = ceil(edge / tile)
    if across == 1 or not processor.do_image_splitting:
        return {
            "max_image_size": {"longest_edge": tile_side_at(family, scale)},
            "do_image_splitting": False,
        }
    # A picture that has more tiles at scale 1 may keep them.
    tiles = min(max(1, round(across * scale)), max(MAX_MARKED_TILES, across))
    return {**tile_size, "do_resize": True, "size": {"longest_edge": tiles * tile}}


def tile_side_at(family: Family, scale: float) -> int:
    """Pixels of a tile's side at a scale, in whole tokens; at 1 the image processor's own."""
    tile, cell = family.processor.image_processor.max_image_size["longest_edge"], cell_side(family)
    return tile if scale == 1 else max(1, round(tile * scale / cell)) * cell


def cell_side(family: Family) -> int:
    """Pixels of a tile under one token, on each side."""
    config: Any = family.model.config
    return config.vision_config.patch_size * config.scale_factor


def tiled_grid(
    size: tuple[int, int],
    columns: int,
    rows: int,
    side: int,
    *,
    share: float = 1.0,
    name: str = "image",
) -> TokenGrid:
    """The token grid of `columns` x `rows` equal tiles over a picture, tile by tile from 0.

    Args:
        size: width and height of the picture.
        side: tokens on a tile's side.
        share: of a tile's side, from its start, that its patches cover.
        name: of the grid.
    """
    width, height = (
        torch.linspace(0, length, tiles + 1, dtype=torch.float64)
        for length, tiles in zip(size, (columns, rows), strict=True)
    )
    return TokenGrid(
        index=tile_order(rows, columns, side),
        row_edges=cell_edges(height, side, share),
        column_edges=cell_edges(width, side, share),
        name=name,
    )


def tile_order(rows: int, columns: int, side: int) -> Tensor:
    """Indices of tokens that are ordered tile by tile, row by row in each: int64 `[height, width]`.

    Example:
        >>> tile_order(1, 2, 2)
        tensor([[0, 1, 4, 5],
                [2, 3, 6, 7]])
    """
    tokens = torch.arange(rows * columns * side**2).view(rows, columns, side, side)
    return tokens.transpose(1, 2).reshape(rows * side, columns * side)


def cell_edges(tiles: Tensor, side: int, share: float = 1.0) -> Tensor:
    """Edges of the cells of tiles: float64 `[tiles * side + 1]`.

    A remainder of a tile that no patch covers belongs to the tile's last cell; in the last tile the
    edges end before it.

    Args:
        tiles: float64 `[tiles + 1]`, the tiles' own edges.
        side: cells of a tile.
        share: of each tile, from its start, that its cells cover.

    Example:
        >>> cell_edges(torch.tensor([0.0, 10.0, 20.0]), 2, 0.8)
        tensor([ 0.,  4., 10., 14., 18.])
    """
    steps = torch.arange(side, dtype=tiles.dtype) / side * share
    starts = tiles[:-1, None] + tiles.diff()[:, None] * steps
    last = tiles[-2] + (tiles[-1] - tiles[-2]) * share
    return torch.cat([starts.flatten(), last[None]])


def expect_longest_edges(processor: Any) -> None:
    """Check that the sizes of pictures and tiles are given by their longest edge.

    Raises:
        UnsupportedModelError: if the image processor's sizes have another form.
    """
    for name in ("size", "max_image_size"):
        size = dict(getattr(processor, name))
        if not size.get("longest_edge"):
            raise UnsupportedModelError(
                f"Expected an image processor whose {name} is a longest_edge, got {size}: use "
                "the checkpoint's own processor."
            )
