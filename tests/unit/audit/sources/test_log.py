"""Logs: lines of one's own, logged requests, and pictures inside them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from audit_layouts import rows_of, save_picture, write_lines
from seewhy.audit.source import BadRow, SourceRow
from seewhy.audit.sources import open_source
from seewhy.chats import limits, read_question
from seewhy.images import read_image


@pytest.fixture
def png(tmp_path: Path) -> bytes:
    return save_picture(tmp_path / "1.png").read_bytes()


def read(folder: Path, *lines: object) -> list[Any]:
    path = write_lines(folder / "log.jsonl", lines)
    return rows_of(open_source(f"log:{path}"))


def uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def url(address: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": address}}


TEXT = {"type": "text", "text": "What is it?"}


def test_line_has_a_picture_a_prompt_and_an_answer(tmp_path: Path, png: bytes) -> None:
    (row,) = read(tmp_path, {"id": 7, "image": "1.png", "prompt": "What?", "answer": "A block."})
    assert row == SourceRow("7", (tmp_path / "1.png",), "What?", answer="A block.")


def test_line_without_an_id_has_its_number(tmp_path: Path, png: bytes) -> None:
    rows = read(tmp_path, {"image": "1.png"}, {"image": "1.png", "id": None})
    assert [row.id for row in rows] == ["line-1", "line-2"]


@pytest.mark.parametrize(
    "code",
    [
        lambda data: uri(data),
        lambda data: uri(data).replace("data:image/png;base64", "DATA:image/png;BASE64"),
        lambda data: base64.b64encode(data).decode(),
        lambda data: base64.encodebytes(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
        lambda data: "data:image/png," + "".join(f"%{byte:02x}" for byte in data),
        lambda data: {"url": uri(data)},
    ],
)
def test_picture_in_the_text_is_decoded(tmp_path: Path, png: bytes, code: Any) -> None:
    (row,) = read(tmp_path, {"image": code(png)})
    assert row.images == (png,)
    assert read_image(row.images[0]).size == (40, 30)


def test_picture_is_upright(tmp_path: Path) -> None:
    data = save_picture(tmp_path / "a.jpg", orientation=6).read_bytes()
    (row,) = read(tmp_path, {"image": uri(data, "image/jpeg")})
    assert read_image(row.images[0]).size == (40, 30)


def test_path_of_a_file_is_absolute_relative_or_an_address(tmp_path: Path, png: bytes) -> None:
    path = tmp_path / "1.png"
    for source in ("1.png", str(path), f"file://{path}", f"file://{path}".replace("1", "%31")):
        (row,) = read(tmp_path, {"image": source})
        assert row.images == (path,)


def test_logged_request_of_chat_completions(tmp_path: Path, png: bytes) -> None:
    request = {
        "model": "m",
        "messages": [{"role": "system", "content": "Be short."}, user(TEXT, url(uri(png)))],
    }
    response = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "A block."}}]}
    lines = [
        {"request": request, "response": response},
        {**request, "response": response, "id": "flat"},
        {**request, **response, "id": "joined"},
        {"custom_id": "b-1", "body": request, "response": {"status_code": 200, "body": response}},
        {"request": {"body": request}, "response": "A block.", "id": "text"},
    ]
    rows = read(tmp_path, *lines)
    assert [row.id for row in rows] == ["line-1", "flat", "joined", "b-1", "text"]
    for row in rows:
        assert isinstance(row, SourceRow), row
        assert row.answer == "A block."
        assert row.images == (png,)
        assert row.prompt is None
        assert row.messages[1]["content"] == [TEXT, {"type": "image"}]
        question = read_question(list(row.images), messages=row.messages, answer=row.answer)
        assert question.conversation.turns[1].parts[0] == "What is it?"


def test_logged_request_of_responses(tmp_path: Path, png: bytes) -> None:
    content = [
        {"type": "input_text", "text": "What?"},
        {"type": "input_image", "image_url": uri(png)},
    ]
    output = [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "A block."}]},
    ]
    line = {"input": [{"role": "user", "content": content}], "output": output}
    (row,) = read(tmp_path, line)
    assert row.answer == "A block."
    assert row.messages == (user({"type": "text", "text": "What?"}, {"type": "image"}),)


def test_first_of_several_choices_is_the_answer(tmp_path: Path, png: bytes) -> None:
    choices = [{"message": {"content": text}} for text in ("A block.", "A cube.")]
    (row,) = read(tmp_path, {"image": "1.png", "prompt": "What?", "response": {"choices": choices}})
    assert row.answer == "A block."


def test_line_of_llava_s_format(tmp_path: Path, png: bytes) -> None:
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A block."}]
    (row,) = read(tmp_path, {"image": "1.png", "conversations": turns})
    assert (row.images, row.answer) == ((tmp_path / "1.png",), "A block.")
    assert row.messages == (user({"type": "image"}, {"type": "text", "text": "What?"}),)


def test_setting_that_a_row_cannot_keep_makes_a_bad_row(tmp_path: Path, png: bytes) -> None:
    line = {"image": "1.png", "messages": [user(TEXT)], "mm_processor_kwargs": {"max_pixels": 9}}
    (row,) = read(tmp_path, line)
    assert row.reason == "a setting that is not followed"
    kept = user({"type": "image", "max_pixels": 999}, TEXT)
    (row,) = read(tmp_path, {"image": "1.png", "messages": [kept]})
    assert row.messages[0]["content"][0] == {"type": "image", "max_pixels": 999}


def test_last_turn_of_the_assistant_is_the_answer(tmp_path: Path, png: bytes) -> None:
    chat = [user("Hello"), {"role": "assistant", "content": "Hi."}, user("What?")]
    last = {"role": "assistant", "content": [{"type": "text", "text": "A block."}]}
    (row,) = read(tmp_path, {"image": "1.png", "messages": [*chat, last]})
    assert row.answer == "A block."
    assert [turn["role"] for turn in row.messages] == ["user", "assistant", "user"]
    # The line's own picture belongs to the first turn of the user.
    assert row.messages[0]["content"][0] == {"type": "image"}


def test_empty_parts_take_the_pictures_of_the_line(tmp_path: Path, png: bytes) -> None:
    message = user({"type": "image"}, "What?", {"type": "image_url"})
    (row,) = read(tmp_path, {"images": ["1.png", "1.png"], "messages": [message]})
    assert row.images == (tmp_path / "1.png",) * 2
    assert [part["type"] for part in row.messages[0]["content"]] == ["image", "text", "image"]


MALFORMED = "a field is missing or of another type"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"image": "https://example.com/1.png"}, "a picture at an address in the network"),
        ({"messages": [user(TEXT, url("http://h/1.png"))]}, "a picture at an address"),
        ({"image": "s3://bucket/1.png"}, "a picture at an address in the network"),
        ({"image": "data:image/png;base64,!!!!"}, "a picture that cannot be decoded"),
        ({"image": "data:image/png;base64"}, "a picture that cannot be decoded"),
        ({"image": "none.png"}, "picture missing"),
        ({"image": "\0"}, "picture missing"),
        ({"image": "x" * 5000}, "picture missing"),
        ({"prompt": "What?"}, "no picture"),
        ({"images": []}, "no picture"),
        ({"messages": [user(TEXT)]}, "no picture"),
        ({"image": "1.png", "images": ["1.png"]}, MALFORMED),
        ({"image": 7}, MALFORMED),
        ({"images": 7}, MALFORMED),
        ({"image": "1.png", "prompt": 7}, MALFORMED),
        ({"image": "1.png", "prompt": "a", "messages": [user("b")]}, MALFORMED),
        ({"image": "1.png", "messages": []}, MALFORMED),
        ({"image": "1.png", "messages": ["b"]}, MALFORMED),
        ({"image": "1.png", "messages": [{"role": "user"}]}, MALFORMED),
        ({"image": "1.png", "messages": [{"role": "assistant", "content": "b"}]}, MALFORMED),
        ({"image": "1.png", "messages": [user({"type": "image"}, {"type": "image"})]}, MALFORMED),
        ({"image": "1.png", "messages": [user(url("1.png"))]}, MALFORMED),
        ({"image": "1.png", "id": True}, MALFORMED),
        ({"image": "1.png", "answer": " "}, "no text in the answer"),
        ({"image": "1.png", "response": {"choices": []}}, "no text in the answer"),
        (
            {"image": "1.png", "response": {"choices": [{"message": {"content": None}}]}},
            "no text in the answer",
        ),
        ({"messages": [user({"type": "input_audio"})]}, "a part that is neither text nor picture"),
        (
            {
                "image": "1.png",
                "answer": "a",
                "messages": [user("b"), {"role": "assistant", "content": "c"}],
            },
            "two answers",
        ),
        (["1.png"], MALFORMED),
    ],
)
def test_line_that_cannot_be_used_has_a_reason(
    tmp_path: Path, png: bytes, line: object, reason: str
) -> None:
    rows = read(tmp_path, {"image": "1.png"}, line, {"image": "1.png", "id": "end"})
    assert [row.id for row in rows if isinstance(row, SourceRow)] == ["line-1", "end"]
    assert isinstance(rows[1], BadRow)
    assert rows[1].id == "line 2"
    assert rows[1].reason.startswith(reason)


def test_repeated_id_is_a_bad_row(tmp_path: Path, png: bytes) -> None:
    rows = read(tmp_path, {"image": "1.png", "id": 1}, {"image": "1.png", "id": "1"})
    assert [getattr(row, "reason", "") for row in rows] == ["", "the id is repeated"]


def test_pictures_in_the_text_have_a_limit(
    tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_MEDIUM", 50)
    plain = "data:image/png," + "a" * 100
    rows = read(tmp_path, {"image": uri(png)}, {"image": plain}, {"image": "1.png"})
    assert [getattr(row, "reason", "") for row in rows] == ["a picture that is too large"] * 2 + [
        ""
    ]


def test_answers_of_a_log_can_be_given_beside_it(tmp_path: Path, png: bytes) -> None:
    path = write_lines(tmp_path / "log.jsonl", [{"image": "1.png", "answer": "Old."}])
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"id": "line-1", "answer": "New."}))
    (row,) = rows_of(open_source(f"log:{path}", answers=answers))
    assert row.answer == "New."
