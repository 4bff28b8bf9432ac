"""PaliGemma: the same inputs as the real processor's, and a mask that keeps prompt and answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import tiny_paligemma
import torchvision_shim
from painting import centres_seen, noise, off_centre, ramps
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.models import Family, load, prepare

PROMPT = "What is to the left of the red star?"
SHAPES = [(240, 60), (60, 240), (150, 100), (97, 131), (64, 64), (3, 1)]


def family(**settings: Any) -> tuple[Family, Any]:
    pair = tiny_paligemma.build(**settings)
    return load(pair).family, pair[1]


@pytest.mark.parametrize("shape", SHAPES)
def test_prepare_equals_the_real_processor(shape):
    adapter, processor = family()
    image = noise(*shape)
    real, ours = tiny_paligemma.call(processor, [image], PROMPT), prepare(adapter, image, PROMPT)
    for name in ("input_ids", "attention_mask", "pixel_values"):
        assert torch.equal(ours.tensors[name], real[name]), name
    ids = real["input_ids"]
    types = adapter.token_types(ids, ids.shape[1])["token_type_ids"]
    assert torch.equal(types, real["token_type_ids"])


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_prepare_equals_the_real_processor_on_the_default_backend():
    pictures = [noise(*shape) for shape in SHAPES]
    pairs = torchvision_shim.with_torchvision(
        "tiny_paligemma:with_default_backend", pictures, PROMPT
    )
    assert len(pairs) == len(SHAPES)
    for real, ours in pairs:
        for name in real:
            assert np.array_equal(ours[name], real[name]), name


def test_prepare_adds_no_bos_for_a_tokenizer_that_was_loaded_alone():
    model, processor = tiny_paligemma.build()
    processor.tokenizer.add_bos_token = True
    image = noise(97, 131)
    ids = prepare(load((model, processor)).family, image, PROMPT).tensors["input_ids"]
    assert torch.equal(ids, tiny_paligemma.call(processor, [image], PROMPT)["input_ids"])


def test_collate_equals_the_real_processor_for_two_pictures():
    adapter, processor = family()
    pictures = [noise(240, 60), noise(97, 131)]
    real = tiny_paligemma.call(processor, pictures, PROMPT)
    visuals = [adapter.process_image(picture) for picture in pictures]
    assert torch.equal(adapter.collate([visuals])["pixel_values"], real["pixel_values"])
    marker = "".join(one.placeholder for one in visuals)
    text = adapter.plain_format.format(marker=marker, prompt=PROMPT)
    assert processor.tokenizer(text)["input_ids"] == real["input_ids"][0].tolist()


def test_collate_joins_features_of_pictures_at_several_scales():
    adapter, _ = family()
    visuals = [adapter.process_image(noise(240, 60), scale) for scale in (1.0, 1.5)]
    given = adapter.collate([visuals[:1], visuals[1:]])
    wanted = torch.cat([adapter.visual_features(one) for one in visuals])
    ids = torch.full((1, len(wanted)), adapter.image_token_id)
    with torch.no_grad():
        heard: Any = adapter.model(input_ids=ids, **given)
    assert torch.equal(heard.image_hidden_states, wanted[None])


@pytest.mark.parametrize("generation", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_token_types_give_one_forward_the_states_of_generation(generation, scale):
    adapter, _ = family(generation=generation)
    model: Any = adapter.model
    given = dict(prepare(adapter, noise(97, 131), PROMPT, scale=scale).tensors)
    ids = given.pop("input_ids")
    assert not given.pop("token_type_ids").any()
    length = ids.shape[1]
    said = model.generate(
        input_ids=ids,
        **{**given, **adapter.token_types(ids, length)},
        max_new_tokens=6,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    given["attention_mask"] = torch.ones_like(said.sequences)
    with torch.no_grad():
        forced = model(
            input_ids=said.sequences,
            **{**given, **adapter.token_types(said.sequences, length)},
        ).logits[0]
        causal = model(input_ids=said.sequences, **given).logits[0]
    heard = torch.cat(said.logits)
    torch.testing.assert_close(forced[length - 1 : -1], heard, atol=1e-4, rtol=1e-4)
    # The prompt is read both ways: a causal mask gives something else.
    assert not torch.allclose(causal[length - 1 : -1], heard, atol=1e-2)


def test_image_states_see_the_prompt():
    adapter, _ = family()
    states = []
    for prompt in (PROMPT, "Describe the picture."):
        given = prepare(adapter, noise(97, 131), prompt).tensors
        ids = given["input_ids"]
        with torch.no_grad():
            model: Any = adapter.model.base_model
            states.append(
                model(**{**given, **adapter.token_types(ids, ids.shape[1])}).last_hidden_state
            )
    assert not torch.allclose(states[0][0, :64], states[1][0, :64], atol=1e-3)


@pytest.mark.parametrize("shape", [(240, 60), (97, 131)])
def test_boxes_lie_where_the_pixels_come_from(shape):
    adapter, processor = family()
    pictures = processor.image_processor
    visual = adapter.process_image(ramps(*shape))
    pixels = visual.tensors["pixel_values"][0]
    centres = centres_seen(pixels, tiny_paligemma.PATCH, pictures.image_mean, pictures.image_std)
    assert off_centre(visual.geometry.grids[0], centres, shape) < 0.5


def test_process_image_scales_the_square_by_its_side():
    adapter, _ = family()
    visuals = [
        adapter.process_image(noise(97, 131), scale) for scale in (0.01, 0.5, 1.0, 1.05, 1.5)
    ]
    assert [one.size for one in visuals] == [(n, n) for n in (8, 32, 64, 64, 96)]
    assert [one.visual for one in visuals] == [1, 16, 64, 64, 144]


def test_embed_serves_bfloat16():
    adapter, _ = family(dtype=torch.bfloat16)
    assert (
        adapter.visual_features(adapter.process_image(noise(97, 131), 1.5)).dtype == torch.bfloat16
    )


def test_process_image_refuses_a_square_that_is_not_the_tower_s():
    adapter, _ = family(side=72)
    with pytest.raises(GeometryError, match=r"64, 64\].*97 x 131, got \[1, 3, 72, 72\]"):
        adapter.process_image(noise(97, 131))


@pytest.mark.parametrize(
    "settings",
    [{"do_resize": False}, {"do_center_crop": True}, {"size": {"shortest_edge": 64}}],
)
def test_paligemma_refuses_a_processor_that_squashes_to_no_square(settings):
    model, processor = tiny_paligemma.build()
    for name, value in settings.items():
        setattr(processor.image_processor, name, value)
    with pytest.raises(UnsupportedModelError, match="a height and a width"):
        load((model, processor))
