"""Qwen3-VL, and the clips of all Qwen families: as transformers' own processors see them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import tiny_models
import tiny_qwen3_vl
import torchvision_shim
from clip_checks import (
    clip_of_noise,
    expect_answer_of_one_forward,
    expect_blocks_in_their_steps,
)
from families import shared
from painting import noise, share_found, silence
from seewhy.core.errors import GeometryError, ImageError, UnsupportedModelError
from seewhy.images.clips import Clip
from seewhy.models import generate, load, prepare
from seewhy.models.families.qwen2_vl import merge_frames
from seewhy.models.families.qwen3_vl import step_text
from seewhy.models.processing import compose

KINDS = ["qwen2-vl", "qwen2-5-vl", "qwen3-vl"]
SHAPES = [(150, 100), (61, 240), (9, 9), (640, 480), (800, 8)]
PICTURES = [noise(*shape, seed=n) for n, shape in enumerate(SHAPES)]

#: By how many of 255 levels PIL's resampling of noise may differ from torchvision's: 2 at most
#: over these clips, and none where nothing is resized.
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
    return torchvision_shim.with_torchvision("tiny_qwen3_vl:beside_torchvision", PICTURES, CLIPS)


def with_clips(kind: str) -> Any:
    """A family whose processor knows video settings and a template that writes videos."""
    family = shared(kind).family
    model, processor = family.model, family.processor
    processor = replace(processor, template=tiny_qwen3_vl.TEMPLATE, video=tiny_qwen3_vl.VIDEO)
    return type(family)(model, processor)


@needs_torchvision
@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_prepare_equals_the_real_processor(number):
    family = shared("qwen3-vl").family
    ours = prepare(family, PICTURES[number], "What is it?").tensors
    wanted = real()["qwen3-vl"]
    assert ours.keys() == wanted["pil"][number].keys()
    for name, value in ours.items():
        assert np.array_equal(value.numpy(), wanted["pil"][number][name]), name
        assert np.array_equal(wanted["ours"][number][name], wanted["default"][number][name]), name


@needs_torchvision
def test_collate_equals_the_real_processor():
    family = shared("qwen3-vl").family
    ours = family.collate([[family.process_image(one) for one in PICTURES[:2]]])
    wanted = real()["qwen3-vl"]["two"]
    for name, value in ours.items():
        assert np.array_equal(value.numpy(), wanted[name]), name


@needs_torchvision
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(CLIPS)))
def test_process_video_equals_the_real_processor(kind, number):
    family = with_clips(kind)
    visual, wanted = family.process_video(CLIPS[number]), real()[kind]["clips"][number]
    ids = tiny_qwen3_vl.ids_of(family.processor, family.clip_marker, visual.placeholder, "video")
    assert ids == wanted["input_ids"][0].tolist()
    types = family.token_types(torch.tensor([ids]), len(ids))
    assert np.array_equal(types["mm_token_type_ids"].numpy(), wanted["mm_token_type_ids"])
    assert np.array_equal(visual.tensors["video_grid_thw"].numpy(), wanted["video_grid_thw"])
    assert ("second_per_grid_ts" in visual.tensors) == (kind == "qwen2-5-vl")
    if kind == "qwen2-5-vl":
        assert visual.tensors["second_per_grid_ts"].numpy() == pytest.approx(
            wanted["second_per_grid_ts"]
        )
    pixels = visual.tensors["pixel_values_videos"].numpy()
    assert pixels.shape == wanted["pixel_values_videos"].shape
    scale = min(family.processor.image_processor.image_std) * 255
    for ours in (pixels, real()[kind]["our clips"][number]):
        assert np.abs(ours - wanted["pixel_values_videos"]).max() * scale < LEVELS


@needs_torchvision
@pytest.mark.parametrize("kind", KINDS)
def test_collate_equals_the_real_processor_for_clips(kind):
    family = with_clips(kind)
    ours = family.collate([[family.process_video(one)] for one in CLIPS[:2]])
    wanted = real()[kind]["two clips"]
    assert ours["pixel_values_videos"].shape == wanted["pixel_values_videos"].shape
    for name in ours.keys() - {"pixel_values_videos"}:
        assert ours[name].numpy() == pytest.approx(wanted[name]), name
    assert real()[kind]["video"] == tiny_qwen3_vl.VIDEO["size"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_process_video_finds_the_painted_block_in_its_step(kind, scale):
    family = with_clips(kind) if kind != "qwen3-vl" else load(tiny_qwen3_vl.build()).family
    if kind != "qwen3-vl":
        family = type(family)(tiny_models.build(kind)[0], family.processor)
    silence(family.model, *tiny_qwen3_vl.ATTENTION)
    expect_blocks_in_their_steps(family, scale)


@pytest.mark.parametrize("kind", KINDS)
def test_generate_about_a_clip_as_one_forward_does(kind):
    expect_answer_of_one_forward(with_clips(kind))


def test_process_video_doubles_a_single_frame():
    family = with_clips("qwen3-vl")
    one, two = (
        family.process_video(clip_of_noise(1, 96, 64)),
        family.process_video(Clip((noise(96, 64), noise(96, 64)), (0.0, 1.0))),
    )
    assert one.frames == ((0,),)
    assert one.size == two.size
    assert torch.equal(one.tensors["pixel_values_videos"], two.tensors["pixel_values_videos"])


def test_process_video_shares_the_limit_among_frames():
    family = with_clips("qwen3-vl")
    few, many = (
        family.process_video(clip_of_noise(2, 400, 200)),
        family.process_video(clip_of_noise(12, 400, 200)),
    )
    assert few.size == (192, 96)
    assert many.size[0] * many.size[1] * 12 <= 600 * tiny_qwen3_vl.AREA
    assert family.process_video(clip_of_noise(12, 400, 200), 2).size == many.size


def test_process_video_without_settings_takes_the_defaults():
    family = with_clips("qwen2-vl")
    family = type(family)(family.model, replace(family.processor, video=None))
    width, height = family.process_video(clip_of_noise(2, 96, 64)).size
    assert 128 * 28 * 28 <= width * height < 136 * 28 * 28


def test_process_video_heeds_the_older_names_of_limits():
    family = with_clips("qwen2-vl")
    area = tiny_qwen3_vl.AREA
    video = {"min_pixels": 4 * area, "max_pixels": 16 * area}
    family = type(family)(family.model, replace(family.processor, video=video))
    assert family.process_video(clip_of_noise(2, 96, 96)).size == (32, 32)


def test_step_text_is_dated_midway():
    assert step_text([1.0, 1.5], "x") == "<1.2 seconds><|vision_start|>x<|vision_end|>"
    assert step_text([2.0], "x") == "<2.0 seconds><|vision_start|>x<|vision_end|>"


def test_merge_frames_takes_each_frame_once():
    single = torch.arange(3 * 2 * 3 * 4).view(3, 2, 3, 1, 4)  # frames patches colours - area
    pixels = single.expand(-1, -1, -1, 2, -1).flatten(0, 1).flatten(1)
    woven = merge_frames(pixels, 3, 2).view(2, 2, 3, 2, 4)
    assert torch.equal(woven[0, :, :, 0], single[0, :, :, 0])
    assert torch.equal(woven[0, :, :, 1], single[1, :, :, 0])
    assert torch.equal(woven[1, :, :, 0], woven[1, :, :, 1])


@pytest.mark.parametrize("kind", ["qwen3_vl_moe", "qwen3_5", "qwen3_5_moe"])
def test_other_model_types_are_treated_alike(kind):
    loaded = load(tiny_qwen3_vl.build(kind))
    assert loaded.family.name == "qwen3-vl"
    inputs = prepare(loaded.family, noise(97, 131), "What is it?")
    assert generate(loaded, inputs, max_new_tokens=3).tokens
    silence(loaded.model, *tiny_qwen3_vl.ATTENTION)
    assert share_found(loaded.family, noise(97, 131), 1.5, number=20) == 1


def test_deepstack_leaves_every_token_in_its_place():
    family = load(tiny_qwen3_vl.build()).family
    silence(family.model, *tiny_qwen3_vl.ATTENTION)
    image = noise(97, 64)
    visual = family.process_image(image)
    model: Any = family.model

    def early(picture: Any) -> torch.Tensor:
        tensors = family.process_image(picture).tensors
        with torch.no_grad():
            made = model.get_image_features(**tensors, return_dict=True)
        (features,) = made.deepstack_features
        return torch.cat(tuple(features))

    before = early(image)
    assert len(before) == visual.visual
    for place in range(0, visual.visual, 5):
        left, top, right, bottom = visual.geometry.boxes[place].tolist()
        painted = image.copy()
        painted.paste(
            (255, 255, 255), (int(left + 1), int(top + 1), int(right - 1), int(bottom - 1))
        )
        moved = (early(painted) - before).norm(dim=-1) / before.norm(dim=-1)
        assert int(moved.argmax()) == place


def test_process_video_refuses_what_it_does_not_stand_for():
    family = with_clips("qwen3-vl")

    def given(**settings: Any) -> Any:
        video = {**tiny_qwen3_vl.VIDEO, **settings}
        return type(family)(family.model, replace(family.processor, video=video))

    with pytest.raises(UnsupportedModelError, match="cap_pixels_per_frame"):
        given(cap_pixels_per_frame=True).process_video(CLIPS[0])
    with pytest.raises(ImageError, match="multiples of 8 pixels with do_resize=False"):
        given(do_resize=False).process_video(clip_of_noise(2, 50, 50))
    with pytest.raises(GeometryError, match="2 frames a step, got 4 pixels, merge 2 and 3 frames"):
        given(temporal_patch_size=3).process_video(CLIPS[0])
    with pytest.raises(ImageError, match="sides differ at most 200-fold"):
        family.process_video(clip_of_noise(2, 402, 2))


def test_compose_reads_video_settings_where_transformers_does(tmp_path):
    folder = tiny_models.save(tmp_path)
    assert (compose(folder).video or {})["patch_size"] == tiny_models.PATCH
    (folder / "video_preprocessor_config.json").write_text('{"size": {"longest_edge": 7}}')
    assert compose(folder).video == {"size": {"longest_edge": 7}}
    (folder / "processor_config.json").write_text('{"video_processor": {"merge_size": 3}}')
    assert compose(folder).video == {"merge_size": 3}
