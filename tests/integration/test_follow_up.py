"""Asking back: the same settings go with every question, whatever the first one was made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import seewhy
import tiny_models
from clip_checks import clip_of_noise
from painting import noise
from seewhy.core.errors import AnswerError, ParameterError, PromptError, UnknownNameError
from seewhy.core.regions import Region
from seewhy.datasets import testbed
from seewhy.explainer import Explainer
from seewhy.models import load

PICTURE, OTHER, PROMPT = noise(120, 80), noise(64, 96, 1), "What is this?"
ANSWER = "A red star and a blue house, and a red cup."
BOX = Region.box(10, 10, 60, 50)
PLAIN = {"explain_prompt": False, "max_new_tokens": 4}
GIVEN = {"explain_prompt": False, "answer": ANSWER}


@pytest.fixture(scope="module")
def explainer():
    return Explainer(load(tiny_models.build()))


@pytest.fixture(scope="module")
def follow(explainer):
    return explainer.follow_up(PICTURE, PROMPT, **GIVEN)


def ids_of(explanation):
    return [token.id for token in explanation.record.tokens]


def expect_read_alike(effect, explanation):
    """What is said of the unchanged picture is what the explanation says."""
    for found, word in zip(effect.words, explanation, strict=True):
        assert found.text == word.text
        assert found.before == pytest.approx(math.log(word.probability), abs=1e-3)
        assert found.lost == pytest.approx(found.before - found.after)


def test_effect_changes_the_region_alone_and_keeps_the_words(explainer, follow):
    effect = follow.effect(BOX)
    expect_read_alike(effect, follow.explanation)
    changed, before = np.array(effect.pictures[0]), np.array(PICTURE)
    inside = BOX.pixels(PICTURE.size).numpy()
    assert np.array_equal(changed[~inside], before[~inside])
    assert not np.array_equal(changed[inside], before[inside])
    again = explainer.explain(effect.pictures[0], PROMPT, **GIVEN)
    for found, word in zip(effect.words, again, strict=True):
        assert found.after == pytest.approx(math.log(word.probability), abs=1e-3)


def test_control_is_the_median_loss_with_the_same_shape_elsewhere(explainer, follow):
    effect = follow.effect(BOX, fill="mean", controls=3)
    assert 1 <= len(effect.controls) <= 3
    losses = []
    for left, top, right, bottom in effect.controls:
        assert (right - left, bottom - top) == (50, 40)
        assert 0 <= left < right <= 120
        assert 0 <= top < bottom <= 80
        assert left >= 60 or right <= 10 or top >= 50 or bottom <= 10
        place = follow.effect(Region.box(left, top, right, bottom), fill="mean", controls=0)
        losses.append([word.lost for word in place.words])
    expected = np.median(losses, 0)
    for word, value in zip(effect.words, expected, strict=True):
        assert word.control == pytest.approx(value, abs=1e-4)
        assert word.beyond_control == pytest.approx(word.lost - value, abs=1e-4)
    assert [word.word for word in effect.strongest] == sorted(
        range(len(effect.words)), key=lambda n: -effect.words[n].beyond_control
    )


def test_region_too_large_for_a_control_is_told(follow):
    effect = follow.effect(Region.box(0, 0, 100, 70))
    assert effect.controls == ()
    assert all(word.control is None for word in effect.words)
    assert any("no control" in note for note in effect.notes)
    assert follow.effect(BOX, controls=0).notes == ()


def test_word_that_was_said_before_names_its_first_mention(follow):
    texts = [word.text for word in follow.explanation]
    repeats = {word.word: word.repeats for word in follow.effect(BOX, controls=0).words}
    first, second = [n for n, text in enumerate(texts) if text == "red"]
    assert (repeats[first], repeats[second]) == (None, first)
    assert repeats[texts.index(",")] is None
    data = follow.effect(BOX).to_json()
    assert data["words"][second]["repeats"] == first
    assert data["region"] == BOX.to_json()


def test_settings_of_the_picture_go_with_every_question(explainer):
    settings = {**PLAIN, "max_pixels": 40 * 64, "method": "tam"}
    follow = explainer.follow_up(PICTURE, PROMPT, **settings)
    expect_read_alike(follow.effect(BOX, controls=0), follow.explanation)
    shape = follow.explanation.views[0].base_grid.shape
    assert shape != explainer.explain(PICTURE, PROMPT, **PLAIN).views[0].base_grid.shape
    for answered in (
        follow.change(BOX),
        follow.continue_from(0, "A"),
        follow.with_prompt("Which colour?"),
    ):
        found = answered.explanation
        assert found.views[0].base_grid.shape == shape
        assert found.method == "tam"
        parameters = found.record.provenance.parameters
        assert parameters["processor_options"] == {"max_pixels": 40 * 64}
        assert parameters["max_new_tokens"] == 4
        expect_read_alike(answered.follow_up.effect(BOX, controls=0), found)
    assert follow.contrast(0, " star").views[0].base_grid.shape == shape


def chat(answer=None):
    sized = {"type": "image", "image": PICTURE, "max_pixels": 40 * 64}
    turns = [
        {"role": "user", "content": [sized, {"type": "text", "text": "Is it a star?"}]},
        {"role": "assistant", "content": "A cup."},
        {
            "role": "user",
            "content": [{"type": "image", "image": OTHER}, {"type": "text", "text": PROMPT}],
        },
    ]
    return turns if answer is None else [*turns, {"role": "assistant", "content": answer}]


def test_chat_with_sized_pictures_and_a_given_turn_follows_up(explainer):
    follow = explainer.follow_up(messages=chat(ANSWER), explain_prompt=False)
    shapes = [view.base_grid.shape for view in follow.explanation.views]
    second = Region.box(5, 5, 40, 50, view=1)
    effect = follow.effect(second, controls=0)
    expect_read_alike(effect, follow.explanation)
    assert np.array_equal(np.array(effect.pictures[0]), np.array(PICTURE))
    assert not np.array_equal(np.array(effect.pictures[1]), np.array(OTHER))
    answered = follow.change(second, max_new_tokens=3)
    assert answered.explanation.prompt == follow.explanation.prompt
    assert [view.base_grid.shape for view in answered.explanation.views] == shapes
    assert np.array_equal(np.array(answered.explanation.images[1]), np.array(effect.pictures[1]))
    assert any("in picture 2 a region was erased" in note for note in answered.explanation.notes)
    asked = follow.with_prompt("Which colour?", max_new_tokens=3)
    assert asked.explanation.prompt == "Is it a star?\nA cup.\nWhich colour?"
    assert len(asked.explanation.views) == 2


def test_only_a_region_is_kept_also_of_other_pictures(explainer):
    follow = explainer.follow_up([PICTURE, OTHER], PROMPT, **GIVEN)
    effect = follow.effect(BOX, "keep")
    assert set(np.array(effect.pictures[1]).ravel()) == {128}
    kept = np.array(effect.pictures[0])
    assert np.array_equal(kept[10:50, 10:60], np.array(PICTURE)[10:50, 10:60])
    assert set(kept[:10].ravel()) == {128}
    assert effect.controls


def test_step_of_a_clip_is_changed_in_its_frames_alone(explainer):
    clip = clip_of_noise(6, 64, 48)
    follow = explainer.follow_up(clip, PROMPT, max_pixels=24 * 64, **GIVEN)
    views = follow.explanation.views
    region = Region.box(8, 8, 30, 30, view=1)
    expect_read_alike(follow.effect(region, controls=1), follow.explanation)
    changed = follow.change(region, max_new_tokens=2).follow_up.question.conversation.media[0]
    for index, (frame, after) in enumerate(zip(clip.frames, changed.frames, strict=True)):
        same = np.array_equal(np.array(frame), np.array(after))
        assert same == (index not in views[1].frames)
    assert changed.seconds == clip.seconds
    kept = follow.effect(region, "keep", controls=0)
    assert set(np.array(kept.pictures[0]).ravel()) == {128}
    assert set(np.array(kept.pictures[1]).ravel()) > {128}


def test_moved_region_stands_at_its_new_middle(follow):
    effect = follow.effect(BOX, "move", fill="mean", to=(85, 40))
    moved = np.array(effect.pictures[0])
    assert np.array_equal(moved[20:60, 60:110], np.array(PICTURE)[10:50, 10:60])
    assert all(word.control is None for word in effect.words)


def test_given_answer_becomes_the_models_own_when_the_picture_changes(explainer, follow):
    answered = follow.change(BOX, max_new_tokens=5)
    own = explainer.explain(
        follow.effect(BOX).pictures[0], PROMPT, explain_prompt=False, max_new_tokens=5
    )
    assert ids_of(answered.explanation) == ids_of(own)
    assert answered.before is follow.explanation
    told = {change.kind for change in answered.diff}
    assert told & {"added", "removed"}
    assert "answer" not in answered.explanation.record.provenance.parameters


def test_wrapped_model_follows_up_as_the_model_inside(explainer, follow):
    model, processor = explainer.loaded.model, explainer.loaded.processor
    wrapped = seewhy.load((torch.nn.DataParallel(model), processor))
    found = wrapped.follow_up(PICTURE, PROMPT, **GIVEN).effect(BOX)
    for one, other in zip(found.words, follow.effect(BOX).words, strict=True):
        assert one.after == pytest.approx(other.after, abs=1e-4)


def test_answer_goes_on_from_a_changed_word_and_keeps_what_stood_before(follow):
    answered = follow.continue_from("blue", "green", max_new_tokens=3)
    found = answered.explanation
    assert found.answer.startswith("A red star and a green")
    before = follow.explanation["blue"].tokens[0]
    place = [token.start for token in follow.explanation.record.tokens].index(before.start)
    assert ids_of(found)[:place] == list(follow.ids[:place])
    assert any("“A red star and a green”" in note for note in found.notes)
    again = answered.follow_up.change(BOX, max_new_tokens=2).explanation
    assert again.answer.startswith("A red star and a green")  # it is begun alike
    first = follow.continue_from(0, "The", max_new_tokens=2).explanation
    assert first.answer.startswith("The")


@pytest.mark.parametrize(
    ("word", "text", "error", "message"),
    [
        ("zebra", "cup", UnknownNameError, "a word of the answer"),
        (99, "cup", IndexError, "the number of one of the answer's"),
        (1, "  ", AnswerError, "words that the answer goes on with"),
        (1, "a <|im_end|>", AnswerError, "one turn"),
        (1, "a <|image_pad|> b", AnswerError, "stands for a picture"),
    ],
)
def test_continuation_of_no_word_or_with_no_words_is_refused(follow, word, text, error, message):
    with pytest.raises(error, match=message):
        follow.continue_from(word, text)


def test_thinking_before_a_word_stays_token_by_token(explainer):
    answer = "<think>It is red.</think> A star and a cup."
    follow = explainer.follow_up(PICTURE, PROMPT, answer=answer, explain_prompt=False)
    found = follow.continue_from("star", "house", max_new_tokens=2).explanation
    assert found.answer.startswith("<think>It is red.</think> A house")
    assert [word.text for word in found.thinking] == [w.text for w in follow.explanation.thinking]


def test_question_with_several_texts_is_not_replaced_in_silence(explainer):
    content = [
        {"type": "text", "text": "One:"},
        {"type": "image", "image": PICTURE},
        {"type": "text", "text": "What is it?"},
    ]
    follow = explainer.follow_up(
        messages=[{"role": "user", "content": content}], explain_prompt=False, max_new_tokens=2
    )
    with pytest.raises(ParameterError, match="one text in the user's last turn, got 2"):
        follow.with_prompt("What?")
    with pytest.raises(PromptError, match="Expected a prompt"):
        explainer.follow_up(PICTURE, PROMPT, **PLAIN).with_prompt("  ")


def test_contrast_is_that_of_a_new_explanation_of_the_same_ids(explainer, follow):
    found = follow.contrast("house", "cup")
    expected = explainer.explain(
        PICTURE, PROMPT, answer=list(follow.ids), contrast={"house": "cup"}, explain_prompt=False
    )
    assert ids_of(found) == list(follow.ids)
    assert found.record.contrasts == expected.record.contrasts
    assert found.record.contrasts[0][1] == "cup"
    np.testing.assert_allclose(found["house"].heatmap, expected["house"].heatmap, atol=1e-5)


def test_contrast_of_the_models_own_answer_keeps_what_was_told_of_it(explainer):
    follow = explainer.follow_up(PICTURE, PROMPT, **PLAIN)
    assert any("cut off" in warning for warning in follow.explanation.warnings)
    found = follow.contrast(0, " star")
    assert found.warnings == follow.explanation.warnings
    assert ids_of(found) == ids_of(follow.explanation)


def test_verdicts_of_some_words_are_those_of_a_whole_diagnosis(explainer, follow):
    whole = explainer.explain(PICTURE, PROMPT, diagnose=True, **GIVEN).record.verdicts
    star = next(n for n, word in enumerate(follow.explanation) if word.text == "star")
    some = follow.diagnosed([star - 1]).record
    assert some.verdicts is not None
    assert some.verdicts[star] is not None, "the colour's thing has a verdict too"
    for one, other in zip(some.verdicts, whole, strict=True):
        if one is not None:
            assert (one.source, one.role) == (other.source, other.role)
            assert one.support == pytest.approx(other.support, abs=1e-3)
    assert sum(one is not None for one in some.verdicts) < sum(one is not None for one in whole)
    assert some.provenance.seconds["diagnose"] > 0
    with pytest.raises(IndexError, match="the number of one of the answer's"):
        follow.diagnosed([99])
    assert len([v for v in follow.diagnosed().record.verdicts if v]) == len([v for v in whole if v])


class Stopper:
    """A stopping criterion that a person has pressed once."""

    def __init__(self):
        self.calls = 0

    def __call__(self, ids, scores, **keywords):
        self.calls += 1
        return torch.full((len(ids),), self.calls > 1)


def test_stop_of_one_answer_does_not_stop_the_next(explainer):
    stop = Stopper()
    follow = explainer.follow_up(OTHER, PROMPT, stopping_criteria=[stop], **PLAIN)
    assert len(follow.ids) == 2
    assert stop.calls == 2
    assert len(ids_of(follow.change(BOX).explanation)) > 2
    assert stop.calls == 2
    stopped = follow.change(BOX, stopping_criteria=[Stopper()]).explanation
    assert len(ids_of(stopped)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((Region.box(0, 0, 9, 9, view=3),), "a region of one of 1 views, got view 3"),
        ((BOX, "remove"), "a change of erase"),
        ((BOX, "erase", "black"), "a fill of blur"),
        ((BOX, "move"), "Expected `to` with change='move'"),
        ((BOX, "erase", "blur", (3, 4)), "Expected `to` with change='move'"),
        ((BOX, "move", "blur", (float("nan"), 4)), "coordinates that are finite"),
        ((BOX, "move", "blur", 4), "Expected `to` as x and y"),
        ((BOX, "move", "blur", (900, 4)), "beyond its edge"),
        ((Region.box(500, 0, 900, 9),), "on the picture of 120 x 80"),
    ],
)
def test_change_that_cannot_be_made_is_refused(follow, arguments, message):
    for ask in (follow.effect, follow.change):
        with pytest.raises(ParameterError, match=message):
            ask(*arguments)


def test_words_of_regions_that_part_the_picture_add_up(follow):
    explanation = follow.explanation
    halves = [Region.box(0, 0, 37.3, 80), Region.box(37.3, 0, 120, 80)]
    shares = [
        {found.index: found.share for found in explanation.words_from(half)} for half in halves
    ]
    for index, word in enumerate(explanation):
        total = shares[0][index] + shares[1][index]
        assert total == pytest.approx(1.0 if word.peak else 0.0, abs=1e-6)
    ranked = explanation.words_from(halves[0])
    assert [found.share for found in ranked] == sorted(
        (found.share for found in ranked), reverse=True
    )
    assert {found.index for found in ranked} == set(range(len(explanation)))
    for found in ranked:
        visual = found.word.visual_share
        assert found.amount == pytest.approx(found.share * (1 if visual is None else visual))


def test_region_of_a_word_is_where_its_map_is_and_all_of_it_at_level_zero(follow):
    for index, word in enumerate(follow.explanation):
        if word.box is None:
            continue
        assert word.region().bounds(PICTURE.size) == pytest.approx(word.box)
        everything = follow.explanation.words_from(word.region(level=0))
        share = {found.index: found.share for found in everything}[index]
        assert share == pytest.approx(1, abs=1e-6)
        peak = word.peak
        assert peak is not None
        coverage = word.region(0.99).coverage(follow.explanation.views[0].base_grid, PICTURE.size)
        assert coverage[np.unravel_index(word.heatmap.argmax(), word.heatmap.shape)] == 1
    with pytest.raises(ParameterError, match=r"a level in \[0, 1\)"):
        follow.explanation[0].region(1.0)
    with pytest.raises(ParameterError, match="one of 1 views, got 4"):
        follow.explanation[0].region(view=4)
    with pytest.raises(ParameterError, match="one of 1 views, got 1"):
        follow.explanation.words_from(Region.point(1, 1, view=1))


def test_whole_pictures_have_the_shares_of_their_views(explainer):
    explanation = explainer.explain([PICTURE, OTHER], PROMPT, **GIVEN)
    wholes = [Region.box(0, 0, *view.size, view=n) for n, view in enumerate(explanation.views)]
    for number, whole in enumerate(wholes):
        for found in explanation.words_from(whole):
            assert found.share == pytest.approx(found.word.shares[number], abs=1e-5)


def test_saved_explanation_can_be_asked_for_the_words_of_a_region(follow, tmp_path):
    opened = seewhy.open(follow.explanation.save(tmp_path / "one"))
    for one, other in zip(follow.explanation.words_from(BOX), opened.words_from(BOX), strict=True):
        assert one.index == other.index
        assert one.share == pytest.approx(other.share, abs=1e-3)


def test_saved_explanation_is_asked_about_with_its_own_pictures_alone(explainer, follow, tmp_path):
    opened = seewhy.open(follow.explanation.save(tmp_path / "one"))
    again = explainer.follow_up_on(opened, PICTURE, PROMPT, explain_prompt=False)
    for one, other in zip(again.effect(BOX).words, follow.effect(BOX).words, strict=True):
        assert one.lost == pytest.approx(other.lost, abs=1e-4)
    for wrong in (OTHER, noise(120, 80, 5).point(lambda level: 255 - level), [PICTURE, OTHER]):
        with pytest.raises(ParameterError, match="the pictures that the explanation is about"):
            explainer.follow_up_on(opened, wrong, PROMPT)


def test_thing_that_is_erased_takes_its_word_away_and_ranks_first_by_map():
    """With the shipped model, on a drawn scene with known masks."""
    sample = testbed.Testbed(split="heldout", count="1", captions="1").sample("heldout-0")
    follow = seewhy.load().follow_up(
        sample.image, sample.prompt, answer=sample.answer, explain_prompt=False
    )
    words = follow.explanation.record.words
    truths = {
        (truth.start, truth.end): truth for truth in sample.annotate(follow.explanation.answer)
    }
    about = [truths.get((word.start, word.end)) for word in words]
    index, truth = next(
        (n, truth) for n, truth in enumerate(about) if truth is not None and truth.role == "kind"
    )
    region = Region.mask(sample.masks[truth.regions[0]])
    own = {n for n, other in enumerate(about) if other and other.regions == truth.regions}
    assert follow.explanation.words_from(region)[0].index in own
    for fill in ("blur", "mean", "inpaint"):
        effect = follow.effect(region, fill=fill)
        lost, control = effect.words[index].lost, effect.words[index].control
        assert lost > 2
        assert control is not None
        assert control < 0.5
