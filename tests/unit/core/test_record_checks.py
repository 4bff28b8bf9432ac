"""The checks of a record: they hold for what is made, and name what does not fit."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from golden.location_records import box_record, clip_box_record
from golden.records import chat_record, mixed_record, record_of, small_record, with_layers
from golden.verdict_records import diagnosed_record, small_diagnosed_record
from seewhy.core.boxes import BoxFormat
from seewhy.core.errors import InputError
from seewhy.core.record import Record
from seewhy.core.record_checks import expect_sound
from seewhy.core.text import Token, words_of
from seewhy.core.thinking import thinking_span

PIECES = (("<think>", ""), ("红", ""), ("</think>", ""), ("\n", ""), ("A", ""), (" star", "star"))


def thinking_record() -> Record:
    """An answer with a thinking block, whose tags are special tokens."""
    record = record_of(PIECES, special=(0, 2))
    assert record.thinking is not None
    return record


@pytest.mark.parametrize(
    "make",
    [
        *(small_record, small_diagnosed_record, diagnosed_record, chat_record, mixed_record),
        *(box_record, clip_box_record, thinking_record, lambda: with_layers(small_record())),
    ],
)
def test_records_are_sound(make):
    expect_sound(make())


# What answers consist of, in pieces of which tokens are made; those in <> are special tokens.
PARTS = (
    *("<think>", "</think>", "<|box_start|>", "(12,34)", " ", "\n\n", "A", " star", "ar", ".", ""),
    *(
        "红",
        "色",
        "スター",
        "สุนัข",
        "नमस्",
        "ते",
        "قِ",
        "طَّة",
        "e",
        "\u0301",
        "👩\u200d",
        "🚀",
        "3.",
        "50",
    ),
)


@pytest.mark.parametrize("seed", range(300))
def test_words_of_any_tokens_are_sound(seed):
    rng = random.Random(seed)
    tokens, answer = [], ""
    for number in range(rng.randrange(1, 14)):
        text, start = rng.choice(PARTS), len(answer)
        answer += text
        tokens.append(Token(number, text, start, len(answer), 0.5, (), text.startswith("<")))
    words, thinking = words_of(answer, tokens), thinking_span(answer, is_open=rng.random() < 0.3)
    made = record_of(tuple((token.text, "") for token in tokens))
    expect_sound(replace(made, answer=answer, tokens=tuple(tokens), words=words, thinking=thinking))


def changed_word(record: Record, index: int, **fields) -> Record:
    words = list(record.words)
    words[index] = replace(words[index], **fields)
    return replace(record, words=tuple(words))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: replace(r, thinking=(3, 3)), "characters of the thinking block"),
        (lambda r: replace(r, thinking=(0, 99)), "the thinking block within"),
        (lambda r: replace(r, thinking=(-1, 3)), "the thinking block within"),
        (lambda r: replace(r, thinking=(0, 1.5)), "thinking.1 as a whole number"),
        (lambda r: replace(r, warnings=("Lost.",)), "the warnings among the notes"),
        (lambda r: replace(r, warnings=(3,)), "warnings.0 as text"),
        (lambda r: replace(r, word_notes=((99, "A note."),)), "the word of a note among"),
        (lambda r: replace(r, word_notes=((0, None),)), "word_notes.0.1 as text"),
        (lambda r: replace(r, contrasts=((-1, "sun"),)), "the word of a contrast among"),
        (lambda r: replace(r, box_format="pixels"), "box_format as a BoxFormat"),
        (lambda r: changed_word(r, 1, special=True), "a special token in words.1"),
        (lambda r: changed_word(r, 1, special=1), "special as true or false"),
        (lambda r: changed_word(r, 1, tokens=(0,)), "tokens of words.1 of no other word"),
        (lambda r: changed_word(r, 1, tokens=(99,)), "the tokens of words.1 among"),
        (lambda r: changed_word(r, 1, tokens=()), "tokens of words.1"),
        (lambda r: changed_word(r, 1, text="sun"), "words.1 as the answer's"),
    ],
)
def test_what_does_not_fit_is_named(change, told):
    with pytest.raises(InputError, match=told):
        expect_sound(change(thinking_record()))


def test_formats_of_boxes_are_sound():
    for name in ("relative-1000", "pixels-input"):
        expect_sound(replace(box_record(), box_format=BoxFormat.named(name)))


def test_maps_that_are_not_finite_are_named():
    record = small_record()
    maps = (torch.full_like(record.attribution.maps[0], torch.nan),)
    with pytest.raises(InputError, match="finite maps of attribution"):
        expect_sound(replace(record, attribution=replace(record.attribution, maps=maps)))
