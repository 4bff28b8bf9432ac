"""Loops of an answer."""

from __future__ import annotations

import pytest

from seewhy.core.repetition import Loop, longest_loop

PHRASE = ["a", "red", "star", "and", "a", "blue", "house", "with"]


@pytest.mark.parametrize("count", [5, 6, 50, 400])
@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("after", [0, 2])
def test_loop_of_one_word_is_found_anywhere(count, before, after):
    pieces = [*"abc"[:before], *["large"] * count, *"xy"[:after]]
    assert longest_loop(pieces) == Loop(before, 1, count)


@pytest.mark.parametrize("length", range(2, len(PHRASE) + 1))
@pytest.mark.parametrize("rest", [0, 1])
def test_loop_of_several_words_is_found_with_the_length_of_its_repeat(length, rest):
    phrase = PHRASE[:length]
    repeats = max(3, -(-12 // length))
    pieces = ["There", *phrase * repeats, *phrase[:rest]]
    loop = longest_loop(pieces)
    assert loop is not None
    assert (loop.start, loop.length) == (1, length)
    assert loop.repeats == repeats


def test_longest_of_several_loops_is_found():
    assert longest_loop(["b"] * 5 + ["x"] + ["c"] * 9) == Loop(6, 1, 9)


def test_loop_inside_a_loop_is_the_short_one():
    assert longest_loop(["and"] * 40) == Loop(0, 1, 40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "a red car and a blue car and a red bike",
        "very very very good",
        "ha ha ha ha",
        "Yes , yes , yes .",
        ". . . . . . . . . . . . .",
        "| - | - | - | - | - | - | - | - |",
        "0 , 0 , 0 , 0 , 0 , 0 , 0 , 0 , 0 , 0",
        "1 . a cup 2 . a cup 3 . a cup 4 . a cup 5 . a cup",
        "the red cup is on the table and the blue cup is on the table and the cat is on the table",
    ],
)
def test_usual_answer_is_no_loop(text):
    assert longest_loop(text.split()) is None


def test_long_answer_without_a_loop_has_none():
    assert longest_loop([f"{n}x" for n in range(2_000)]) is None
