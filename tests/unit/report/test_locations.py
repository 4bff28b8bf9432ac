"""Boxes and points of records: pixels, pictures, phrases, tokens, notes."""

import json
from dataclasses import replace

import pytest

from golden.location_records import (
    THOUSANDTHS,
    answered,
    box_record,
    boxes_of_pictures,
    clip_box_record,
    small_box_record,
)
from golden.records import mixed_record, record_of, same
from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.core.geometry import TokenGrid
from seewhy.report.bundle import open_record, save_record
from seewhy.report.locations import locations_of, read_locations, with_convention
from seewhy.report.payload import payload
from seewhy.report.record_codec import record_from_parts, record_to_json, record_to_tensors

JSON = BoxFormat("relative-1000", ("json",))
PIXELS = BoxFormat("pixels-input", ("json",))


def of(answer, box_format=THOUSANDTHS, **settings):
    return locations_of(answered(answer, box_format, **settings))


def test_locations_of_an_answer_hold_pixels_phrase_and_tokens():
    box, point = locations_of(box_record())
    assert box.pixels == pytest.approx((91.2, 21.6, 196.8, 151.2))
    assert point.pixels == pytest.approx((369.6, 237.6))
    assert (box.phrase.text, point.phrase.text) == ("The star", "A tree")
    assert box.tokens == tuple(range(2, 13))
    assert box.number_tokens == ((4,), (6,), (8,), (10,))
    assert box.coordinates.tokens == tuple(range(4, 11))
    assert (box.convention, box.picture, box.views, box.notes) == ("relative-1000", 0, (0,), ())


def test_locations_are_read_once_and_kept_with_the_record():
    record = box_record()
    assert locations_of(record) is locations_of(record)


def test_locations_of_an_answer_without_boxes_are_none():
    assert locations_of(record_of()) == ()


@pytest.mark.parametrize("box_format", [None, BoxFormat(None, ())])
def test_box_of_an_unknown_convention_is_listed_with_the_reason(box_format):
    (box,) = of('{"bbox_2d": [1, 2, 3, 4], "label": "cup"}', box_format, family="gemma3")
    assert (box.pixels, box.convention, box.phrase.text) == (None, None, "cup")
    (note,) = box.notes
    assert "not documented for the family 'gemma3'" in note
    assert "explanation.boxes_as(...) or --boxes" in note


def test_box_in_another_familys_syntax_is_not_converted():
    (box,) = of('{"bbox_2d": [1, 2, 3, 4]}')
    assert box.pixels is None
    assert "'qwen2-vl' is not documented to write a box like this (json)" in box.notes[0]


def test_box_that_the_answer_ends_inside_is_not_converted():
    (box,) = of("<|box_start|>(12,34),(5")
    assert (box.pixels, box.markup.values) == (None, (12, 34, 5))
    assert box.notes == ("The answer ends inside this box.",)


@pytest.mark.parametrize(
    ("numbers", "pixels", "note"),
    [
        ((100, 200, 500, 600), (10, 10, 50, 30), None),
        ((0, 0, 1000, 1000), (0, 0, 100, 50), None),
        ((500, 600, 100, 200), (10, 10, 50, 30), "The second corner is left of or above the first"),
        ((100, 600, 500, 200), (10, 10, 50, 30), "The second corner is left of or above the first"),
        ((900, 0, 1100, 500), (90, 0, 100, 25), "reaches 10 pixels beyond the picture"),
        ((900, 0, 1100, 500), (90, 0, 100, 25), "Expected numbers from 0 to 1000"),
        ((-50, 0, 500, 500), (0, 0, 50, 25), "it was clipped"),
        ((1001, 0, 1100, 500), None, "The box lies outside the picture."),
        ((500, 200, 500, 600), (50, 10, 50, 30), "The box has no area."),
    ],
)
def test_box_is_brought_within_the_picture(numbers, pixels, note):
    left, top, right, bottom = numbers
    (box,) = of(f"<|box_start|>({left},{top}),({right},{bottom})<|box_end|>")
    assert box.pixels == (None if pixels is None else pytest.approx(pixels))
    assert box.notes == () if note is None else any(note in one for one in box.notes)


