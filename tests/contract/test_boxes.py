"""Boxes of every family: from the original picture to the family's own text, and back.

People reported boxes that were shifted on pictures of 1080 x 1920 and of 368 x 434 pixels.
"""

from __future__ import annotations

import random
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from families import BUILDERS, shared
from golden.location_records import answered
from seewhy.core.boxes import (
    BoxFormat,
    PictureFrame,
    convention_named,
    from_pixels,
    to_pixels,
)
from seewhy.explanation import Explanation
from seewhy.models import FAMILIES
from seewhy.models.families.qwen2_vl import smart_resize_image, target_size

SIZES = [(1080, 1920), (1920, 1080), (368, 434), (97, 61)]

#: For each syntax the text of a box, from its four numbers in the order of the convention.
WRITE = {
    "qwen-tokens": "<|object_ref_start|>cup<|object_ref_end|>"
    "<|box_start|>({},{}),({},{})<|box_end|>",
    "pairs": "cup({},{}),({},{})",
    "json": '[{{"bbox_2d": [{}, {}, {}, {}], "label": "cup"}}]',
    "json-box_2d": '[{{"box_2d": [{}, {}, {}, {}], "label": "cup"}}]',
    "box-tags": "<ref>cup</ref><box>[[{}, {}, {}, {}]]</box>",
    "glm-tokens": "The cup: <|begin_of_box|>[[{},{},{},{}]]<|end_of_box|>",
    "loc": "<loc{:04d}><loc{:04d}><loc{:04d}><loc{:04d}> cup",
    "doctags": "<text><loc_{}><loc_{}><loc_{}><loc_{}>cup</text>",
    "fractions": "The cup is at [{}, {}, {}, {}]",
    "point-tags": '<points x1="{}" y1="{}" x2="{}" y2="{}" alt="cup">cup</points>',
}

FORMATS = [
    (name, syntax) for name in sorted(BUILDERS) for syntax in FAMILIES.get(name).box_format.syntaxes
]


@cache
def view_of(name: str, size: tuple[int, int]):
    """How a family's adapter processes a grey picture: its geometry and the input's size."""
    visual = shared(name).family.process_image(Image.new("RGB", size, (90, 90, 90)))
    return visual.geometry.base_grid, visual.size


def frame_of(size, grid, model_size) -> PictureFrame:
    edges = (grid.column_edges[0], grid.row_edges[0], grid.column_edges[-1], grid.row_edges[-1])
    return PictureFrame(size, tuple(map(float, edges)), model_size)  # type: ignore[arg-type]


def part_of(frame: PictureFrame) -> tuple[float, ...]:
    """A box in the part of a picture that the model sees."""
    low = [max(edge, 0.0) for edge in frame.seen[:2]]
    high = [min(edge, side) for edge, side in zip(frame.seen[2:], frame.size, strict=True)]
    shares = ((0.2, 0.3), (0.7, 0.9))
    return tuple(
        a + share * (b - a)
        for corner in shares
        for a, b, share in zip(low, high, corner, strict=True)
    )


def written(convention, pixels, frame):
    """The numbers that a model would write, rounded as its text has them; and the rounding."""
    digits = 2 if convention.unit == 1 else 0
    exact = from_pixels(convention, pixels, frame)
    numbers = [round(number, digits) if digits else round(number) for number in exact]
    return numbers, 0.5 * 10**-digits


@pytest.mark.parametrize("name", FAMILIES.names())
def test_family_states_how_it_writes_boxes(name):
    own = FAMILIES.get(name).box_format
    assert isinstance(own, BoxFormat)
    assert own.syntaxes or own.convention is None, "a convention of no syntax converts nothing"


def test_every_syntax_of_a_family_can_be_written_here():
    assert {syntax for _, syntax in FORMATS} <= set(WRITE)


@pytest.mark.parametrize(("name", "syntax"), FORMATS)
def test_box_of_a_family_comes_back_within_rounding(name, syntax):
    own = FAMILIES.get(name).box_format
    for size in SIZES:
        grid, model_size = view_of(name, size)
        frame = frame_of(size, grid, model_size)
        box = part_of(frame)
        if own.convention is None:
            text = WRITE[syntax].format("0.12", "0.34", "0.56", "0.78")
            (found,) = Explanation(answered(text, own, family=name, size=size, grid=grid)).boxes
            assert (found.pixels, found.convention) == (None, None)
            assert any("not documented for the family" in note for note in found.notes)
            continue
        convention = convention_named(own.convention)
        numbers, rounding = written(convention, box, frame)
        record = answered(
            WRITE[syntax].format(*numbers),
            own,
            family=name,
            size=size,
            grid=grid,
            model_size=model_size,
        )
        explanation = Explanation(record)
        places = explanation.points if syntax == "point-tags" else explanation.boxes
        back = [value for place in places for value in place.pixels]
        starts, ends = (to_pixels(convention, [value] * 4, frame) for value in (0, 1))
        steps = [end - start for start, end in zip(starts, ends, strict=True)]
        for value, wanted, step in zip(back, box, steps, strict=True):
            assert abs(value - wanted) <= rounding * step + 1e-6, (size, back, box)
        assert {place.phrase.text.split()[-1] for place in places} == {"cup"}


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_box_in_a_syntax_of_other_families_is_listed_without_pixels(name):
    own = FAMILIES.get(name).box_format
    text = '{"bbox": [10, 20, 30, 40], "label": "cup"}'
    (found,) = Explanation(answered(text, own, family=name)).boxes
    assert (found.numbers, found.pixels, found.convention) == ((10, 20, 30, 40), None, None)
    assert any("--boxes" in note and name in note for note in found.notes)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_ordinary_text_has_no_boxes_in_any_family(name):
    text = "At 12:30 (12, 34) of [1, 2, 3, 4], v1.2.3.4, [5]; (1,2),(3,4),(5,6) and 0.5."
    explanation = Explanation(answered(text, FAMILIES.get(name).box_format, family=name))
    assert (explanation.boxes, explanation.points) == ((), ())


