from dataclasses import replace

import pytest
import torch

from golden.records import record_of, small_record
from seewhy.core.geometry import Layer
from seewhy.report.units import prompt_words, token_units, word_units


def test_word_units_take_the_greatest_of_a_words_token_maps():
    _, star = word_units(small_record())
    assert star.tokens == (1, 2)
    assert star.map.tolist() == [[0.0, 4.0, 8.0], [0.0, 3.0, 1.0]]
    assert (star.low, star.high) == (0.0, 9.0)


def test_word_units_multiply_the_probabilities_of_a_words_tokens():
    a, star = word_units(small_record())
    assert (a.probability, star.probability) == (0.5, 0.375)


def test_word_units_lean_on_earlier_words_only_and_never_on_themselves():
    a, star = word_units(small_record())
    assert a.context == ((1, 2.0), (0, 1.0))
    # "ar" leans on "st" with 9, but both are of one word: that is no context.
    assert star.context == ((0, 4.0), (2, 2.0), (1, 0.5))


def test_token_units_lean_on_tokens_of_the_same_word():
    *_, ar = token_units(small_record())
    assert ar.context[0] == (3, 9.0)
    assert ar.earlier == 1.0


def test_unit_share_compares_the_strongest_place_with_the_strongest_word():
    _, star = word_units(small_record())
    assert star.picture == pytest.approx(8 / 9)
    assert star.earlier == pytest.approx(4 / 9)
    assert star.share == pytest.approx(2 / 3)


def test_unit_share_is_zero_without_any_evidence():
    record = small_record()
    given = record.attribution
    dark = replace(given, maps=given.maps * 0, context=given.context * 0)
    unit = word_units(replace(record, attribution=dark))[0]
    assert (unit.share, unit.earlier, unit.peak, unit.box) == (0.0, 0.0, None, None)


def test_unit_peak_and_box_are_in_pixels_of_the_picture():
    _, star = word_units(small_record())
    assert star.peak == (50.0, 10.0)
    assert star.box == (40.0, 0.0, 60.0, 20.0)


def test_unit_box_ends_at_the_pictures_edge_where_the_canvas_reaches_beyond():
    record = replace(small_record(), canvas=Layer.over((-10, -10, 80, 60), 2, 3))
    _, star = word_units(record)
    assert star.box == (50.0, 0.0, 60.0, 25.0)


def test_scale_unit_is_said_only_if_all_its_tokens_are():
    a, star = word_units(small_record())
    assert [unit.scales[0].said for unit in (a, star)] == [True, False]
    assert star.scales[0].probability == 0.125
    assert star.scales[0].weight == 0.5
    assert star.scales[0].map.tolist() == [[4.0, 1.0]]


def test_prompt_words_follow_the_prompt_tokens_offsets():
    assert [w.text for w in prompt_words(record_of())][:3] == ["Write", "a", "one-sentence"]


def test_units_work_on_the_first_word_without_any_context():
    record = record_of((("Hi", ""),), prompt="")
    record = replace(record, prompt_tokens=())
    given = record.attribution
    record = replace(record, attribution=replace(given, context=torch.zeros(1, 1)))
    assert [unit.context for unit in word_units(record)] == [()]
