"""Gemma 4: the same inputs as the real processor's, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_gemma4
import torchvision_shim
from painting import noise, ramps, share_found, silence
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.images.clips import Clip
from seewhy.models import Family, generate, load, prepare
from seewhy.models.families.gemma4 import BUDGETS, token_grid_size

PROMPT = "Describe the picture."

#: Width and height, and the tokens (columns, rows) that a budget of 70 allows.
SHAPES = {
    (240, 60): (16, 4),
    (60, 240): (4, 16),
    (150, 100): (10, 6),
    (97, 131): (7, 9),
    (700, 8): (70, 1),
    (8, 500): (1, 66),
    (96, 84): (8, 7),
}
CLIP = Clip((noise(97, 131, 0), noise(97, 131, 1), noise(97, 131, 2)), (0.0, 2.0, 65.0))


def family(**settings: Any) -> tuple[Family, Any]:
    pair = tiny_gemma4.build(**settings)
    return load(pair).family, pair[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_prepare_equals_the_real_processor(shape):
    adapter, processor = family()
    image = noise(*shape)
    real, ours = tiny_gemma4.call(processor, [image], PROMPT), prepare(adapter, image, PROMPT)
    assert set(real) == set(ours.tensors)
    for name, tensor in real.items():
        assert torch.equal(ours.tensors[name], tensor), name
    ids = real["input_ids"]
    assert torch.equal(
        adapter.token_types(ids, ids.shape[1])["mm_token_type_ids"], real["mm_token_type_ids"]
    )


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_prepare_equals_the_real_processor_on_the_default_backend():
    pictures = [noise(*shape) for shape in SHAPES]
    pairs = torchvision_shim.with_torchvision("tiny_gemma4:with_default_backend", pictures, PROMPT)
    assert len(pairs) == len(SHAPES)
    for real, ours in pairs:
        assert set(real) == set(ours)
        assert all(np.array_equal(ours[name], real[name]) for name in real)


def test_collate_equals_the_real_processor_for_two_pictures():
    adapter, processor = family()
    pictures = [noise(240, 60), noise(97, 131)]
    real = tiny_gemma4.call(processor, pictures, PROMPT)
    visuals = [adapter.process_image(picture) for picture in pictures]
    joined = adapter.collate([visuals])
    assert set(joined) == {"pixel_values", "image_position_ids"}
    assert all(torch.equal(joined[name], real[name]) for name in joined)
    start = processor.tokenizer("".join(one.placeholder for one in visuals))["input_ids"]
    ids = real["input_ids"][0].tolist()
    assert any(ids[place : place + len(start)] == start for place in range(len(ids)))


@pytest.mark.parametrize(("shape", "tokens"), SHAPES.items())
def test_process_image_lays_out_one_raster_of_whole_tokens(shape, tokens):
    adapter, _ = family()
    visual = adapter.process_image(noise(*shape))
    assert visual.geometry.base_grid.shape == tokens[::-1]
    assert visual.size == (tokens[0] * 12, tokens[1] * 12)
    assert visual.geometry.base_grid.column_edges[-1] == shape[0]
    assert adapter.visual_features(visual).shape[0] == visual.visual


@pytest.mark.parametrize("shape", [(240, 60), (60, 240), (97, 131)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_boxes_lie_where_the_pixels_come_from(shape, scale):
    adapter, _ = family()
    visual = adapter.process_image(ramps(*shape), scale)
    patches = visual.tensors["pixel_values"][0]
    places = visual.tensors["image_position_ids"][0]
    held = places[:, 0] >= 0
    colours = patches[held].view(-1, 16, 3).mean(1)[:, :2] * 255 + 0.5
    tokens = places[held] // 3
    order = tokens[:, 1] * visual.geometry.base_grid.shape[1] + tokens[:, 0]
    centres = torch.zeros(visual.visual, 2).index_add_(0, order, colours) / 9
    boxes = visual.geometry.boxes
    assert ((boxes[:, :2] + boxes[:, 2:]) / 2 - centres).abs().max() < 0.6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_embed_moves_most_where_a_block_is_painted(shape, scale):
    adapter, _ = family()
    silence(adapter.model, *tiny_gemma4.ATTENTION)
    assert share_found(adapter, noise(*shape), scale, number=12) == 1


@pytest.mark.parametrize("shape", [(150, 100), (64, 64), (700, 8), (8, 700)])
def test_process_image_scales_by_a_budget_up_to_the_largest(shape):
    adapter, _ = family()
    scales = (0.01, 0.5, 0.75, 0.99, 1.0, 1.01, 1.5, 2.0, 4.0, 9.0)
    visuals = [adapter.process_image(noise(*shape), scale) for scale in scales]
    sizes = [one.size for one in visuals]
    assert [width for width, _ in sizes] == sorted(width for width, _ in sizes)
    assert [height for _, height in sizes] == sorted(height for _, height in sizes)
    assert sizes[-2] == sizes[-1]
    assert max(one.visual for one in visuals) <= max(BUDGETS)
    for one in visuals:
        assert one.tensors["pixel_values"].shape[1] // 9 in BUDGETS


def test_process_image_scales_several_pictures_to_one_budget():
    adapter, _ = family()
    visuals = [adapter.process_image(noise(*shape), 1.5) for shape in SHAPES]
    assert adapter.collate([visuals])["pixel_values"].shape[:2] == (len(SHAPES), 280 * 9)


def test_process_video_sees_every_frame_at_its_time():
    adapter, processor = family()
    visual = adapter.process_video(CLIP)
    assert visual.is_clip
    assert visual.frames == ((0,), (1,), (2,))
    ids = torch.tensor([processor.tokenizer(visual.placeholder)["input_ids"]])
    assert int((ids == adapter.clip_token_id).sum()) == visual.visual == 3 * 63
    assert visual.placeholder.startswith("00:00 <|image>")
    assert "<image|> 01:05 <|image>" in visual.placeholder
    kinds = adapter.token_types(ids, ids.shape[1])["mm_token_type_ids"]
    assert torch.equal(kinds, 2 * (ids == adapter.clip_token_id).long())
    features = adapter.visual_features(visual)
    assert features.shape == (visual.visual, 64)
    picture = adapter.visual_features(adapter.process_image(CLIP.frames[1]))
    torch.testing.assert_close(features[63:126], picture, atol=1e-5, rtol=1e-5)
    model: Any = adapter.model
    with torch.no_grad():
        said = model.generate(
            input_ids=ids, mm_token_type_ids=kinds, **visual.tensors, max_new_tokens=2
        )
    assert said.shape[1] <= ids.shape[1] + 2


def test_process_video_scales_its_frames():
    adapter, _ = family()
    sizes = [adapter.process_video(CLIP, scale).size for scale in (0.5, 1.0, 1.5)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_process_video_equals_the_real_video_part():
    real, ours, _ = torchvision_shim.with_torchvision(
        "tiny_gemma4:with_video_part", list(CLIP.frames), list(CLIP.seconds)
    )
    assert ours["input_ids"].tolist() == real["input_ids"][0].tolist()
    assert np.array_equal(ours["video_position_ids"], real["video_position_ids"])
    assert np.array_equal(ours["num_frames_per_video"], real["num_frames_per_video"])
    assert np.allclose(ours["pixel_values_videos"], real["pixel_values_videos"], atol=1e-6)


def test_generate_captures_every_state_where_layers_share_keys_and_values():
    pair = tiny_gemma4.build(shared=2)
    loaded = load(pair)
    inputs = prepare(loaded.family, noise(97, 131), PROMPT)
    trace = generate(loaded, inputs, max_new_tokens=3)
    model: Any = loaded.model
    with torch.no_grad():
        states = model.base_model(**inputs.tensors).last_hidden_state[0]
    assert trace.visual_states.shape[0] == 63
    torch.testing.assert_close(
        trace.visual_states, states[inputs.visual_positions], atol=1e-4, rtol=1e-4
    )
    assert loaded.family.visual_features(loaded.family.process_image(noise(97, 131))).shape == (
        63,
        64,
    )


def test_grid_counts_as_the_processor_does():
    _, processor = family()
    for width, height in SHAPES:
        count = processor._get_num_multimodal_tokens(image_sizes=[(height, width)])
        columns, rows = token_grid_size((width, height), 70, 12, 3)
        assert count["num_image_tokens"] == [columns * rows]


def test_init_refuses_another_processor_s_patches():
    model, processor = tiny_gemma4.build()
    processor.image_processor.patch_size = 8
    with pytest.raises(GeometryError, match=r"patches of 4 pixels, 3 x 3 averaged, got 8"):
        load((model, processor))


def test_init_refuses_a_processor_that_does_not_resize():
    with pytest.raises(UnsupportedModelError, match=r"do_resize = False"):
        family(do_resize=False)


def test_process_image_refuses_patches_of_another_number(monkeypatch):
    adapter, processor = family()
    real = processor.image_processor.preprocess

    def fewer(*arguments: Any, **settings: Any) -> Any:
        made = real(*arguments, **settings)
        made["pixel_values"] = made["pixel_values"][:, :-9]
        return made

    monkeypatch.setattr(processor.image_processor, "preprocess", fewer)
    with pytest.raises(GeometryError, match=r"Expected 7 x 9 tokens .* image of 97 x 131"):
        adapter.process_image(noise(97, 131))


def test_embed_serves_bfloat16():
    adapter, _ = family(dtype=torch.bfloat16)
    assert (
        adapter.visual_features(adapter.process_image(noise(97, 131), 1.5)).dtype == torch.bfloat16
    )
