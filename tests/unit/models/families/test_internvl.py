"""InternVL: the same inputs as the real processor's, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_internvl
import torchvision_shim
from painting import centres_seen, noise, off_centre, ramps, share_found, silence
from seewhy.core.errors import GeometryError
from seewhy.models.families.internvl import InternVL, grids, tile_counts_around, tiling
from seewhy.models.processing import ProcessorParts

#: Width and height, and the grid of tiles (columns, rows) that InternVL's rule gives.
SHAPES = {
    (400, 100): (4, 1),
    (100, 400): (1, 4),
    (320, 240): (4, 3),
    (201, 133): (3, 2),
    (100, 100): (1, 1),
    (224, 224): (2, 2),
    (57, 61): (1, 1),
}
SCALES = [0.5, 0.75, 1.0, 1.5, 2.0]
MESSAGE = [
    {
        "role": "user",
        "content": [{"type": "image"}, {"type": "text", "text": "Describe the picture."}],
    }
]


def family(**settings) -> tuple[InternVL, Any]:
    model, processor = tiny_internvl.build(**settings)
    composed = ProcessorParts(
        processor.image_processor, processor.tokenizer, processor.chat_template
    )
    return InternVL(model, composed), processor


def rendered(processor) -> str:
    return processor.apply_chat_template(MESSAGE, add_generation_prompt=True, tokenize=False)


def tokenise(internvl: InternVL, processor, visual) -> torch.Tensor:
    text = rendered(processor).replace(internvl.default_marker, visual.placeholder)
    return processor.tokenizer(text, return_tensors="pt")["input_ids"]


@pytest.mark.parametrize("shape", [*SHAPES, (3, 1), (1, 2)])
def test_process_image_equals_the_real_processor(shape):
    internvl, processor = family()
    image = noise(*shape)
    visual = internvl.process_image(image)
    real = processor(images=image, text=rendered(processor), return_tensors="pt")
    assert torch.equal(visual.tensors["pixel_values"], real["pixel_values"])
    assert torch.equal(tokenise(internvl, processor, visual), real["input_ids"])


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_process_image_equals_the_real_processor_with_its_video_part():
    internvl, processor = family()
    image = noise(201, 133)
    visual = internvl.process_image(image)
    ids, pixels = torchvision_shim.with_torchvision(
        "tiny_internvl:real_inputs", image, rendered(processor)
    )
    assert tokenise(internvl, processor, visual)[0].tolist() == ids
    assert np.array_equal(visual.tensors["pixel_values"].numpy(), pixels)


@pytest.mark.parametrize(("shape", "grid"), SHAPES.items())
def test_process_image_lays_out_tiles_and_thumbnail(shape, grid):
    internvl, processor = family()
    visual = internvl.process_image(noise(*shape))
    columns, rows = grid
    tiles = columns * rows
    names = [grid.name for grid in visual.geometry.grids]
    assert names == (["image"] if tiles == 1 else ["tiles", "thumbnail"])
    assert visual.geometry.base_grid.shape == (rows * 4, columns * 4)
    assert visual.geometry.visual == (tiles + (tiles > 1)) * 16
    assert visual.size == (columns * 112, rows * 112)
    ids = tokenise(internvl, processor, visual)
    assert int((ids == internvl.image_token_id).sum()) == visual.geometry.visual
    assert internvl.visual_features(visual).shape[0] == visual.geometry.visual


def test_process_image_counts_256_tokens_a_tile_at_the_released_size():
    internvl, _ = family(side=448)
    visual = internvl.process_image(noise(600, 300))
    assert visual.geometry.visual == 3 * 256
    assert [grid.shape for grid in visual.geometry.grids] == [(16, 32), (16, 16)]
    assert internvl.visual_features(visual).shape[0] == 3 * 256


def test_layers_join_tiles_to_one_raster_before_the_thumbnail():
    raster, thumbnail = grids(40, 20, columns=2, rows=1, side=2)
    assert raster.index.tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]
    assert raster.column_edges.tolist() == [0, 10, 20, 30, 40]
    assert thumbnail.index.tolist() == [[8, 9], [10, 11]]
    assert thumbnail.row_edges.tolist() == [0, 10, 20]


@pytest.mark.parametrize("shape", [(250, 62), (60, 240), (240, 180), (201, 133), (100, 100)])
@pytest.mark.parametrize("scale", SCALES)
def test_boxes_lie_where_the_pixels_come_from(shape, scale):
    internvl, processor = family()
    pictures = processor.image_processor
    visual = internvl.process_image(ramps(*shape), scale)
    tiles = visual.tensors["pixel_values"]
    columns, rows = visual.size[0] // tiles.shape[-1], visual.size[1] // tiles.shape[-1]
    whole = torch.cat(
        [torch.cat(list(row), 2) for row in tiles[: rows * columns].split(columns)], 1
    )
    for grid, pixels in zip(visual.geometry.grids, (whole, tiles[-1]), strict=False):
        centres = centres_seen(pixels, 28, pictures.image_mean, pictures.image_std)
        assert off_centre(grid, centres, shape) < 0.5


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_embed_moves_most_where_a_block_is_painted(shape, scale):
    internvl, _ = family()
    silence(internvl.model, "projection_layer")
    assert share_found(internvl, noise(*shape), scale, number=12) == 1


def test_process_image_scales_a_single_tile_by_its_side():
    internvl, _ = family()
    visuals = [
        internvl.process_image(noise(100, 100), scale) for scale in (0.01, 0.5, 1.0, 1.1, 1.5, 2.0)
    ]
    assert [one.size for one in visuals] == [(n, n) for n in (28, 56, 112, 112, 168, 224)]
    assert [one.geometry.visual for one in visuals] == [1, 4, 16, 16, 36, 64]


def test_process_image_scales_many_tiles_by_another_tiling():
    internvl, _ = family()
    visuals = [
        internvl.process_image(noise(320, 240), scale)
        for scale in (0.25, 0.5, 0.75, 1.0, 1.25, 2.0)
    ]
    grids = [(width // 112, height // 112) for width, height in (one.size for one in visuals)]
    assert grids == [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (8, 6)]
    assert all(one.tensors["pixel_values"].shape[-2:] == (112, 112) for one in visuals)


def test_process_image_shows_a_scale_that_collapses():
    internvl, _ = family()
    image = noise(400, 200)
    assert internvl.process_image(image, 1.05).size == internvl.process_image(image).size


@pytest.mark.parametrize("shape", [(320, 240), (100, 100)])
@pytest.mark.parametrize("scale", SCALES)
def test_process_image_serves_forward_and_generate_alike(shape, scale):
    internvl, processor = family()
    visual = internvl.process_image(noise(*shape), scale)
    ids = tokenise(internvl, processor, visual)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **visual.tensors}
    said = internvl.model.generate(**given, max_new_tokens=3, do_sample=False)
    with torch.no_grad():
        outputs = internvl.model(**given)
    assert said[0, ids.shape[1]] == outputs.logits[0, -1].argmax()
    assert torch.equal(outputs.image_hidden_states.flatten(0, 1), internvl.visual_features(visual))


def test_embed_serves_bfloat16():
    internvl, _ = family(dtype=torch.bfloat16)
    assert (
        internvl.visual_features(internvl.process_image(noise(200, 100), 1.5)).dtype
        == torch.bfloat16
    )


def test_process_image_heeds_the_processor_s_own_tile_counts():
    internvl, processor = family()
    processor.image_processor.max_patches = 4
    assert internvl.process_image(noise(320, 240)).size == (224, 224)
    processor.image_processor.max_patches = 1
    assert internvl.process_image(noise(320, 240)).size == (112, 112)


def test_process_image_refuses_tiles_that_are_not_square():
    internvl, processor = family()
    processor.image_processor.size = {"height": 112, "width": 56}
    with pytest.raises(GeometryError, match=r"square tiles.*300 x 200"):
        internvl.process_image(noise(300, 200))


@pytest.mark.parametrize(("shape", "grid"), SHAPES.items())
def test_tiling_agrees_with_the_count_of_the_processor(shape, grid):
    _, processor = family()
    width, height = shape
    assert tiling(height, width, {"height": 112, "width": 112}, 1, 12) == grid
    count = processor.image_processor.get_number_of_image_patches(
        height, width, {"crop_to_patches": True}
    )
    tiles = grid[0] * grid[1]
    assert count == tiles + (tiles > 1)


def test_near_gives_the_grids_around():
    assert tile_counts_around(2.5, 1.2) == {2, 3, 4, 6}
    assert tile_counts_around(0.1, 0.2) == {1}
    assert tile_counts_around(4, 3) == {12}
