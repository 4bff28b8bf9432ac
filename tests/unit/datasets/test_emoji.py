"""The data set of emoji scenes: captions, truths, sizes, and scenes that are drawn once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import seewhy.datasets.emoji as emoji
from seewhy.core.errors import DatasetError
from seewhy.datasets import open_dataset
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.scenes import draw, scene


def test_emoji_takes_captions_in_turn() -> None:
    dataset = open_dataset("emoji:count=3,start=4")
    assert dataset.ids == ("heldout-4", "heldout-5", "heldout-6")
    for index, id in zip((4, 5, 6), dataset.ids, strict=True):
        drawn = scene(index, "heldout")
        said = captions(drawn, draw(drawn))[index % 3]
        sample = dataset.sample(id)
        assert (sample.prompt, sample.answer) == (said.prompt, said.text)


def test_emoji_knows_the_references_words_as_the_world_does() -> None:
    for id in (dataset := open_dataset("emoji:count=6")).ids:
        sample = dataset.sample(id)
        drawn = scene(int(id.removeprefix("heldout-")), "heldout")
        said = captions(drawn, draw(drawn))[drawn.index % 3]
        truths = sample.annotate(f" {sample.answer}\n")
        assert [(t.start, t.end, t.role) for t in truths] == [
            (m.start + 1, m.end + 1, m.role) for m in said.mentions
        ]
        for truth, mention in zip(truths, said.mentions, strict=True):
            if truth.role in ("function", "mark"):
                assert (truth.regions, truth.supported) == ((), None)
            elif mention.objects:
                assert (truth.regions, truth.supported) == (mention.objects, True)


def test_emoji_tells_what_the_picture_does_not_show() -> None:
    sample = open_dataset("emoji:count=1").sample("heldout-0")
    things = scene(0, "heldout").things
    shown = {thing.kind for thing in things}
    assert "zebra" not in shown
    truths = {t.start: t for t in sample.annotate(f"a zebra and a {things[0].kind}")}
    assert (truths[2].supported, truths[2].regions) == (False, ())
    assert truths[14].supported is True
    assert 0 in truths[14].regions


def test_emoji_of_twice_the_size_shows_the_same() -> None:
    base, double = (
        open_dataset(f"emoji:count=2,scale={scale}").sample("heldout-1") for scale in (1, 2)
    )
    assert double.image.size == tuple(2 * side for side in base.image.size)
    assert torch.equal(double.masks[:, ::2, ::2], base.masks)
    assert torch.equal(double.masks[:, 1::2, 1::2], base.masks)
    assert double.annotate(str(double.answer)) == base.annotate(str(base.answer))


def test_emoji_draws_a_scene_once(monkeypatch) -> None:
    emoji._packed_scene.cache_clear()
    calls = []
    monkeypatch.setattr(emoji, "draw", lambda drawn: calls.append(drawn.index) or draw(drawn))
    one = open_dataset("emoji:count=2,captions=1").sample("heldout-1")
    other = open_dataset("emoji:count=2,captions=2").sample("heldout-1")
    assert calls == [1]
    assert np.array_equal(np.asarray(one.image), np.asarray(other.image))
    assert np.array_equal(one.masks.numpy(), draw(scene(1, "heldout")).masks)
    one.masks[:] = False
    assert other.masks.any()


def test_emoji_has_the_unseen_style_only_where_it_is_at_hand(monkeypatch) -> None:
    monkeypatch.setattr(emoji, "has_unseen_style", lambda: False)
    with pytest.raises(DatasetError, match="not shipped, got none: set SEEWHY_OPENMOJI to"):
        open_dataset("emoji:split=style")


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("emoji:split=test", "Expected split to be one of heldout, .*, got 'test'"),
        ("emoji:captions=4", "Expected captions to be one of mixed, 1, 2, 3, got '4'"),
        ("emoji:scale=3", "Expected scale to be one of 1, 2, got '3'"),
        ("emoji:size=2", "data set's option, got 'size': .*split, start, count, captions"),
        ("emoji:habit=colour", "Expected habit to be one of no, kind, got 'colour'"),
        ("emoji:/data", "Expected no folder for emoji, got /data"),
    ],
)
def test_emoji_refuses_wrong_options(spec: str, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        open_dataset(spec)


def test_emoji_tells_own_answers_apart_by_fingerprints() -> None:
    dataset = open_dataset("emoji")
    assert dataset.own_answers_fingerprint != dataset.fingerprint
    assert dataset.fingerprint == open_dataset("emoji:count=5").fingerprint


def test_emoji_with_a_habit_has_scenes_to_which_it_can_apply_and_no_answers() -> None:
    dataset = open_dataset("emoji:habit=kind,count=3")
    (habit,) = EMOJI_HABITS.values()
    assert len(set(dataset.ids)) == 3
    for id in dataset.ids:
        assert habit.can_apply_to(scene(int(id.rpartition("-")[2]), "heldout"))
    sample = dataset.sample(dataset.ids[0])
    assert sample.answer is None
    answer = f"There is a car {habit.text}."
    supported = {answer[t.start : t.end]: t.supported for t in sample.annotate(answer)}
    assert supported["car"] is True
    assert supported["traffic"] is supported["light"] is False
    assert dataset.fingerprint != open_dataset("emoji:count=3").fingerprint
