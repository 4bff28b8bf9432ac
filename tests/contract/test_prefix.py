"""Answers after a stored prompt equal answers that are read with it, in every family."""

from __future__ import annotations

import pytest
import torch

from families import BUILDERS, build, shared
from painting import noise
from seewhy.models import prepare
from seewhy.models.prefix import answers_log_probabilities
from seewhy.models.session import log_probabilities

#: Families whose attention masks need the whole sequence at once: they read it again.
READ_AGAIN = set()


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_answers_after_a_stored_prompt_are_those_of_whole_passes(name):
    loaded = shared(name)
    inputs = prepare(loaded.family, noise(97, 131), "What is this?")
    answers = [[5, 9, 11, 7], [5, 9, 8, 7], [9, 11, 7], [5]]
    expected = log_probabilities(loaded, [inputs], [answers[0]])[0]
    found, stored = answers_log_probabilities(loaded, inputs, answers, expected)
    assert stored is (name not in READ_AGAIN)
    for row, answer in enumerate(answers):
        alone = log_probabilities(loaded, [inputs], [answer])[0]
        torch.testing.assert_close(found[row, : len(answer)], alone, atol=1e-3, rtol=1e-3)
        assert found[row, len(answer) :].isnan().all()


@pytest.mark.parametrize("name", ["qwen2-vl", "llava", "gemma3"])
def test_a_stored_prompt_is_used_in_16_bit_too(name):
    loaded = build(name)
    loaded.model.to(torch.bfloat16)
    inputs = prepare(loaded.family, noise(97, 131), "What is this?")
    expected = log_probabilities(loaded, [inputs] * 2, [[5, 9, 11]] * 2)[0]
    _, stored = answers_log_probabilities(loaded, inputs, [[5, 9, 11], [5, 9]], expected)
    assert stored


def test_a_stored_prompt_that_gives_other_values_is_not_used():
    loaded = shared("qwen2-vl")
    inputs = prepare(loaded.family, noise(97, 131), "What is this?")
    expected = log_probabilities(loaded, [inputs], [[5, 9, 11]])[0]
    found, stored = answers_log_probabilities(loaded, inputs, [[5, 9, 11]], expected - 1)
    assert not stored
    torch.testing.assert_close(found[0], expected)
