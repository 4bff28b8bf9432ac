"""The model that ships: an ordinary folder, and no better on its card than on the bench."""

import json
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoTokenizer

import seewhy
from seewhy.api import SHIPPED, _checkpoint
from seewhy.functional import auc
from seewhy.models import load, prepare
from seewhy.testbed.captions import ONE_SENTENCE, captions
from seewhy.testbed.recipe.evaluation import accuracies
from seewhy.testbed.recipe.vocabulary import split_share
from seewhy.testbed.scenes import draw, scene
from torchvision_shim import with_torchvision

FOLDER = _checkpoint(SHIPPED)
SCENES = 40


@pytest.fixture(scope="module")
def loaded():
    return load(FOLDER)


@pytest.fixture(scope="module")
def figures():
    return json.loads((FOLDER / "figures.json").read_text())


def drawn_picture(index):
    return Image.fromarray(draw(scene(index, "heldout")).image)


def test_shipped_folder_is_small_and_holds_no_code():
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert sum(files.values()) <= 16 * 2**20
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(files)
    assert not [name for name in files if name.endswith((".py", ".bin", ".pt"))]


def test_shipped_weights_take_16_bit():
    model = AutoModelForImageTextToText.from_pretrained(FOLDER)
    assert type(model).__name__ == "Qwen2VLForConditionalGeneration"
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}


def test_shipped_model_speaks_through_the_real_processor(loaded):
    picture = drawn_picture(3)
    name, ids, answer = with_torchvision(
        "shipped_model:real_answer", str(FOLDER), picture, ONE_SENTENCE
    )
    assert name == "Qwen2VLProcessor"
    own = prepare(loaded.family, picture, ONE_SENTENCE)
    assert own.tensors["input_ids"].tolist() == ids
    explained = seewhy.load().explain(picture, ONE_SENTENCE, method="logit-lens")
    assert explained.answer == answer.strip()


def test_shipped_tokenizer_splits_a_tenth_of_the_content_words():
    assert split_share(AutoTokenizer.from_pretrained(FOLDER)) >= 0.1


def test_shipped_accuracy_is_what_the_card_says(loaded, figures, tmp_path):
    measured = accuracies(loaded, tmp_path, count=SCENES)
    claimed = figures["heldout"]
    for name, trials in (("caption 1", SCENES), ("answers", 6 * SCENES), ("kind", 6 * SCENES)):
        rate = claimed[name]
        slack = 4 * math.sqrt(rate * (1 - rate) / trials) + 0.01
        assert abs(measured[name] - rate) <= slack, (name, measured[name], rate)


def test_shipped_model_answers_exactly_where_teacher_forcing_says_so(loaded, tmp_path):
    explainer, right = seewhy.load(), 0
    for index in range(8):
        drawn = scene(index, "heldout")
        picture = draw(drawn)
        said = captions(drawn, picture)[0]
        found = explainer.explain(picture.image, said.prompt, method="logit-lens")
        right += found.answer == said.text
    forced = accuracies(loaded, tmp_path, count=8)["caption 1"]
    # Two arithmetic paths in 16 bit may differ on a choice that is a toss-up.
    assert abs(right - round(8 * forced)) <= 1


def test_shipped_lens_finds_the_things_that_are_named(loaded):
    explainer, found = seewhy.load(), []
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
                mask = torch.from_numpy(picture.masks[list(mention.things)].any(0))
                found.append(float(auc(heat, mask)))
    assert np.mean(found) > 0.75


def test_card_shows_the_measured_figures(figures):
    card = (FOLDER / "README.md").read_text()
    for name, group in (("kind", "heldout"), ("caption 1", "heldout"), ("tokens", "unseen")):
        assert re.search(rf"{100 * figures[group][name]:.1f}", card)
