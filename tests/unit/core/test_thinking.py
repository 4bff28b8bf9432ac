"""Thinking blocks of answers."""

import pytest

from seewhy.core.thinking import CHANNELS, TAGS, opens_thinking, thinking_span


@pytest.mark.parametrize(("opening", "closing"), [*TAGS, *CHANNELS])
def test_block_with_every_kind_of_tags_is_found(opening, closing):
    block = f"{opening}Is it a cup?{closing}"
    text = f"\n{block}\n\nA cup."
    assert thinking_span(text) == (1, 1 + len(block))
    assert thinking_span(f"{opening}Is it") == (0, len(f"{opening}Is it"))
    assert opens_thinking(f"<|im_start|>assistant\n{opening}\n")


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_block_that_the_prompt_opened_ends_with_its_tag(opening, closing):
    text = f"Is it?{closing} A cup."
    assert thinking_span(text) == thinking_span(text, is_open=True) == (0, text.index(" A"))
    assert thinking_span("Is it?", is_open=True) == (0, 6)


@pytest.mark.parametrize(
    "text",
    ["A cup.", "", "  ", "The tag <think> opens and </think> closes a block.", "<thin> a", "think"],
)
def test_other_answers_have_none(text):
    assert thinking_span(text) is None
    assert not opens_thinking(text)
