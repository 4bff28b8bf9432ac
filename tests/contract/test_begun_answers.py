"""Every family goes on from the start of an answer as it does by itself, and keeps its ids."""

from __future__ import annotations

import pytest
import torch

from families import BUILDERS, shared
from painting import noise
from seewhy.explainer import Explainer
from seewhy.models.special_tokens import end_ids

PICTURE, PROMPT, TOKENS = noise(60, 40), "What is this?", 6
PLAIN = {"explain_prompt": False, "method": "logit-lens"}


def ids_of(explanation):
    return [token.id for token in explanation.record.tokens]


def probabilities_of(explanation):
    return torch.tensor([token.probability for token in explanation.record.tokens])


@pytest.mark.parametrize("family", BUILDERS)
def test_an_answer_begun_with_its_own_start_is_the_same_answer(family):
    explainer = Explainer(shared(family))
    free = explainer.explain(PICTURE, PROMPT, max_new_tokens=TOKENS, **PLAIN)
    ends = end_ids(shared(family).family)
    count = next(n for n in (2, 3, 1, 4) if ids_of(free)[n - 1] not in ends)
    begun = explainer.explain(
        PICTURE,
        PROMPT,
        answer_start=ids_of(free)[:count],
        max_new_tokens=TOKENS - count,
        **PLAIN,
    )
    assert ids_of(begun) == ids_of(free)
    torch.testing.assert_close(probabilities_of(begun), probabilities_of(free))


@pytest.mark.parametrize("family", ["gemma3", "llava", "mistral3", "paligemma"])
def test_a_begun_answer_keeps_other_words_than_the_models_own(family):
    explainer = Explainer(shared(family))
    begun = explainer.explain(PICTURE, PROMPT, answer_start="A red star", max_new_tokens=2, **PLAIN)
    assert begun.answer.lstrip().startswith("A red star")
    read = explainer.explain(PICTURE, PROMPT, answer=ids_of(begun), **PLAIN)
    assert ids_of(read) == ids_of(begun)
    torch.testing.assert_close(probabilities_of(read), probabilities_of(begun))
