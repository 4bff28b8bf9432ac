"""Decoding: the tokenizer's own text, and every token's place in it."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_llava
import tiny_models
from seewhy.models.decoding import spans_of, tokens_of

TOKENIZERS = {"byte-level": tiny_models.tokenizer(), "sentencepiece": tiny_llava.tokenizer()}
TEXTS = [
    "A red star is to the left of two blue houses.",
    " A star",
    "Ein Stern – größer als 東京 🙂👩‍🚀.",
    "line\n\nline  with   spaces ",
    "naïve é",
]

every_tokenizer = pytest.mark.parametrize("kind", sorted(TOKENIZERS))


def decode(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def expect_chain(text, spans, ids):
    assert len(spans) == len(ids)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert all(start <= end for start, end in spans)


@every_tokenizer
@pytest.mark.parametrize("text", TEXTS)
def test_tokens_of_gives_the_decoded_text(kind, text):
    tokenizer = TOKENIZERS[kind]
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    decoded, spans = tokens_of(ids, tokenizer)
    assert decoded == decode(tokenizer, ids)
    assert decoded.strip() == text.strip()
    expect_chain(decoded, spans, ids)


@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(sorted(TOKENIZERS)))
def test_tokens_of_gives_the_decoded_text_of_any_ids(data, kind):
    tokenizer = TOKENIZERS[kind]
    ids = data.draw(st.lists(st.integers(0, len(tokenizer) - 1), min_size=1, max_size=25))
    decoded, spans = tokens_of(ids, tokenizer)
    assert decoded == decode(tokenizer, ids)
    expect_chain(decoded, spans, ids)


@every_tokenizer
def test_tokens_of_gives_a_character_to_the_token_that_completes_it(kind):
    tokenizer = TOKENIZERS[kind]
    ids = tokenizer("a🙂b", add_special_tokens=False)["input_ids"]
    text, spans = tokens_of(ids, tokenizer)
    pieces = [text[start:end] for start, end in spans]
    assert pieces[-5:] == ["", "", "", "🙂", "b"]


@every_tokenizer
def test_tokens_of_gives_special_tokens_no_text(kind):
    tokenizer = TOKENIZERS[kind]
    star = tokenizer(" red star", add_special_tokens=False)["input_ids"]
    ids = [tokenizer.eos_token_id, *star, tokenizer.eos_token_id, *star, tokenizer.eos_token_id]
    text, spans = tokens_of(ids, tokenizer)
    assert text == decode(tokenizer, ids)
    assert text.strip() == "red star red star"
    silent = [place for place, token in enumerate(ids) if token == tokenizer.eos_token_id]
    assert all(spans[place][0] == spans[place][1] for place in silent)


@every_tokenizer
def test_tokens_of_takes_linear_time(kind):
    class Counting:
        """A tokenizer that counts the ids it is asked to decode."""

        all_special_ids: tuple[int, ...] = ()
        decoded = 0

        def convert_ids_to_tokens(self, ids):
            return TOKENIZERS[kind].convert_ids_to_tokens(ids)

        def decode(self, ids, **settings):
            self.decoded += len(ids)
            return TOKENIZERS[kind].decode(ids, **settings)

    ids = TOKENIZERS[kind](TEXTS[2] * 20, add_special_tokens=False)["input_ids"]
    counting = Counting()
    begun = time.perf_counter()
    tokens_of(ids, counting)
    assert counting.decoded < 20 * len(ids)
    assert time.perf_counter() - begun < 10


def test_spans_of_gives_nothing_twice():
    assert spans_of([(0, 4), (3, 6), (6, 6), (6, 9)], 2, 8) == [(0, 1), (1, 4), (4, 4), (4, 6)]
