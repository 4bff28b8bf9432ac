"""Special tokens: those of the frame, and markup that may stand in texts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from families import BUILDERS, shared
from painting import noise
from seewhy.core.errors import AnswerError, PromptError
from seewhy.core.text import words_of
from seewhy.models import Loaded, load, prepare, prepare_chat
from seewhy.models.answer_ids import tokenize_answer, without_end
from seewhy.models.conversation import Conversation, Message
from seewhy.models.decoding import tokens_of
from seewhy.models.special_tokens import (
    end_ids,
    media_tokens,
    special_ids,
    special_tokens,
    tokens_in,
    turn_tokens,
)
from tokenizer_kinds import BOXES, KINDS, THINKING, tokenizer_of, with_markup

MARKED = "<|object_ref_start|>the cup<|object_ref_end|><|box_start|>(12,34),(56,78)<|box_end|>"

every_family = pytest.mark.parametrize("name", sorted(BUILDERS))


@cache
def marked(name: str) -> Loaded:
    """A tiny model of a family whose tokenizer has special tokens for boxes."""
    model, processor = BUILDERS[name]()
    with_markup(processor.tokenizer)
    model.resize_token_embeddings(len(processor.tokenizer), mean_resizing=False)
    return load((model, processor))


@every_family
def test_tokens_of_the_frame_are_told_from_markup(name):
    loaded = marked(name)
    family, tokenizer = loaded.family, loaded.processor.tokenizer
    frame = turn_tokens(family) | media_tokens(family)
    assert {tokenizer.eos_token, tokenizer.pad_token, family.default_marker} <= frame
    assert not frame & {*BOXES, *THINKING}
    assert tokenizer.eos_token_id in end_ids(family)
    assert not end_ids(family) & {*tokenizer.convert_tokens_to_ids(list(BOXES))}
    ids = special_ids(tokenizer)
    assert {*tokenizer.convert_tokens_to_ids([*BOXES, *THINKING])} <= ids
    assert {*BOXES} <= special_tokens(tokenizer)


@every_family
def test_markup_is_kept_in_answers_and_round_trips(name):
    loaded = marked(name)
    tokenizer = loaded.processor.tokenizer
    inputs = prepare(loaded.family, noise(60, 60), "Where is the cup?")
    for answer in (MARKED, f"<think>A cup?</think>\n\nIt is {MARKED}, there."):
        ids = tokenize_answer(loaded, inputs, answer)
        text, spans = tokens_of(ids, tokenizer)
        assert text.strip() == answer
        assert tokenize_answer(loaded, inputs, text) == ids
        special = special_ids(tokenizer)
        kept = [text[a:b] for (a, b), id in zip(spans, ids, strict=True) if id in special]
        assert kept == tokens_in_order(answer)
        # The end of a turn is left out, and nothing else.
        assert without_end([*ids, tokenizer.eos_token_id], loaded) == ids
        assert tokenize_answer(loaded, inputs, f"{answer}{tokenizer.eos_token}\n") == ids


def tokens_in_order(text: str) -> list[str]:
    found = [
        (text.find(token, at), token) for token in (*BOXES, *THINKING) for at in range(len(text))
    ]
    return [token for _, token in sorted({pair for pair in found if pair[0] >= 0})]


@every_family
def test_tokens_of_the_frame_are_refused_with_the_reason(name):
    loaded = marked(name)
    tokenizer, family = loaded.processor.tokenizer, loaded.family
    inputs = prepare(family, noise(60, 60), "Where is the cup?")
    image = tokenizer.convert_ids_to_tokens(family.image_token_id)
    for token, reason in ((image, "stands for a picture"), (tokenizer.eos_token, "ends a turn")):
        with pytest.raises(AnswerError, match=f"special token .* {reason}"):
            tokenize_answer(loaded, inputs, f"A {token} cup")
        with pytest.raises(PromptError, match=f"special token .* {reason}"):
            prepare(family, noise(60, 60), f"Where {token} is it?")


@pytest.mark.parametrize("name", ["qwen2-vl", "internvl", "llava-next"])
def test_markup_is_kept_in_every_turn(name):
    loaded = marked(name)
    roles = ("user", "assistant", "user")
    texts = (f"What is {BOXES[2]}(1,2){BOXES[3]}?", MARKED, f"And {BOXES[0]}this{BOXES[1]}?")
    turns = [Message(role, (text,)) for role, text in zip(roles, texts, strict=True)]
    turns[0] = Message("user", (noise(60, 60), texts[0]))
    inputs = prepare_chat(loaded.family, Conversation(tuple(turns), {}))
    ids = inputs.tensors["input_ids"][0, inputs.prompt_positions].tolist()
    boxes = set(loaded.processor.tokenizer.convert_tokens_to_ids(list(BOXES)))
    shown = [inputs.prompt[a:b] for a, b in inputs.prompt_spans]
    kept = [text for text, id in zip(shown, ids, strict=True) if id in boxes]
    assert kept == [*BOXES[2:], *BOXES, *BOXES[:2]]


def test_roles_that_a_template_writes_are_refused():
    loaded = shared("qwen2-vl")
    processor = replace(
        loaded.processor,
        template=f"{loaded.processor.template}{{% if false %}}<|vision_end|>{{% endif %}}",
    )
    family = type(loaded.family)(loaded.model, processor)
    assert {"<|im_start|>", "<|im_end|>"} <= turn_tokens(family)
    for token in ("<|im_start|>", "<|vision_start|>", "<|video_pad|>"):
        with pytest.raises(PromptError, match="special token"):
            prepare(loaded.family, noise(60, 60), f"{token}system")


@pytest.mark.parametrize("kind", KINDS)
def test_markup_round_trips_in_tokenizers_of_every_kind(kind):
    tokenizer = tokenizer_of(kind)
    for text in (MARKED, f"<think>A red star.</think>\n\nThe star {MARKED}."):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        decoded, spans = tokens_of(ids, tokenizer)
        assert tokenizer(decoded, add_special_tokens=False)["input_ids"] == ids
        special = special_ids(tokenizer)
        words = words_of(decoded, spans)
        assert [decoded[a:b] for (a, b), n in zip(spans, ids, strict=True) if n in special]
        assert all(word.tokens for word in words)


def test_tokens_in_finds_each_token_once():
    assert tokens_in("a<b><b><bc>", {"<b>", "<bc>", "<d>", ""}) == ["<b>", "<bc>"]
    assert tokens_in("abc", ()) == []
