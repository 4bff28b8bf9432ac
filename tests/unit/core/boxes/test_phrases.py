"""The phrase that a box goes with."""

import pytest

from seewhy.core.boxes.phrases import noun_phrase_before, tagged_phrase_before

BRACKET = "[0.1, 0.2, 0.3, 0.4]"


@pytest.mark.parametrize(
    ("before", "phrase"),
    [
        ("There is a red cup at ", "a red cup"),
        ("The cup is located at ", "The cup"),
        ("The bounding box of the small dog is ", "the small dog"),
        ("the dog's coordinates are ", "the dog's"),
        ("a man in a red hat ", "a red hat"),
        ("A man. ", None),
        ("Two zebras: ", "Two zebras"),
        ("**car** - ", "car"),
        ("a parked car (", "a parked car"),
        ("They are at ", None),
        ("", None),
        ("42 ", None),
        ("the cup\n", None),
        ("it stands by ", None),
    ],
)
def test_noun_phrase_before_a_bracket(before, phrase):
    found = noun_phrase_before(before + BRACKET, len(before))
    assert (None if found is None else before[slice(*found)]) == phrase


@pytest.mark.parametrize(
    ("before", "phrase"),
    [
        ("<|object_ref_start|>a cup<|object_ref_end|>", "a cup"),
        ("<ref> a cup </ref> ", "a cup"),
        ("<p>a cup</p>", "a cup"),
        ("<phrase>a cup</phrase><object>", "a cup"),
        ("<ref>a</ref><ref>b</ref>", "b"),
        ("<ref>a</ref><box>[[1,2,3,4]]</box>, ", "a"),
        ("<ref>a</ref> is on the left, ", None),
        ("<ref> </ref>", None),
        ("a cup", None),
    ],
)
def test_tagged_phrase_before_a_box(before, phrase):
    text = f"{before}<box>[[1,2,3,4]]</box>"
    found = tagged_phrase_before(text, len(before))
    assert (None if found is None else text[slice(*found)]) == phrase
