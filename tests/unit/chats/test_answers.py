"""Responses of servers, whole and streamed."""

from __future__ import annotations

import pytest

from chat_responses import STREAM, TEXT, WHOLE, chunk, openai
from seewhy.chats import read_answer
from seewhy.core.errors import AnswerError


@pytest.mark.parametrize("name", WHOLE)
def test_answer_of_every_response_is_the_same(name):
    said = read_answer(WHOLE[name])
    assert (said.text, said.reasoning, said.is_cut_off, said.notes) == (TEXT, "", False, ())


CUT = {
    "chat completions": openai(finish_reason="length"),
    "completions": {"choices": [{"text": TEXT, "finish_reason": "length"}]},
    "responses": {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}],
    },
    "sglang": {"text": TEXT, "meta_info": {"finish_reason": {"type": "length", "length": 3}}},
    "ollama": {"message": {"content": TEXT}, "done_reason": "length"},
    "tgi": {"generated_text": TEXT, "details": {"finish_reason": "length"}},
    "anthropic": {"content": [{"type": "text", "text": TEXT}], "stop_reason": "max_tokens"},
    "gemini": {"candidates": [{"content": {"parts": [{"text": TEXT}]},
                               "finishReason": "MAX_TOKENS"}]},
    "chunks": [*STREAM[:3], chunk({}, "length")],
}  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_answer_that_was_cut_off_says_so(name):
    said = read_answer(CUT[name])
    assert said.text == TEXT
    assert said.is_cut_off
    (note,) = said.notes
    assert note.startswith("The answer was cut off at the server's limit of its length")


def test_other_ends_are_told():
    (note,) = read_answer(openai(finish_reason="content_filter")).notes
    assert note == "The server says that the answer ended by 'content_filter'."


THOUGHTS = {
    "vllm": {"choices": [{"message": {"content": TEXT, "reasoning_content": "Red."}}]},
    "vllm, new": {"choices": [{"message": {"content": TEXT, "reasoning": "Red."}}]},
    "ollama": {"message": {"content": TEXT, "thinking": "Red."}},
    "anthropic": {
        "content": [{"type": "thinking", "thinking": "Red."}, {"type": "text", "text": TEXT}]
    },
    "gemini": {
        "candidates": [{"content": {"parts": [{"text": "Red.", "thought": True}, {"text": TEXT}]}}]
    },
    "responses": {
        "output": [
            {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Red."}]},
            {"type": "message", "content": [{"type": "output_text", "text": TEXT}]},
        ]
    },
    "chunks": [chunk({"reasoning_content": "Red."}), *STREAM],
}


@pytest.mark.parametrize("name", THOUGHTS)
def test_thinking_is_kept_apart(name):
    said = read_answer(THOUGHTS[name])
    assert (said.text, said.reasoning) == (TEXT, "Red.")


def test_one_of_several_answers_is_chosen():
    several = {"choices": [{"message": {"content": text}} for text in ("A.", "B.")]}
    assert [read_answer(several, choice).text for choice in (0, 1)] == ["A.", "B."]
    with pytest.raises(
        AnswerError, match="Expected one of 2 answers of the response, got no choice"
    ):
        read_answer(several)
    with pytest.raises(AnswerError, match="got choice 2: choose one from 0 to 1"):
        read_answer(several, 2)
    with pytest.raises(AnswerError, match="Expected the number of an answer, got 1 of one"):
        read_answer({"output_text": TEXT}, 1)


def test_streams_of_several_answers_are_kept_apart():
    chunks = [chunk({"content": "A"}), chunk({"content": "B"}), chunk({"content": "a"})]
    chunks[1]["choices"][0]["index"] = 1
    assert [read_answer(chunks, choice).text for choice in (0, 1)] == ["Aa", "B"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ("  ", "got a response without text"),
        ({"choices": []}, "got a response with an empty list"),
        ({"choices": [{"message": {"content": None}}]}, "got a response without text"),
        ({"choices": [{"message": {"content": ""}}]}, "got a response without text"),
        (
            {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]},
            "calls of tools",
        ),
        (
            {"choices": [{"message": {"content": TEXT}, "finish_reason": "tool_calls"}]},
            "calls of tools",
        ),
        ({"output": [{"type": "function_call", "name": "f"}]}, "calls of tools"),
        ({"content": [{"type": "tool_use", "name": "f"}]}, "calls of tools"),
        ([chunk({"tool_calls": [{"id": "1"}]})], "calls of tools"),
        ({"error": {"message": "no such model"}}, "an error of the server: .*no such model"),
        ([chunk({"content": "A"}), {"error": {"message": "lost"}}], "error of the server: .*lost"),
        ({"choices": [{"message": {"content": "", "reasoning_content": "Hm"}}]}, "thinking alone"),
        ({"choices": [7]}, "Expected an answer, got 7"),
        ({"choices": [{"message": 7}]}, "Expected a message, got 7"),
        (7, "Expected a response, got 7"),
    ],
)
def test_response_without_an_answer_is_refused(response, message):
    with pytest.raises(AnswerError, match=message):
        read_answer(response)


def test_refusal_is_an_answer():
    assert (
        read_answer({"choices": [{"message": {"content": None, "refusal": "No."}}]}).text == "No."
    )


@pytest.mark.parametrize(
    "logged",
    [
        {"content": [{"token": "A", "logprob": -1.0}, {"token": "b", "logprob": -2.0}]},
        {"tokens": ["A", "b"], "token_logprobs": [None, -1.0, -2.0]},
    ],
)
def test_logged_probabilities_are_averaged(logged):
    assert read_answer(openai(logprobs=logged)).log_probability == -1.5


def test_logged_probabilities_may_be_missing():
    assert read_answer(openai(logprobs=None)).log_probability is None
    assert read_answer(openai(logprobs={"content": []})).log_probability is None
