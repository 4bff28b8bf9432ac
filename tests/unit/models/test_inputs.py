"""Inputs: equal to the real processor's, and the user's words found in them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import tiny_models
import torchvision_shim
from chat_templates import WORDS, family_with_template
from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import GeometryError, ModelError, PromptError
from seewhy.models import load, prepare

PROMPT = "What is to the left of the réd 🙂 star?"
SHAPES = [(150, 100), (100, 150), (400, 100), (90, 360), (64, 64), (33, 47), (5, 9), (700, 500)]
KINDS = ("qwen2-vl", "qwen2-5-vl")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {kind: tiny_models.save(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


@pytest.fixture(scope="module")
def real(folders):
    """What transformers' own processors make beside torchvision, in a process of its own."""
    if not torchvision_shim.available():
        pytest.fail(f"torchvision is not in {torchvision_shim.LOCATION}: run `make install`")
    pictures = [noise(*shape) for shape in SHAPES]
    return torchvision_shim.with_torchvision("tiny_models:real_inputs", folders, pictures, PROMPT)


def expect_equal(tensors, arrays):
    assert set(tensors) == set(arrays)
    for name, array in arrays.items():
        assert torch.equal(torch.as_tensor(tensors[name]), torch.as_tensor(array)), name


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_without_torchvision_equals_the_real_processor(kind, folders, real):
    family = load(folders[kind]).family
    for shape, made in zip(SHAPES, real[kind], strict=True):
        expect_equal(prepare(family, noise(*shape), PROMPT).tensors, made["pil"])


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_beside_torchvision_equals_the_real_processor(kind, real):
    for made in real[kind]:
        assert made["classes"] == [
            "Qwen2VLImageProcessorPil",
            "Qwen2VLImageProcessor",
            "Qwen2VLImageProcessor",
        ]
        expect_equal(made["ours"], made["default"])


@pytest.mark.parametrize("kind", KINDS)
def test_prepare_scales_alike_with_either_backend(kind, folders, real):
    family = load(folders[kind]).family
    for shape, made in zip(SHAPES, real[kind], strict=True):
        ours = prepare(family, noise(*shape), PROMPT, scale=0.5).tensors
        assert torch.equal(ours["input_ids"], torch.as_tensor(made["half"]["input_ids"]))
        torch.testing.assert_close(
            ours["pixel_values"], torch.as_tensor(made["half"]["pixel_values"]), atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("name", ["internvl", "llava"])
@pytest.mark.parametrize("shape", SHAPES[:5])
def test_prepare_equals_the_real_processor_of(name, shape):
    model, processor = BUILDERS[name]()
    real = tiny_models.call(processor, noise(*shape), PROMPT)
    ours = prepare(load((model, processor)).family, noise(*shape), PROMPT).tensors
    expect_equal(ours, {key: value for key, value in real.items() if key in ours})
    assert set(real) - set(ours) <= {"num_patches"}  # nothing that the model takes is left out


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize(
    "prompt", ["star", "user", "image", " What is\n\n it?  ", PROMPT, "assistant\nuser"]
)
def test_prepare_finds_the_users_own_words(name, prompt):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(60, 60), prompt)
    words = "".join(prompt[start:end] for start, end in inputs.prompt_spans)
    assert words.strip() == prompt.strip()
    starts, ends = zip(*inputs.prompt_spans, strict=True)
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    ids = inputs.tensors["input_ids"][0, inputs.prompt_positions]
    decoded = loaded.processor.tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    assert decoded.strip() == prompt.strip()
    assert bool((inputs.prompt_positions[1:] - inputs.prompt_positions[:-1] == 1).all())
    assert int(inputs.prompt_positions[0]) > int(inputs.visual_positions[-1])


@pytest.mark.parametrize("name", sorted(BUILDERS))
@pytest.mark.parametrize("prompt", ["", "  ", "\n"])
def test_prepare_refuses_a_blank_prompt(name, prompt):
    with pytest.raises(PromptError, match="Expected a prompt with words in it"):
        prepare(shared(name).family, noise(60, 60), prompt)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_prepare_refuses_special_tokens_in_the_prompt(name):
    loaded = shared(name)
    tokenizer = loaded.processor.tokenizer
    image = tokenizer.convert_ids_to_tokens(loaded.family.image_token_id)
    for token in (image, tokenizer.eos_token, tokenizer.pad_token):
        with pytest.raises(PromptError, match="special token"):
            prepare(loaded.family, noise(60, 60), f"What is{token}this?")


def test_prepare_refuses_half_of_a_character_in_the_prompt():
    with pytest.raises(PromptError, match="Expected a prompt of whole characters"):
        prepare(shared("llava").family, noise(60, 60), "What is \ud83d?")


def test_prepare_refuses_a_processor_of_another_checkpoint():
    model, processor = tiny_models.build()
    other = tiny_models.image_processor()
    other.merge_size = 1
    loaded = load((model, replace(processor, image_processor=other)))
    with pytest.raises(GeometryError, match="Expected a processor with patches of 4 pixels, 2 x 2"):
        prepare(loaded.family, noise(60, 40), "What?")


def test_prepare_counts_image_tokens_against_the_geometry(monkeypatch):
    loaded = load(tiny_models.build())
    process_image = type(loaded.family).process_image
    monkeypatch.setattr(
        type(loaded.family),
        "process_image",
        lambda self, image, scale=1.0: replace(
            process_image(self, image, scale), placeholder=self.default_marker * 3
        ),
    )
    with pytest.raises(GeometryError, match=r"Expected 40 image tokens .* got 3 .*60 x 40 pixels"):
        prepare(loaded.family, noise(60, 40), "What?")


def test_prepare_leaves_out_image_tokens_without_pixels(monkeypatch):
    loaded = load(tiny_models.build())
    process_image = type(loaded.family).process_image

    def with_newline(self, image, scale=1.0):
        visual = process_image(self, image, scale)
        return replace(
            visual, placeholder=visual.placeholder + self.default_marker, non_spatial=(40,)
        )

    monkeypatch.setattr(type(loaded.family), "process_image", with_newline)
    inputs = prepare(loaded.family, noise(60, 40), "What?")
    assert len(inputs.visual_positions) == 40
    count = int((inputs.tensors["input_ids"] == loaded.family.image_token_id).sum())
    assert count == 41


@pytest.mark.parametrize(("marks", "found"), [("", 0), ("<|image_pad|>" * 2, 2)])
def test_prepare_refuses_a_template_without_a_marker_for_each_image(marks, found):
    family = family_with_template(marks + WORDS)
    with pytest.raises(
        ModelError,
        match=rf"Expected 1 '<\|image_pad\|>' for the images in .* got {found} in .*qwen2",
    ):
        prepare(family, noise(60, 40), "What?")


def test_prepare_refuses_a_template_that_rewrites_the_words():
    shouting = tiny_models.TEMPLATE.replace("part['text']", "part['text'] | upper")
    with pytest.raises(PromptError, match=r"Expected the words \['What\?'\].*changes or leaves"):
        prepare(family_with_template(shouting), noise(60, 40), "What?")


def test_prepare_follows_a_template_that_trims():
    model, processor = tiny_models.build()
    trimming = tiny_models.TEMPLATE.replace("part['text']", "part['text'] | trim")
    loaded = load((model, replace(processor, template=trimming)))
    inputs = prepare(loaded.family, noise(60, 40), "  What is it? ")
    assert inputs.prompt == "  What is it? "
    assert "".join(inputs.prompt[a:b] for a, b in inputs.prompt_spans) == "What is it?"
