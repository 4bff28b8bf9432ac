"""Answers that begin with given tokens: streams, stops, limits, batches, comparisons, errors."""

from __future__ import annotations

import pytest
import torch

import tiny_models
from painting import noise
from seewhy.core.errors import AnswerError, ParameterError
from seewhy.explainer import Explainer
from seewhy.models import load

PICTURE, PROMPT = noise(60, 40), "What is this?"
START = "A red star and"
PLAIN = {"explain_prompt": False, "method": "logit-lens"}


@pytest.fixture(scope="module")
def explainer():
    return Explainer(load(tiny_models.build()))


class Streamer:
    """Keeps what a streamer of transformers gets."""

    def __init__(self):
        self.got, self.ended = [], False

    def put(self, value):
        self.got.append(value.flatten().tolist())

    def end(self):
        self.ended = True


def ids_of(explanation):
    return [token.id for token in explanation.record.tokens]


def start_of(explainer, text=START):
    return explainer.loaded.processor.tokenizer(text)["input_ids"]


def test_the_start_is_streamed_as_part_of_the_answer_and_ids_stay(explainer):
    streamer, start = Streamer(), start_of(explainer)
    found = explainer.explain(
        PICTURE, PROMPT, answer_start=START, max_new_tokens=3, streamer=streamer, **PLAIN
    )
    assert ids_of(found)[: len(start)] == start
    assert [token for part in streamer.got[1:] for token in part] == ids_of(found)
    assert streamer.ended
    assert len(ids_of(found)) == len(start) + 3


def test_limit_counts_what_follows_the_start_and_the_note_says_what_was_given(explainer):
    found = explainer.explain(PICTURE, PROMPT, answer_start=START, max_new_tokens=2, **PLAIN)
    assert any("cut off after" in warning for warning in found.warnings)
    assert f"The answer's start was given, not chosen by the model: “{START}”." in found.notes
    assert found.record.provenance.parameters["max_new_tokens"] == 2


def test_a_stop_of_the_caller_is_followed_after_the_start_alone(explainer):
    calls = []

    def stop(ids, scores, **keywords):
        calls.append(ids.shape[1])
        return torch.ones(len(ids), dtype=torch.bool)

    found = explainer.explain(
        PICTURE, PROMPT, answer_start=START, max_new_tokens=9, stopping_criteria=[stop], **PLAIN
    )
    assert ids_of(found) == start_of(explainer)
    assert "it added nothing" in found.notes[-1]
    assert calls


def test_sampling_and_other_processors_do_not_change_the_start(explainer):
    def forbid(ids, scores):
        return torch.full_like(scores, -torch.inf).index_fill(1, torch.tensor([5]), 0.0)

    start = start_of(explainer)
    found = explainer.explain(
        PICTURE,
        PROMPT,
        answer_start=START,
        max_new_tokens=2,
        logits_processor=[forbid],
        do_sample=True,
        temperature=2.0,
        top_p=0.5,
        seed=3,
        **PLAIN,
    )
    assert ids_of(found) == [*start, 5, 5]


def test_a_batch_of_begun_answers_equals_single_ones(explainer):
    pictures, starts = [PICTURE, noise(40, 60), PICTURE], ["A", None, START]
    batch = explainer.explain_batch(
        pictures, PROMPT, answer_starts=starts, max_new_tokens=3, **PLAIN
    )
    for picture, start, found in zip(pictures, starts, batch, strict=True):
        single = explainer.explain(picture, PROMPT, answer_start=start, max_new_tokens=3, **PLAIN)
        assert ids_of(found) == ids_of(single)
        assert found.warnings == single.warnings


def test_a_comparison_begins_the_answer_and_both_models_read_it(explainer):
    other = Explainer(load(tiny_models.build()))
    found = explainer.compare(other, PICTURE, PROMPT, answer_start=START, max_new_tokens=2, **PLAIN)
    assert ids_of(found.first) == ids_of(found.second)
    assert found.answer.startswith(START)


def test_spaces_at_the_end_of_a_text_are_left_out(explainer):
    with_space, without = (
        explainer.explain(PICTURE, PROMPT, answer_start=text, max_new_tokens=2, **PLAIN)
        for text in (START + "  ", START)
    )
    assert ids_of(with_space) == ids_of(without)


def test_a_start_and_a_whole_answer_contradict_each_other(explainer):
    with pytest.raises(ParameterError, match="an answer or the start of one"):
        explainer.explain(PICTURE, PROMPT, answer="A star.", answer_start="A")
    turns = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": PROMPT}]},
        {"role": "assistant", "content": "A star."},
    ]
    with pytest.raises(ParameterError, match="an answer or the start of one"):
        explainer.explain(PICTURE, messages=turns, answer_start="A")


@pytest.mark.parametrize("start", ["", "  ", [], "A <|im_end|> star", "An <|image_pad|> star"])
def test_a_start_without_words_or_with_tokens_of_the_frame_is_refused(explainer, start):
    with pytest.raises(AnswerError, match="Expected an answer"):
        explainer.explain(PICTURE, PROMPT, answer_start=start)


def test_ids_that_end_the_answer_are_refused_as_its_start(explainer):
    end = explainer.loaded.model.generation_config.eos_token_id
    with pytest.raises(AnswerError, match="that the model can go on from"):
        explainer.explain(PICTURE, PROMPT, answer_start=[*start_of(explainer), end])
    with pytest.raises(AnswerError, match="that the model can go on from"):
        explainer.explain(PICTURE, PROMPT, answer_start="A star.<|im_end|>")
    with pytest.raises(AnswerError, match="a token of the start ends the answer"):
        explainer.explain(PICTURE, PROMPT, answer_start=[end, *start_of(explainer)])
