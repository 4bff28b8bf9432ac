"""Reading of texts about emoji scenes: our own are true, altered ones are not."""

import pytest

from emoji_boxes import arranged, boxed, boxes
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.questions import questions
from seewhy.testbed.emoji.reading import read_answer
from seewhy.testbed.emoji.scores import answer_figures

CONTENT = ("kind", "colour", "count", "size", "relation")
SCENE = arranged(
    ("cat", "grey", 60, 60),
    ("car", "red", 340, 60),
    ("car", "blue", 340, 340),
    ("duck", None, 60, 340),
    ("pair of socks", "green", 200, 200),
)
PICTURE = boxes(SCENE)


def verdicts(text: str, role: str, prompt: str = "") -> list[bool | None]:
    return [c.verdict for c in read_answer(text, SCENE, PICTURE, prompt) if c.role == role]


@pytest.mark.parametrize("split", ["train", "heldout", "pairs"])
def test_own_captions_and_answers_are_read_as_true(split):
    for index in range(60):
        scene, picture = boxed(index, split)
        asked = questions(scene, picture)
        for u in captions(scene, picture) + asked:
            prompt = u.prompt if u in asked else ""
            claims = {
                span: claim
                for claim in read_answer(u.text, scene, picture, prompt)
                for span in claim.spans
            }
            assert not any(claim.verdict is False for claim in claims.values()), u
            for m in u.mentions:
                if m.role in CONTENT and m.objects:
                    claim = claims.get((m.start, m.end))
                    assert claim is not None, (u.text[m.start : m.end], u)
                    assert (claim.verdict, claim.role) == (True, m.role), (m, u)


def altered(index: int, role: str):
    """The captions of a scene, each with its first word of a role, and its mention."""
    scene, picture = boxed(index)
    for caption in captions(scene, picture):
        for m in caption.mentions:
            if m.role == role and m.objects:
                yield scene, picture, caption, m
                break


def test_kinds_that_are_not_there_are_read_as_false():
    for index in range(40):
        for scene, picture, caption, m in altered(index, "kind"):
            word = caption.text[m.start : m.end]
            if scene.things[m.objects[0]].kind != word or any(
                thing.kind in ("helicopter", "rocket") for thing in scene.things
            ):
                continue
            text = f"{caption.text[: m.start]}helicopter{caption.text[m.end :]}"
            claims = read_answer(text, scene, picture)
            assert any(c.name == "helicopter" and c.verdict is False for c in claims), text


def test_other_colours_are_read_as_false():
    for index in range(40):
        for scene, picture, caption, m in altered(index, "colour"):
            kind = scene.things[m.objects[0]].kind
            others = {thing.colour for thing in scene.things if thing.kind == kind}
            if None in others or caption.text[m.start : m.end] not in COLOURS:
                continue
            other = next(colour for colour in COLOURS if colour not in {*others, "orange"})
            text = f"{caption.text[: m.start]}{other}{caption.text[m.end :]}"
            start = m.start
            claim = next(c for c in read_answer(text, scene, picture) if c.spans[0][0] == start)
            assert claim.verdict is False, text


def test_other_numbers_are_read_as_false():
    for index in range(60):
        for scene, picture, caption, m in altered(index, "count"):
            text = f"{caption.text[: m.start]}eight{caption.text[m.end :]}"
            claims = [c for c in read_answer(text, scene, picture) if c.role == "count"]
            assert False in [claim.verdict for claim in claims], text


