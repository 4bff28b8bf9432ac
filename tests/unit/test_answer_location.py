"""`explanation.boxes` and `explanation.points`."""

import copy
import json
import pickle

import numpy as np
import pytest
from PIL import Image

import seewhy
from families import shared
from golden.location_records import box_record, boxes_of_pictures, clip_box_record, small_box_record
from golden.records import record_of
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.options import ExplainOptions


def test_boxes_and_points_of_an_explanation():
    explanation = Explanation(box_record())
    (box,), (point,) = explanation.boxes, explanation.points
    assert (box.kind, point.kind) == ("box", "point")
    assert box.text == explanation.answer[box.start : box.end]
    assert box.text == "<|box_start|>(190,60),(410,420)<|box_end|>"
    assert (box.numbers, point.numbers) == ((190, 60, 410, 420), (770, 660))
    assert [explanation.answer[slice(*span)] for span in box.number_spans] == [
        "190",
        "60",
        "410",
        "420",
    ]
    assert [t.text for t in box.tokens][:3] == ["<|box_start|>", "(", "190"]
    assert [[t.text for t in group] for group in point.number_tokens] == [["770"], ["660"]]
    assert (box.picture, box.views, box.notes, box.syntax) == (0, (0,), (), "qwen-tokens")


def test_phrase_and_coordinates_are_words_with_maps():
    (box,) = Explanation(box_record()).boxes
    assert (box.phrase.text, box.coordinates.text) == ("The star", "190,60),(410,420")
    assert box.pixels == pytest.approx((91.2, 21.6, 196.8, 151.2))
    assert box.coordinates.peak == pytest.approx((135, 75), abs=30)
    assert box.phrase.heatmap.shape == (12, 16)
    # Of several tokens the greatest value counts, cell by cell.
    tokens = [token for group in box.number_tokens for token in group]
    maps = np.stack([token.heatmap for token in tokens])
    assert (box.coordinates.heatmap >= maps.max(0)).all()
    assert box.phrase_fit.hit
    assert box.coordinates_fit.hit


def test_boxes_can_be_read_by_another_convention_and_about_another_picture():
    explanation = Explanation(boxes_of_pictures())
    (box,) = explanation.boxes_as("relative-1000-yx", picture=1)
    assert box.pixels == pytest.approx((18, 76, 126, 164))
    assert (box.convention, box.picture) == ("relative-1000-yx", 1)
    (point,) = explanation.points_as(picture=1)
    assert point.convention == "relative-1000"
    assert point.pixels == pytest.approx((231, 264))
    assert explanation.boxes_as()[0].pixels == explanation.boxes[0].pixels
    with pytest.raises(UnknownNameError, match=r"convention of boxes, got 'relative'.*relative-1"):
        explanation.boxes_as("relative")
    with pytest.raises(ParameterError, match="number of one of 2 pictures, got 2"):
        explanation.boxes_as(picture=2)


def test_explanation_with_another_convention_keeps_it(tmp_path):
    explanation = Explanation(small_box_record()).with_boxes("relative-1024-yx")
    opened = seewhy.open(explanation.save(tmp_path / "out"))
    (box,) = opened.boxes
    assert box.convention == "relative-1024-yx"
    assert box.pixels == explanation.boxes[0].pixels


@pytest.mark.parametrize("make", [box_record, boxes_of_pictures, clip_box_record, record_of])
def test_json_of_an_explanation_holds_its_boxes_and_points(make):
    explanation = Explanation(make())
    told = json.loads(json.dumps(explanation.to_json(), allow_nan=False))
    assert told["boxes"] == json.loads(json.dumps([box.to_json() for box in explanation.boxes]))
    assert len(told["points"]) == len(explanation.points)
    for one in (*told["boxes"], *told["points"]):
        assert one["text"] == explanation.answer[one["start"] : one["end"]]
        for number in one["numbers"]:
            written = explanation.answer[number["start"] : number["end"]]
            assert float(written) == number["value"]
            assert number["tokens"]
        phrase = one["phrase"]
        assert phrase["text"] == explanation.answer[phrase["start"] : phrase["end"]]
        assert one["phrase_fit"]["view"] in one["views"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copy_of_an_explanation_has_the_same_boxes(copied):
    explanation = Explanation(small_box_record())
    told = explanation.to_json()  # what is computed once is kept, and copied too
    assert copied(explanation).to_json() == told


def test_location_is_told_in_a_line():
    box, point = (*Explanation(box_record()).boxes, *Explanation(box_record()).points)
    assert repr(box) == (
        "AnswerLocation(box of 'The star': 91.2, 21.6, 196.8, 151.2, convention='relative-1000')"
    )
    assert "point of 'A tree'" in repr(point)


def explained(name: str, answer: str, size=(300, 200), **settings):
    """A given answer about a white picture, explained by a tiny model of a family."""
    picture = Image.new("RGB", size, "white")
    explainer = Explainer(shared(name))
    return explainer.explain(
        picture, "Where is it?", answer=answer, method="logit-lens", **settings
    )


def test_answer_of_a_model_has_boxes_by_its_family():
    (box,) = explained("qwen2-vl", "the star(100,200),(500,600)").boxes
    assert (box.pixels, box.convention) == (pytest.approx((30, 40, 150, 120)), "relative-1000")
    assert box.phrase.text == "the star"
    assert box.coordinates.heatmap.ndim == 2


def test_answer_in_pixels_of_the_input_uses_the_size_that_the_model_saw():
    explanation = explained("qwen2-5-vl", '{"bbox_2d": [0, 0, 56, 28], "label": "star"}')
    width, height = explanation.words[0].scales[0].model_size
    assert (width, height) != (300, 200)
    (box,) = explanation.boxes
    assert box.pixels == pytest.approx((0, 0, 56 * 300 / width, 28 * 200 / height))


def test_answer_in_fractions_of_a_crop_is_within_the_crop():
    (box,) = explained("llava", "The star is at [0.00, 0.25, 1.00, 0.75]").boxes
    assert box.pixels == pytest.approx((50, 50, 250, 150), abs=2)
    assert any("a crop of the picture" in note for note in box.notes)


def test_convention_can_be_given_with_the_call():
    explanation = explained("qwen2-vl", "star [10, 20, 50, 60]", boxes="pixels")
    assert explanation.boxes[0].pixels == (10, 20, 50, 60)
    assert explained("qwen2-vl", "star [10, 20, 50, 60]").boxes == ()


def test_convention_that_is_not_known_is_refused_before_the_model_runs():
    with pytest.raises(UnknownNameError, match=r"convention of boxes, got 'pixel'.*pixels"):
        ExplainOptions.of(boxes="pixel")
