"""Gemma 3: the same inputs as the real processor's, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_gemma3
import torchvision_shim
from painting import centres_seen, noise, off_centre, ramps, share_found, silence
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.models import Family, load, prepare
from seewhy.models.families.gemma3 import grids, pan_and_scan, placeholder
from tiny_gemma3 import PANS

PROMPT = "Describe the picture."

#: Width and height, and the crops (columns, rows) that the tiny processor's settings give.
SHAPES = {
    (240, 60): (4, 1),
    (60, 240): (1, 4),
    (150, 100): (2, 1),
    (97, 131): (1, 2),
    (203, 50): (4, 1),
    (70, 203): (1, 3),
    (90, 89): (1, 1),
}
SCALES = [0.5, 0.75, 1.0, 1.5, 2.0]


def family(**settings: Any) -> tuple[Family, Any]:
    pair = tiny_gemma3.build(**settings)
    return load(pair).family, pair[1]


@pytest.mark.parametrize("settings", [{}, PANS])
@pytest.mark.parametrize("shape", SHAPES)
def test_prepare_equals_the_real_processor(settings, shape):
    adapter, processor = family(**settings)
    image = noise(*shape)
    real, ours = tiny_gemma3.call(processor, [image], PROMPT), prepare(adapter, image, PROMPT)
    for name in ("input_ids", "attention_mask", "pixel_values"):
        assert torch.equal(ours.tensors[name], real[name]), name
    ids = real["input_ids"]
    types = adapter.token_types(ids, ids.shape[1])["token_type_ids"]
    assert torch.equal(types, real["token_type_ids"])


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_prepare_equals_the_real_processor_on_the_default_backend():
    pictures = [noise(*shape) for shape in SHAPES]
    pairs = torchvision_shim.with_torchvision("tiny_gemma3:with_default_backend", pictures, PROMPT)
    assert len(pairs) == 2 * len(SHAPES)
    for real, ours in pairs:
        for name in ("input_ids", "pixel_values"):
            assert np.array_equal(ours[name], real[name]), name


@pytest.mark.parametrize("settings", [{}, PANS])
def test_collate_equals_the_real_processor_for_two_pictures(settings):
    adapter, processor = family(**settings)
    pictures = [noise(240, 60), noise(97, 131)]
    real = tiny_gemma3.call(processor, pictures, PROMPT)
    visuals = [adapter.process_image(picture) for picture in pictures]
    assert torch.equal(adapter.collate([visuals])["pixel_values"], real["pixel_values"])
    frame = processor.tokenizer.apply_chat_template(
        [
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": PROMPT}],
            }
        ],
        chat_template=tiny_gemma3.TEMPLATE,
        add_generation_prompt=True,
        tokenize=False,
    )
    start, middle, end = frame.split(adapter.default_marker)
    text = start + visuals[0].placeholder + middle + visuals[1].placeholder + end
    ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == real["input_ids"][0].tolist()


def test_collate_joins_features_of_pictures_at_several_scales():
    adapter, _ = family(**PANS)
    visuals = [adapter.process_image(noise(240, 60), scale) for scale in (1.0, 1.5)]
    outputs = adapter.collate([visuals[:1], visuals[1:]])["mm_encoder_outputs"]["image"]
    wanted = torch.cat([adapter.visual_features(one) for one in visuals])
    assert torch.equal(outputs.pooler_output, wanted[None])
    ids = torch.full((1, len(wanted)), adapter.image_token_id)
    model: Any = adapter.model
    with torch.no_grad():
        heard = model(input_ids=ids, mm_encoder_outputs={"image": outputs})
    assert torch.equal(heard.image_hidden_states, wanted[None])


@pytest.mark.parametrize(("shape", "crops"), SHAPES.items())
def test_process_image_lays_out_the_whole_picture_before_its_crops(shape, crops):
    adapter, _ = family(**PANS)
    visual = adapter.process_image(noise(*shape))
    columns, rows = crops
    several = columns * rows > 1
    assert [grid.name for grid in visual.geometry.grids] == ["image", "crops"][: 1 + several]
    assert visual.geometry.grids[0].index.flatten().tolist() == list(range(16))
    assert visual.geometry.grids[-1].shape == (4 * rows, 4 * columns)
    assert visual.size == (64 * columns, 64 * rows)
    assert adapter.visual_features(visual).shape[0] == visual.visual


def test_layers_let_the_last_crop_be_smaller():
    whole, crops = grids((10, 4), 3, 1, 2, crops=True)
    assert whole.column_edges.tolist() == [0, 5, 10]
    assert crops.column_edges.tolist() == [0, 2, 4, 6, 8, 9, 10]
    assert crops.index.tolist() == [[4, 5, 8, 9, 12, 13], [6, 7, 10, 11, 14, 15]]


def test_placeholder_puts_words_between_picture_and_crops():
    assert placeholder(0, start="<", image="i", end=">") == "\n\n<i>\n\n"
    assert placeholder(2, start="<", image="i", end=">") == (
        "Here is the original image \n\n<i>\n\n and here are some crops to help you see better "
        "\n\n<i>\n\n \n\n<i>\n\n"
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", SCALES)
def test_boxes_lie_where_the_pixels_come_from(shape, scale):
    adapter, processor = family(**PANS)
    pictures = processor.image_processor
    image = ramps(*shape)
    visual = adapter.process_image(image, scale)
    side = visual.geometry.grids[0].shape[0] * 16
    settings = {**pan_and_scan(pictures), "size": {"height": side, "width": side}}
    squares = pictures(image, return_tensors="pt", **settings)["pixel_values"]
    along = 2 if shape[0] >= shape[1] else 1
    shown = (squares[0], torch.cat(list(squares[1:]), along) if len(squares) > 1 else None)
    for grid, pixels in zip(visual.geometry.grids, shown, strict=False):
        centres = centres_seen(pixels, 16, pictures.image_mean, pictures.image_std)
        assert off_centre(grid, centres, shape) < 0.6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_embed_moves_most_where_a_block_is_painted(shape, scale):
    adapter, _ = family(**PANS)
    silence(adapter.model, *tiny_gemma3.ATTENTION)
    assert share_found(adapter, noise(*shape), scale, number=12) == 1


def test_projected_at_the_native_size_is_the_model_s_own():
    adapter: Any
    adapter, _ = family()
    visual = adapter.process_image(noise(97, 131))
    torch.testing.assert_close(
        adapter._projected(visual.tensors["pixel_values"])[0],
        adapter.visual_features(visual),
        atol=1e-5,
        rtol=1e-5,
    )


def test_process_image_scales_by_whole_tokens():
    adapter, _ = family()
    visuals = [
        adapter.process_image(noise(97, 131), scale) for scale in (0.01, 0.5, 0.75, 1.1, 1.5, 2.0)
    ]
    assert [one.size[0] for one in visuals] == [16, 32, 48, 64, 96, 128]
    assert [one.visual for one in visuals] == [1, 4, 9, 16, 36, 64]
    assert "pixel_values" in visuals[3].tensors


def test_images_are_seen_in_both_directions():
    adapter, _ = family()
    inputs = prepare(adapter, noise(97, 131), PROMPT)
    ids = inputs.tensors["input_ids"]
    base: Any = adapter.model.base_model
    tensors = {**inputs.tensors, **adapter.token_types(ids, ids.shape[1])}
    changed = tensors["pixel_values"].clone()
    changed[..., -16:, -16:] = 1.0
    with torch.no_grad():
        states, others = (
            base(**{**tensors, "pixel_values": pixels}).last_hidden_state[0]
            for pixels in (tensors["pixel_values"], changed)
        )
    first = inputs.visual_positions[0]
    assert not torch.allclose(states[first], others[first])
    assert torch.equal(states[: first - 1], others[: first - 1])


@pytest.mark.parametrize("settings", [{}, PANS])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_one_forward_over_prompt_and_answer_gives_the_states_of_generation(settings, scale):
    adapter, _ = family(**settings)
    inputs = prepare(adapter, noise(150, 100), PROMPT, scale=scale)
    prompt = inputs.tensors["input_ids"]
    length = prompt.shape[1]
    model: Any = adapter.model
    given = {**inputs.tensors, **adapter.token_types(prompt, length)}
    said = model.generate(
        **given,
        max_new_tokens=5,
        do_sample=False,
        output_hidden_states=True,
        return_dict_in_generate=True,
    )
    ids = said.sequences
    given = {
        **inputs.tensors,
        **adapter.token_types(ids, length),
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
    }
    with torch.no_grad():
        states = model.base_model(**given).last_hidden_state[0]
    heard = torch.cat([step[-1][0] for step in said.hidden_states])
    torch.testing.assert_close(states[: len(heard)], heard, atol=1e-4, rtol=1e-4)


def test_pan_and_scan_is_the_processor_s_own_where_settings_are_open():
    _, processor = family()
    stated = pan_and_scan(processor.image_processor)
    assert stated["do_pan_and_scan"] is False
    assert stated == {name: type(processor).images_kwargs[name] for name in stated}


@pytest.mark.parametrize("settings", [{"do_resize": False}, {"size": {"height": 32, "width": 64}}])
def test_init_refuses_pictures_that_are_not_the_tower_s_square(settings):
    model, processor = tiny_gemma3.build()
    for name, value in settings.items():
        setattr(processor.image_processor, name, value)
    with pytest.raises(UnsupportedModelError, match=r"the tower's 64 x 64 pixels, got do_resize"):
        load((model, processor))


def test_init_refuses_patches_that_leave_a_rest():
    with pytest.raises(UnsupportedModelError, match=r"a square of 9 tokens without rest"):
        family(tokens_per_image=9)


def test_process_image_refuses_squares_of_another_number(monkeypatch):
    adapter, processor = family(**PANS)
    real = processor.image_processor.preprocess

    def fewer(*arguments: Any, **settings: Any) -> Any:
        made = real(*arguments, **settings)
        made["pixel_values"] = made["pixel_values"][:-1]
        return made

    monkeypatch.setattr(processor.image_processor, "preprocess", fewer)
    with pytest.raises(GeometryError, match=r"Expected 5 squares of 64 pixels .* 240 x 60"):
        adapter.process_image(noise(240, 60))


def test_embed_serves_bfloat16():
    adapter, _ = family(dtype=torch.bfloat16)
    for scale in (1.0, 1.5):
        assert (
            adapter.visual_features(adapter.process_image(noise(97, 131), scale)).dtype
            == torch.bfloat16
        )
