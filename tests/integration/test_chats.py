"""Chats of every format, logged answers and thinking, through the public API."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import seewhy
import tiny_models
from chat_formats import REQUESTS, WORDS
from painting import noise
from seewhy.api import Explainer
from seewhy.cli.main import main
from seewhy.core.errors import AnswerError, ParameterError, PromptError
from seewhy.testbed.scenes import draw, scene

IMAGE = noise(96, 64)
ANSWER = "A red star."
OPTIONS = {"method": "logit-lens", "explain_prompt": False}


@pytest.fixture(scope="module")
def explainer() -> Explainer:
    return seewhy.load(tiny_models.build())


@pytest.fixture(scope="module")
def plain(explainer):
    return explainer.explain(IMAGE, WORDS, answer=ANSWER, **OPTIONS)


def response(**more):
    return {"choices": [{"message": {"content": ANSWER}, **more}]}


def same(one, other) -> bool:
    maps = zip(one.record.attribution.maps, other.record.attribution.maps, strict=True)
    return one.answer == other.answer and all(torch.equal(a, b) for a, b in maps)


@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_every_format_is_explained_as_the_plain_question(explainer, plain, name):
    request = REQUESTS[name](IMAGE)
    assert same(explainer.explain(messages=request, answer=response(), **OPTIONS), plain)
    read = seewhy.read_chat(request, response())
    assert same(explainer.explain(**read, **OPTIONS), plain)


def test_batch_takes_requests_of_several_formats(explainer, plain):
    requests = [make(IMAGE) for make in list(REQUESTS.values())[:3]]
    made = explainer.explain_batch(
        [None] * 3, messages=requests, answers=[ANSWER, response(), ANSWER], **OPTIONS
    )
    assert [one.answer for one in made] == [ANSWER] * 3
    np.testing.assert_allclose(made[1]["star"].heatmap, plain["star"].heatmap, atol=1e-4)


def test_notes_of_a_request_come_with_its_explanation(explainer):
    request = REQUESTS["chat completions"](IMAGE) | {"colour": 1}
    made = explainer.explain(messages=request, answer=response(finish_reason="length"), **OPTIONS)
    cut = "The answer was cut off at the server's limit of its length ('length')."
    assert made.warnings == (cut,)
    assert made.notes[0] == cut
    told = " ".join(made.notes)
    for words in ("made to the model 'm'", "(temperature, max_completion_tokens)", "colour"):
        assert words in told


@pytest.mark.parametrize(("shift", "is_told"), [(0.0, False), (0.3, False), (2.0, True)])
def test_log_of_another_model_is_told(explainer, plain, shift, is_told):
    own = [float(np.log(token.probability)) - shift for token in plain.record.tokens]
    logged = {"content": [{"logprob": value} for value in own]}
    made = explainer.explain(
        messages=REQUESTS["turns"](IMAGE), answer=response(logprobs=logged), **OPTIONS
    )
    assert any("written by another model" in note for note in made.notes) == is_told


def test_marker_of_the_model_in_a_text_is_not_misread(explainer):
    """Qwen's marker is refused; another family's is plain words."""
    picture = {"type": "image", "image": IMAGE}

    def ask(words):
        return explainer.explain(
            messages=[{"role": "user", "content": [picture, words]}], answer=ANSWER, **OPTIONS
        )

    assert ask("What does <image> mean?").prompt == "What does <image> mean?"
    with pytest.raises(PromptError, match=r"special token '<\|image_pad\|>'"):
        ask("What does <|image_pad|> mean?")


# --- thinking --------------------------------------------------------------------------------

THINKING = tiny_models.TEMPLATE.replace(
    "<|im_start|>{{ message['role'] }}\n",
    "<|im_start|>{{ message['role'] }}\n{% if message.reasoning_content %}"
    "<think>\n{{ message.reasoning_content.strip() }}\n</think>\n\n{% endif %}"
    "{% if message.content is string %}{{ message.content }}{% endif %}",
)
OPENED = THINKING.replace(
    "<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}"
)


def thinking(template: str) -> Explainer:
    model, processor = tiny_models.build()
    return seewhy.load((model, replace(processor, template=template)))


@pytest.mark.parametrize(
    ("template", "start"), [(THINKING, "<think>\nIt is red.\n"), (OPENED, "It is red.\n")]
)
def test_thinking_of_a_log_takes_the_form_of_the_template(template, start):
    said = {"choices": [{"message": {"content": ANSWER, "reasoning_content": "\nIt is red.\n"}}]}
    made = thinking(template).explain(messages=REQUESTS["turns"](IMAGE), answer=said, **OPTIONS)
    assert made.answer == f"{start}</think>\n\n{ANSWER}"


def test_thinking_without_a_place_in_the_template_is_refused(explainer):
    said = {"choices": [{"message": {"content": ANSWER, "reasoning_content": "It is red."}}]}
    with pytest.raises(AnswerError, match="a template that has a place for thinking"):
        explainer.explain(messages=REQUESTS["turns"](IMAGE), answer=said, **OPTIONS)


# --- the command line ------------------------------------------------------------------------


def test_explain_a_logged_request_with_its_response(tmp_path, capsys):
    picture = Image.fromarray(draw(scene(0, "heldout")).image)
    request = {"messages": REQUESTS["vllm"](picture)["messages"], "temperature": 0.5}
    (tmp_path / "request.jsonl").write_text("\n".join(map(json.dumps, ["x", request])))
    said = {"choices": [{"message": {"content": text}} for text in ("No.", "A red umbrella.")]}
    (tmp_path / "response.json").write_text(json.dumps(said))
    words = ["explain", "--chat", str(tmp_path / "request.jsonl"), "--chat-line", "2"]
    words += ["--answer-from", str(tmp_path / "response.json"), "--choice", "1", "--json"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["prompt"], told["answer"], told["warnings"]) == (WORDS, "A red umbrella.", [])
    assert "Settings of sampling in the request (temperature)" in err
    assert "reading the chat" in err


def test_explain_a_picture_with_an_answer_from_a_file(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("A red umbrella.\n")
    assert main(["explain", "--answer-from", str(tmp_path / "a.txt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answer"] == "A red umbrella."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--chat-line", "2"], "Expected --chat FILE with --chat-line"),
        (["--choice", "1"], "Expected --answer-from FILE with --choice"),
        (["--answer", "a", "--answer-from", "b"], "got --answer and --answer-from"),
        (["--answer-from", "none.txt"], "Expected a response in none.txt, got No such file"),
        (["--chat", "a.json", "--prompt", "a"], "a prompt or messages, got both"),
    ],
)
def test_explain_refuses_options_that_do_not_go_together(
    words, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps([{"role": "user", "content": "What?"}]))
    assert main(["explain", *words, "--json"]) == 2
    assert message in capsys.readouterr().err


def test_batch_of_requests_with_different_processors_is_refused(explainer):
    requests = [
        {**REQUESTS["vllm"](IMAGE), "mm_processor_kwargs": {"max_pixels": pixels}}
        for pixels in (5000, 9000)
    ]
    with pytest.raises(ParameterError, match="equal settings of the image processor in one batch"):
        explainer.explain_batch([None] * 2, messages=requests, answers=[ANSWER] * 2, **OPTIONS)
