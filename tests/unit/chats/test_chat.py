"""Chats and responses in files: JSON, lines, streams and plain text."""

from __future__ import annotations

import json

import pytest

from chat_responses import TEXT, WHOLE
from painting import noise
from seewhy.chats import Chat, limits, read_chat, read_question, read_response
from seewhy.core.errors import AnswerError, ParameterError, PromptError

IMAGE = noise(12, 8)
TURNS = [{"role": "user", "content": [{"type": "image"}, "What?"]}]


def response(text="A cup.", **more):
    return {"choices": [{"message": {"content": text}}], **more}


@pytest.fixture
def write(tmp_path):
    def write_(name, *values, text=None):
        path = tmp_path / name
        path.write_text("\n".join(map(json.dumps, values)) if text is None else text, "utf-8")
        return path

    return write_


def chat(*words, **options) -> Chat:
    return read_chat(*words, images=IMAGE, **options)["messages"]


def test_read_chat_reads_paths_texts_and_values(write):
    path = write("a.json", {"messages": TURNS})
    for request in (path, str(path), path.read_text(), {"messages": TURNS}, TURNS):
        assert chat(request, "A cup.").answer == "A cup."


ANSWER_FILES = {
    "a.json": json.dumps(response()),
    "indented.json": json.dumps(response(), indent=2),
    "marked.json": "\ufeff" + json.dumps(response()),
    "a.txt": "A cup.\n",
    "stream.log": "\n\n".join(
        f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [{'delta': delta}]})}"
        for delta in ({"role": "assistant"}, {"content": "A "}, {"content": "cup."})
    )
    + "\n\ndata: [DONE]\n",
    "events.log": "".join(
        f"event: response.output_text.delta\ndata: {json.dumps(event)}\n\n"
        for event in (
            {"type": "response.output_text.delta", "delta": "A cup."},
            {"type": "response.done"},
        )
    ),
    "one.log": 'data: {"choices": [{"delta": {"content": "A cup."}}]}\n\n',
    "chunks.jsonl": "\n".join(
        json.dumps({"object": "chat.completion.chunk", "choices": [{"delta": {"content": piece}}]})
        for piece in ("A ", "cup.")
    ),
}


@pytest.mark.parametrize("name", ANSWER_FILES)
def test_answer_of_every_file_is_the_same(write, name):
    path = write(name, text=ANSWER_FILES[name])
    assert chat(TURNS, path).answer == "A cup."
    assert chat(TURNS, str(path)).answer == "A cup."
    assert read_response(path).text == "A cup."


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "text"])
def test_response_of_every_server_is_known_in_a_file(write, name):
    value = WHOLE[name]
    whole = write("a.json", text=value if isinstance(value, str) else json.dumps(value))
    assert read_response(whole).text == TEXT
    if name.startswith("chunks"):
        assert read_response(write("a.jsonl", *value)).text == TEXT


@pytest.mark.parametrize(
    "text",
    [
        '[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]',
        '{"label": "cup"}',
        '{"text": "EXIT", "bbox_2d": [1, 2, 3, 4]}',
        '{"message": "EXIT", "content": "a door"}',
        '[{"text": "EXIT", "bbox_2d": [1, 2, 3, 4]}]',
        "[12, 34",
        "{cut off",
    ],
)
def test_answer_that_is_json_itself_is_text(write, text):
    assert chat(TURNS, write("a.txt", text=text)).answer == text


def test_request_of_a_log_is_chosen_by_its_line(write):
    lines = [{"messages": TURNS, "answer": text} for text in ("A.", "B.", "C.")]
    for path in (write("a.jsonl", *lines), write("a.json", lines)):
        assert [chat(path, line=line).answer for line in (1, 2, 3)] == ["A.", "B.", "C."]
        with pytest.raises(
            PromptError, match=r"one of the 3 requests in .*got no number.*--chat-line"
        ):
            chat(path)
        with pytest.raises(PromptError, match="got number 4: choose one from 1 to 3"):
            chat(path, line=4)
    assert chat(write("b.jsonl", lines[0], text=json.dumps(lines[0]) + "\n\n")).answer == "A."


