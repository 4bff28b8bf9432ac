"""Every setting of every family's image processor: its boxes are right, or it is refused.

What is right is found by experiment: a block of the original picture is painted, and the token
whose embedding moves most must be one whose box holds the block.
"""

from __future__ import annotations

import functools

import pytest
import torch

from families import ATTENTION, BUILDERS, build
from painting import noise, silence
from picture_settings import variants
from seewhy.core.errors import SeewhyError
from seewhy.models.inputs import process_media
from seewhy.models.processor_settings import with_settings

#: Families whose pixels come from the whole picture by one size alone: others are refused.
FIXED = ("paligemma", "llava-next", "llava-onevision")
SIZE = (150, 104)
BLOCKS = 6

#: Settings of a pixel's value: they move none. Values of 255 would be too much for the experiment.
VALUES = {
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"),
    *("do_convert_rgb", "resample"),
}


@functools.cache
def silenced(name):
    """A tiny model whose vision tower does not mix its tokens, and a picture's usual inputs."""
    loaded = build(name)
    silence(loaded.model, *ATTENTION)
    (usual,) = process_media(loaded.family, [noise(*SIZE)], 1.0)
    return loaded, usual


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_setting_of_a_processor_is_followed_or_refused(name):
    loaded, usual = silenced(name)
    followed, wrong = 0, []
    for settings in variants(loaded.processor.image_processor):
        try:
            family = with_settings(loaded, settings).family
            (visual,) = process_media(family, [noise(*SIZE)], 1.0)
        except SeewhyError:
            continue
        if same_pixels(visual, usual) or set(settings) <= VALUES:
            assert torch.equal(visual.geometry.boxes, usual.geometry.boxes)
            continue
        followed += 1
        if (share := share_found(family, visual)) < 1:
            wrong.append((settings, share))
    assert wrong == []
    assert followed > 0 or name in FIXED


def same_pixels(visual, usual):
    if set(visual.tensors) != set(usual.tensors) or "pixel_values" not in visual.tensors:
        return False
    one, other = visual.tensors["pixel_values"], usual.tensors["pixel_values"]
    return one.shape == other.shape and torch.equal(one, other)


@torch.no_grad()
def share_found(family, visual):
    """The share of painted blocks that the right token finds, in every grid; at least one each."""
    before, boxes = family.visual_features(visual), visual.geometry.boxes
    shares = []
    for grid in visual.geometry.grids:
        tokens = inside(boxes, grid.index.flatten())
        right = 0
        for token in tokens:
            left, top, far, bottom = (round(float(edge)) for edge in boxes[token])
            picture = noise(*SIZE)
            block = (left, top, max(far, left + 1), max(bottom, top + 1))
            picture.paste((255, 255, 255), block)
            (painted,) = process_media(family, [picture], 1.0)
            moved = (family.visual_features(painted) - before).norm(dim=-1) / before.norm(dim=-1)
            found = boxes[grid.index.flatten()[moved[grid.index.flatten()].argmax()]]
            x, y = (block[0] + block[2]) / 2, (block[1] + block[3]) / 2
            right += bool(found[0] <= x <= found[2] and found[1] <= y <= found[3])
        shares.append(right / len(tokens))
    return min(shares)


def inside(boxes, tokens):
    """Some tokens whose boxes lie in the picture and hold a pixel at least, spread over it."""
    left, top, right, bottom = boxes[tokens].T
    within = (left >= 0) & (top >= 0) & (right <= SIZE[0]) & (bottom <= SIZE[1])
    usable = tokens[within & (right - left >= 1) & (bottom - top >= 1)].tolist()
    assert usable
    return usable[:: max(1, len(usable) // BLOCKS)][:BLOCKS]
