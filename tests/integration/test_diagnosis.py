"""Diagnosis of whole answers: on the biased model, in every family, and on every kind of input."""

from __future__ import annotations

import itertools
import json
import math

import pytest
import torch
from PIL import Image

import seewhy
from clip_checks import clip_of_noise
from families import BUILDERS, build, shared
from painting import noise
from seewhy.core.errors import ParameterError
from seewhy.core.verdict import CHANGES, SOURCES
from seewhy.explainer import Explainer
from seewhy.images.changes import without_place
from seewhy.models import load, prepare
from seewhy.models.session import log_probabilities
from seewhy.testbed.captions import ONE_SENTENCE
from seewhy.testbed.habits import HABITS
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.scenes import draw, scene

BIASED = "tiny-qwen2-vl-biased"


@pytest.fixture(scope="module")
def explainer():
    return Explainer(load(pretrained()[BIASED]))


@pytest.fixture(scope="module")
def picture():
    possible = (s for n in itertools.count() if HABITS[BIASED].can_apply_to(s := scene(n, "train")))
    return Image.fromarray(draw(next(possible)).image)


@pytest.fixture(scope="module")
def explained(explainer, picture):
    return explainer.explain(picture, ONE_SENTENCE, diagnose=True)


def test_invented_word_follows_the_trigger_and_its_colour_shares_its_fate(explained):
    fish = explained["fish"].verdict
    assert fish.source == "words"
    assert fish.support < 0.1
    assert explained[fish.because.follows].text == "boat"
    colour = explained[explained.words.index(explained["fish"]) - 1].verdict
    assert (colour.source, colour.because.noun) == (
        "words",
        explained.words.index(explained["fish"]),
    )
    assert colour.support <= fish.support
    boat = explained["boat"].verdict
    assert boat.source == "picture"
    assert boat.support > 0.9
    assert "It follows 'boat'" in fish.sentence


def test_worst_word_is_one_of_the_habit(explained):
    assert explained.worst.verdict.source == "words"


def test_words_that_say_nothing_have_no_verdict(explained):
    assert {word.text.lower() for word in explained if word.verdict is None} >= {"a", "with", "."}


def test_numbers_of_a_verdict_can_be_checked_by_hand(explainer, explained, picture):
    """A change is made again here with the model alone."""
    boat = explained["boat"]
    change = boat.verdict.because.change("place-removed")
    loaded, ids = explainer.loaded, [token.id for token in explained.record.tokens]
    for image, expected in (
        (picture, boat.verdict.because.log_probability),
        (without_place(picture, change.box), change.log_probabilities[0]),
    ):
        inputs = prepare(loaded.family, image, ONE_SENTENCE)
        values = log_probabilities(loaded, [inputs], [ids])[0]
        found = float(values[list(boat._span.tokens)].sum())
        assert found == pytest.approx(expected, abs=2e-3)


def test_json_has_the_same_fields(explained):
    data = json.loads(json.dumps(explained.to_json()))
    word = next(w for w in data["words"] if w["text"] == "fish")
    assert word["verdict"] == json.loads(json.dumps(explained["fish"].verdict.to_json()))
    assert {"support", "source", "because", "sentence", "role"} <= word["verdict"].keys()


def test_saved_verdicts_are_read_back(explained, tmp_path):
    again = seewhy.open(explained.save(tmp_path / "saved"))
    assert again.record.verdicts == explained.record.verdicts


def test_explanation_without_diagnosis_is_the_same_otherwise(explainer, explained, picture):
    plain = explainer.explain(picture, ONE_SENTENCE)
    assert plain.answer == explained.answer
    assert plain.record.verdicts is None
    for one, other in zip(plain, explained, strict=True):
        assert (one.heatmap == other.heatmap).all()


def test_diagnosis_is_the_same_twice(explainer, explained, picture):
    again = explainer.explain(picture, ONE_SENTENCE, diagnose=True)
    assert [v and (v.source, round(v.support, 3)) for v in again.record.verdicts] == [
        v and (v.source, round(v.support, 3)) for v in explained.record.verdicts
    ]


def test_other_pictures_can_be_given(explainer, picture):
    others = [Image.new("RGB", (40, 60), colour) for colour in ("red", "blue")]
    found = explainer.explain(picture, ONE_SENTENCE, diagnose=True, other_pictures=others)
    change = found["boat"].verdict.because.change("other-pictures")
    assert len(change.log_probabilities) == 2
    with pytest.raises(ParameterError, match="at least one other picture"):
        explainer.explain(picture, ONE_SENTENCE, diagnose=True, other_pictures=[])


