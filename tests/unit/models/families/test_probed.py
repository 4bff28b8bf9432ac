"""Boxes found by experiment: as the exact adapters state them, or none at all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from torch import nn

import tiny_internvl
import tiny_llava
import unadapted
from painting import noise
from seewhy.core.errors import UnsupportedModelError
from seewhy.models import Loaded, generate, load, prepare, read
from seewhy.models.families.probed import Probed
from seewhy.models.processing import ProcessorParts, parts_of
from torchvision_shim import with_torchvision

EXACT = {
    "internvl": tiny_internvl.build,
    "llava": tiny_llava.build,
    "qwen2-vl": unadapted.qwen2_vl,
}
SHAPES = [(240, 60), (60, 240), (97, 131)]
PROMPT = "What is to the left of the red star?"


def probed(pair: tuple[Any, Any]) -> Probed:
    model, processor = pair
    return Probed(model, parts_of(processor))


def hooks_of(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("name", EXACT)
def test_probed_boxes_are_those_of_the_exact_adapter(name):
    pair = EXACT[name]()
    exact, family = load(pair).family, probed(pair)
    for shape in SHAPES:
        image = noise(*shape, seed=3)
        visual, wanted = family.process_image(image), exact.process_image(image)
        assert visual.placeholder == wanted.placeholder
        assert visual.visual == wanted.visual
        boxes, others = visual.geometry.boxes, wanted.geometry.boxes
        for one, other in ((boxes, others), (others, boxes)):
            centres = (one[:, :2] + one[:, 2:]) / 2
            within = ((centres >= other[:, :2]) & (centres <= other[:, 2:])).all(-1)
            assert float(within.double().mean()) >= 0.99
        torch.testing.assert_close(
            family.visual_features(visual), exact.visual_features(wanted), atol=1e-5, rtol=1e-5
        )


def test_probed_model_without_an_adapter_answers_and_is_read():
    model, processor = unadapted.aya_vision()
    composed = parts_of(processor)
    loaded = Loaded("aya-vision", model, composed, Probed(model, composed))
    image = noise(240, 60)
    inputs = prepare(loaded.family, image, PROMPT)
    turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]}]
    text = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    real = processor(images=[image], text=[text], return_tensors="pt")
    assert torch.equal(inputs.tensors["input_ids"], real["input_ids"])
    assert torch.equal(inputs.tensors["pixel_values"], real["pixel_values"])
    assert [grid.shape for grid in inputs.views[0].geometry.grids] == [(4, 16), (4, 4)]
    said = generate(loaded, inputs, max_new_tokens=4)
    heard = read(loaded, inputs, [token.id for token in said.tokens])
    torch.testing.assert_close(heard.visual_states, said.visual_states, atol=1e-4, rtol=1e-4)


def test_probe_is_remembered_by_size_and_scale():
    family = probed(tiny_llava.build())
    family.process_image(noise(60, 60), 1.0)
    found, passes = family.probe((60, 60)), family.passes
    family.process_image(noise(60, 60, seed=1), 1.0)
    assert family.passes == passes
    assert family.probe((60, 60)) is found
    family.process_image(noise(60, 60), 1.5)
    assert family.passes > passes


def test_probed_refuses_tokens_that_own_no_boxes():
    family = probed(unadapted.idefics2())
    with pytest.raises(UnsupportedModelError, match=r"confidence of 90%.*resampler"):
        family.process_image(noise(60, 60))


def test_probed_refuses_parts_without_the_whole_processor():
    model, processor = tiny_llava.build()
    parts = ProcessorParts(processor.image_processor, processor.tokenizer, processor.chat_template)
    with pytest.raises(UnsupportedModelError, match="whole processor"):
        Probed(model, parts)


def test_probe_leaves_hooks_and_modes_as_they_were(monkeypatch):
    model, processor = tiny_llava.build()
    family = Probed(model, parts_of(processor))
    family.probe((39, 40))  # transformers sets up hooks of its own, for good
    model.train()
    model.lm_head.eval()
    before = [module.training for module in model.modules()], hooks_of(model)
    family.probe((40, 40))
    assert ([module.training for module in model.modules()], hooks_of(model)) == before

    def stumble(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(model.model.multi_modal_projector, "forward", stumble)
    with pytest.raises(KeyboardInterrupt):
        family.probe((41, 40))
    assert ([module.training for module in model.modules()], hooks_of(model)) == before


@pytest.mark.skipif(
    transformers.__version__.startswith("5.24."), reason="Llama 4's own forward fails there"
)
def test_probed_places_llama_4():
    """Its image processor needs torchvision, its class has no base model of its own."""
    wide, square = with_torchvision("beside_torchvision:placed", [(200, 100), (100, 100)])
    assert wide["family"] == square["family"] == "probed"
    # Two tiles of 112 pixels, padded at right and bottom, then the whole picture.
    assert wide["shapes"] == [(4, 8), (4, 4)]
    tiles, whole = wide["edges"]
    assert tiles[0] == pytest.approx([28 * n for n in range(5)], abs=2)
    assert tiles[1] == pytest.approx([28 * n for n in range(9)], abs=2)
    assert whole[0] == pytest.approx([25 * n for n in range(5)], abs=2)
    assert whole[1] == pytest.approx([50 * n for n in range(5)], abs=2)
    assert square["shapes"] == [(4, 4)]
    assert "100% of painted blocks" in wide["note"]
    assert max(wide["apart"], square["apart"]) < 1e-4
