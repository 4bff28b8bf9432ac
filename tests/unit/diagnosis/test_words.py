"""Which words say something, and which belong together."""

from __future__ import annotations

import pytest

from seewhy.core.text import Word, split_words
from seewhy.diagnosis.words import is_english, lemma, related, role_of, units_of


def words_of_text(text: str) -> list[Word]:
    return [Word(text[a:b], a, b, (n,)) for n, (a, b) in enumerate(split_words(text))]


def units(text: str) -> dict[str, tuple]:
    """For each unit, by its text (of equal ones the last): role, noun's text, earlier, start."""
    words = words_of_text(text)
    return {
        words[u.word].text: (
            u.role,
            None if u.noun is None else words[u.noun].text,
            [words[e].text for e in u.earlier],
            words[u.span].text,
        )
        for u in units_of(words)
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("boats", "boat"),
        ("Boxes", "box"),
        ("dishes", "dish"),
        ("berries", "berry"),
        ("ties", "tie"),
        ("bus", "bus"),
        ("buses", "bus"),
        ("glasses", "glass"),
        ("tennis", "tennis"),
        ("people", "person"),
        ("dog's", "dog"),
        ("dogs’", "dog"),
        ("gas", "gas"),
        ("狗", "狗"),
        ("Häuser", "häuser"),
    ],
)
def test_lemma_is_the_singular_in_lower_case(text, expected):
    assert lemma(text) == expected


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("dog", "noun"),
        ("Red", "colour"),
        ("three", "count"),
        ("7", "count"),
        ("behind", "relation"),
        ("tiny", "size"),
        ("riding", "word"),
        ("yes", "word"),
        ("No", "word"),
        ("dumpling", "noun"),
        ("something", None),
        ("can't", None),
        ("the", None),
        ("of", None),
        ("picture", None),
        ("background", None),
        ("is", None),
        ("shows", None),
        ("...", None),
    ],
)
def test_role_of_a_word(text, role):
    assert role_of(text) == role


def test_attributes_belong_to_the_noun_after_them():
    found = units("Two small red cups stand on a large wooden table.")
    assert {name: found[name][1] for name in ("Two", "small", "red", "large", "wooden")} == {
        "Two": "cups",
        "small": "cups",
        "red": "cups",
        "large": "table",
        "wooden": "table",
    }
    assert found["cups"][:2] == ("noun", None)


def test_attributes_after_a_copula_belong_to_the_noun_before_it():
    assert units("The cup is red.")["red"][1] == "cup"
    assert units("A dog. It is red.")["red"][1] is None  # not that of another sentence


def test_compounds_share_the_fate_of_their_last_noun():
    found = units("There is a traffic light near the stop sign.")
    assert found["traffic"][1] == "light"
    assert found["stop"][1] == "sign"
    assert found["light"][0] == "noun"


def test_light_is_an_attribute_only_before_a_noun_or_a_colour():
    assert units("A light cup.")["light"][:2] == ("word", "cup")
    assert units("A cup under a light.")["light"][0] == "noun"


def test_earlier_mentions_are_found_by_lemma():
    found = units("Two dogs play. The dog sleeps.")
    assert found["dog"][2] == ["dogs"]


def test_a_colour_has_an_earlier_mention_only_for_the_same_thing():
    assert units("A red cup and a red star.")["red"][2] == []
    assert units("A red cup. The red cup is small.")["red"][2] == ["red"]


@pytest.mark.parametrize(
    ("text", "word", "start"),
    [
        ("It is to the left of it.", "left", "to"),
        ("It is in front of it.", "front", "in"),
        ("An orange cup.", "orange", "An"),
        ("A red cup.", "red", "red"),
    ],
)
def test_span_begins_where_the_choice_was_made(text, word, start):
    assert units(text)[word][3] == start


def test_no_says_something_only_as_an_answer():
    assert "No" in units("No, there is a dog.")
    assert "no" not in units("There is no dog.")


@pytest.mark.parametrize(
    "text", ["一只红色的狗在草地上", "ein roter Hund steht auf der Wiese", "красная собака"]
)
def test_every_word_of_another_language_says_something(text):
    words = words_of_text(text + " .")
    assert not is_english(words)
    assert [u.word for u in units_of(words)] == list(range(len(words) - 1))
    assert {u.role for u in units_of(words)} == {"word"}


def test_marks_alone_say_nothing():
    assert units_of(words_of_text("... !")) == ()
    assert units_of([]) == ()


@pytest.mark.parametrize(
    ("text", "word", "role"),
    [
        ("Two apples, an orange, and a cup.", "orange", "noun"),
        ("An orange is on the table.", "orange", "noun"),
        ("An orange and white cat.", "orange", "colour"),
        ("An orange small cup.", "orange", "colour"),
        ("The cup is orange.", "orange", "colour"),
        ("The orange one is a cup.", "orange", "colour"),
        ("A woman in a pink top.", "top", "noun"),
        ("A cup on the top of it.", "top", "relation"),
        ("There is a red can on the table.", "can", "noun"),
        ("A well and a bench.", "well", "noun"),
        ("She left the room.", "left", "word"),
        ("It is on her left.", "left", "relation"),
        ("The dog is to the left of it.", "left", "relation"),
    ],
)
def test_neighbours_decide_between_two_roles(text, word, role):
    assert units(text)[word][0] == role


def test_numbers_of_a_list_say_nothing():
    assert list(units("1. A dog\n2. A cat")) == ["dog", "cat"]
    assert list(units("3. There are three dogs.")) == ["3", "three", "dogs"]
    assert "2" in units("2.5 dogs and 2 cats.")


def test_an_accent_does_not_make_another_language():
    assert units("A café with red chairs and a table in it.")["red"][0] == "colour"
    assert units("The jalapeño is on the plate.")["jalapeño"][0] == "noun"
    assert not is_english(words_of_text("Ein Mädchen sitzt in der Küche am Tisch."))
    assert not is_english(words_of_text("Un niño come una piña."))
    assert not is_english(words_of_text("Übung"))


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (["red"], ["red", "star"]),  # a colour shares its thing's verdict
        (["star"], ["red", "star"]),  # what determines a thing is its attribute
        (["fish"], ["blue", "fish"]),
        (["is", "."], []),
        ([], []),
    ],
)
def test_words_whose_verdicts_rest_on_others_bring_them_along(chosen, expected):
    words = words_of_text("A red star is above a blue fish.")
    texts = [word.text for word in words]
    found = related(units_of(words), [texts.index(text) for text in chosen])
    assert [texts[unit.word] for unit in found] == expected


def test_second_mention_brings_its_first_mention_along():
    words = words_of_text("A red star and a boat. The star is small.")
    second = [n for n, word in enumerate(words) if word.text == "star"][1]
    found = [words[unit.word].text for unit in related(units_of(words), [second])]
    assert found.count("star") == 2
    assert "boat" not in found
