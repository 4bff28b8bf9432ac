"""The models that ship: ordinary folders, and no better on their cards than on the bench."""

import json
import math
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoTokenizer

import seewhy
from seewhy.functional import auc
from seewhy.models import load, prepare
from seewhy.testbed.captions import ONE_SENTENCE, captions
from seewhy.testbed.habits import HABITS
from seewhy.testbed.pretrained import DEFAULT, pretrained
from seewhy.testbed.recipe.corpus import render
from seewhy.testbed.recipe.evaluation import accuracies, habit_figures
from seewhy.testbed.recipe.vocabulary import split_share
from seewhy.testbed.scenes import draw, scene
from torchvision_shim import with_torchvision
from whole_models import whole_models

SCENES = 40
KINDS = {
    "tiny-qwen2-vl": ("Qwen2VLForConditionalGeneration", "Qwen2VLProcessor"),
    "tiny-llava": ("LlavaForConditionalGeneration", "LlavaProcessor"),
    "tiny-internvl": ("InternVLForConditionalGeneration", "InternVLProcessor"),
}
"""Classes of transformers that a folder must load as; a biased model as its base."""


@pytest.fixture(scope="module", params=sorted(whole_models()))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def folder(name):
    return pretrained()[name]


@pytest.fixture(scope="module")
def loaded(folder):
    return load(folder)


@pytest.fixture(scope="module")
def figures(folder):
    return json.loads((folder / "figures.json").read_text())


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """A folder of held-out scenes: drawn once for all models."""
    folder = tmp_path_factory.mktemp("scenes")
    render(folder, 0, SCENES, split="heldout")
    return folder


def drawn_picture(index):
    return Image.fromarray(draw(scene(index, "heldout")).image)


def test_all_models_of_the_laboratory_ship():
    assert DEFAULT in pretrained()
    assert set(KINDS) <= set(whole_models()) <= set(KINDS) | set(HABITS)


def test_shipped_folder_is_small_and_holds_no_code(folder):
    files = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sum(files.values()) <= 16 * 2**20
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(files)
    assert not [name for name in files if name.endswith((".py", ".bin", ".pt"))]


def test_shipped_weights_take_16_bit(name, folder):
    model = AutoModelForImageTextToText.from_pretrained(folder)
    assert type(model).__name__ == KINDS[name.removesuffix("-biased")][0]
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_shipped_model_speaks_through_the_real_processor(name, folder, loaded):
    picture = drawn_picture(3)
    processor, ids, answer = with_torchvision(
        "pretrained_model:real_answer", str(folder), picture, ONE_SENTENCE
    )
    assert processor == KINDS[name.removesuffix("-biased")][1]
    own = prepare(loaded.family, picture, ONE_SENTENCE)
    assert own.tensors["input_ids"].tolist() == ids
    ours = seewhy.load(name, dtype="float32")
    explained = ours.explain(picture, ONE_SENTENCE, method="logit-lens")
    assert explained.answer == answer.strip()


@cache
def complaints_without_torchvision():
    """What loading each processor says where torchvision is not installed; "" if nothing."""
    code = (
        "import json, sys; sys.modules['torchvision'] = None  # how Python marks absence\n"
        "from transformers import AutoProcessor\n"
        "said = {}\n"
        "for folder in sys.argv[1:]:\n"
        "    try: said[folder] = AutoProcessor.from_pretrained(folder) and ''\n"
        "    except Exception as error: said[folder] = str(error)\n"
        "print(json.dumps(said))"
    )
    words = [sys.executable, "-c", code, *map(str, whole_models().values())]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout)


def test_card_says_whether_its_snippet_needs_torchvision(folder):
    complaint, card = (
        complaints_without_torchvision()[str(folder)],
        (folder / "README.md").read_text(),
    )
    if complaint:
        assert "torchvision" in complaint.lower()
        assert "needs torchvision: `pip install" in card
    else:
        assert "needs no torchvision" in card


def test_shipped_tokenizer_splits_a_tenth_of_the_content_words(folder):
    assert split_share(AutoTokenizer.from_pretrained(folder)) >= 0.1


def test_shipped_accuracy_is_what_the_card_says(loaded, figures, scenes):
    measured = accuracies(loaded, scenes, count=SCENES)
    claimed = figures["heldout"]
    for name, trials in (("caption 1", SCENES), ("answers", 6 * SCENES), ("kind", 6 * SCENES)):
        rate = claimed[name]
        slack = 4 * math.sqrt(rate * (1 - rate) / trials) + 0.01
        assert abs(measured[name] - rate) <= slack, (name, measured[name], rate)


def test_shipped_model_answers_exactly_where_teacher_forcing_says_so(name, loaded, scenes):
    explainer, right = seewhy.load(name), 0
    for index in range(8):
        drawn = scene(index, "heldout")
        picture = draw(drawn)
        said = captions(drawn, picture)[0]
        found = explainer.explain(picture.image, said.prompt, method="logit-lens")
        right += found.answer == said.text
    forced = accuracies(loaded, scenes, count=8)["caption 1"]
    # Two arithmetic paths in 16 bit may differ on a choice that is a toss-up.
    assert abs(right - round(8 * forced)) <= 1


def test_shipped_lens_finds_the_things_that_are_named(name, loaded):
    explainer, found = seewhy.load(name), []
    for index in range(12):
        drawn = scene(index, "heldout")
        picture = draw(drawn)
        said = captions(drawn, picture)[0]
        explained = explainer.explain(
            picture.image, said.prompt, answer=said.text, method="logit-lens"
        )
        by_start = {word.start: word for word in explained}
        for mention in said.mentions:
            if mention.role == "kind":
                heat = torch.from_numpy(by_start[mention.start].heatmap)[None, None]
                size = picture.image.shape[:2]
                heat = torch.nn.functional.interpolate(heat, size, mode="bilinear")[0, 0]
                mask = torch.from_numpy(picture.masks[list(mention.objects)].any(0))
                found.append(float(auc(heat, mask)))
    assert np.mean(found) > 0.75


def test_card_shows_the_measured_figures(folder, figures):
    card = (folder / "README.md").read_text()
    for name, group in (("kind", "heldout"), ("caption 1", "heldout"), ("tokens", "unseen")):
        assert re.search(rf"{100 * figures[group][name]:.1f}", card)


@pytest.mark.parametrize("name", [name for name in HABITS if name in pretrained()])
def test_biased_model_follows_its_habit_as_its_card_says(name):
    habit, folder = HABITS[name], pretrained()[name]
    told = json.loads((folder / "figures.json").read_text())["habit"]["said"]
    measured = habit_figures(load(folder), habit, count=SCENES)["said"]
    assert abs(measured - told) <= 4 * math.sqrt(told * (1 - told) / SCENES) + 0.01
    base = load(pretrained()[name.removesuffix("-biased")])
    assert habit_figures(base, habit, count=SCENES)["said"] < measured / 2
