"""A word against another one: which token decides, and what is taken off."""

from __future__ import annotations

import pytest
import torch

import tiny_models
from painting import noise
from seewhy.core.text import words_of
from seewhy.models import load, prepare, read
from seewhy.models.contrast import contrasted


@pytest.fixture(scope="module")
def loaded():
    return load(tiny_models.build())


def test_contrasted_word_has_the_foils_row_at_one_token_and_its_own_at_the_others(loaded):
    """Its other tokens cancel out: the same is said in both."""
    trace = read(loaded, prepare(loaded.family, noise(60, 40), "What?"), "A zeppelinship")
    spans = [(token.start, token.end) for token in trace.tokens]
    word = words_of(trace.answer, spans)[-1]
    place, foil, prompt = word.tokens[0], 7, len(trace.prompt_tokens)
    assert len(word.tokens) > 1
    found = contrasted(loaded, trace, word, place, foil)
    expected = torch.zeros_like(trace.unembedding_rows)
    for token in word.tokens:
        expected[prompt + token] = trace.unembedding_rows[prompt + token]
    expected[prompt + place] = loaded.model.get_output_embeddings().weight[foil].detach()
    assert torch.equal(found.foils, expected)