def test_swapped_sides_are_read_as_false():
    swaps = {"left": "right", "right": "left", "above": "below", "below": "above"}
    checked = 0
    for index in range(80):
        scene, picture = boxed(index)
        for caption in captions(scene, picture):
            for m in caption.mentions:
                word = caption.text[m.start : m.end]
                if m.role != "relation" or word not in swaps or "from left" in caption.text:
                    continue
                text = f"{caption.text[: m.start]}{swaps[word]}{caption.text[m.end :]}"
                claims = read_answer(text, scene, picture)
                found = [c for c in claims if (m.start, m.start + len(swaps[word])) in c.spans]
                assert [c.verdict for c in found] == [False], text
                checked += 1
    assert checked > 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cat.", [True]),
        ("Two cats and a lion.", [True, False]),
        ("An animal and a bird.", [True, True]),
        ("A fish and a piece of furniture.", [False, False]),
        ("A pair of green socks.", [True]),
        ("Some socks on the grass.", [True]),
        ("A toy car.", [True]),
        ("We watch a cat.", [True]),
        ("An orange cat.", [True]),
        ("An orange.", [False]),
        ("An automobile and vehicles.", [True, True]),
        ("There is no lion.", []),
    ],
)
def test_kinds_and_hypernyms(text, expected):
    assert verdicts(text, "kind") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A grey cat.", [True]),
        ("A gray cat.", [True]),
        ("A white cat.", [False]),
        ("A red car and a blue car.", [True, True]),
        ("A shiny red car.", [True]),
        ("The cat is grey, while the socks are red.", [True, False]),
        ("A yellow duck.", [None]),
        ("A yellow lion.", [None]),
        ("The cars are red.", [False]),
        ("A pair of blue socks.", [False]),
    ],
)
def test_colours(text, expected):
    assert verdicts(text, "colour") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two cars.", [True]),
        ("There are three cars.", [False]),
        ("There is one car.", [False]),
        ("One car is red.", [None]),
        ("Two red cars.", [False]),
        ("Two animals.", [True]),
        ("5 things.", [True]),
        ("There are four objects.", [False]),
        ("There is no lion.", [True]),
        ("There are no cars.", [False]),
    ],
)
def test_counts(text, expected):
    assert verdicts(text, "count") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat is in the top left corner.", [True]),
        ("In the upper right corner there is a cat.", [False]),
        ("A duck at the bottom and a cat at the bottom.", [True, False]),
        ("The socks are in the middle.", [True]),
        ("The cat is to the left of the red car.", [True]),
        ("The cat is to the right of the red car.", [False]),
        ("Above the duck, we see a cat.", [True]),
        ("The cat is below the duck.", [False]),
        ("The cat is above the lion.", [None]),
        ("The socks are between the cat and the blue car.", [True]),
        ("The cat is between the duck and the blue car.", [False]),
        ("From left to right, there is a cat and a car.", []),
    ],
)
def test_places_and_relations(text, expected):
    assert verdicts(text, "relation") == expected


@pytest.mark.parametrize(
    ("prompt", "text", "role", "expected"),
    [
        ("What colour is the cat?", "Grey.", "colour", [True]),
        ("What colour is the cat?", "It is red.", "colour", [False]),
        ("How many cars are there?", "Two.", "count", [True]),
        ("How many cars are there?", "Three.", "count", [False]),
        ("Where is the cat?", "It is at the bottom.", "relation", [False]),
        ("Is there a lion?", "No.", "function", [True]),
        ("Is there a cat?", "No.", "function", [False]),
        ("Is the cat above the duck?", "Yes.", "function", [True]),
    ],
)
def test_answers_to_questions(prompt, text, role, expected):
    assert verdicts(text, role, prompt) == expected


def test_grounds_and_signs():
    scene = arranged(("sign", "red", 100, 100), ground="sand")
    scene = scene.__class__(
        **{**vars(scene), "things": tuple(_written(t, "STOP") for t in scene.things)}
    )
    claims = read_answer('A sign that says "OPEN" on grass.', scene, boxes(scene))
    assert [(c.role, c.verdict) for c in claims] == [
        ("kind", True),
        ("kind", False),
        ("ground", False),
    ]
    claims = read_answer("A sign with the word STOP on it on sand.", scene, boxes(scene))
    assert [c.verdict for c in claims] == [True, True, True]


def _written(thing, word):
    return thing.__class__(**{**vars(thing), "word": word})


def test_answer_figures_counts_claims_once():
    figures = answer_figures(SCENE, PICTURE, "A pair of red socks and two lions at the top.")
    assert (figures["kinds"].right, figures["kinds"].wrong) == (1, 1)
    assert (figures["colours"].right, figures["colours"].wrong) == (0, 1)
    assert figures["counts"].wrong == 1


def test_reading_survives_any_text():
    for text in ("", ".", "the", "of", 'a "', "two", "left", "to the left of", "pair of", "\n"):
        read_answer(text, SCENE, PICTURE, text)
