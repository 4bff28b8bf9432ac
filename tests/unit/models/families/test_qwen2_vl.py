"""Qwen2-VL's sizes and scales: whole tokens, within the processor's limits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import tiny_models
from families import shared
from painting import centres_seen, noise, ramps
from seewhy.core.errors import ImageError
from seewhy.models import load
from seewhy.models.families.qwen2_vl import target_size

CELL = tiny_models.PATCH * tiny_models.MERGE


@pytest.mark.parametrize("name", ["qwen2-vl", "qwen2-5-vl"])
@pytest.mark.parametrize("shape", [(200, 50), (50, 200), (150, 100), (97, 131)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.3])
def test_process_image_lays_boxes_where_the_pixels_come_from(name, shape, scale):
    family = shared(name).family
    visual = family.process_image(ramps(*shape), scale)
    processor = family.processor.image_processor
    height, width = visual.geometry.base_grid.shape
    # Undo the order of patches: blocks of merge x merge, then channel, frame, row, column.
    pixels = torch.as_tensor(visual.tensors["pixel_values"])
    patch, merge = processor.patch_size, processor.merge_size
    blocks = pixels.view(height, width, merge, merge, 3, 2, patch, patch)[:, :, :, :, :, 0]
    picture = blocks.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, height * CELL, width * CELL)
    centres = centres_seen(picture, CELL, processor.image_mean, processor.image_std)
    layer = visual.geometry.base_grid
    y, x = ((edges[:-1] + edges[1:]) / 2 for edges in (layer.row_edges, layer.column_edges))
    wanted = torch.stack([*torch.meshgrid(x, y, indexing="xy")], -1)
    # Resampling bends the ramp at the border, so its cells are left out.
    off = (centres.double() - wanted)[1:-1, 1:-1].abs()
    assert off.numel()
    assert float(off.max()) < 0.7


def test_process_image_scales_the_size_that_the_processor_gives():
    family = shared("qwen2-vl").family
    image = noise(150, 100)
    assert family.process_image(image).size == (
        152,
        96,
    )  # 18.75 and 12.5 tokens, rounded half to even
    assert family.process_image(image, 0.5).size == (80, 48)  # 9.5 tokens, rounded half to even
    assert family.process_image(image, 2).size == (304, 192)


def test_process_image_at_scale_one_is_what_resizing_gives():
    family = shared("qwen2-vl").family
    image = noise(150, 100)
    size = target_size(image.size, 1.0, family.processor.image_processor)
    once = image.resize(size, resample=3)
    made = family.processor.image_processor(images=[once], do_resize=False, return_tensors="pt")
    assert torch.equal(made["pixel_values"], family.process_image(image).tensors["pixel_values"])


def test_process_image_collapses_at_the_processors_limits():
    model, processor = tiny_models.build()
    narrow = replace(processor, image_processor=tiny_models.image_processor(100, 120))
    family = load((model, narrow)).family
    image = noise(150, 100)
    sizes = [family.process_image(image, scale).size for scale in (1.0, 1.5, 2.0)]
    assert sizes[1] == sizes[2]  # said to the caller by `Seen.size`, not hidden
    assert all(w * h <= 120 * CELL**2 for w, h in sizes)


@pytest.mark.parametrize("scale", [0.5, 1.0])
@pytest.mark.parametrize("shape", [(402, 2), (1, 201)])
def test_process_image_refuses_extreme_sides(shape, scale):
    with pytest.raises(ImageError, match="sides differ at most 200-fold"):
        shared("qwen2-vl").family.process_image(noise(*shape), scale)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (200, 1)])
def test_process_image_takes_very_small_pictures(shape):
    family = shared("qwen2-vl").family
    for scale in (0.25, 1.0, 2.0):
        visual = family.process_image(noise(*shape), scale)
        assert visual.geometry.visual >= 1
        assert visual.geometry.base_grid.column_edges[-1] == shape[0]
        assert visual.geometry.base_grid.row_edges[-1] == shape[1]