def test_numbers_without_end_are_outside_and_can_be_told():
    answer = f"<|box_start|>(1,{'9' * 400}),(3,{'8' * 500})<|box_end|>"
    record = answered(answer, THOUSANDTHS, cuts=(13, 420))
    (box,) = locations_of(record)
    assert (box.pixels, box.notes[-1]) == (None, "The box lies outside the picture.")
    assert json.dumps(payload(record), allow_nan=False)


@pytest.mark.parametrize(
    ("numbers", "pixels", "notes"),
    [
        ((500, 500), (50, 25), 0),
        ((0, 1000), (0, 50), 0),
        ((1100, 500), None, 2),
        ((1004, 500), (100, 25), 1),  # less than half a pixel beyond
    ],
)
def test_point_is_within_the_picture_or_has_no_pixels(numbers, pixels, notes):
    (point,) = of("<|box_start|>({},{})<|box_end|>".format(*numbers))
    assert point.pixels == (None if pixels is None else pytest.approx(pixels))
    assert len(point.notes) == notes


def test_pixels_of_the_input_use_the_size_at_scale_1():
    text = '{"bbox_2d": [0, 0, 56, 14], "label": "cup"}'
    (box,) = of(text, PIXELS, model_size=(112, 28))
    assert box.pixels == (0, 0, 50, 25)


def test_pixels_of_the_input_without_its_size_are_not_placed():
    (box,) = of('{"bbox_2d": [0, 0, 56, 14]}', PIXELS, model_size=None)
    assert (box.pixels, box.convention) == (None, "pixels-input")
    assert "The size of the model's input was not kept" in box.notes[0]


@pytest.mark.parametrize(
    ("grid", "pixels", "note"),
    [
        (TokenGrid.over((25.0, 0.0, 75.0, 50.0), 5, 5), (30, 10, 50, 40), "a crop of the picture"),
        (TokenGrid.over((0.0, -25.0, 100.0, 75.0), 5, 5), (10, 0, 50, 55), "with padding"),
        (TokenGrid.over((0.0, 0.0, 100.0, 50.0), 5, 5), (10, 10, 50, 40), None),
    ],
)
def test_fractions_of_the_input_follow_crop_and_padding(grid, pixels, note):
    fractions = BoxFormat("relative-1-input", ("fractions",))
    (box,) = of("cup [0.10, 0.20, 0.50, 0.80]", fractions, grid=grid)
    clipped = (*pixels[:3], min(pixels[3], 50))
    assert box.pixels == pytest.approx(clipped)
    assert bool(note) == any((note or "-") in one for one in box.notes)


def test_several_pictures_take_the_first_and_say_so():
    box, point = locations_of(boxes_of_pictures())
    assert (box.picture, box.views, point.picture) == (0, (0,), 0)
    assert "does not say which of 2 pictures" in box.notes[0]


def test_a_chosen_picture_has_its_own_size():
    box, _ = read_locations(boxes_of_pictures(), THOUSANDTHS, picture=1)
    assert (box.picture, box.views, box.notes) == (1, (1,), ())
    assert box.pixels == pytest.approx((57, 24, 123, 168))


@pytest.mark.parametrize("picture", [2, -1])
def test_a_picture_that_is_not_there_cannot_be_chosen(picture):
    with pytest.raises(ParameterError, match="number of one of 2 pictures, got"):
        read_locations(boxes_of_pictures(), THOUSANDTHS, picture=picture)


def json_about(pictures, *indices):
    """A record of several pictures whose answer is JSON that names them by number."""
    text = ", ".join(f'{{"image_index": {i}, "bbox_2d": [0, 0, 500, 500]}}' for i in indices)
    one = answered(text, JSON)
    views = tuple(replace(one.pictures[0], medium=number) for number in range(pictures))
    maps = one.attribution.maps * pictures
    (scale,) = one.attribution.scales
    scale = replace(scale, model_sizes=scale.model_sizes * pictures, maps=maps)
    attribution = replace(one.attribution, maps=maps, scales=(scale,))
    return replace(one, pictures=views, attribution=attribution)


