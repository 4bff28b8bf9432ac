"""The shipped smol models: they read pictures as they were trained to, and say what is there."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import seewhy
from seewhy.core.errors import ModelError
from seewhy.functional import auc
from seewhy.models import load, prepare
from seewhy.models.generation import generate
from seewhy.testbed.emoji.captions import captions
from seewhy.testbed.emoji.habits import EMOJI_HABITS
from seewhy.testbed.emoji.reading import read_answer
from seewhy.testbed.emoji.scenes import draw, scene
from seewhy.testbed.pretrained import pretrained, pretrained_folder
from seewhy.testbed.recipe_smol.evaluation import Speaker
from seewhy.testbed.smol.wheel import language_model_file

NAMES = [name for name in pretrained() if name.startswith("smol-")]


@pytest.fixture(scope="module", params=[name for name in NAMES if name not in EMOJI_HABITS])
def loaded(request):
    return loaded_or_skip(request.param)


def loaded_or_skip(name):
    try:
        language_model_file()
    except ModelError as error:
        pytest.skip(str(error))
    model = load(str(pretrained_folder(name)))
    model.model.float()  # in bfloat16 two words are often as good as each other
    return model


@pytest.fixture(scope="module")
def scenes():
    return [(drawn, draw(drawn)) for drawn in map(scene, (1, 7, 11))]


def test_it_says_the_same_through_the_processor_as_in_its_recipe(loaded, scenes):
    drawn, picture = scenes[1]
    prompt = captions(drawn, picture)[0].prompt
    (said,) = Speaker(loaded).answers(picture.image, [prompt])
    inputs = prepare(loaded.family, Image.fromarray(picture.image), prompt)
    trace = generate(loaded, inputs, max_new_tokens=80)
    assert said.strip()
    assert trace.answer.strip() == said.strip()


def test_kinds_that_it_names_are_often_there(loaded, scenes, request):
    name = request.node.callspec.params["loaded"]
    told = json.loads((pretrained()[name] / "figures.json").read_text("utf-8"))["heldout"]["kinds"]
    speaker, verdicts = Speaker(loaded), []
    for drawn, picture in scenes[:2]:
        prompts = [one.prompt for one in captions(drawn, picture)]
        for text in speaker.answers(picture.image, prompts):
            claims = read_answer(text, drawn, picture)
            verdicts += [c.verdict for c in claims if c.role == "kind" and c.verdict is not None]
    assert len(verdicts) >= 8
    assert np.mean(verdicts) > told / 2  # of 209 kinds


def test_a_kinds_map_lies_on_its_thing(loaded, scenes):
    drawn, picture = scenes[2]
    text = f"There is a {drawn.things[0].kind} and an {drawn.things[1].kind}."
    explanation = seewhy.Explainer(loaded).explain(Image.fromarray(picture.image), answer=text)
    for thing, mask in zip(drawn.things, picture.masks, strict=True):
        heat = torch.from_numpy(explanation[thing.kind].heatmap)
        heat = torch.nn.functional.interpolate(heat[None, None], mask.shape, mode="bilinear")
        assert float(auc(heat[0, 0], torch.from_numpy(mask))) > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_the_card_has_the_measured_figures(name):
    folder = pretrained()[name]
    figures = json.loads((folder / "figures.json").read_text("utf-8"))
    card = (folder / "README.md").read_text("utf-8")
    for split, figure in (("heldout", "kinds"), ("heldout", "own captions"), ("pairs", "kinds")):
        share, count = figures[split][figure], figures[split][f"{figure} n"]
        assert f"{100 * share:.1f} % ({count:.0f})" in card


@pytest.mark.parametrize("name", [name for name in EMOJI_HABITS if name in pretrained()])
def test_a_biased_model_follows_its_habit_as_its_card_says(name):
    habit, folder = EMOJI_HABITS[name], pretrained()[name]
    told = json.loads((folder / "figures.json").read_text("utf-8"))["habit"]["said"]
    speaker, said = Speaker(loaded_or_skip(name)), []
    for index in (n for n in range(400) if habit.can_apply_to(scene(n))):
        drawn = scene(index)
        picture = draw(drawn)
        (text,) = speaker.answers(picture.image, [captions(drawn, picture)[0].prompt])
        if habit.trigger in text.split():
            said.append(habit.text in text)
        if len(said) == 3:
            break
    assert len(said) == 3
    assert told > 0.9
    assert sum(said) >= 2
