"""Reading again: other pictures, fewer words, the same answer."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

import tiny_gemma4
import tiny_models
from seewhy.core.errors import AnswerError, ShapeError
from seewhy.metrics.hallucination_baselines import predictions
from seewhy.models import load
from seewhy.models.conversation import user_message
from seewhy.models.passes import count_passes
from seewhy.models.session import ChatSource, Session, without_tokens
from seewhy.testbed.scenes import draw, scene

PROMPT = "Describe the picture."


def picture(index):
    return Image.fromarray(draw(scene(index)).image)


@pytest.fixture(scope="module")
def loaded():
    return load(tiny_models.build())


@pytest.fixture(scope="module")
def session(loaded):
    ids = loaded.processor.tokenizer(" A red star and a blue house")["input_ids"]
    return Session.from_image(loaded, picture(0), PROMPT, ids)


def test_log_probabilities_of_the_own_picture_are_the_traces(session):
    trace = session.read()
    (found,) = session.log_probabilities([session.images])
    said = torch.tensor([token.probability for token in trace.tokens])
    torch.testing.assert_close(found.exp(), said, rtol=1e-4, atol=1e-6)


def test_log_probabilities_are_the_same_in_any_chunks(session):
    variants = [(picture(index),) for index in range(5)]  # of different sizes
    whole = session.log_probabilities(variants)
    apart = torch.cat([session.with_images(*v).log_probabilities([v]) for v in variants])
    torch.testing.assert_close(whole, apart, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        session.log_probabilities(variants, rows=2), apart, rtol=1e-4, atol=1e-5
    )
    assert not torch.allclose(whole[0], whole[1])
    assert session.log_probabilities([]).shape == (0, len(session.ids))


def test_models_that_share_keys_and_values_are_read_again():
    """Gemma 4's small checkpoints say themselves which logits to keep."""
    shared = load(tiny_gemma4.build(shared=2))
    session = Session.from_image(shared, picture(0), PROMPT, (40, 41, 42))
    (found,) = session.log_probabilities([session.images])
    said = torch.tensor([token.probability for token in session.read().tokens])
    torch.testing.assert_close(found.exp(), said, rtol=1e-4, atol=1e-6)
    assert len(predictions(session, [picture(1)])) == 1


def test_with_images_wants_a_picture_for_each(session):
    assert session.with_images(picture(1)).images[0] != session.images[0]
    with pytest.raises(ShapeError, match="Expected 1 pictures, got 2"):
        session.with_images(picture(0), picture(1))


def test_log_probabilities_without_nothing_are_the_own(session):
    text = len(session.inputs().prompt_positions) + len(session.ids)
    (found,) = session.log_probabilities_without(torch.zeros(1, text, dtype=torch.bool))
    (own,) = session.log_probabilities([session.images])
    torch.testing.assert_close(found, own, rtol=1e-4, atol=1e-5)


def test_log_probabilities_without_tokens_are_those_of_the_shorter_text(session):
    """What is left out is not there: the same as an answer that never had it."""
    inputs = session.inputs()
    asked = len(inputs.prompt_positions)
    dropped = torch.zeros(2, asked + len(session.ids), dtype=torch.bool)
    dropped[0, asked + 1] = True
    dropped[1, :asked] = True
    found = session.log_probabilities_without(dropped)
    shorter = session.with_ids(session.ids[:1] + session.ids[2:])
    (expected,) = shorter.log_probabilities([session.images])
    assert bool(found[0, 1].isnan())
    kept = torch.arange(len(session.ids)) != 1
    torch.testing.assert_close(found[0, kept], expected, rtol=1e-4, atol=1e-5)
    bare = without_tokens(inputs, torch.ones(asked, dtype=torch.bool))
    assert bare.length == inputs.length - asked
    assert len(bare.prompt_positions) == 0
    read = session.read(bare)
    said = torch.tensor([token.probability for token in read.tokens])
    torch.testing.assert_close(found[1].exp(), said, rtol=1e-4, atol=1e-6)


def test_log_probabilities_without_refuse_masks_that_do_not_fit(session):
    with pytest.raises(ShapeError, match="the prompt's tokens, then the answer's"):
        session.log_probabilities_without(torch.zeros(1, 2, dtype=torch.bool))
    text = len(session.inputs().prompt_positions) + len(session.ids)
    with pytest.raises(AnswerError, match="keep the token that is explained"):
        session.log_probabilities_without(torch.ones(1, text, dtype=torch.bool))


def test_session_about_a_chat_keeps_its_words(loaded, session):
    images = [picture(0), picture(1)]
    chat = Session.from_chat(loaded, user_message(images, PROMPT), session.ids)
    turned = chat.with_images(picture(1), picture(0))
    assert isinstance(turned.source, ChatSource)
    assert turned.source.conversation.texts == [PROMPT]
    assert turned.inputs().rendered == chat.inputs().rendered


def test_counted_counts_rows_and_gradients_and_leaves_nothing_behind(loaded, session):
    own, hooks = torch.autograd.grad, len(loaded.model._forward_pre_hooks)
    with count_passes(loaded.model) as passes:
        session.log_probabilities([session.images] * 3, rows=2)
        x = torch.ones(1, requires_grad=True)
        torch.autograd.grad((2 * x).sum(), x)
    assert (passes.forward, passes.backward) == (3, 1)
    with pytest.raises(ZeroDivisionError, match="zero"), count_passes(loaded.model):
        _ = 1 / 0
    assert torch.autograd.grad is own
    assert len(loaded.model._forward_pre_hooks) == hooks