@pytest.mark.parametrize(
    ("indices", "pictures"),
    [((0, 1), [0, 1]), ((1, 2), [0, 1]), ((1,), [1]), ((2,), [1]), ((0, 2), [0, None])],
)
def test_json_names_its_picture_counted_from_0_or_from_1(indices, pictures):
    found = locations_of(json_about(2, *indices))
    assert [one.picture for one in found] == pictures
    assert all("The answer names picture" in one.notes[0] for one in found)
    assert all((one.pixels is None) == (one.picture is None) for one in found)


def test_number_of_a_picture_does_not_matter_where_there_is_one():
    (box,) = locations_of(json_about(1, 7))
    assert (box.picture, box.notes) == (0, ())


def test_box_of_a_clip_is_on_every_step():
    (box,) = locations_of(clip_box_record())
    assert (box.picture, box.views) == (0, (0, 1, 2))
    assert "it is shown on every step" in box.notes[0]


@pytest.mark.parametrize(("time", "view"), [(0, 0), (0.6, 1), (9, 2)])
def test_json_names_its_time_in_a_clip(time, view):
    text = f'{{"time": {time}, "bbox_2d": [0, 0, 500, 500]}}'
    clip = clip_box_record()
    one = answered(text, JSON)
    record = replace(one, pictures=clip.pictures, attribution=clip.attribution)
    (box,) = locations_of(record)
    assert box.views == (view,)
    assert f"the time {time:g} s" in box.notes[0]


def test_picture_after_a_clip_can_be_chosen():
    record = replace(mixed_record(), answer=box_record().answer, tokens=box_record().tokens)
    assert [one.views for one in read_locations(record, THOUSANDTHS, picture=2)] == [(7,), (7,)]


@pytest.mark.parametrize("cuts", [(), (3, 9, 22, 30)])
def test_tokens_are_found_by_characters_alone(cuts):
    text = "<|box_start|>(12,34),(56,78)<|box_end|>"
    (box,) = of(text, cuts=cuts)
    record = answered(text, THOUSANDTHS, cuts=cuts)
    for number, tokens in zip(box.markup.numbers, box.number_tokens, strict=True):
        covered = [record.tokens[token] for token in tokens]
        assert covered[0].start <= number.start
        assert covered[-1].end >= number.end
        assert all(token.start < number.end and token.end > number.start for token in covered)


def test_box_whose_characters_have_no_token_has_no_map():
    record = box_record()
    bare = tuple(replace(token, text="", start=0, end=0) for token in record.tokens)
    box, _ = locations_of(replace(record, tokens=bare))
    assert (box.tokens, box.coordinates, box.phrase) == ((), None, None)
    assert box.pixels == pytest.approx((91.2, 21.6, 196.8, 151.2))


def test_record_with_another_convention_reads_its_boxes_by_it():
    record = with_convention(small_box_record(), "pixels")
    (box,) = locations_of(record)
    assert (box.convention, box.pixels) == ("pixels", None)
    assert "The box lies outside the picture." in box.notes
    with pytest.raises(UnknownNameError, match="convention of boxes"):
        with_convention(record, "inches")


def test_saved_folder_opens_with_the_same_boxes(tmp_path):
    record = small_box_record()
    opened = open_record(save_record(record, tmp_path / "out"))
    assert same(opened, record)
    assert locations_of(opened) == locations_of(record)


def decoded(record, **changes):
    """The record as JSON and back, some of the JSON changed."""
    data = json.loads(json.dumps(record_to_json(record))) | changes
    images = [picture.image for picture in record.pictures]
    return record_from_parts(data, record_to_tensors(record), images, record.provenance)


@pytest.mark.parametrize("make", [box_record, boxes_of_pictures, clip_box_record])
def test_decoded_record_has_the_same_boxes(make):
    record = make()
    assert locations_of(decoded(record)) == locations_of(record)


@pytest.mark.parametrize(
    "wrong",
    [
        {"convention": "cubits", "syntaxes": []},
        {"convention": None, "syntaxes": ["runes"]},
        {"convention": ["relative-1000"], "syntaxes": []},
        {"convention": None, "syntaxes": 7},
        {"convention": None},
        "loc",
        7,
    ],
)
def test_record_with_a_damaged_format_of_boxes_is_refused(wrong):
    with pytest.raises((LookupError, TypeError, ValueError), match=r"."):
        decoded(small_box_record(), box_format=wrong)
