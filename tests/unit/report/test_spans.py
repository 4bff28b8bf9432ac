import math
from dataclasses import replace

import pytest
import torch

from golden.records import clip_record, record_of, small_record, small_views_record
from seewhy.core.errors import UnknownNameError
from seewhy.core.geometry import TokenGrid
from seewhy.report.spans import spans_of


def test_spans_of_words_take_the_greatest_of_a_words_token_maps():
    _, star = spans_of(small_record()).words
    assert star.tokens == (1, 2)
    assert star.maps[0].tolist() == [[0.0, 4.0, 8.0], [0.0, 3.0, 1.0]]
    assert (star.low, star.high) == (0.0, 9.0)


def test_spans_of_words_multiply_the_probabilities_of_a_words_tokens():
    a, star = spans_of(small_record()).words
    assert (a.probability, star.probability) == (0.5, 0.375)


def test_spans_of_words_have_as_context_earlier_words_only_and_never_on_themselves():
    a, star = spans_of(small_record()).words
    assert a.context == ((1, 2 / 3), (0, 1 / 3))
    # "st" has relevance 9 for "ar", but both are of one word: that is no context.
    assert star.context == ((0, 4 / 6.5), (2, 2 / 6.5), (1, 0.5 / 6.5))


def test_spans_of_tokens_have_as_context_tokens_of_the_same_word():
    record = small_record()
    *_, ar = spans_of(record).tokens
    row = record.attribution.context[2].tolist()
    assert ar.context[0] == (3, pytest.approx(9 / sum(row)))
    assert sum(share for _, share in ar.context) == pytest.approx(1)


def test_span_without_any_evidence_has_neither_context_nor_peak_and_is_dark():
    record = small_record()
    given = record.attribution
    dark = replace(given, maps=(given.maps[0] * 0,), context=given.context * 0)
    span = spans_of(replace(record, attribution=dark)).words[0]
    assert (span.context, span.brightness, span.peaks, span.boxes) == ((), 0.0, (None,), (None,))
    assert (span.shares, span.best_view) == ((0.0,), 0)
    for display in ("answer", "word", "joint"):
        assert float(span.displayed(display)[0].max()) == 0.0


# --- the scales of display -------------------------------------------------------------------


def test_spans_are_shown_on_one_scale_of_the_whole_answer():
    record = small_record()
    span = record.attribution.answer_span()
    values = record.attribution.maps[0].flatten()  # no token has a floor above 0 here
    assert span == float(values.sort().values[math.ceil(0.99 * len(values)) - 1])
    for word in (*spans_of(record).words, *spans_of(record).tokens):
        assert word.range_of() == word.range_of("answer") == (0.0, span)
        assert torch.equal(word.displays[0], (word.maps[0] / span).clamp(0, 1))


def test_span_on_its_own_scale_is_fully_bright_however_faint_it_is():
    record = small_record()
    faint = replace(record.attribution, maps=(record.attribution.maps[0].clone(),))
    faint.maps[0][0] *= 1e-3
    a, _ = spans_of(replace(record, attribution=faint)).words
    assert a.brightness < 0.01
    assert float(a.displayed("word")[0].max()) == 1.0
    assert a.range_of("word") == (0.0, float(a.maps[0].max()))


def test_span_on_the_joint_scale_is_shown_with_the_words_before():
    _, star = spans_of(small_record()).words
    assert star.range_of("joint") == (star.low, star.high) == (0.0, 9.0)
    assert torch.equal(star.displayed("joint")[0], star.maps[0] / 9)


def test_span_refuses_an_unknown_scale():
    _, star = spans_of(small_record()).words
    with pytest.raises(UnknownNameError, match=r"display.*'words'.*did you mean 'word'"):
        star.displayed("words")


def test_prompt_words_are_shown_on_the_answers_scale():
    record = small_views_record()
    spans = spans_of(record)
    assert {span.range_of() for span in (*spans.words, *spans.prompt_words)} == {
        (0.0, record.attribution.answer_span())
    }


def test_prompt_words_have_a_scale_where_the_answers_maps_are_empty():
    record = small_views_record()
    given = record.attribution
    dark = replace(given, maps=tuple(maps * 0 for maps in given.maps))
    spans = spans_of(replace(record, attribution=dark))
    assert spans.words[1].brightness == 0
    assert max(span.brightness for span in spans.prompt_words) == 1


@pytest.mark.parametrize("columns", [(-60.0, -40.0, -20.0, 0.0), (60.0, 80.0, 100.0, 120.0)])
def test_a_map_that_is_bright_only_beside_the_picture_has_no_box(columns):
    record = small_record()
    (picture,) = record.pictures
    beside = replace(picture.base_grid, column_edges=torch.tensor(columns, dtype=torch.float64))
    moved = replace(record, pictures=(replace(picture, base_grid=beside),))
    assert [span.boxes for span in spans_of(moved).words] == [(None,), (None,)]


def test_span_peak_and_box_are_in_pixels_of_the_picture():
    _, star = spans_of(small_record()).words
    assert star.peaks == ((50.0, 10.0),)
    assert star.boxes == ((40.0, 0.0, 60.0, 20.0),)


