"""The rules, on measurements made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from seewhy.core.text import Word
from seewhy.core.verdict import Change
from seewhy.diagnosis.sentences import with_sentences
from seewhy.diagnosis.verdicts import Measured, picture_left, verdicts_of
from seewhy.diagnosis.words import Unit


def logs(*probabilities: float) -> tuple[float, ...]:
    return tuple(math.log(p) for p in probabilities)


def measured(
    word: int = 0,
    *,
    others: float = 0.01,
    grey: float = 0.01,
    removed: float | None = 0.01,
    role: str = "noun",
    share: float | None = 0.9,
    before: float = 0.9,
    words: tuple[Change, ...] = (),
    more: tuple[Change, ...] = (),
    **unit,
) -> Measured:
    pictures = [Change("other-pictures", logs(others, others)), Change("grey", logs(grey))]
    if removed is not None:
        pictures.append(Change("place-removed", logs(removed), view=0, box=(0.0, 0.0, 9.0, 9.0)))
    return Measured(
        Unit(word, unit.pop("lemma", f"w{word}"), role, unit.pop("noun", None),
             unit.pop("earlier", ()), word, **unit),
        math.log(before),
        share,
        (*pictures, *more),
        words,
    )  # fmt: skip


def swapped(word: int, left: float) -> Change:
    return Change(
        "word-swapped",
        logs(0.8 * left),
        part="answer",
        word=word,
        replacement="cup",
        before=math.log(0.8),
    )


def invented(word: int = 0, **settings) -> Measured:
    return measured(
        word, **{"others": 0.85, "grey": 0.88, "removed": 0.9, "share": 0.3, **settings}
    )


def only(found: Measured):
    return verdicts_of([found])[found.unit.word]


def test_word_that_changes_take_away_rests_on_the_picture():
    verdict = only(measured())
    assert verdict.source == "picture"
    assert verdict.support > 0.99


def test_word_that_stays_whatever_is_changed_rests_on_words():
    verdict = only(invented())
    assert verdict.source == "words"
    assert verdict.support < 0.01
    assert verdict.because.follows is None


def test_picture_left_is_the_geometric_mean_of_four_witnesses():
    found = measured(others=0.45, grey=0.9, removed=0.225, share=0.5)
    assert picture_left(found) == pytest.approx((0.5 * 1 * 0.25 * 0.5) ** 0.25)
    without_share = measured(others=0.45, grey=0.9, removed=None, share=None)
    assert picture_left(without_share) == pytest.approx(0.5**0.5)


def test_probability_that_rises_counts_as_unchanged():
    assert picture_left(measured(others=1, grey=1, removed=1, share=0)) == 1


def test_word_follows_the_earlier_word_without_which_least_is_left():
    verdict = only(invented(4, words=(swapped(1, 0.4), swapped(2, 0.1), swapped(3, 0.9))))
    assert (verdict.because.part, verdict.because.follows) == ("answer", 2)


def test_word_follows_none_if_every_change_leaves_half():
    assert only(invented(4, words=(swapped(1, 0.6),))).because.follows is None


def test_repeated_word_has_the_support_of_its_mention():
    first, second = measured(1), invented(5, earlier=(1,))
    verdicts = verdicts_of([first, second])
    assert verdicts[5].source == "repeats"
    assert verdicts[5].because.follows == 1
    assert verdicts[5].support == verdicts[1].support
    fish, again = invented(1), invented(5, earlier=(1,))
    assert verdicts_of([fish, again])[5].support < 0.01


def test_repeated_word_that_needs_the_picture_anew_rests_on_it():
    assert verdicts_of([invented(1), measured(5, earlier=(1,))])[5].source == "picture"


def test_repeated_relation_is_no_repetition():
    verdicts = verdicts_of(
        [measured(1, role="relation"), invented(5, role="relation", earlier=(1,))]
    )
    assert verdicts[5].source == "words"


def test_colour_of_an_invented_thing_is_invented():
    colour, fish = measured(1, role="colour", noun=2, removed=None), invented(2, attributes=(1,))
    verdicts = verdicts_of([colour, fish])
    assert verdicts[1].source == "words"
    assert verdicts[1].support == verdicts[2].support
    assert verdicts[1].because.noun == 2


def test_thing_with_an_invented_colour_is_not_invented():
    colour = invented(1, role="colour", noun=2, removed=None)
    assert verdicts_of([colour, measured(2, attributes=(1,))])[2].source == "picture"


def test_noun_that_its_own_attribute_determines_shares_its_verdict():
    traffic = measured(1, noun=2)
    light = invented(2, attributes=(1,), words=(swapped(1, 0.0001), swapped(0, 0.9)))
    verdicts = verdicts_of([traffic, light])
    assert verdicts[2].source == "picture"
    assert verdicts[2].because.noun == 1
    assert verdicts[1].source == "picture"


@pytest.mark.parametrize(
    ("hues", "upside_down", "source"),
    [((0.01, 0.02, 0.01), 0.9, "picture"), ((0.8, 0.9, 0.85), 0.01, "words")],
)
def test_colour_must_go_with_other_colours_and_stay_upside_down(hues, upside_down, source):
    more = (Change("hues-turned", logs(*hues)), Change("upside-down", logs(upside_down)))
    assert only(measured(role="colour", removed=None, more=more)).source == source


def test_colour_that_stays_with_its_thing_upside_down_is_read_from_it():
    """Upside down, a picture may be told in another order; the thing alone may not."""
    more = (Change("hues-turned", logs(0.01, 0.8, 0.7)), Change("upside-down", logs(0.01)))
    turned = [
        Change("place-turned", logs(p), view=0, box=(0.0, 0.0, 9.0, 9.0)) for p in (0.9, 0.01)
    ]
    stays, goes = (measured(role="colour", removed=None, more=(*more, t)) for t in turned)
    assert only(stays).source == "picture"
    assert only(goes).source == "words"


def test_grey_is_read_by_the_negative_alone():
    more = (Change("hues-turned", logs(0.9, 0.9, 0.01)), Change("upside-down", logs(0.01)))
    grey = measured(role="colour", removed=None, more=more, lemma="grey")
    assert only(grey).source == "picture"
    green = measured(role="colour", removed=None, more=more, lemma="green")
    assert only(green).source != "picture"


@pytest.mark.parametrize(
    ("word", "kind"), [("left", "mirrored"), ("above", "upside-down"), ("behind", None)]
)
def test_relation_must_change_with_its_side(word, kind):
    for changed in ("mirrored", "upside-down"):
        more = (Change(changed, logs(0.9)),)
        found = measured(role="relation", removed=None, others=0.8, lemma=word, more=more)
        assert (only(found).source == "words") is (changed == kind)


def test_word_without_need_of_its_place_is_misread_unless_its_place_brings_it():
    kept = [Change("place-kept", logs(p), view=0, box=(0.0, 0.0, 9.0, 9.0)) for p in (0.01, 0.9)]
    misread, read = (measured(removed=0.5, before=0.5, more=(change,)) for change in kept)
    assert only(misread).source == "misread"
    assert only(misread).support <= 0.5
    assert only(read).source == "picture"
    certain = measured(removed=0.9, more=(kept[0],))
    assert only(certain).source == "picture"  # the map may miss the place


def test_word_that_the_model_would_hardly_say_is_no_better_supported_than_likely():
    likely = only(measured(others=1e-6, grey=1e-6, removed=1e-6))
    unlikely = only(measured(others=1e-6, grey=1e-6, removed=1e-6, before=0.01))
    assert unlikely.support == pytest.approx(0.02 * likely.support, rel=0.01)
    assert unlikely.source == "unclear"


def test_size_that_other_pictures_change_is_unclear():
    assert only(invented(role="size", others=0.3)).source == "unclear"


def sentence(*found: Measured) -> str:
    verdicts = with_sentences(
        verdicts_of(found),
        [Word(f"w{n}", 0, 0, ()) for n in range(9)],
        [Word("ask", 0, 0, ())],
    )
    return verdicts[found[-1].unit.word].sentence


def test_sentence_says_what_was_done_with_its_numbers():
    assert sentence(measured()) == (
        "Rests on the picture. 90 % here, 1 % with 2 other pictures, 1 % on grey, 1 % without its "
        "place."
    )
    text = sentence(invented(4, words=(swapped(2, 0.1),)))
    assert text.startswith("Said without the picture all the same. 90 % here, 85 % with 2 other")
    assert text.endswith("It follows 'w2': 8 % with 'cup' in its place instead of 80 %.")
    chain = sentence(measured(2), invented(4, words=(swapped(2, 0.1),)))
    assert chain.endswith("instead of 80 %. 'w2' itself rests on the picture.")


def test_sentence_of_a_repeated_word_tells_what_its_first_mention_rests_on():
    text = sentence(invented(1), invented(3, earlier=(1,)), invented(5, earlier=(1, 3)))
    assert text.startswith("Picks up the earlier 'w3', which was said without the picture.")


def test_sentence_says_when_nothing_is_decided():
    assert sentence(measured(others=0.3, grey=0.4, removed=0.4, share=0.5)).startswith("Unclear")


def test_sentence_of_a_word_that_the_model_would_not_say_names_no_habit():
    rare = invented(2, before=1e-4, others=1e-4, grey=1e-4, removed=1e-4, words=(swapped(0, 0.1),))
    assert sentence(measured(0), rare).startswith(
        "Unclear: the model itself would hardly say it here. under 1 % here,"
    )
    assert "follows" not in sentence(measured(0), rare)
    assert only(rare).source == "unclear"


def test_sentence_names_a_word_of_the_prompt():
    change = Change("word-dropped", logs(0.01), part="prompt", word=0, before=math.log(0.9))
    assert "It follows 'ask' of the prompt: 1 % without it instead of 90 %." in sentence(
        invented(words=(change,))
    )


def test_sentence_says_habit_if_no_earlier_word_takes_it_away():
    assert "habit" in sentence(invented(4, words=(swapped(2, 0.9),)))


def test_a_colour_does_not_follow_from_itself_by_its_noun():
    """The fish is unlikely, so that it does not share the fate of its colour, yet follows it."""
    colour = measured(1, role="colour", noun=2, removed=None)
    fish = invented(2, before=0.2, others=0.2, grey=0.2, removed=0.2, attributes=(1,))
    verdicts = verdicts_of([colour, replace(fish, words=(swapped(1, 0.1),))])
    assert (verdicts[2].because.part, verdicts[2].because.follows) == ("answer", 1)
    assert (verdicts[1].source, verdicts[1].because.noun) == ("words", 2)
    assert (verdicts[1].because.part, verdicts[1].because.follows) == ("", None)