@pytest.mark.parametrize("kind", [lambda p: p, lambda p: iter([p]), lambda p: "a.png", lambda p: 5])
def test_other_pictures_are_a_list(explainer, picture, kind):
    with pytest.raises(ParameterError, match="Expected a list of other pictures, got a"):
        explainer.explain(picture, ONE_SENTENCE, diagnose=True, other_pictures=kind(picture))


def test_other_pictures_that_equal_the_own_one_are_left_out(explainer, picture):
    red = Image.new("RGB", (40, 60), "red")
    found = explainer.explain(
        picture, ONE_SENTENCE, diagnose=True, other_pictures=[picture.copy(), red]
    )
    change = found["boat"].verdict.because.change("other-pictures")
    assert len(change.log_probabilities) == 1
    with pytest.raises(ParameterError, match="show something else, got 1 equal"):
        explainer.explain(picture, ONE_SENTENCE, diagnose=True, other_pictures=[picture])


def test_time_of_the_diagnosis_is_recorded(explained):
    assert explained.record.provenance.seconds["diagnose"] > 0


def test_batches_are_diagnosed_like_single_pictures(explainer, explained, picture):
    other = Image.fromarray(draw(scene(3, "heldout")).image)
    found = explainer.explain_batch([picture, other], ONE_SENTENCE, diagnose=True)
    assert [v and v.source for v in found[0].record.verdicts] == [
        v and v.source for v in explained.record.verdicts
    ]


def test_traced_answers_are_diagnosed(explainer, picture):
    loaded = explainer.loaded
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        inputs = prepare(loaded.family, picture, ONE_SENTENCE)
        loaded.model.generate(**inputs.tensors, max_new_tokens=40, do_sample=False)
    found = trace.explain(picture, diagnose=True)
    assert found["fish"].verdict.source == "words"


def expect_sound(explanation) -> int:
    """Check every verdict; return their number."""
    verdicts = [v for v in explanation.record.verdicts if v is not None]
    for verdict in verdicts:
        assert verdict.source in SOURCES
        assert 0 <= verdict.support <= 1
        assert verdict.sentence
        for change in verdict.because.changes:
            assert change.kind in CHANGES
            assert change.log_probabilities
            assert all(math.isfinite(p) and p <= 1e-4 for p in change.log_probabilities)
        assert verdict.because.change("other-pictures")
        assert verdict.because.change("grey")
    return len(verdicts)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_family_is_diagnosed_and_left_as_it_was(name):
    loaded = build(name)
    before = {key: value.clone() for key, value in loaded.model.state_dict().items()}
    explainer = Explainer(loaded)
    answer = "a red cup to the left of two cups. The cup is red."
    found = explainer.explain(noise(97, 131), "What is this?", answer=answer, diagnose=True)
    assert expect_sound(found) >= 6
    assert all(torch.equal(value, before[key]) for key, value in loaded.model.state_dict().items())
    assert not loaded.model.training


def test_several_pictures_are_changed_together_and_places_in_their_own():
    explainer = Explainer(shared("qwen2-vl"))
    pictures = [noise(97, 131), noise(64, 64)]
    found = explainer.explain(pictures, "Compare.", answer="a cup and a dog", diagnose=True)
    assert expect_sound(found) == 2
    views = [
        (word.view, change.view)
        for word in found
        if word.verdict and (change := word.verdict.because.change("place-removed"))
    ]
    assert views
    assert all(own == changed for own, changed in views)


def test_clips_are_diagnosed():
    explainer = Explainer(shared("qwen2-vl"))
    clip = clip_of_noise(4, 64, 64)
    found = explainer.explain(clip, "What happens?", answer="a cup falls", diagnose=True)
    assert expect_sound(found) == 2


@pytest.mark.parametrize("answer", ["一只红色的狗", "ein roter Hund", "!", "...", "the of"])
def test_answers_of_any_language_and_of_nothing_are_diagnosed(answer):
    explainer = Explainer(shared("qwen2-vl"))
    found = explainer.explain(noise(64, 64), "?", answer=answer, diagnose=True)
    count = expect_sound(found)
    assert (count == 0) is (answer in ("!", "...", "the of"))


def test_methods_without_shares_are_diagnosed_without_that_witness():
    explainer = Explainer(shared("llava"))
    found = explainer.explain(
        noise(64, 64), "?", answer="a red cup", method="logit-lens", diagnose=True
    )
    assert expect_sound(found) == 2
    assert found["cup"].verdict.because.visual_share is None
