"""Checks of clips that hold for every family whose frames merge into steps of two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from painting import noise
from seewhy.images.clips import Clip
from tiny_qwen3_vl import ids_of


def clip_of_noise(frames: int, width: int, height: int, fps: float = 2.0) -> Clip:
    """A clip of random frames, no two alike."""
    pictures = tuple(noise(width, height, seed=n) for n in range(frames))
    return Clip(pictures, tuple(n / fps for n in range(frames)))


def expect_blocks_in_their_steps(family: Any, scale: float) -> None:
    """A painted block moves its own token most, in the step of its own frame."""
    given = clip_of_noise(5, 97, 64)
    visual = family.process_video(given, scale)
    before, each = family.visual_features(visual), visual.geometries[0].visual
    assert len(before) == visual.visual
    assert visual.frames == ((0, 1), (2, 3), (4,))
    for frame in range(5):
        for place in range(0, each, max(1, each // 7)):
            left, top, right, bottom = visual.geometries[0].boxes[place].tolist()
            box = (int(left + 1), int(top + 1), int(right - 1), int(bottom - 1))
            painted = given.frames[frame].copy()
            painted.paste((255, 255, 255), box)
            frames = (*given.frames[:frame], painted, *given.frames[frame + 1 :])
            after = family.visual_features(
                family.process_video(replace(given, frames=frames), scale)
            )
            moved = (after - before).norm(dim=-1) / before.norm(dim=-1)
            assert int(moved.argmax()) == frame // 2 * each + place


def expect_answer_of_one_forward(family: Any) -> None:
    """What is generated about a clip is what one forward pass over it predicts."""
    visual = family.process_video(clip_of_noise(5, 97, 64))
    ids = ids_of(family.processor, family.clip_marker, visual.placeholder, "video")
    given = torch.tensor([ids])
    tensors = {**family.collate([[visual]]), **family.token_types(given, len(ids))}
    mask = torch.ones_like(given)
    answered = family.model.generate(
        input_ids=given, attention_mask=mask, **tensors, max_new_tokens=4, do_sample=False
    )
    tensors |= family.token_types(answered, len(ids))
    with torch.no_grad():
        mask = torch.ones_like(answered)
        logits = family.model(input_ids=answered, attention_mask=mask, **tensors).logits
    assert torch.equal(answered[0, len(ids) :], logits[0, len(ids) - 1 : -1].argmax(-1))
