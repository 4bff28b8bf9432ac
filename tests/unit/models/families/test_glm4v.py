"""GLM-4V sees pictures and clips as transformers' own processors do, every token in its place."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import tiny_glm4v
import torchvision_shim
from clip_checks import (
    clip_of_noise,
    expect_answer_of_one_forward,
    expect_blocks_in_their_steps,
)
from painting import noise, share_found, silence
from seewhy.core.errors import (
    GeometryError,
    ImageError,
    UnsupportedInputError,
)
from seewhy.images.clips import Clip
from seewhy.models import generate, load, prepare
from tiny_qwen3_vl import ids_of

KINDS = ["glm4v", "glm46v"]
SHAPES = [(150, 100), (61, 240), (9, 9), (640, 480), (5, 90)]
PICTURES = [noise(*shape, seed=n) for n, shape in enumerate(SHAPES)]

#: By how many of 255 levels PIL's resampling of noise may differ from torchvision's.
LEVELS = 2.01

needs_torchvision = pytest.mark.skipif(
    not torchvision_shim.available(), reason="torchvision is not beside the venv"
)


CLIPS = [
    clip_of_noise(4, 96, 64),
    clip_of_noise(3, 97, 131),
    clip_of_noise(6, 400, 200, fps=3),
    clip_of_noise(2, 20, 20),
]


@cache
def real() -> dict[str, Any]:
    return torchvision_shim.with_torchvision("tiny_glm4v:beside_torchvision", PICTURES, CLIPS)


@cache
def shared(kind: str = "glm4v") -> Any:
    return load(tiny_glm4v.build(kind)).family


def silenced(kind: str = "glm4v") -> Any:
    family = load(tiny_glm4v.build(kind)).family
    silence(family.model, *tiny_glm4v.ATTENTION)
    return family


@needs_torchvision
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_prepare_equals_the_real_processor(kind, number):
    ours, wanted = prepare(shared(kind), PICTURES[number], "What is it?").tensors, real()[kind]
    assert ours.keys() == wanted["pil"][number].keys()
    for name, value in ours.items():
        assert np.array_equal(value.numpy(), wanted["pil"][number][name]), name
        assert np.array_equal(wanted["ours"][number][name], wanted["default"][number][name]), name


@needs_torchvision
def test_collate_equals_the_real_processor():
    family = shared()
    ours = family.collate([[family.process_image(one) for one in PICTURES[:2]]])
    for name, value in ours.items():
        assert np.array_equal(value.numpy(), real()["glm4v"]["two"][name]), name


@needs_torchvision
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(CLIPS)))
def test_process_video_equals_the_real_processor(kind, number):
    family, wanted = shared(kind), real()[kind]["clips"][number]
    visual = family.process_video(CLIPS[number])
    ids = ids_of(family.processor, family.clip_marker, visual.placeholder, "video")
    assert ids == wanted["input_ids"][0].tolist()
    types = family.token_types(torch.tensor([ids]), len(ids))
    assert np.array_equal(types["mm_token_type_ids"].numpy(), wanted["mm_token_type_ids"])
    assert np.array_equal(visual.tensors["video_grid_thw"].numpy(), wanted["video_grid_thw"])
    pixels = visual.tensors["pixel_values_videos"].numpy()
    assert pixels.shape == wanted["pixel_values_videos"].shape
    scale = min(family.processor.image_processor.image_std) * 255
    for ours in (pixels, real()[kind]["our clips"][number]):
        assert np.abs(ours - wanted["pixel_values_videos"]).max() * scale < LEVELS


@needs_torchvision
def test_collate_equals_the_real_processor_for_clips():
    family, wanted = shared(), real()["glm4v"]["two clips"]
    ours = family.collate([[family.process_video(one)] for one in CLIPS[:2]])
    assert ours["pixel_values_videos"].shape == wanted["pixel_values_videos"].shape
    assert np.array_equal(ours["video_grid_thw"].numpy(), wanted["video_grid_thw"])


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_process_video_finds_the_painted_block_in_its_step(scale):
    expect_blocks_in_their_steps(silenced(), scale)


def test_generate_about_a_clip_as_one_forward_does():
    expect_answer_of_one_forward(shared())


def test_process_video_dates_steps_by_their_first_frame():
    given = Clip(tuple(noise(24, 24, seed=n) for n in range(3)), (0.5, 1.0, 3.25))
    texts = [
        shared(kind).process_video(given).placeholder.replace("<|image|>", "") for kind in KINDS
    ]
    step = "<|begin_of_image|><|end_of_image|>"
    assert texts == [f"{step}0{step}3", f"{step}0.5 seconds{step}3.2 seconds"]


def test_limits_count_the_two_frames_of_a_step():
    family = shared()
    small, large = family.process_image(noise(9, 9)), family.process_image(noise(640, 480))
    assert small.size == (16, 16)  # 4 tokens, where the processor says 8 at least
    assert large.visual <= 1000  # of 2000


def test_other_model_types_are_treated_alike():
    loaded = load(tiny_glm4v.build("glm4v_moe"))
    assert loaded.family.name == "glm4v"
    inputs = prepare(loaded.family, noise(97, 131), "What is it?")
    assert generate(loaded, inputs, max_new_tokens=3).tokens
    for kind in ("glm4v_moe", "glm46v"):
        assert share_found(silenced(kind), noise(97, 131), 1.5, number=20) == 1


def test_glm4v_refuses_what_it_does_not_stand_for():
    family = shared()
    with pytest.raises(UnsupportedInputError, match="pictures or clips in one forward pass"):
        family.collate([[family.process_image(PICTURES[0]), family.process_video(CLIPS[0])]])
    with pytest.raises(ImageError, match="sides differ at most 200-fold"):
        family.process_image(noise(402, 2))
    other = load(tiny_glm4v.build()).family
    pictures: Any = other.processor.image_processor
    pictures.do_resize = False
    with pytest.raises(ImageError, match="multiples of 8 pixels with do_resize=False"):
        other.process_image(PICTURES[0])
    pictures.merge_size = 4
    with pytest.raises(GeometryError, match="got 4 pixels, merge 4"):
        other.process_image(PICTURES[0])