def test_response_of_a_log_is_that_of_the_line_or_of_the_id(write):
    requests = write("a.jsonl", {"messages": TURNS}, {"messages": TURNS})
    responses = write("b.jsonl", response("A."), response("B."))
    assert chat(requests, responses, line=2).answer == "B."
    batch = write("c.jsonl", *({"custom_id": n, "body": {"messages": TURNS}} for n in "xy"))
    answers = write(
        "d.jsonl",
        *({"custom_id": n, "response": {"body": response(n.upper())}} for n in "zyx"),
    )
    assert chat(batch, answers, line=1).answer == "X"
    with pytest.raises(PromptError, match="Expected one response, got 3"):
        chat(requests, answers, line=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "got no JSON"),
        ("", "got no JSON"),
        ('{"messages": []}\n{', "Expected JSON in line 2 of "),
        ("[" * 100_000, "Expected at most 100 levels"),
        ('{"messages":' + "[" * 150 + "]" * 150 + "}", "Expected at most 100 levels"),
        ("[]", "last turn is the user's"),
        ("3", "the messages as a list of turns, got 3"),
        ("null", "the messages as a list of turns, got None"),
    ],
)
def test_file_that_is_no_chat_is_refused(write, text, message):
    with pytest.raises(PromptError, match=message):
        read_question(None, **read_chat(write("a.json", text=text)))


def test_file_that_cannot_be_read_is_refused(tmp_path, write, monkeypatch):
    with pytest.raises(PromptError, match="Expected a chat in .*No such file"):
        read_chat(tmp_path / "none.json")
    with pytest.raises(PromptError, match="Expected a chat in a file, got .* which is none"):
        read_chat(tmp_path)
    with pytest.raises(PromptError, match="Expected a response in .*No such file"):
        read_chat(TURNS, "none.json", images=IMAGE)
    (tmp_path / "a.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(PromptError, match="as text in UTF-8, got other bytes"):
        read_chat(tmp_path / "a.json")
    monkeypatch.setattr("seewhy.chats.files.MAX_FILE", 3)
    with pytest.raises(PromptError, match="Expected a chat of at most 0 MiB, got "):
        read_chat(write("b.json", TURNS))


def test_limits_are_there():
    assert limits.MAX_FILE > limits.MAX_MEDIUM > 1 << 20


def test_question_of_a_chat_has_its_turns_template_and_answer():
    value = {"messages": TURNS, "chat_template_kwargs": {"a": 1, "b": 2}}
    question = read_question(None, messages=chat(value, "A cup."), template={"b": 3})
    assert question.answer == "A cup."
    assert question.conversation.template == {"a": 1, "b": 3}
    same = read_question(IMAGE, messages=value, answer=response())
    assert same.answer == "A cup."
    assert read_question(IMAGE, "What?", answer=response()).answer == "A cup."


def test_last_turn_of_the_assistant_is_the_answer_with_its_thinking():
    turns = [*TURNS, {"role": "assistant", "content": "A cup.", "reasoning_content": "Hm."}]
    question = read_question(IMAGE, messages=turns)
    assert (question.answer, question.reasoning) == ("A cup.", "Hm.")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"image": IMAGE, "messages": Chat(())}, ParameterError, "Expected pictures once"),
        ({"messages": Chat(()), "answer": response()}, ParameterError, "a response for read_chat"),
        ({"messages": Chat(())}, PromptError, "last turn is the user's"),
        (
            {"image": IMAGE, "messages": {"messages": TURNS, "answer": "a"}, "answer": response()},
            ParameterError,
            "got a response and one in the request",
        ),
        (
            {"image": IMAGE, "messages": {"messages": TURNS, "answer": "a"}, "answer": "b"},
            ParameterError,
            "got it as `answer` and as the response",
        ),
        (
            {"image": IMAGE, "messages": {"messages": TURNS, "answer": "a"}, "turn": 0},
            ParameterError,
            "`turn` without a response",
        ),
        (
            {"image": IMAGE, "messages": [*TURNS, {"role": "assistant", "content": "a"}],
             "answer": response()},
            ParameterError,
            "got a response and an assistant's last message",
        ),
        (
            {"image": IMAGE, "messages": [*TURNS, {"role": "assistant", "content": "a",
             "reasoning_content": "Hm."}, {"role": "user", "content": "b"}]},
            PromptError,
            "earlier turns without thinking, got some in turn 1",
        ),
        ({"image": IMAGE, "messages": TURNS, "answer": {"error": "x"}}, AnswerError, "error of"),
    ],
)  # fmt: skip
def test_arguments_that_contradict_each_other_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        read_question(arguments.pop("image", None), **arguments)


def test_cut_off_answers_are_warnings_and_other_ends_are_notes():
    cut = chat(TURNS, {"choices": [{"message": {"content": "A"}, "finish_reason": "length"}]})
    assert len(cut.warnings) == 1
    assert cut.notes == ()
    other = chat(TURNS, {"choices": [{"message": {"content": "A"}, "finish_reason": "abort"}]})
    assert other.warnings == ()
    assert len(other.notes) == 1
