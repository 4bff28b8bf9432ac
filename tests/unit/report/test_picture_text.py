"""Text in pictures: lines, fonts and what does not fit."""

import pytest
from PIL import Image, ImageDraw

from seewhy.report.picture_text import (
    Piece,
    can_draw,
    draw_text,
    lines_of,
    shortened,
    width_of,
)

WORDS = [Piece(text) for text in ("One", " two", " three", " four")]


def test_lines_of_breaks_between_pieces_and_drops_the_space_at_a_line_s_start():
    width = width_of("One two", 20) + 1
    placed = lines_of(WORDS, width, 20, most=9)
    assert [(one.piece.text, one.line) for one in placed] == [
        ("One", 0),
        (" two", 0),
        ("three", 1),
        ("four", 2),
    ]
    assert all(one.left + width_of(one.piece.text, 20) <= width for one in placed)


def test_lines_of_ends_in_an_ellipsis_where_lines_are_lacking():
    placed = lines_of(WORDS, width_of("One two", 20) + 1, 20, most=1)
    assert [(one.piece.text, one.line) for one in placed] == [("One", 0), ("…", 0)]


def test_lines_of_cuts_a_piece_that_is_wider_than_a_line():
    placed = lines_of([Piece("a" * 200, 0.5)], 100, 20, most=99)
    assert "".join(one.piece.text for one in placed) == "a" * 200
    assert {one.piece.mark for one in placed} == {0.5}
    assert placed[-1].line > 5


@pytest.mark.parametrize("text", ["", "short", "a " * 500, "x" * 5000, "two\n\nlines"])
def test_shortened_is_one_line_within_the_width(text):
    line = shortened(text, 120, 15)
    assert width_of(line, 15) <= 120
    assert "\n" not in line
    assert line == text if text in ("", "short") else True


def test_a_letter_that_no_font_has_is_known():
    assert can_draw("Aé ?")
    assert not can_draw("a\U0010fffd")


def test_draw_text_leaves_ink():
    paper = Image.new("RGB", (80, 30), "white")
    draw_text(ImageDraw.Draw(paper), (2, 22), "Ink", 18, "#000000")
    assert min(paper.convert("L").tobytes()) < 60
