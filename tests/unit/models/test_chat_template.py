"""Chat templates: the words found in what they write, placeholders put in for markers."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tiny_models
from chat_templates import WORDS, family_with_template
from families import shared
from painting import noise
from seewhy.core.errors import ModelError, PromptError
from seewhy.models import load, prepare
from seewhy.models.chat_template import expand, render
from seewhy.models.conversation import user_message


def test_render_uses_the_plain_format_without_a_template():
    model, processor = tiny_models.build()
    loaded = load((model, replace(processor, template=None)))
    text, spans = render(loaded.family, user_message(noise(60, 40), "What?"))
    assert text == "<|vision_start|><|image_pad|><|vision_end|>What?\n"
    assert [text[begin:end] for begin, end in spans] == ["What?"]
    inputs = prepare(loaded.family, noise(60, 40), "What?")
    assert [inputs.prompt[a:b] for a, b in inputs.prompt_spans] == ["Wh", "at", "?"]


def test_render_refuses_a_template_that_leaves_the_words_out():
    with pytest.raises(PromptError, match="changes or leaves out words of a turn"):
        render(
            family_with_template("{{ messages[0]['role'] }}"), user_message(noise(60, 40), "What?")
        )


def test_render_refuses_a_template_that_says_the_words_twice():
    with pytest.raises(PromptError, match="changes or leaves out words of a turn"):
        render(family_with_template(WORDS + " " + WORDS), user_message(noise(60, 40), "What?"))


def test_expand_moves_words_behind_placeholders():
    family = shared("qwen2-vl").family
    visuals = [family.process_image(noise(60, 40)), family.process_image(noise(40, 40))]
    rendered = "one <|image_pad|> two <|image_pad|><|image_pad|> three"
    words = [(0, 3), (18, 21), (rendered.index("three"), len(rendered))]
    with pytest.raises(ModelError, match="Expected 2 .* got 3"):
        expand(family, rendered, words, visuals)
    text, moved, pictures = expand(family, rendered, words, [*visuals, visuals[0]])
    assert [text[begin:end] for begin, end in moved] == ["one", "two", "three"]
    counts = [len(text[begin:end]) // len("<|image_pad|>") for begin, end in pictures]
    assert counts == [visual.visual for visual in (*visuals, visuals[0])]
    assert text.replace("<|image_pad|>", "") == "one  two  three"
