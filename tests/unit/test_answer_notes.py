"""What a reader must know: the package's models, loops, ends of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

import seewhy
import tiny_models
from painting import noise
from seewhy.answer_notes import (
    UNFINISHED,
    foreign_pictures,
    repetition,
    shipped,
    shipped_name,
)
from seewhy.cli.main import main
from seewhy.core.errors import ShippedModelWarning
from seewhy.core.text import words_of
from seewhy.images import read_clip
from seewhy.models import load
from seewhy.models.capture import GenerateCall
from seewhy.models.captured_prompt import ends
from seewhy.models.processing import load_processor
from seewhy.testbed.pretrained import DEFAULT, pretrained
from seewhy.testbed.scenes import draw, scene

OPTIONS = {"method": "logit-lens", "explain_prompt": False}
FOREIGN = "ships with seewhy for tests and knows drawn scenes only"
PHOTOGRAPHS = Path("/work/shared/real_samples/coco/image")


def scene_image(index: int = 0) -> Image.Image:
    return Image.fromarray(draw(scene(index, "heldout")).image)


@pytest.fixture(scope="module")
def explainer() -> seewhy.Explainer:
    return seewhy.load()


@pytest.fixture(scope="module")
def other() -> seewhy.Explainer:
    """A model that does not ship with the package."""
    return seewhy.load(tiny_models.build())


# --- the package's models --------------------------------------------------------------------


@pytest.mark.parametrize("name", pretrained())
def test_model_of_the_package_is_known_by_name_and_by_folder(name):
    folder = pretrained()[name]
    assert [shipped(model) for model in (name, folder, str(folder), f"{folder}/")] == [name] * 4


@pytest.mark.parametrize("model", [None, "", "Qwen/Qwen2-VL-2B-Instruct", "/", "no/such/folder"])
def test_other_models_are_not_of_the_package(model):
    assert shipped(model) == ""


def test_model_that_was_loaded_by_hand_is_known():
    folder = pretrained()["tiny-llava"]
    pair = AutoModelForImageTextToText.from_pretrained(folder), load_processor(str(folder))
    assert shipped_name(load(pair)) == "tiny-llava"


def test_other_model_is_told_from_those_of_the_package(other):
    assert shipped_name(other.loaded) == ""
    assert foreign_pictures(other.loaded, [noise(60, 40)]) == ""


@pytest.mark.parametrize(
    ("picture", "is_foreign"),
    [
        (scene_image(), False),
        (noise(60, 40), True),
        (Image.new("RGB", (160, 160), "white"), True),
        (read_clip([scene_image()] * 2), False),
        (read_clip([scene_image(), noise(*scene_image().size)]), True),
    ],
)
def test_pictures_that_the_package_does_not_know_are_foreign(explainer, picture, is_foreign):
    told = foreign_pictures(explainer.loaded, [scene_image(), picture])
    assert (FOREIGN in told) == is_foreign


def test_explanation_of_a_foreign_picture_is_warned_of_first(explainer, tmp_path):
    with pytest.warns(ShippedModelWarning, match=FOREIGN) as caught:
        made = explainer.explain(noise(64, 48), max_new_tokens=2, **OPTIONS)
    assert caught[0].filename == __file__
    assert FOREIGN in made.warnings[0]
    assert made.notes[0] == made.warnings[0]
    assert made.to_json()["warnings"] == list(made.warnings)
    assert seewhy.open(made.save(tmp_path / "made")).warnings == made.warnings
    page = (tmp_path / "made" / "report.html").read_text("utf-8")
    assert page.index(FOREIGN) < page.index('id="payload"')


def test_every_way_to_a_foreign_picture_is_warned_of(explainer):
    picture = noise(64, 48)
    chat = [{"role": "user", "content": [{"type": "image", "image": picture}, "What?"]}]
    for call in (
        lambda: explainer.explain(messages=chat, answer="A star.", **OPTIONS),
        lambda: explainer.explain_batch([picture] * 2, answers=["A star."] * 2, **OPTIONS)[1],
        lambda: explainer.explain([scene_image(), picture], answer="A star.", **OPTIONS),
    ):
        with pytest.warns(ShippedModelWarning, match=FOREIGN):
            assert FOREIGN in call().warnings[0]


def test_drawn_scenes_are_explained_without_a_word(explainer):
    made = explainer.explain(scene_image(), answer="A red umbrella.", **OPTIONS)
    assert (made.warnings, made.notes) == ((), ())


def test_photographs_are_warned_of(explainer):
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"{PHOTOGRAPHS} is not at hand: no photographs to show")
    picture = next(iter(sorted(PHOTOGRAPHS.glob("*.jpg"))))
    with pytest.warns(ShippedModelWarning, match=FOREIGN):
        explainer.explain(picture, answer="A street.", **OPTIONS)


def picture_file(folder: Path) -> str:
    noise(64, 48).save(folder / "photo.png")
    return str(folder / "photo.png")


def test_command_line_warns_before_the_model_is_loaded(tmp_path, capsys):
    words = ["explain", picture_file(tmp_path), "--max-new-tokens", "2", "--json"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err.count(FOREIGN) == 1
    assert err.index(f"seewhy: warning: The model {DEFAULT} {FOREIGN}") < err.index("loading")
    assert FOREIGN in json.loads(out)["warnings"][0]


def test_command_line_says_it_at_the_top(tmp_path, capsys):
    words = ["explain", picture_file(tmp_path), "--answer", "A star.", "--out", f"{tmp_path}/out"]
    assert main([*words, "--model", "tiny-llava", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.strip().startswith("The model tiny-llava ships with seewhy for tests")


# --- loops and ends --------------------------------------------------------------------------


def words(text: str):
    spans, end = [], 0
    for piece in text.split(" "):
        start = text.index(piece, end)
        end = start + len(piece)
        spans.append((start, end))
    return words_of(text, spans)


def test_repetition_names_what_is_repeated():
    told = repetition(words("There is a large large large large large large"))
    assert told.startswith("The answer repeats itself: “large” 6 times in a row.")
    told = repetition(words("a red star and " * 4 + "a"))
    assert "“a red star and” 4 times in a row" in told
    assert repetition(words("A red star and a blue star.")) == ""


def test_long_loop_is_shown_in_part():
    phrase = " ".join(f"longword{letter}" for letter in "abcdefghij") + " "
    assert "...” 3 times" in repetition(words(phrase * 3))


def test_repetition_of_a_given_answer_is_told(other):
    made = other.explain(noise(60, 40), answer="A " + "red " * 9, **OPTIONS)
    assert made.warnings[0].startswith("The answer repeats itself: “red” 9 times")


def test_answer_that_was_cut_off_is_told_first(other):
    made = other.explain(noise(60, 40), max_new_tokens=3, **OPTIONS)
    assert len(made.record.tokens) == 3
    assert made.warnings[-1] == "The answer was cut off after 3 tokens."
    assert made.notes[: len(made.warnings)] == made.warnings


def test_answer_without_words_is_told(other):
    made = other.explain(noise(60, 40), answer="...", **OPTIONS)
    assert made.warnings == ("The answer holds no words.",)


def test_captured_answer_that_was_cut_off_is_told(other):
    loaded = other.loaded
    inputs = seewhy.models.prepare(loaded.family, noise(60, 40), "What?")
    with seewhy.trace(loaded.model, loaded.processor) as trace:
        loaded.model.generate(**inputs.tensors, max_new_tokens=3, do_sample=False)
    assert UNFINISHED in trace.explain(noise(60, 40), **OPTIONS).warnings


@pytest.mark.parametrize("pads", [0, 1, 3])
def test_sequence_with_an_end_token_or_padding_has_ended(other, pads):
    loaded = other.loaded
    end = loaded.processor.tokenizer.eos_token_id
    sequences = torch.tensor([[5, 6, 7, *[end] * pads], [5, 6, 7, *[8] * pads]])
    call = GenerateCall({"input_ids": torch.tensor([[5], [5]])}, sequences)
    assert [ends(loaded, call, number) for number in (0, 1)] == [pads > 0, False]