def test_span_box_ends_at_the_pictures_edge_where_the_grid_is_larger():
    record = small_record()
    (one,) = record.pictures
    padded = replace(one, base_grid=TokenGrid.over((-10, -10, 80, 60), 2, 3))
    record = replace(record, pictures=(padded,))
    _, star = spans_of(record).words
    assert star.boxes == ((50.0, 0.0, 60.0, 25.0),)


def test_span_scale_is_top1_only_if_all_its_tokens_are():
    a, star = spans_of(small_record()).words
    assert [span.scales[0].is_top1 for span in (a, star)] == [True, False]
    assert star.scales[0].probability == 0.125
    assert star.scales[0].weight == 0.5
    assert star.scales[0].maps[0].tolist() == [[4.0, 1.0]]


def test_prompt_words_follow_the_prompt_tokens_offsets():
    assert [w.text for w in record_of().prompt_words][:3] == ["Write", "a", "one-sentence"]


def test_spans_work_on_the_first_word_without_any_context():
    record = record_of((("Hi", ""),), prompt="")
    record = replace(record, prompt_tokens=())
    given = record.attribution
    record = replace(record, attribution=replace(given, context=torch.zeros(1, 1)))
    assert [span.context for span in spans_of(record).words] == [()]


# --- several views ---------------------------------------------------------------------------


def test_span_has_a_map_a_display_a_peak_and_a_box_for_each_view():
    _, star = spans_of(small_views_record()).words
    assert [tuple(one.shape) for one in star.maps] == [(2, 3), (1, 2)]
    assert star.maps[1].tolist() == [[0.0, 2.0]]
    # One range for both: 9 is the highest score of any picture and of the text, 8 of the maps.
    assert star.displayed("joint")[1].tolist() == [[0.0, pytest.approx(2 / 9)]]
    assert star.displays[1].tolist() == [[0.0, pytest.approx(2 / 8)]]
    assert star.peaks == ((50.0, 10.0), (30.0, 10.0))
    assert star.boxes == ((40.0, 0.0, 60.0, 20.0), (20.0, 0.0, 40.0, 20.0))
    assert [one.tolist() for one in star.scales[0].maps] == [[[4.0, 1.0]], [[0.0, 1.0]]]


def test_span_shares_compare_means_so_that_a_large_picture_has_no_advantage():
    a, star = spans_of(small_views_record()).words
    means = 16 / 6, 2 / 2
    assert star.shares == pytest.approx([mean / sum(means) for mean in means])
    assert a.shares == pytest.approx([0.125 / 0.625, 0.5 / 0.625])


def test_span_shares_of_a_tokens_unit_are_the_attributions_own():
    record = clip_record()
    wanted = record.attribution.shares
    for span in spans_of(record).tokens:
        assert span.shares == pytest.approx(wanted[span.tokens[0]].tolist(), rel=1e-5)


def test_span_best_is_the_view_with_the_highest_value_and_the_first_of_equals():
    a, star = spans_of(small_views_record()).words
    assert (a.best_view, star.best_view) == (1, 0)
    assert a.brightness == float(a.displays[1].max())
    record = small_views_record()
    given = record.attribution
    level = replace(given, maps=tuple(torch.ones_like(one) for one in given.maps))
    assert spans_of(replace(record, attribution=level)).words[1].best_view == 0


def test_span_has_neither_peak_nor_box_in_an_empty_view():
    record = small_views_record()
    given = record.attribution
    half_dark = replace(given, maps=(given.maps[0], given.maps[1] * 0))
    star = spans_of(replace(record, attribution=half_dark)).words[1]
    assert (star.peaks[1], star.boxes[1], star.shares) == (None, None, (1.0, 0.0))
    assert star.peaks[0] is not None


# --- the prompt's words ----------------------------------------------------------------------


def test_spans_of_the_prompt_are_empty_where_the_prompt_was_not_explained():
    assert spans_of(small_record()).prompt_words == spans_of(small_record()).prompt_tokens == ()


def test_spans_of_prompt_words_have_as_context_the_prompts_earlier_words():
    look, up = spans_of(small_views_record()).prompt_words
    assert (look.text, look.start, look.end) == ("Look", 0, 4)
    assert (look.context, up.context) == ((), ((0, 1.0),))
    assert [one.tolist() for one in look.maps] == [[[0.0] * 3, [0.0, 3.0, 0.0]], [[0.0, 6.0]]]
    assert (look.best_view, look.brightness, look.scales) == (1, 0.75, ())
    assert look.shares == pytest.approx((0.5 / 3.5, 3 / 3.5))


def test_spans_of_prompt_tokens_follow_the_prompt_tokens():
    record = small_views_record()
    spans = spans_of(record).prompt_tokens
    assert [span.text for span in spans] == [token.text for token in record.prompt_tokens]
    assert [span.probability for span in spans] == [0.25, 0.125]
    assert spans[1].context == ((0, 1.0),)
