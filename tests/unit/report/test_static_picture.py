"""The static picture: sentence and maps in one small PNG that needs nothing else."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from golden.records import chat_record, mixed_record, pictures_record, record_of, small_record
from golden.verdict_records import diagnosed_record
from seewhy.report.static_picture import shown_words, static_comparison, static_picture
from seewhy.report.static_sheet import WIDTH
from seewhy.report.word_verdicts import worst_word

WICKED = (("<script>alert(1)</script>", ""), (" \u202eevil", "star"), ("\x00", ""), (" 好", "tree"))


def opened(picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png)).convert("RGB")


@pytest.mark.parametrize("make", [chat_record, mixed_record, pictures_record, small_record])
def test_static_picture_is_a_small_png_that_says_what_it_shows(make):
    record = make()
    picture = static_picture(record)
    image = opened(picture)
    assert picture.png.startswith(b"\x89PNG")
    assert len(picture.png) < 100_000
    assert image.size == picture.pixels
    assert image.width == WIDTH
    assert picture.size[0] / picture.size[1] == pytest.approx(image.width / image.height, rel=0.01)
    assert " ".join(record.answer.split()) in picture.text
    for index in shown_words(record):
        assert record.words[index].text.strip() in picture.text


def test_sentence_and_maps_are_drawn():
    pixels = np.asarray(opened(static_picture(record_of())), int)
    dark = pixels[50:90].sum(-1) < 200
    assert dark.sum() > 200, "no letters"
    own, first, second = (pixels[110:250, left : left + 200] for left in (26, 243, 460))
    for one, other in ((own, first), (own, second), (first, second)):
        assert np.abs(one - other).mean() > 4, "two tiles are the same"


def test_words_of_a_diagnosed_answer_hold_the_one_with_the_least_support():
    record = diagnosed_record()
    assert worst_word(record) in shown_words(record)
    assert len(shown_words(record)) <= 4
    assert "from the picture" in static_picture(record).text


def test_warnings_stand_in_the_picture():
    record = record_of()
    warned = replace(record, warnings=("This model knows drawn scenes only.",))
    plain, marked = opened(static_picture(record)), opened(static_picture(warned))
    assert marked.height > plain.height
    orange = np.asarray(marked, int)[:60]
    assert ((orange[..., 0] - orange[..., 2]) > 120).any()


def test_hostile_text_is_drawn_as_text_and_told_when_no_font_has_it():
    picture = static_picture(record_of(WICKED))
    assert "\u202e" not in picture.text
    assert "\x00" not in picture.text
    pieces = ("A", ""), (" \U0010abcd\u0378", "star"), (" ᚠ\u1cf9", "star")
    rare, usual = (static_picture(record_of(one)) for one in (pieces, pieces[:1]))
    assert rare.pixels[1] >= usual.pixels[1]


def test_an_answer_without_words_is_drawn_too():
    assert static_picture(record_of((("", ""),))).png


def test_comparison_has_a_row_for_each_and_repeats_only_other_sentences():
    one, other = record_of(), record_of(seed=5)
    same = opened(static_comparison([("tam", one), ("arc", other)]))
    different = record_of((("A", ""), (" star", "star"), (".", "")))
    apart = static_comparison([("tam", one), ("arc", different)])
    assert same.height > 1.5 * opened(static_picture(one)).height - 100
    assert "tam: A red star" in apart.text
    assert "arc: A star." in apart.text
