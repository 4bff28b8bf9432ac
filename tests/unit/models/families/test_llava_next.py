"""LLaVA-NeXT and LLaVA-OneVision against their processors: base, tiles, squares and clips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_llava_next
from painting import noise, share_found, silence
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.images import Clip
from seewhy.models import load, prepare
from seewhy.models.families.llava_next import Canvas
from torchvision_shim import with_torchvision

PROMPT = "What is to the left of the red star?"
SHAPES = [(240, 60), (60, 240), (150, 100), (97, 131), (50, 50), (220, 220), (57, 56)]
BUILD = {
    "llava-next": tiny_llava_next.build_next,
    "llava-onevision": tiny_llava_next.build_onevision,
}


def turn(processor, pictures, prompt=PROMPT):
    """A user's turn as the real processor renders and tokenises it."""
    content = [*({"type": "image"} for _ in pictures), {"type": "text", "text": prompt}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    return text, processor(images=[pictures], text=[text], return_tensors="pt")


def expect_equal(tensors, made, atol=0.0):
    for name in ("input_ids", "attention_mask", "image_sizes"):
        assert tensors[name].tolist() == np.asarray(made[name]).tolist()
    np.testing.assert_allclose(
        tensors["pixel_values"].numpy(), np.asarray(made["pixel_values"]), atol=atol
    )


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize("shape", SHAPES)
def test_prepare_equals_the_real_processor(name, shape):
    model, processor = BUILD[name]()
    image = noise(*shape)
    _, made = turn(processor, [image])
    expect_equal(prepare(load((model, processor)).family, image, PROMPT).tensors, made)


@pytest.mark.parametrize("name", BUILD)
def test_prepare_equals_the_real_processor_for_several_pictures(name):
    model, processor = BUILD[name]()
    pictures = [noise(150, 100), noise(60, 240, 1), noise(50, 50, 2)]
    _, made = turn(processor, pictures)
    tensors = prepare(load((model, processor)).family, pictures, PROMPT).tensors
    expect_equal(tensors, made)
    if name == "llava-onevision":
        assert tensors["batch_num_images"].tolist() == made["batch_num_images"].tolist() == [3]


@pytest.mark.parametrize("name", BUILD)
def test_prepare_equals_the_default_processor_beside_torchvision(name):
    _, processor = BUILD[name]()
    pictures = [noise(150, 100), noise(60, 240, 1)]
    text, _ = turn(processor, pictures)
    made = with_torchvision("tiny_llava_next:real_inputs", name, [pictures], [text])
    own = with_torchvision("tiny_llava_next:ours", name, pictures, PROMPT)
    assert own["input_ids"].tolist() == made["input_ids"].tolist()
    np.testing.assert_array_equal(own["pixel_values"], made["pixel_values"])


@pytest.mark.parametrize("shape", [(100, 150), (240, 60), (60, 240), (57, 56), (1000, 37)])
@pytest.mark.parametrize("most", [None, 4])
def test_canvas_packs_as_the_model_does(shape, most):
    """Our own packing, which other scales need, against the model's at its own size."""
    name = "llava-next" if most is None else "llava-onevision"
    model, processor = BUILD[name]()
    family = load((model, processor)).family
    image = noise(*shape)
    visual = family.process_image(image)
    pixels = visual.tensors["pixel_values"]
    with torch.no_grad():
        wanted = model.get_image_features(**visual.tensors).pooler_output[0]
        features = tiny_features(model, pixels[0])
    points = processor.image_processor.image_grid_pinpoints
    from transformers.image_processing_utils import select_best_resolution

    height, width = select_best_resolution((image.height, image.width), points)
    grid = Canvas((image.height, image.width), (height // 56, width // 56), 56, 14, most)
    packed = grid.pack(features, model.model.image_newline)
    torch.testing.assert_close(packed, wanted, atol=1e-5, rtol=1e-5)
    assert len(wanted) == visual.visual + len(visual.non_spatial)
    newlines = wanted[list(visual.non_spatial)]
    torch.testing.assert_close(newlines, model.model.image_newline.expand_as(newlines))


def tiny_features(model, pixels):
    from seewhy.models.families.llava_next import project

    return project(model, pixels)


def test_next_sees_a_very_narrow_picture_by_its_base_alone():
    """The model itself cuts all of its tiles off as padding."""
    model, processor = tiny_llava_next.build_next()
    image = noise(1500, 10)
    _, made = turn(processor, [image])
    family = load((model, processor)).family
    inputs = prepare(family, image, PROMPT)
    expect_equal(inputs.tensors, made)
    assert [grid.name for grid in inputs.views[0].geometry.grids] == ["base"]
    assert family.visual_features(inputs.media[0]).shape[0] == 16


def test_onevision_interpolates_a_raster_that_is_too_large():
    family = load(BUILD["llava-onevision"]()).family
    small, large = (
        family.process_image(noise(side, side)).geometry.grids[1].shape for side in (100, 220)
    )
    assert small == (8, 8)
    assert large == (8, 8)  # 16 x 16 tokens of 4 x 4 tiles, brought to four tiles' worth
    edges = family.process_image(noise(220, 220)).geometry.grids[1].row_edges
    torch.testing.assert_close(edges, torch.linspace(0, 220, 9, dtype=torch.float64))


def test_onevision_leaves_the_rest_of_a_tile_unseen():
    """384 = 27 patches of 14 and a rest of 6; here 62 = 4 patches and 6."""
    family = load(tiny_llava_next.build_with_rest()).family
    base, tiles = family.process_image(noise(124, 124)).geometry.grids
    assert float(base.row_edges[-1]) == pytest.approx(124 * 56 / 62)
    assert float(tiles.row_edges[-1]) == pytest.approx(118)
    assert float(tiles.row_edges[4]) == pytest.approx(62)  # the second tile begins where it does
    silence(family.model, "self_attn.out_proj")
    assert share_found(family, noise(124, 124), 1.0) >= 0.99


def test_onevision_pads_each_of_several_pictures_to_a_square():
    family = load(BUILD["llava-onevision"]()).family
    visual = family.process_image_among(noise(120, 60), 1.0, 2)
    (grid,) = visual.geometry.grids
    assert grid.shape == (4, 4)
    assert (float(grid.row_edges[0]), float(grid.row_edges[-1])) == (-30, 90)
    assert (float(grid.column_edges[0]), float(grid.column_edges[-1])) == (0, 120)
    assert family.visual_features(visual).shape[0] == 16
    half = family.process_image_among(noise(120, 60), 0.5, 2)
    assert half.geometry.grids[0].shape == (2, 2)
    assert family.visual_features(half).shape[0] == 4


def test_onevision_sees_a_clip_as_its_video_processor_does():
    model, processor = BUILD["llava-onevision"]()
    frames = [noise(100, 60, seed) for seed in range(4)]
    text = f"<video>\n{PROMPT}"
    ids, pixels = with_torchvision("tiny_llava_next:real_video", frames, text)
    family = load((model, processor)).family
    clip = Clip(tuple(frames), (0.0, 0.5, 1.0, 1.5))
    visual = family.process_video(clip)
    own = processor.tokenizer(text.replace("<video>", visual.placeholder))["input_ids"]
    assert own == ids
    # Two libraries resample: no more than a level of 8 bit apart, but for a few.
    apart = np.abs(visual.tensors["pixel_values_videos"].numpy() - pixels)
    assert apart.max() < 0.08
    assert np.mean(apart) < 0.005
    assert [geometry.visual for geometry in visual.geometries] == [4] * 4
    with torch.no_grad():
        features = model.get_video_features(visual.tensors["pixel_values_videos"]).pooler_output
    assert features.shape[1] == len(visual.non_spatial) + visual.visual


def test_onevision_pools_clips_of_another_size_as_the_model_does_its_own():
    model, processor = BUILD["llava-onevision"]()
    family: Any = load((model, processor)).family
    clip = Clip(tuple(noise(100, 60, seed) for seed in range(2)), (0.0, 1.0))
    visual = family.process_video(clip)
    with torch.no_grad():
        wanted = model.get_video_features(visual.tensors["pixel_values_videos"]).pooler_output[0]
    own = family._pooled(visual.tensors["pixel_values_videos"][0], 2)
    torch.testing.assert_close(own, wanted, atol=1e-5, rtol=1e-5)
    assert family.process_video(clip, 2.0).visual == 2 * 16


def test_next_refuses_a_class_token_among_the_tiles():
    model, processor = tiny_llava_next.build_next(vision_feature_select_strategy="full")
    with pytest.raises(UnsupportedModelError, match="Expected vision_feature_select_strategy 'def"):
        load((model, processor))


def test_next_takes_a_siglip_tower_and_several_layers():
    """As Granite Vision has them."""
    model, processor = tiny_llava_next.build_next(tower="siglip", vision_feature_layer=[-2, -1])
    family = load((model, processor)).family
    silence(model, "self_attn.out_proj")
    for scale in (0.5, 1.0, 1.5):
        assert share_found(family, noise(150, 100), scale) >= 0.99


def test_next_refuses_a_processor_of_another_checkpoint():
    model, processor = tiny_llava_next.build_next()
    processor.image_processor.image_grid_pinpoints = [[112, 112]]
    with pytest.raises(GeometryError, match="Expected the model's image_grid_pinpoints"):
        prepare(load((model, processor)).family, noise(60, 60), PROMPT)


def test_next_refuses_tiles_of_another_size():
    model, processor = tiny_llava_next.build_next()
    processor.image_processor.crop_size = {"height": 112, "width": 112}
    with pytest.raises(GeometryError, match=r"Expected a base image and 2 x 2 tiles of 56 pixels"):
        prepare(load((model, processor)).family, noise(110, 110), PROMPT)
