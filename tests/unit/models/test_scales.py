from __future__ import annotations

import pytest

from seewhy.models.scales import are_twins, choose_scale, true_scale, twin_among


def test_true_scale_counts_all_views_together():
    assert true_scale([(20, 20), (10, 10)], [(10, 10), (10, 10)]) == pytest.approx(2.5**0.5)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (((47, 26),), ((48, 26),), True),
        (((44, 44),), ((40, 40),), True),  # 10 %, not more
        (((45, 45),), ((40, 40),), False),
        (((40, 40), (50, 50)), ((40, 40), (40, 40)), False),  # one of two pictures is new
    ],
)
def test_twins_are_within_ten_per_cent_in_every_view(one, other, expected):
    assert are_twins(one, other) is are_twins(other, one) is expected


def test_twin_among_prefers_an_equal_size():
    known = {1.0: ((41, 40),), 0.75: ((40, 40),)}
    assert twin_among(((40, 40),), known) == 0.75
    assert twin_among(((90, 90),), known) is None


def sizes_of(table):
    return lambda scale: table.get(round(scale, 3))


def test_choose_scale_reads_what_is_new():
    assert choose_scale(0.5, sizes_of({0.5: ((20, 20),)}), {1.0: ((40, 40),)}).scale == 0.5


def test_choose_scale_never_goes_up_in_place_of_a_smaller_scale():
    choice = choose_scale(0.75, sizes_of({0.75: ((40, 40),)}), {1.0: ((40, 40),)})
    assert choice.scale is None
    assert (
        choice.note == "Scale 0.75 was left out: it comes out at 40 x 40 pixels, as scale 1 does."
    )


def test_choose_scale_takes_the_next_free_one_below():
    known = {1.0: ((40, 40),), 0.75: ((30, 30),)}
    table = {1.25: ((41, 40),), 0.8: ((32, 32),), 0.64: ((26, 26),)}
    choice = choose_scale(1.25, sizes_of(table), known)
    assert choice.scale == pytest.approx(0.64)
    assert choice.note == (
        "Scale 1.25 was left out: it comes out at 41 x 40 pixels, within 10 % of 40 x 40 at scale "
        "1. Scale 0.64 took its place."
    )


def test_choose_scale_replaces_a_scale_above_that_comes_out_below():
    """A picture that is not resized at scale 1 may be larger than the limits of other scales."""
    table = {1.25: ((30, 30),), 0.8: ((31, 31),)}
    choice = choose_scale(1.25, sizes_of(table), {1.0: ((40, 40),)})
    assert choice.scale == pytest.approx(0.8)
    assert "0.75 times the sides at scale 1" in choice.note


def test_choose_scale_leaves_out_what_has_no_free_place():
    table = dict.fromkeys((1.25, 0.8, 0.64, 0.512, 0.41, 0.328, 0.262, 0.21), ((40, 40),))
    choice = choose_scale(1.25, sizes_of(table), {1.0: ((40, 40),)})
    assert choice.scale is None
    assert choice.note.endswith("as scale 1 does.")


def test_choose_scale_leaves_out_what_cannot_be_read_without_a_note():
    choice = choose_scale(1.25, lambda scale: None, {1.0: ((40, 40),)})
    assert (choice.scale, choice.note) == (None, "")
