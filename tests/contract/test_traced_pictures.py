"""Under trace, the pixels of a call are those of the pictures and settings, in every family.

Each family's own image processor makes the pixels of two prompts in one call, as usual and with a
setting of the family's, and the pictures are found, given, or given wrongly.
"""

from __future__ import annotations

import functools

import pytest
import torch

import seewhy
from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import GeometryError
from seewhy.models.batching import batch
from seewhy.models.inputs import prepare
from seewhy.models.processor_settings import with_settings

PROMPT = "What is this?"
PICTURES = (noise(150, 104), noise(96, 120, 3))

#: One setting of each kind that families have: limits, sizes, crops, tiles, budgets.
SETTINGS = {
    "gemma3": {"do_pan_and_scan": False},
    "gemma4": {"max_soft_tokens": 140},
    "glm4v": {"size": {"shortest_edge": 1024, "longest_edge": 6400}},
    "idefics3": {"do_image_splitting": False},
    "internvl": {"crop_to_patches": False},
    "llava": {"do_center_crop": False, "size": {"height": 112, "width": 112}},
    "llava-next": {"resample": 0},
    "llava-onevision": {"do_normalize": False},
    "mistral3": {"size": {"longest_edge": 84}},
    "paligemma": {"resample": 0},
    "pixtral": {"size": {"height": 84, "width": 56}},
    "qwen2-5-vl": {"size": {"shortest_edge": 1024, "longest_edge": 3200}},
    "qwen2-vl": {"size": {"shortest_edge": 32000, "longest_edge": 64000}},
    "qwen3-vl": {"size": {"shortest_edge": 1024, "longest_edge": 3200}},
    "smolvlm": {"size": {"longest_edge": 76}},
}
NESTED = ("idefics3", "smolvlm", "llava-onevision")
FAMILIES = sorted(BUILDERS)


@functools.cache
def traced(name, usual):
    """A call with two prompts in a block; and the inputs of each prompt alone."""
    loaded, settings = shared(name), {} if usual else SETTINGS[name]
    family = with_settings(loaded, settings).family
    rows = [prepare(family, picture, PROMPT) for picture in PICTURES]
    tensors = dict(batch(family, rows).tensors)
    if name == "internvl":  # its processor says so, its image processor does not
        settings = {"crop_to_patches": True, **settings}
    if name == "gemma3":  # likewise
        settings = {"do_pan_and_scan": False, **settings}
        rows = [prepare(with_settings(loaded, settings).family, p, PROMPT) for p in PICTURES]
        tensors = dict(batch(family, rows).tensors)
    if name == "mistral3":  # likewise: patches are merged by two
        settings = {"patch_size": 14, **settings}
    pictures = [[one] for one in PICTURES] if name in NESTED else list(PICTURES)
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        made = loaded.processor.image_processor(images=pictures, return_tensors="pt", **settings)
        tensors |= {key: value for key, value in made.items() if key in tensors}
        loaded.model.generate(**tensors, max_new_tokens=2, do_sample=False)
    return trace, rows


def explained(trace, *pictures, sequence):
    return trace.explain(
        *pictures, prompt=PROMPT, sequence=sequence, method="logit-lens", explain_prompt=False
    )


@pytest.mark.parametrize("usual", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_settings_of_a_call_are_followed_for_every_prompt(name, usual):
    trace, rows = traced(name, usual)
    for number, picture in enumerate(PICTURES):
        for given in ((), (picture,)):
            found = explained(trace, *given, sequence=number).record.pictures[0]
            wanted = rows[number].views[0].geometry.base_grid
            assert torch.equal(found.base_grid.row_edges, wanted.row_edges)
            assert torch.equal(found.base_grid.column_edges, wanted.column_edges)
            assert found.size == picture.size


@pytest.mark.parametrize("name", FAMILIES)
def test_pictures_of_another_prompt_or_with_other_pixels_are_refused(name):
    trace, _ = traced(name, True)
    for wrong in (PICTURES[1], noise(150, 104, 9)):
        with pytest.raises(GeometryError, match="Expected"):
            explained(trace, wrong, sequence=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_pixels_that_were_changed_after_the_processor_are_refused(name):
    loaded = shared(name)
    inputs = prepare(loaded.family, PICTURES[0], PROMPT)
    pixels = inputs.tensors["pixel_values"]
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        loaded.model.generate(
            **{**inputs.tensors, "pixel_values": pixels.flip(-1)}, max_new_tokens=2, do_sample=False
        )
    with pytest.raises(GeometryError, match="pixel_values of the given pictures"):
        explained(trace, PICTURES[0], sequence=0)
