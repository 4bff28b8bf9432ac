"""Mistral 3: the same inputs as the real processor's, and every token over its own pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

import tiny_mistral3
import torchvision_shim
from painting import centres_seen, noise, off_centre, ramps
from seewhy.core.errors import GeometryError, ImageError, UnsupportedModelError
from seewhy.models import Family, load
from seewhy.models.families.mistral3 import token_grid

PROMPT = "What is to the left of the red star?"

#: Width and height, and the tokens (columns, rows) of 14 pixels, no side beyond 210.
SHAPES = {
    (240, 60): (15, 4),
    (60, 240): (4, 15),
    (150, 100): (11, 8),
    (97, 131): (7, 10),
    (300, 40): (15, 2),
    (14, 20): (1, 2),
}


def family(**settings: Any) -> tuple[Family, Any]:
    pair = tiny_mistral3.build(**settings)
    return load(pair).family, pair[1]


@pytest.mark.skipif(not torchvision_shim.available(), reason="torchvision is not beside the venv")
def test_inputs_equal_the_real_processor_s_on_both_backends():
    pictures = [noise(*shape) for shape in SHAPES]
    two = [noise(240, 60), noise(97, 131)]
    singles, pairs, classes = torchvision_shim.with_torchvision(
        "tiny_mistral3:real_and_ours", pictures, PROMPT, two
    )
    assert classes == ["PixtralImageProcessorPil", "PixtralImageProcessor"]
    assert len(singles) == 2 * len(SHAPES)
    for real, ours in singles:
        for name in real:
            assert np.array_equal(ours[name], real[name]), name
    # Two pictures of different shapes in one prompt, on the backend that is here.
    adapter, parts = family()
    visuals = [adapter.process_image(picture) for picture in two]
    given = adapter.collate([visuals])
    for name in ("pixel_values", "image_sizes"):
        assert np.array_equal(given[name].numpy(), pairs[0][name]), name
    marker = "".join(one.placeholder for one in visuals)
    text = f"<s>[SYSTEM_PROMPT]Answer in short.[/SYSTEM_PROMPT][INST]{marker}{PROMPT}[/INST]"
    ids = parts.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids == pairs[0]["input_ids"][0].tolist()


@pytest.mark.parametrize(("shape", "grid"), SHAPES.items())
def test_process_image_lays_out_rows_with_breaks_between(shape, grid):
    adapter, _ = family()
    visual = adapter.process_image(noise(*shape))
    columns, rows = grid
    assert visual.geometry.grids[0].shape == (rows, columns)
    assert visual.size == (columns * 14, rows * 14)
    lines = visual.placeholder.removesuffix("[IMG_END]").split("[IMG_BREAK]")
    assert lines == ["[IMG]" * columns] * rows
    assert adapter.visual_features(visual).shape[0] == rows * columns


@pytest.mark.parametrize("shape", [(240, 60), (97, 131)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_boxes_lie_where_the_pixels_come_from(shape, scale):
    adapter, parts = family()
    pictures = parts.image_processor
    visual = adapter.process_image(ramps(*shape), scale)
    pixels = visual.tensors["pixel_values"][0]
    centres = centres_seen(pixels, 14, pictures.image_mean, pictures.image_std)
    assert off_centre(visual.geometry.grids[0], centres, shape) < 0.6


def test_embed_gives_the_same_for_pictures_padded_to_one_another():
    adapter, _ = family()
    visuals = [
        adapter.process_image(noise(*shape), scale)
        for shape, scale in [((240, 60), 1), ((60, 90), 1.5)]
    ]
    model: Any = adapter.model
    with torch.no_grad():
        joint = model.get_image_features(
            **adapter.collate([visuals[:1], visuals[1:]])
        ).pooler_output
    for one, features in zip(visuals, joint, strict=True):
        torch.testing.assert_close(features, adapter.visual_features(one), atol=1e-5, rtol=1e-5)


def test_process_image_grows_no_further_than_the_tower_s_side():
    adapter, _ = family()
    visuals = [adapter.process_image(noise(240, 60), scale) for scale in (0.01, 0.5, 1.0, 2.0, 3.0)]
    assert [one.size for one in visuals] == [(28, 14), (112, 28), (210, 56), (420, 112), (420, 112)]


def test_process_image_refuses_a_picture_of_one_token():
    adapter, _ = family()
    with pytest.raises(ImageError, match=r"two tokens at least, got 5 x 3"):
        adapter.process_image(noise(5, 3))


def test_embed_serves_bfloat16():
    adapter, _ = family(dtype=torch.bfloat16)
    assert (
        adapter.visual_features(adapter.process_image(noise(97, 131), 1.5)).dtype == torch.bfloat16
    )


class Cutting(PixtralImageProcessorPil):
    """An image processor that loses a row of pixels."""

    def resize(self, image: Any, *args: Any, **kwargs: Any) -> Any:
        return super().resize(image, *args, **kwargs)[:, 1:]


def test_process_image_refuses_pixels_of_another_size():
    adapter, _ = family(pictures=Cutting)
    with pytest.raises(GeometryError, match=r"(?s)140, 98\] from an image of 97 x 131, got.*139"):
        adapter.process_image(noise(97, 131))


@pytest.mark.parametrize(
    "settings",
    [{"do_resize": False}, {"do_center_crop": True}, {"size": {"shortest_edge": 64}}],
)
def test_mistral3_refuses_a_processor_that_does_not_resize_alone(settings):
    model, parts = tiny_mistral3.build()
    for name, value in settings.items():
        setattr(parts.image_processor, name, value)
    with pytest.raises(UnsupportedModelError, match="crops nothing"):
        load((model, parts))


def test_token_grid_heeds_height_and_width():
    _, parts = family()
    parts.image_processor.size = {"height": 70, "width": 210}
    assert token_grid(parts.image_processor, 100, 150, 14) == (5, 8)
