"""Decoding: the tokenizer's own text, and every token's place in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

import tiny_llava
import tiny_models
from seewhy.models import decoding
from seewhy.models.decoding import spans_of, token_names, tokens_of

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
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False)


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
def test_tokens_of_gives_special_tokens_their_own_text(kind):
    tokenizer = TOKENIZERS[kind]
    star = tokenizer(" red star", add_special_tokens=False)["input_ids"]
    end = tokenizer.eos_token
    ids = [tokenizer.eos_token_id, *star, tokenizer.eos_token_id, *star, tokenizer.eos_token_id]
    text, spans = tokens_of(ids, tokenizer)
    assert text == decode(tokenizer, ids)
    assert [piece.strip() for piece in text.split(end)] == ["", "red star", "red star", ""]
    of_ends = [text[a:b] for (a, b), token in zip(spans, ids, strict=True) if token not in star]
    assert of_ends == [end] * 3


def test_tokens_of_divides_a_token_between_the_characters_that_it_ends_and_begins():
    """Two characters in three tokens: the second one ends the first and begins the second."""
    tokenizer = _bytes_joined("的车", (1, 4))
    ids = tokenizer("的车", add_special_tokens=False)["input_ids"]
    assert len(ids) == 3
    assert tokens_of(ids, tokenizer) == ("的车", [(0, 0), (0, 1), (1, 2)])


def test_token_names_spell_the_bytes_of_unfinished_characters():
    tokenizer = TOKENIZERS["byte-level"]
    first, *_ = tokenizer("的", add_special_tokens=False)["input_ids"]
    star = tokenizer("star", add_special_tokens=False)["input_ids"][-1]
    names = token_names({first, star, tokenizer.eos_token_id}, tokenizer)
    assert names[first] == "<0xE7>"
    assert names[tokenizer.eos_token_id] == tokenizer.eos_token
    assert names[star] == tokenizer.decode([star])
    byte = TOKENIZERS["sentencepiece"].convert_tokens_to_ids("<0xE7>")
    assert token_names({byte}, TOKENIZERS["sentencepiece"]) == {byte: "<0xE7>"}


def _bytes_joined(text, edges):
    """A byte-level tokenizer whose tokens for a text end at some of its bytes."""
    letters = {byte: letter for letter, byte in decoding._BYTES_OF_LETTERS.items()}
    data = [letters[byte] for byte in text.encode()]
    vocabulary = {letter: index for index, letter in enumerate(sorted(letters.values()))}
    merges = []
    for begin, end in pairwise([0, *edges, len(data)]):
        for stop in range(begin + 1, end):
            merges.append(("".join(data[begin:stop]), data[stop]))
            vocabulary.setdefault("".join(data[begin : stop + 1]), len(vocabulary))
    made = Tokenizer(models.BPE(vocabulary, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=made)


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
    tokens_of(ids, counting)
    assert counting.decoded < 20 * len(ids)


def test_spans_of_gives_nothing_twice():
    assert spans_of([(0, 4), (3, 6), (6, 6), (6, 9)], 2, 8) == [(0, 1), (1, 4), (4, 4), (4, 6)]
