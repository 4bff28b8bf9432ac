from dataclasses import replace

import pytest
import torch

from golden.records import clip_record, record_of, small_record, small_views_record
from seewhy.core.geometry import TokenGrid
from seewhy.report.units import (
    prompt_token_units,
    prompt_word_units,
    prompt_words,
    token_units,
    word_units,
)


def test_word_units_take_the_greatest_of_a_words_token_maps():
    _, star = word_units(small_record())
    assert star.tokens == (1, 2)
    assert star.maps[0].tolist() == [[0.0, 4.0, 8.0], [0.0, 3.0, 1.0]]
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
    dark = replace(given, maps=(given.maps[0] * 0,), context=given.context * 0)
    unit = word_units(replace(record, attribution=dark))[0]
    assert (unit.share, unit.earlier, unit.peaks, unit.boxes) == (0.0, 0.0, (None,), (None,))
    assert (unit.shares, unit.best) == ((0.0,), 0)


def test_unit_peak_and_box_are_in_pixels_of_the_picture():
    _, star = word_units(small_record())
    assert star.peaks == ((50.0, 10.0),)
    assert star.boxes == ((40.0, 0.0, 60.0, 20.0),)


def test_unit_box_ends_at_the_pictures_edge_where_the_canvas_reaches_beyond():
    record = small_record()
    (one,) = record.pictures
    padded = replace(one, base_grid=TokenGrid.over((-10, -10, 80, 60), 2, 3))
    record = replace(record, pictures=(padded,))
    _, star = word_units(record)
    assert star.boxes == ((50.0, 0.0, 60.0, 25.0),)


def test_scale_unit_is_said_only_if_all_its_tokens_are():
    a, star = word_units(small_record())
    assert [unit.scales[0].is_top1 for unit in (a, star)] == [True, False]
    assert star.scales[0].probability == 0.125
    assert star.scales[0].weight == 0.5
    assert star.scales[0].maps[0].tolist() == [[4.0, 1.0]]


def test_prompt_words_follow_the_prompt_tokens_offsets():
    assert [w.text for w in prompt_words(record_of())][:3] == ["Write", "a", "one-sentence"]


def test_units_work_on_the_first_word_without_any_context():
    record = record_of((("Hi", ""),), prompt="")
    record = replace(record, prompt_tokens=())
    given = record.attribution
    record = replace(record, attribution=replace(given, context=torch.zeros(1, 1)))
    assert [unit.context for unit in word_units(record)] == [()]


# --- several views ---------------------------------------------------------------------------


def test_unit_has_a_map_a_display_a_peak_and_a_box_for_each_view():
    _, star = word_units(small_views_record())
    assert [tuple(one.shape) for one in star.maps] == [(2, 3), (1, 2)]
    assert star.maps[1].tolist() == [[0.0, 2.0]]
    # One range for both: 9 is the highest score of any picture and of the text.
    assert star.displays[1].tolist() == [[0.0, pytest.approx(2 / 9)]]
    assert star.peaks == ((50.0, 10.0), (30.0, 10.0))
    assert star.boxes == ((40.0, 0.0, 60.0, 20.0), (20.0, 0.0, 40.0, 20.0))
    assert [one.tolist() for one in star.scales[0].maps] == [[[4.0, 1.0]], [[0.0, 1.0]]]


def test_unit_shares_weigh_means_so_that_a_large_picture_has_no_head_start():
    a, star = word_units(small_views_record())
    means = 16 / 6, 2 / 2
    assert star.shares == pytest.approx([mean / sum(means) for mean in means])
    assert a.shares == pytest.approx([0.125 / 0.625, 0.5 / 0.625])


def test_unit_shares_of_a_tokens_unit_are_the_attributions_own():
    record = clip_record()
    wanted = record.attribution.shares
    for unit in token_units(record):
        assert unit.shares == pytest.approx(wanted[unit.tokens[0]].tolist(), rel=1e-5)


def test_unit_best_is_the_view_with_the_highest_value_and_the_first_of_equals():
    a, star = word_units(small_views_record())
    assert (a.best, star.best) == (1, 0)
    assert a.picture == float(a.displays[1].max())
    record = small_views_record()
    given = record.attribution
    level = replace(given, maps=tuple(torch.ones_like(one) for one in given.maps))
    assert word_units(replace(record, attribution=level))[1].best == 0


def test_unit_has_neither_peak_nor_box_in_a_view_that_says_nothing():
    record = small_views_record()
    given = record.attribution
    half_dark = replace(given, maps=(given.maps[0], given.maps[1] * 0))
    star = word_units(replace(record, attribution=half_dark))[1]
    assert (star.peaks[1], star.boxes[1], star.shares) == (None, None, (1.0, 0.0))
    assert star.peaks[0] is not None


# --- the prompt's words ----------------------------------------------------------------------


def test_asked_units_are_empty_where_the_prompt_was_not_explained():
    assert prompt_word_units(small_record()) == prompt_token_units(small_record()) == ()


def test_asked_word_units_lean_on_the_prompts_earlier_words():
    look, up = prompt_word_units(small_views_record())
    assert (look.text, look.start, look.end) == ("Look", 0, 4)
    assert (look.context, up.context) == ((), ((0, 2.0),))
    assert [one.tolist() for one in look.maps] == [[[0.0] * 3, [0.0, 3.0, 0.0]], [[0.0, 6.0]]]
    assert (look.best, look.picture, look.scales) == (1, 1.0, ())
    assert look.shares == pytest.approx((0.5 / 3.5, 3 / 3.5))


def test_asked_token_units_follow_the_prompt_tokens():
    record = small_views_record()
    units = prompt_token_units(record)
    assert [unit.text for unit in units] == [token.text for token in record.prompt_tokens]
    assert [unit.probability for unit in units] == [0.25, 0.125]
    assert units[1].context == ((0, 2.0),)
