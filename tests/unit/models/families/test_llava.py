"""LLaVA-1.5: the same inputs as the real processor's, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from packaging import version
from PIL import Image
from transformers import AutoConfig
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil

import tiny_llava
import torchvision_shim
from painting import noise, share_found, silence
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.models.families.llava import Llava
from seewhy.models.processing import ProcessorParts

NEWER = version.parse(transformers.__version__) >= version.parse("5.24")
SHAPES = [(400, 100), (100, 400), (320, 240), (201, 133), (112, 112), (57, 61)]
SCALES = [0.5, 0.75, 1.0, 1.5, 2.0]
MESSAGE = [
    {
        "role": "user",
        "content": [{"type": "image"}, {"type": "text", "text": "Describe the picture."}],
    }
]


def shown(output: Any) -> torch.Tensor:
    """The features that a forward pass took; transformers 5.24 keeps a list, one a picture."""
    features = output.image_hidden_states
    return features if isinstance(features, torch.Tensor) else torch.cat(features)


def family(**settings) -> tuple[Llava, Any]:
    model, processor = tiny_llava.build(**settings)
    return adapter(model, processor, processor.image_processor), processor


def adapter(model, processor, image_processor) -> Llava:
    return Llava(
        model, ProcessorParts(image_processor, processor.tokenizer, processor.chat_template)
    )


def tokenise(llava: Llava, processor, visual) -> torch.Tensor:
    text = processor.apply_chat_template(MESSAGE, add_generation_prompt=True, tokenize=False)
    text = text.replace(llava.default_marker, visual.placeholder)
    return processor.tokenizer(text, return_tensors="pt")["input_ids"]


@pytest.mark.parametrize("shape", [*SHAPES, (3, 1), (1, 2)])
def test_process_image_equals_the_real_processor(shape):
    llava, processor = family()
    image = noise(*shape)
    visual = llava.process_image(image)
    text = processor.apply_chat_template(MESSAGE, add_generation_prompt=True, tokenize=False)
    real = processor(images=image, text=text, return_tensors="pt")
    assert torch.equal(visual.tensors["pixel_values"], real["pixel_values"])
    assert torch.equal(tokenise(llava, processor, visual), real["input_ids"])


def test_process_image_counts_576_tokens_at_the_released_size():
    llava, processor = family(side=336)
    visual = llava.process_image(noise(640, 480))
    assert visual.geometry.visual == 576
    assert visual.geometry.grids[0].shape == (24, 24)
    assert visual.size == (336, 336)
    ids = tokenise(llava, processor, visual)
    assert int((ids == llava.image_token_id).sum()) == 576
    assert llava.visual_features(visual).shape[0] == 576


def test_process_image_crops_by_the_exact_integers():
    llava, _ = family()
    # 150 x 101: the short side becomes 112, the long one int(112 * 150 / 101) = 166, and the crop
    # starts at (166 - 112) // 2 = 27.
    grid = llava.process_image(noise(150, 101)).geometry.grids[0]
    assert grid.column_edges[0].item() == pytest.approx(27 * 150 / 166, abs=1e-9)
    assert grid.column_edges[-1].item() == pytest.approx((27 + 112) * 150 / 166, abs=1e-9)
    assert (grid.row_edges[0].item(), grid.row_edges[-1].item()) == (0, 101)


SETTINGS: dict[str, Any] = {
    "size": {"shortest_edge": 112},
    "crop_size": {"height": 112, "width": 112},
    "resample": Image.Resampling.BILINEAR,
}
IMAGE_PROCESSORS: dict[str, dict[str, Any]] = {
    "crop": {},
    "crop-of-more": {"size": {"shortest_edge": 130}},
    "squash": {"size": {"height": 112, "width": 112}, "do_center_crop": False},
    "pad-to-square": {"do_pad": True},
    "crop-larger-than-picture": {"size": {"height": 97, "width": 112}},
}


@pytest.mark.parametrize("shape", [(250, 150), (130, 250), (201, 133), (254, 254)])
@pytest.mark.parametrize("kind", IMAGE_PROCESSORS)
@pytest.mark.parametrize("scale", [0.75, 1.0, 1.5])
def test_boxes_lie_where_the_pixels_come_from(shape, kind, scale):
    pictures = LlavaImageProcessorPil(**{**SETTINGS, **IMAGE_PROCESSORS[kind]})
    assert tiny_llava.worst_off_centre(pictures, shape, scale) < 0.5


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_boxes_lie_where_torchvision_takes_the_pixels_from():
    found = torchvision_shim.with_torchvision(
        "tiny_llava:off_centres_of_torchvision",
        [{**SETTINGS, **changes} for changes in IMAGE_PROCESSORS.values()],
        [(250, 150), (130, 250), (201, 133)],
    )
    assert len(found) == 15
    assert max(found) < 0.5


@pytest.mark.parametrize("kind", ["pad-to-square", "crop-larger-than-picture"])
def test_boxes_reach_beyond_the_image_where_the_processor_pads(kind):
    model, processor = tiny_llava.build()
    silence(model, "out_proj")
    pictures = LlavaImageProcessorPil(**{**SETTINGS, **IMAGE_PROCESSORS[kind]})
    llava = adapter(model, processor, pictures)
    visual = llava.process_image(noise(240, 160))
    grid = visual.geometry.grids[0]
    assert float(grid.row_edges[0]) < 0
    assert float(grid.row_edges[-1]) > 160
    if kind == "pad-to-square":
        # 240 x 240 with 40 rows above, then 112 / 240 of it.
        assert torch.allclose(grid.row_edges, torch.arange(9).double() * 30 - 40)
        assert visual.size == (112, round(160 * 112 / 240))
    else:
        # 97 rows of the 112 are picture; the crop pads ceil(15 / 2) = 8 above.
        assert torch.allclose(grid.row_edges, (torch.arange(9).double() * 14 - 8) * 160 / 97)
        assert visual.size == (112, 97)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_embed_moves_most_where_a_block_is_painted(shape, scale):
    llava, _ = family()
    silence(llava.model, "self_attn.out_proj")
    assert share_found(llava, noise(*shape), scale) >= 0.99


def test_embed_does_not_move_for_pixels_outside_the_crop():
    llava, _ = family()
    image = noise(400, 100)
    before = llava.visual_features(llava.process_image(image))
    painted = image.copy()
    painted.paste((255, 255, 255), (0, 0, 145, 100))  # the crop begins at 150
    painted.paste((255, 255, 255), (255, 0, 400, 100))
    assert torch.equal(llava.visual_features(llava.process_image(painted)), before)


def test_process_image_scales_to_whole_patches():
    llava, _ = family()
    image = noise(300, 200)
    sizes = [
        llava.process_image(image, scale).size[0]
        for scale in (0.01, 0.5, 0.99, 1.0, 1.05, 1.07, 2.0)
    ]
    assert sizes == [14, 56, 112, 112, 112, 126, 224]
    crops = [llava.process_image(image, scale).geometry.boxes for scale in SCALES]
    for boxes in crops:
        assert boxes.amin(0)[:2].tolist() == pytest.approx([50, 0], abs=1)
        assert boxes.amax(0)[2:].tolist() == pytest.approx([250, 200], abs=1)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_process_image_serves_forward_and_generate_alike(scale, dtype):
    llava, processor = family(dtype=dtype)
    visual = llava.process_image(noise(300, 200), scale)
    ids = tokenise(llava, processor, visual)
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **visual.tensors}
    said = llava.model.generate(**given, max_new_tokens=4, do_sample=False)
    with torch.no_grad():
        first = llava.model(**given).logits[0, -1].argmax()
        features = shown(llava.model(**given))
    assert said[0, ids.shape[1]] == first
    assert torch.equal(features, llava.visual_features(visual))
    assert features.dtype == dtype


@pytest.mark.skipif(
    version.parse(transformers.__version__) >= version.parse("5.24"), reason="fixed"
)
def test_forward_still_keeps_interpolation_from_the_tower():
    # The reason for handing on features instead of pixels: from 5.24 on pixels would do.
    llava, processor = family()
    visual = llava.process_image(noise(300, 200), 1.5)
    ids = tokenise(llava, processor, visual)
    pixels = torch.zeros(1, 3, 168, 168)
    with pytest.raises(ValueError, match="doesn't match model"):
        llava.model(input_ids=ids, pixel_values=pixels, interpolate_pos_encoding=True)


def test_interpolation_at_the_own_size_changes_nothing():
    llava, _ = family()
    pixels = llava.process_image(noise(300, 200)).tensors["pixel_values"]
    with torch.no_grad():
        plain, flagged = (
            llava.model.get_image_features(pixels, interpolate_pos_encoding=flag).pooler_output[0]
            for flag in (False, True)
        )
    assert torch.equal(plain, flagged)


def test_siglip_tower_leaves_the_rest_of_the_input_unseen():
    # 104 pixels hold 7 patches of 14 and a rest of 6 that the tower's convolution drops.
    llava, processor = family(side=104, tower="siglip")
    image = noise(208, 104)
    visual = llava.process_image(image)
    real = processor(images=image, text="<image>", return_tensors="pt")
    assert torch.equal(visual.tensors["pixel_values"], real["pixel_values"])
    assert int((real["input_ids"] == llava.image_token_id).sum()) == visual.geometry.visual == 49
    assert visual.geometry.grids[0].column_edges[-1].item() == pytest.approx(196)
    assert visual.size == (98, 98)
    silence(llava.model, "self_attn.out_proj")
    assert share_found(llava, image, 1.0) >= 0.99
    assert share_found(llava, image, 1.5) >= 0.99


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_process_image_names_a_kept_class_token_as_pixelless(scale):
    llava, processor = family(vision_feature_select_strategy="full")
    image = noise(300, 200)
    visual = llava.process_image(image, scale)
    ids = tokenise(llava, processor, visual)
    assert visual.non_spatial == (0,)
    assert int((ids == llava.image_token_id).sum()) == visual.geometry.visual + 1
    with torch.no_grad():
        entered = shown(llava.model(input_ids=ids, **visual.tensors))
    assert torch.equal(entered[1:], llava.visual_features(visual))
    if scale == 1:
        text = processor.apply_chat_template(MESSAGE, add_generation_prompt=True, tokenize=False)
        assert torch.equal(ids, processor(images=image, text=text, return_tensors="pt").input_ids)
    silence(llava.model, "self_attn.out_proj")
    assert share_found(llava, image, scale) >= 0.99


def test_llava_refuses_a_dropped_patch():
    with pytest.raises(UnsupportedModelError, match="got 'default': it drops the first token"):
        family(tower="siglip", vision_feature_select_strategy="default")


def test_llava_refuses_an_unknown_tower():
    model, processor = tiny_llava.build()
    model.config.vision_config = AutoConfig.for_model("pixtral")
    with pytest.raises(UnsupportedModelError, match="got 'pixtral'"):
        adapter(model, processor, processor.image_processor)


@pytest.mark.parametrize(
    "settings", [{"do_center_crop": False}, {"do_resize": False}, {"size": {"longest_edge": 112}}]
)
def test_llava_refuses_a_processor_without_fixed_size(settings):
    model, processor = tiny_llava.build()
    for name, value in settings.items():
        setattr(processor.image_processor, name, value)
    with pytest.raises(UnsupportedModelError, match="shortest edge and crops"):
        adapter(model, processor, processor.image_processor)


def test_process_image_refuses_pixels_of_another_size_than_stated():
    llava, _ = family()
    llava.processor.image_processor.do_pad = True
    llava.processor.image_processor.pad_size = {"height": 140, "width": 140}
    with pytest.raises(GeometryError, match=r"\[1, 3, 112, 112\] from an image of 300 x 200"):
        llava.process_image(noise(300, 200))
