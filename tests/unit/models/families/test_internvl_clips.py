"""InternVL's clips: the real processor's inputs, and every token over its own frame's pixels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import tiny_internvl
import torchvision_shim
from painting import noise, silence
from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.images.clips import Clip
from seewhy.models import load

PROMPT = "Describe the picture."
VIDEO = {"size": {"height": 112, "width": 112}}

#: By how many of 255 levels PIL's resampling may differ from torchvision's: 1, but for rounding.
LEVELS = 1.01


def clip(frames: int, width: int, height: int) -> Clip:
    pictures = tuple(noise(width, height, seed=n) for n in range(frames))
    return Clip(pictures, tuple(float(n) for n in range(frames)))


CLIPS = [clip(3, 97, 64), clip(1, 30, 41), clip(2, 112, 112)]
PICTURE = noise(201, 133)


def family(**video) -> Any:
    internvl = load(tiny_internvl.build()).family
    return type(internvl)(internvl.model, replace(internvl.processor, video={**VIDEO, **video}))


def beside_torchvision(clips: list[Clip], picture: Any) -> dict[str, Any]:
    """Real inputs of clips alone and of a picture between two, and our pixels, with torchvision."""
    from transformers.models.got_ocr2.image_processing_got_ocr2 import GotOcr2ImageProcessor
    from transformers.models.internvl.video_processing_internvl import InternVLVideoProcessor

    model, processor = tiny_internvl.build(video_part=InternVLVideoProcessor(**VIDEO))
    given: Any = processor

    def call(text: str, **kinds: Any) -> dict[str, Any]:
        made = given(text=f"{text}{PROMPT}", do_sample_frames=False, return_tensors="pt", **kinds)
        return {name: value.numpy() for name, value in made.items()}

    alone = [call("<video>\n", videos=[list(clip.frames)]) for clip in clips]
    twins = [list(clip.frames) for clip in (clips[0], clips[0])]
    mixed = call("<video>\n<IMG_CONTEXT>\n<video>\n", videos=twins, images=[picture])
    processor.image_processor = GotOcr2ImageProcessor(**VIDEO)
    internvl = load((model, processor)).family
    ours = [internvl.process_video(clip).tensors["pixel_values"].numpy() for clip in clips]
    return {"alone": alone, "mixed": mixed, "ours": ours}


@cache
def real() -> dict[str, Any]:
    return torchvision_shim.with_torchvision(
        "unit.models.families.test_internvl_clips:beside_torchvision", CLIPS, PICTURE
    )


needs_torchvision = pytest.mark.skipif(
    not torchvision_shim.available(), reason="torchvision is not beside the venv"
)


def levels(ours: np.ndarray, wanted: np.ndarray, internvl: Any) -> float:
    assert ours.shape == wanted.shape
    std = np.array(internvl.processor.image_processor.image_std)[:, None, None]
    return float((np.abs(ours - wanted) * std * 255).max())


@needs_torchvision
@pytest.mark.parametrize("number", range(len(CLIPS)))
def test_process_video_equals_the_real_processor(number):
    internvl = family()
    visual, wanted = internvl.process_video(CLIPS[number]), real()["alone"][number]
    ids = internvl.processor.tokenizer(f"{visual.placeholder}\n{PROMPT}")["input_ids"]
    assert ids == wanted["input_ids"][0].tolist()
    ours = visual.tensors["pixel_values"].numpy()
    assert levels(ours, wanted["pixel_values"], internvl) < LEVELS
    assert levels(real()["ours"][number], wanted["pixel_values"], internvl) < 1e-3


@needs_torchvision
def test_collate_equals_the_real_processor_for_clips_and_pictures():
    internvl = family()
    film, picture = internvl.process_video(CLIPS[0]), internvl.process_image(PICTURE)
    wanted = real()["mixed"]
    ours = internvl.collate([[film, picture, film]])["pixel_values"].numpy()
    assert levels(ours, wanted["pixel_values"], internvl) < LEVELS
    text = "".join(f"{one.placeholder}\n" for one in (film, picture, film)) + PROMPT
    assert internvl.processor.tokenizer(text)["input_ids"] == wanted["input_ids"][0].tolist()


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_process_video_finds_the_painted_block_in_its_frame(scale):
    internvl = family()
    silence(internvl.model, *tiny_internvl.ATTENTION)
    given = clip(2, 97, 64)
    visual = internvl.process_video(given, scale)
    before, each = internvl.visual_features(visual), visual.geometries[0].visual
    assert len(before) == visual.visual == 2 * each
    for frame in range(2):
        for place in range(0, each, max(1, each // 5)):
            left, top, right, bottom = visual.geometries[frame].boxes[place].tolist()
            painted = given.frames[frame].copy()
            painted.paste(
                (255, 255, 255), (int(left + 1), int(top + 1), int(right - 1), int(bottom - 1))
            )
            frames = [*given.frames]
            frames[frame] = painted
            after = internvl.visual_features(
                internvl.process_video(replace(given, frames=tuple(frames)), scale)
            )
            moved = (after - before).norm(dim=-1) / before.norm(dim=-1)
            assert int(moved.argmax()) == frame * each + place


def test_process_video_tells_its_frames():
    internvl = family()
    visual = internvl.process_video(CLIPS[0])
    assert visual.is_clip
    assert (visual.frames, visual.size, visual.non_spatial) == (((0,), (1,), (2,)), (112, 112), ())
    assert visual.placeholder.startswith("Frame1: <img><IMG_CONTEXT>")
    assert visual.placeholder.count("</img>\nFrame") == 2
    assert internvl.process_video(CLIPS[0], 2.0).size == (224, 224)


def test_process_video_serves_forward_and_generate_alike():
    internvl = family()
    visual = internvl.process_video(CLIPS[0])
    text = f"{visual.placeholder}\n{PROMPT}"
    ids = internvl.processor.tokenizer(text, return_tensors="pt")["input_ids"]
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), **visual.tensors}
    said = internvl.model.generate(**given, max_new_tokens=1, do_sample=False)
    with torch.no_grad():
        outputs = internvl.model(**given)
    assert said[0, -1] == outputs.logits[0, -1].argmax()
    assert torch.equal(outputs.image_hidden_states.flatten(0, 1), internvl.visual_features(visual))


def test_process_video_refuses_frames_that_fill_no_tokens():
    with pytest.raises(GeometryError, match="a multiple of 28 pixels"):
        family(size={"height": 384, "width": 384}).process_video(CLIPS[0])


@pytest.mark.parametrize("settings", [{"do_resize": False}, {"do_center_crop": True}])
def test_process_video_refuses_frames_that_are_not_resized_whole(settings):
    with pytest.raises(UnsupportedModelError, match="resizes frames and does not crop"):
        family(**settings).process_video(CLIPS[0])
