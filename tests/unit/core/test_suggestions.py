"""Near matches, and the messages that use them."""

import pytest

from seewhy.core.suggestions import (
    LISTED,
    choose_from,
    did_you_mean,
    give_index,
    near_matches,
    unknown_name_message,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tma", ("tam",)),
        ("TAM2", ("tam",)),
        ("zzz", ()),
        ("", ()),
        ("tam", ()),
        ("Qwen/qwen2", ("Qwen/Qwen2",)),
        ("qwen/qwen2", ("Qwen/Qwen2",)),
    ],
)
def test_near_matches_are_similar_names_and_never_the_name_itself(name, expected):
    assert near_matches(name, ("arc", "tam", "Qwen/Qwen2")) == expected


def test_near_matches_come_nearest_first_and_are_limited():
    known = ("grad-cam-plus-plus", "grad-cam", "layer-cam")
    assert near_matches("gradcam", known)[0] == "grad-cam"
    assert len(near_matches("grad-cam-plus", known, limit=1)) == 1


def test_did_you_mean_is_a_question_or_nothing():
    assert did_you_mean("tma", ("tam", "tac")) == "did you mean 'tam' or 'tac'?"
    assert did_you_mean("zzz", ("tam",)) == ""


def test_unknown_name_message_lists_everything_where_nothing_is_near():
    assert unknown_name_message("view", "zzz", ("arc", "tam")) == (
        "Expected the name of a view, got 'zzz': choose one of arc, tam."
    )


def test_unknown_name_message_covers_an_empty_list():
    assert unknown_name_message("option", "k", ()) == (
        "Expected the name of an option, got 'k': there are none to choose from, leave it out."
    )


def test_choose_from_lists_a_limited_number_of_names():
    known = [f"word{n}" for n in range(LISTED + 3)]
    assert choose_from("?", known).endswith(f"word{LISTED - 1} and 3 more.")
    assert choose_from("?", known[:LISTED]).endswith(f", word{LISTED - 1}.")


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "there are none"), (1, "give 0"), (5, "give 0 to 4")]
)
def test_give_index_names_the_numbers_there_are(count, expected):
    assert give_index(count) == expected
