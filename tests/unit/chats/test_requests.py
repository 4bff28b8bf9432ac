"""Turns and whole requests of every format, and what they set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chat_formats import REQUESTS, WORDS, url_of
from painting import noise
from seewhy.chats.chat import chat_of
from seewhy.chats.requests import is_request, read_request
from seewhy.chats.settings import CONSTRAINTS, REFUSED, SAMPLING
from seewhy.core.errors import PartError, PromptError

IMAGE = noise(12, 8)
PART = {"type": "image", "image": IMAGE}


def user(*parts, **more):
    return {"role": "user", "content": [PART, *(parts or (WORDS,))], **more}


def parts_of(chat, turn: int = 0) -> list[Any]:
    return [*chat.turns[turn].parts]


def request(**settings):
    return {"messages": [user()], **settings}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_of_every_format_asks_the_same(name):
    (turn,) = chat_of(REQUESTS[name](IMAGE), "A cup.").turns
    assert turn.role == "user"
    assert np.array_equal(turn.parts[0], IMAGE)
    assert turn.parts[1:] == (WORDS,)


@pytest.mark.parametrize("name", [name for name in REQUESTS if name != "turns"])
def test_request_is_told_from_a_turn(name):
    value = REQUESTS[name](IMAGE)
    assert is_request(value)
    assert not is_request({"role": "user", "content": "What?"})
    assert not is_request({"from": "human", "value": "What?"})


def test_llava_turns_have_the_roles_and_places_of_their_speakers():
    record = {
        "system": "Be short.",
        "image": [IMAGE, noise(9, 8)],
        "conversations": [
            {"from": "human", "value": "Compare <image> and\n<image>\nthen answer."},
            {"from": "gpt", "value": "The <image> is red."},
            {"from": "human", "value": "Why?"},
            {"from": "gpt", "value": "Because."},
        ],
    }
    chat = chat_of(record)
    turns = chat.turns
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user", "assistant"]
    one, first, two, second, three = parts_of(chat, 1)
    assert (one, two, three) == ("Compare ", " and", "then answer.")
    assert (first.width, second.width) == (12, 9)
    assert turns[2].parts == ("The <image> is red.",)


def test_marker_in_a_text_part_stays_text():
    """Only formats that have markers have them: in other texts they are words."""
    (turn,) = chat_of({"messages": [user("Is <image> a tag?")]}).turns
    assert turn.parts[1:] == ("Is <image> a tag?",)


def test_record_with_a_clip_has_it_at_its_marker():
    frames = [noise(8, 6, seed) for seed in range(3)]
    record = {"video": frames, "conversations": [{"from": "human", "value": "<video>\nWhat?"}]}
    clip, words = chat_of(record).turns[0].parts
    assert (len(clip), words) == (3, "What?")


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("Be short.", "system"),
        ("Be short.", "instructions"),
        ([{"type": "text", "text": "Be short."}], "system"),
        ({"parts": [{"text": "Be short."}]}, "systemInstruction"),
    ],
)
def test_system_text_of_a_request_is_the_first_turn(system, name):
    first, second = chat_of(request(**{name: system})).turns
    assert (first.role, first.parts, second.role) == ("system", ("Be short.",), "user")


def test_developer_is_system():
    chat = chat_of([{"role": "developer", "content": "Be short."}, user()])
    assert chat.turns[0].role == "system"


def test_body_as_text_is_read():
    chat = chat_of(
        {"request": '{"messages": [{"role": "user", "content": "What?"}]}', "image": IMAGE}
    )
    assert chat.turns[0].parts[1] == "What?"


def test_logged_line_with_its_response():
    line = {"request": request(), "response": {"choices": [{"message": {"content": "A cup."}}]}}
    assert chat_of(line).answer == "A cup."
    assert chat_of({**request(), "answer": "A cup."}).answer == "A cup."
    assert chat_of({**request(), "output": [{"type": "message", "content": "A cup."}]}).answer == (
        "A cup."
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([{"role": "tool", "content": "1"}], "got 'tool' as role of turn 0: calls of tools"),
        ([{"role": "function", "content": "1"}], "got 'function' as role of turn 0"),
        ([{"from": "observation", "value": "1"}], "got 'observation' as role of turn 0"),
        (
            [{"role": "narrator", "content": "1"}],
            "one of system, user and assistant, got 'narrator'",
        ),
        ([{"role": 3, "content": "1"}], "one of system, user and assistant, got 3"),
        ([{"role": "assistant", "content": None}], "as text or a list of parts, got null"),
        (
            [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}],
            "got 'tool_calls' in turn 0: calls of tools and sound are not supported",
        ),
        (
            [{"role": "assistant", "content": "a", "function_call": {"name": "f"}}],
            "'function_call'",
        ),
        ([{"role": "assistant", "content": "a", "audio": {"id": "1"}}], "got 'audio' in turn 0"),
        (
            [{"type": "function_call", "role": "assistant", "content": "a"}],
            "items of type 'message'",
        ),
        ([{"type": "reasoning", "summary": []}], "turns with a role and a content"),
        ([{"role": "user", "content": [None]}], "got None in turn 0"),
        ([{"role": "user", "content": [{"type": "text"}]}], "Expected a part with text in turn 0"),
        ([{"role": "user", "content": [{"type": "text", "text": None}]}], "a part with text"),
        ([{"role": "user", "content": [["a"]]}], r"got \['a'\] in turn 0"),
        ([{"role": "user", "content": 3}], "text or a list of parts, got int"),
        ([{"from": "human", "value": None}], "Expected text as value of turn 0, got NoneType"),
        (["What?"], "turns with a role and a content, got 'What\\?' as turn 0"),
        ({"messages": None}, "the messages as a list of turns, got None"),
        ({"messages": "What?"}, "the messages as a list of turns, got 'What"),
        ({"inputs": "What?"}, r"Expected a chat, got an object with \['inputs'\]"),
        ({"messages": [], "prompt": "a"}, "Expected a question or turns, got prompt and messages"),
        ({"question": "a", "query": "b"}, "Expected one question, got question and query"),
        ({"image": IMAGE, "images": [IMAGE], "question": "a"}, "once, got image and images"),
        ({"conversation": "conv_1", "input": "a"}, "got the id of a conversation"),
        ({"prompt": {"id": "p"}, "input": "a"}, "without 'prompt', got one: a stored prompt"),
        ({"prompt": [1, 2], "image": IMAGE}, "without 'prompt', got one: a stored prompt"),
        ({"messages": [], "image": IMAGE}, "Expected a user's turn for the pictures, got none"),
        (
            {"images": [IMAGE] * 2, "messages": [{"role": "user", "content": "<image>a"}]},
            "Expected 1 pictures beside the turns, .* got 2",
        ),
        (
            {"video": [IMAGE], "messages": [{"role": "user", "content": "<image>a"}]},
            "Expected a marker or part for each video",
        ),
        ({"messages": [user(audio={"id": 1})]}, "got 'audio' in turn 0"),
    ],
)
def test_request_that_cannot_be_is_refused(value, message):
    with pytest.raises(PromptError, match=message):
        read_request(value)


@pytest.mark.parametrize(
    "kind",
    [
        "input_audio",
        "audio",
        "file",
        "input_file",
        "document",
        "tool_use",
        "tool_result",
        "image_embeds",
    ],
)
def test_part_of_another_kind_is_refused_by_name(kind):
    with pytest.raises(PartError, match=f"got a part of type {kind!r} in turn 0: leave it out"):
        read_request([user({"type": kind})])


@pytest.mark.parametrize(
    "prompt",
    [
        "USER: <image>\nWhat is it? ASSISTANT:",
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What?<|im_end|>\n",
        "[INST] <image>\nWhat? [/INST]",
        "<start_of_turn>user\nWhat?<end_of_turn>",
        "User:<image>What?<end_of_utterance>\nAssistant:",
    ],
)
@pytest.mark.parametrize("name", ["prompt", "text"])
def test_prompt_that_a_template_has_written_is_refused(prompt, name):
    value = {name: prompt, "multi_modal_data": {"image": IMAGE}}
    with pytest.raises(PromptError, match="that a template has written already .* seewhy.trace"):
        read_request(value)


def test_depth_and_number_of_turns_have_limits(monkeypatch):
    deep: list = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(PromptError, match="Expected at most 100 levels"):
        chat_of({"messages": deep})
    monkeypatch.setattr("seewhy.chats.messages.MAX_TURNS", 3)
    with pytest.raises(PromptError, match="Expected at most 3 turns, got 4"):
        chat_of([user()] * 4)


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SAMPLING))
def test_setting_of_sampling_is_told_and_has_no_effect(name):
    (note,) = chat_of(request(**{name: 3}), "A cup.").notes
    assert note.startswith(f"Settings of sampling in the request ({name}) have no effect")
    (note,) = chat_of(request(**{name: 3})).notes
    assert note.startswith(f"Settings of sampling in the request ({name}) were not used")


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_constraint_is_told_with_an_answer_and_refused_without(name):
    value = request(**{name: {"type": "json_object"}})
    (note,) = chat_of(value, "A cup.").notes
    assert note.startswith(f"The server restricted the answer ({name})")
    with pytest.raises(PromptError, match=f"a request that restricts it \\({name}\\), got none"):
        chat_of(value)


@pytest.mark.parametrize("name", sorted(set(REFUSED) - {"prompt"}))
def test_setting_that_changes_what_the_model_saw_is_refused(name):
    with pytest.raises(PromptError, match=f"Expected a request without {name!r}, got one: "):
        chat_of(request(**{name: ["x"]}), "A cup.")
    assert chat_of(request(**{name: None}), "A cup.").notes == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chat_template_kwargs": {"chat_template": "x"}}, "without 'chat_template'"),
        ({"chat_template_kwargs": {"tools": ["x"]}}, "without 'tools'"),
        ({"chat_template_kwargs": {"add_generation_prompt": False}}, "got 'add_generation_prompt'"),
        ({"chat_template_kwargs": "x"}, "an object as chat_template_kwargs, got 'x'"),
        ({"mm_processor_kwargs": [1]}, "an object as mm_processor_kwargs, got"),
        ({"mm_processor_kwargs": {"use_audio_in_video": True}}, "without 'use_audio_in_video'"),
        ({"media_io_kwargs": {"image": {"image_mode": "L"}}}, "got image.image_mode"),
        ({"add_generation_prompt": False}, "got add_generation_prompt = false"),
        ({"continue_final_message": True}, "Expected an assistant's last turn with"),
    ],
)
def test_setting_that_cannot_be_followed_is_refused(settings, message):
    with pytest.raises(PromptError, match=message):
        chat_of(request(**settings), "A cup.")


@pytest.mark.parametrize(
    ("settings", "template"),
    [
        ({"chat_template_kwargs": {"enable_thinking": False}}, {"enable_thinking": False}),
        ({"enable_thinking": True}, {"enable_thinking": True}),
        ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}),
        ({"thinking": True}, {"thinking": True}),
        ({"extra_body": {"chat_template_kwargs": {"a": 1}}}, {"a": 1}),
    ],
)
def test_variables_of_the_template_are_kept(settings, template):
    assert chat_of(request(**settings), "A cup.").template == template


def test_unknown_fields_are_told():
    chat = chat_of({"messages": [user(mood="good")], "colour": 3}, "A cup.")
    assert chat.notes == (
        "Fields of turns that were not used: mood.",
        "Fields of the request that were not used: colour.",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"continue_final_message": True, "add_generation_prompt": False}, {}),
        ({}, {"prefix": True}),
        ({}, {"partial": True}),
    ],
)
def test_answer_that_continues_a_turn_is_explained_whole(settings, message):
    turns = [user(), {"role": "assistant", "content": "A red", **message}]
    chat = chat_of({"messages": turns, **settings}, " cup.")
    assert (chat.answer, len(chat.turns)) == ("A red cup.", 1)
    assert "The first 5 characters of the answer were given to the model." in chat.notes
    with pytest.raises(
        PromptError, match="the response with an answer that continues the last turn"
    ):
        chat_of({"messages": turns, **settings})


def test_setting_of_all_pictures_of_a_request():
    assert chat_of(request(max_pixels=99)).processor_options == {"max_pixels": 99}
    nested = request(mm_processor_kwargs={"images_kwargs": {"max_pixels": 99}, "do_resize": None})
    assert chat_of(nested).processor_options == {"max_pixels": 99}
    frames = {"type": "video", "video": [IMAGE] * 4}
    video = {"messages": [user(frames, WORDS)], "mm_processor_kwargs": {"fps": 4}}
    clip = parts_of(chat_of(video))[1]
    assert clip.fps == 4


def test_data_url_of_a_record_and_of_a_turn():
    chat = chat_of({"images": [url_of(IMAGE)], "question": "What?"})
    assert parts_of(chat)[0].size == (12, 8)