def real_settings(longest_edge: int) -> SimpleNamespace:
    """Qwen2.5-VL's own settings, with a limit of pixels."""
    size = {"shortest_edge": 56 * 56, "longest_edge": longest_edge}
    return SimpleNamespace(patch_size=14, merge_size=2, size=size, do_resize=True)


@pytest.mark.parametrize(
    ("size", "limit", "model_size"),
    [
        ((1080, 1920), 12_845_056, (1092, 1932)),
        ((1920, 1080), 12_845_056, (1932, 1092)),
        ((368, 434), 12_845_056, (364, 448)),
        ((1080, 1920), 1280 * 28 * 28, (728, 1316)),
        ((4000, 3000), 1280 * 28 * 28, (1148, 840)),
        ((30, 30), 12_845_056, (56, 56)),
    ],
)
def test_pixels_of_the_input_with_the_sizes_of_qwen(size, limit, model_size):
    settings = real_settings(limit)
    assert target_size(size, 1, settings) == model_size
    text = WRITE["json"].format(0, 0, *(side // 2 for side in model_size))
    record = answered(text, FAMILIES.get("qwen2-5-vl").box_format, size=size, model_size=model_size)
    (found,) = Explanation(record).boxes
    assert found.pixels == pytest.approx((0, 0, size[0] / 2, size[1] / 2))


def test_pixels_of_the_input_come_back_for_random_sizes_and_limits():
    rng = random.Random(0)
    convention = convention_named("pixels-input")
    for _ in range(1000):
        height, width = rng.randint(20, 4000), rng.randint(20, 4000)
        limit = rng.choice([256, 768, 1280, 16384]) * 28 * 28
        down, across = smart_resize_image(real_settings(limit), 1, height, width)
        frame = PictureFrame.whole((width, height), (across, down))
        box = [rng.random() * side for side in (width, height, width, height)]
        numbers = [round(number) for number in from_pixels(convention, box, frame)]
        back = to_pixels(convention, numbers, frame)
        steps = (width / across, height / down) * 2
        assert all(
            abs(a - b) <= 0.5 * s + 1e-6 for a, b, s in zip(back, box, steps, strict=True)
        ), (width, height, limit)


def painted(size: tuple[int, int], box) -> Image.Image:
    """A black picture with a white block."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    left, top, right, bottom = box
    pixels[top:bottom, left:right] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", ["llava", "paligemma"])
@pytest.mark.parametrize(("size", "box"), [((300, 200), (120, 60, 180, 140)),
                                           ((200, 300), (60, 120, 140, 180)),
                                           ((150, 150), (30, 60, 90, 120))])  # fmt: skip
def test_fractions_of_the_input_are_where_the_model_sees_the_block(name, size, box):
    family = shared(name).family
    visual = family.process_image(painted(size, box))
    light = visual.tensors["pixel_values"][0].mean(0)
    bright = light > (light.min() + light.max()) / 2
    rows, columns = (torch.where(bright.any(axis))[0] for axis in (1, 0))
    height, width = bright.shape
    corners = (columns[0] / width, rows[0] / height, (columns[-1] + 1) / width,
               (rows[-1] + 1) / height)  # fmt: skip
    frame = frame_of(size, visual.geometry.base_grid, visual.size)
    back = to_pixels(convention_named("relative-1-input"), list(map(float, corners)), frame)
    cell = max(frame.seen[2] - frame.seen[0], frame.seen[3] - frame.seen[1]) / min(height, width)
    assert back == pytest.approx(box, abs=1.5 * cell)


def test_box_as_a_named_convention_in_a_family_without_one():
    text = '{"bbox_2d": [100, 200, 300, 400], "label": "cup"} and [500, 0, 1000, 500]'
    explanation = Explanation(answered(text, BoxFormat(None, ()), family="gemma3"))
    assert [box.pixels for box in explanation.boxes] == [None]
    named = explanation.boxes_as("relative-1000")
    assert [box.pixels for box in named] == [(10, 10, 30, 20), (50, 0, 100, 25)]
    assert explanation.with_boxes("relative-1000").boxes[0].convention == "relative-1000"
