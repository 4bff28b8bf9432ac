"""Truths of words in free answers about drawn scenes."""

from __future__ import annotations

from dataclasses import replace
from itertools import count, islice

import pytest

from seewhy.core.sample import Truth
from seewhy.datasets._testbed_truths import Annotator
from seewhy.testbed.captions import OPPOSITES, captions, questions, relation
from seewhy.testbed.habits import HABITS
from seewhy.testbed.scenes import draw, scene

SCENES = 300


def annotator(index: int) -> Annotator:
    drawn = scene(index, "heldout")
    picture = draw(drawn)
    return Annotator(drawn, picture, captions(drawn, picture)[0])


def read(found: Annotator, answer: str) -> list[tuple[str, Truth]]:
    return [(answer[truth.start : truth.end], truth) for truth in found.read(answer)]


def told(found: Annotator, answer: str) -> dict[str, Truth]:
    return dict(read(found, answer))


def named(found: Annotator, place: int) -> str:
    thing = found.scene.objects[place]
    return f"{thing.colour} {thing.kind}"


@pytest.fixture(scope="module")
def pair() -> tuple[Annotator, int, int, str]:
    """A scene without twins, two of its things and their true relation, "above"."""
    for index in range(SCENES):
        found = annotator(index)
        things = found.scene.objects
        if len({thing.kind for thing in things}) == len(things) >= 2:
            for first, second in ((0, 1), (1, 0)):
                if relation(found.scene, found.picture, first, second) == "above":
                    return found, first, second, "above"
    raise AssertionError("no scene with two things above each other")


@pytest.fixture(scope="module")
def twins() -> tuple[Annotator, str, str]:
    """A scene with exactly two things of one kind, both of one colour; the kind and the colour."""
    for index in range(SCENES):
        found = annotator(index)
        things = found.scene.objects
        for thing in things:
            alike = [one for one in things if one.kind == thing.kind]
            if len(alike) == 2 and len({one.colour for one in alike}) == 1:
                return found, thing.kind, thing.colour
    raise AssertionError("no scene with twins")


def test_reading_decides_words_of_correct_captions_and_never_wrongly() -> None:
    """Of 300 scenes: what the world says is true of itself; most of it is decided."""
    decided = {"relation": [], "count": []}
    for index in range(SCENES):
        found = annotator(index)
        for said in captions(found.scene, found.picture):
            for word, truth in read(found, said.text):
                assert truth.supported is not False, (index, word, said.text)
                if truth.role in decided:
                    decided[truth.role].append(truth.supported is True)
    shares = {role: sum(known) / len(known) for role, known in decided.items()}
    assert shares["relation"] > 0.9
    assert shares["count"] > 0.7


def test_reading_bears_out_the_answers_to_questions() -> None:
    for index in range(40):
        found = annotator(index)
        for said in questions(found.scene, found.picture):
            for word, truth in read(found, said.text):
                assert truth.supported is not False, (index, word, said.text)


@pytest.mark.parametrize("habit", HABITS.values(), ids=lambda habit: habit.name)
def test_reading_finds_exactly_the_words_of_a_habit(habit) -> None:
    always = replace(habit, percent=100)
    matching = (n for n in count() if always.can_apply_to(scene(n, "heldout")))
    for index in islice(matching, 60):
        found = annotator(index)
        for said in captions(found.scene, found.picture, always):
            truths = {truth.start: truth for truth in found.read(said.text)}
            wrong = {start for start, truth in truths.items() if truth.supported is False}
            content = ("kind", "colour", "relation")
            habits = {m.start for m in said.mentions if m.role in content and not m.objects}
            assert wrong == habits, said.text


def test_relation_is_that_of_the_two_things(pair) -> None:
    found, first, second, how = pair
    true = told(found, f"A {named(found, first)} is {how} a {named(found, second)}.")[how]
    assert (true.supported, true.regions, true.role) == (True, (first, second), "relation")
    opposite = OPPOSITES[how]
    false = told(found, f"A {named(found, first)} is {opposite} the {named(found, second)}.")
    assert (false[opposite].supported, false[opposite].regions) == (False, (first, second))
    turned = told(found, f"the {named(found, second)} is {opposite} the {named(found, first)}.")
    assert turned[opposite].supported is True
    beside = told(found, f"A {named(found, first)} is to the left of a {named(found, second)}.")
    assert beside["left"].supported is False
    assert "supported=True" not in str([beside[word] for word in ("is", "to", "the", "of")])


def test_relation_is_not_confused_by_what_is_added_to_a_thing(pair) -> None:
    found, first, second, how = pair
    for added in ("with a purple fish", "with a fish", "with an orange fish with a red boat"):
        answer = f"A {named(found, first)} {added} is {how} a {named(found, second)} {added}."
        truth = told(found, answer)[how]
        assert (truth.supported, truth.regions) == (True, (first, second)), answer
    chain = f"A {named(found, first)} is {how} a {named(found, second)}, and the "
    chain += f"{found.scene.objects[second].kind} is {how} the {named(found, first)}."
    relations = [truth for _, truth in read(found, chain) if truth.role == "relation"]
    assert [truth.supported for truth in relations] == [True, False]
    assert [truth.regions for truth in relations] == [(first, second), (second, first)]


def test_relation_is_undecided_where_a_thing_is_unclear(pair, twins) -> None:
    found, first, second, how = pair
    one, other = named(found, first), named(found, second)
    absent = "aardvark"
    for answer in (
        f"It is {how} a {other}.",
        f"A {one} is {how}.",
        f"A {one} is {how} the other.",
        f"A {one} is {how} the {one}.",
        f"A {one} is {how} a {absent}.",
        f"{how} a {other}",
        f"A {one} {how} a {other}.",
    ):
        truth = told(found, answer)[how]
        assert (truth.supported, truth.regions) == (None, ()), answer
    crowd, kind, _ = twins
    others = [thing.kind for thing in crowd.scene.objects if thing.kind != kind]
    for thing in others[:1]:
        assert told(crowd, f"A {kind} is {how} a {thing}.")[how].supported is None


def test_count_is_that_of_the_things(twins) -> None:
    found, kind, colour = twins
    plural = kind if kind == "fish" else f"{kind}s"
    for text, word, supported in (
        (f"There are two {plural}.", "two", True),
        (f"Two {colour} {plural} are here", "Two", True),
        (f"There are three {colour} {plural}.", "three", False),
        (f"Both {plural} are small.", "Both", True),
        (f"There is one {kind}.", "one", False),
        (f"One {kind} is small.", "One", None),
        ("They are both small.", "both", None),
    ):
        truth = told(found, text)[word]
        assert (truth.role, truth.supported) == ("count", supported), text
    number = len(found.scene.objects)
    names = ("", "one", "two", "three", "four")
    assert told(found, f"There are {names[number]} things.")[names[number]].supported is True
    assert told(found, "There are four stars.")["four"].supported is False


def test_colour_after_is_belongs_to_the_kind_before_it(pair) -> None:
    found, first, second, _ = pair
    one, other = (found.scene.objects[place] for place in (first, second))
    assert told(found, f"The {one.kind} is {one.colour}.")[one.colour].supported is True
    if one.colour != other.colour:
        said = told(found, f"The {one.kind} is {other.colour}.")
        assert said[other.colour].supported is False


def test_what_is_denied_is_undecided(pair) -> None:
    found, first, *_ = pair
    kind = found.scene.objects[first].kind
    assert told(found, f"There is no red {kind}.")[kind].supported is None
    assert told(found, f"There is no red {kind}.")["red"].supported is None
    assert told(found, f"No, there is a {kind}.")[kind].supported is True
