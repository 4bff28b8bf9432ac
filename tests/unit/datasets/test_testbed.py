from __future__ import annotations

from pathlib import Path

import pytest

from seewhy.core.errors import DatasetError
from seewhy.core.sample import Sample, Truth
from seewhy.datasets import open_dataset
from seewhy.testbed.captions import captions
from seewhy.testbed.habits import HABITS, AddedKind
from seewhy.testbed.scenes import draw, scene
from seewhy.testbed.shapes import COLOURS, KINDS


def told(sample: Sample, answer: str) -> dict[str, Truth]:
    return {answer[truth.start : truth.end]: truth for truth in sample.annotate(answer)}


def test_testbed_takes_captions_in_turn() -> None:
    dataset = open_dataset("testbed:count=3,start=4")
    assert dataset.ids == ("heldout-4", "heldout-5", "heldout-6")
    for index, id in zip((4, 5, 6), dataset.ids, strict=True):
        drawn = scene(index, "heldout")
        said = captions(drawn, draw(drawn))[index % 3]
        sample = dataset.sample(id)
        assert (sample.prompt, sample.answer) == (said.prompt, said.text)


def test_testbed_knows_the_references_words_as_the_world_does() -> None:
    for id in (dataset := open_dataset("testbed:count=6")).ids:
        sample = dataset.sample(id)
        drawn = scene(int(id.removeprefix("heldout-")), "heldout")
        said = captions(drawn, draw(drawn))[drawn.index % 3]
        truths = sample.annotate(f" {sample.answer}\n")
        assert [(t.start, t.end, t.role) for t in truths] == [
            (m.start + 1, m.end + 1, m.role) for m in said.mentions
        ]
        for truth, mention in zip(truths, said.mentions, strict=True):
            if truth.role in ("kind", "colour"):
                assert (truth.regions, truth.supported) == (mention.objects, True)
            if truth.role in ("function", "mark"):
                assert (truth.regions, truth.supported) == ((), None)


def test_testbed_tells_what_the_picture_does_not_show() -> None:
    sample = open_dataset("testbed:count=1").sample("heldout-0")
    objects = scene(0, "heldout").objects
    present = objects[0]
    absent = next(kind for kind in KINDS if kind not in {thing.kind for thing in objects})
    colours = {thing.colour for thing in objects if thing.kind == present.kind}
    wrong = next(colour for colour in COLOURS if colour not in colours)
    right = told(sample, f"a {present.colour} {present.kind}")
    assert right[present.kind].supported is right[present.colour].supported is True
    off = told(sample, f"a {wrong} {present.kind}")
    assert (off[wrong].supported, off[wrong].regions) == (False, ())
    assert off[present.kind].supported is True
    assert off[present.kind].category == present.kind
    missing = told(sample, f"a {absent} and an aardvark")
    assert (missing[absent].supported, missing[absent].regions) == (False, ())
    assert "aardvark" not in missing


def test_testbed_narrows_kinds_by_their_colours() -> None:
    index, one, other = next(
        (i, a, b)
        for i in range(100)
        for a, first in enumerate(scene(i, "heldout").objects)
        for b, second in enumerate(scene(i, "heldout").objects)
        if first.kind == second.kind and first.colour != second.colour
    )
    objects = scene(index, "heldout").objects
    sample = open_dataset(f"testbed:count=1,start={index}").sample(f"heldout-{index}")
    kind, colour = objects[one].kind, objects[one].colour
    narrowed = told(sample, f"the {colour} {kind}")[kind]
    assert one in narrowed.regions
    assert other not in narrowed.regions
    assert narrowed.tags["distractor"] == "yes"
    every = told(sample, f"the {kind}")[kind]
    assert {one, other} <= set(every.regions)
    assert every.tags["distractor"] == "no"


def test_testbed_tags_what_is_hidden() -> None:
    index = next(
        i for i in range(100) if any(x is not None for x in draw(scene(i, "heldout")).occluded_by)
    )
    drawn = scene(index, "heldout")
    hidden = draw(drawn).occluded_by
    sample = open_dataset(f"testbed:count=1,start={index}").sample(f"heldout-{index}")
    for place, thing in enumerate(drawn.objects):
        truth = told(sample, f"{thing.colour} {thing.kind}")[thing.kind]
        if truth.regions == (place,):
            assert truth.tags["occluded"] == ("no" if hidden[place] is None else "yes")
            assert (truth.tags["size"], truth.tags["things"]) == (thing.size, "1")


def test_testbed_lets_the_biased_model_speak_of_scenes_where_its_habit_can_show() -> None:
    dataset = open_dataset("testbed:count=3,habit=yes")
    bias = AddedKind()
    for id in dataset.ids:
        sample = dataset.sample(id)
        assert sample.answer is None
        truths = told(sample, f"A blue {bias.trigger} with a blue {bias.added}.")
        assert truths[bias.trigger].supported is True
        assert (truths[bias.added].supported, truths[bias.added].regions) == (False, ())


@pytest.mark.parametrize("habit", HABITS.values(), ids=lambda habit: habit.name)
def test_testbed_takes_scenes_to_which_the_habit_can_apply(habit) -> None:
    dataset = open_dataset(f"testbed:count=4,start=30,habit={habit.name}")
    indices = [int(id.removeprefix("heldout-")) for id in dataset.ids]
    assert len(indices) == 4
    matching = [n for n in range(30, indices[-1] + 1) if habit.can_apply_to(scene(n, "heldout"))]
    assert indices == matching
    assert all(dataset.sample(id).answer is None for id in dataset.ids)


def test_testbed_tells_habits_and_ways_of_reading_apart_by_fingerprints() -> None:
    habits = [f"testbed:count=20,habit={name}" for name in ("kind", "colour", "relation")]
    plain, *others = (open_dataset(spec) for spec in ("testbed:count=20", *habits))
    assert len({plain.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert open_dataset("testbed:count=20,habit=yes").fingerprint == others[0].fingerprint
    assert open_dataset("testbed:count=20,habit=no").fingerprint == plain.fingerprint
    # As first released: the truths of reference answers have not changed.
    assert open_dataset("testbed").fingerprint == "testbed-2aafd54083791e75"
    assert plain.own_answers_fingerprint != plain.fingerprint
    assert others[0].own_answers_fingerprint == others[0].fingerprint


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("testbed:split=test", "Expected split to be one of heldout, .*, got 'test'"),
        ("testbed:captions=4", "Expected captions to be one of mixed, 1, 2, 3, got '4'"),
        ("testbed:habit=size", "one of no, yes, kind, colour, relation, got 'size'"),
        ("testbed:count=0", "a whole number of at least 1, got '0'"),
        ("testbed:start=-1", "a whole number of at least 0, got '-1'"),
        (
            "testbed:colour=red",
            "data set's option, got 'colour': .*split, start, count, captions, habit",
        ),
        ("testbed:/data", "Expected no folder for testbed, got /data"),
    ],
)
def test_testbed_refuses_wrong_options(spec: str, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        open_dataset(spec)


def test_testbed_needs_no_place() -> None:
    assert open_dataset("testbed").fingerprint == open_dataset("testbed:count=5").fingerprint
    assert not Path("testbed").exists()
