"""Files of chats and responses: JSON, lines of JSON, streamed responses, and plain text."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seewhy.chats.limits import MAX_FILE, expect_shallow, too_deep
from seewhy.core.errors import PromptError


def read_text(path: str | os.PathLike[str], what: str) -> str:
    """The text of a file.

    Args:
        path: the file.
        what: it holds, for errors, such as `"a chat"`.

    Raises:
        PromptError: if it cannot be read, is no text or is too large.
    """
    file = Path(path).expanduser()
    try:
        if file.is_file() and (size := file.stat().st_size) > MAX_FILE:
            raise PromptError(
                f"Expected {what} of at most {MAX_FILE >> 20} MiB, got {file} of {size >> 20} MiB: "
                "write the wanted line into a file of its own."
            )
        if file.exists() and not file.is_file():
            raise PromptError(f"Expected {what} in a file, got {file}, which is none.")
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise PromptError(
            f"Expected {what} in {file}, got {error.strerror or error}: check the path."
        ) from error
    except ValueError as error:
        raise PromptError(
            f"Expected {what} in {str(file)!r} as text in UTF-8, got other bytes ({error}): "
            "convert it."
        ) from error


def parsed(text: str, name: str) -> list[Any]:
    """The JSON values of a text: one, or one for each line.

    Lines of a stream of events (`data: {...}`) are read too; `[DONE]` and comments are left out.

    Raises:
        PromptError: if it is no JSON, or too deep.
    """
    try:
        value = _loaded(text, name)
    except ValueError as error:
        lines = _lines(text)
        if len(lines) < 2 and not _is_stream(text):
            raise PromptError(
                f'Expected JSON in {name}, got no JSON ({error}): write [{{"role": "user", '
                '"content": "..."}, ...].'
            ) from error
        return [_line(line, number, name) for number, line in lines]
    return [value]


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that hold a value, with their numbers from 1."""
    found: list[tuple[int, str]] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith(("event:", "id:", "retry:", ":")) or not line:
            continue
        line = line[5:].strip() if line.startswith("data:") else line
        if line and line != "[DONE]":
            found.append((number, line))
    return found


def _is_stream(text: str) -> bool:
    return text.lstrip().startswith(("data:", "event:", "id:", ":"))


def _line(line: str, number: int, name: str) -> Any:
    try:
        return _loaded(line, name)
    except ValueError as error:
        raise PromptError(
            f"Expected JSON in line {number} of {name}, got no JSON ({error}): correct the line."
        ) from error


def _loaded(text: str, name: str) -> Any:
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise too_deep(name) from error
    expect_shallow(value, name)
    return value


def unpacked(value: Any) -> Any:
    """The object in a text of JSON, as logs hold bodies; any other value as it is."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            inner = json.loads(value)
        except (ValueError, RecursionError):
            return value
        expect_shallow(inner, "a logged body")
        return inner
    return value


def chosen_line(values: Sequence[Any], line: int | None, name: str) -> Any:
    """One of several records of a file, by its number from 1.

    Raises:
        PromptError: if there are several and no number is given, or there is no such number.
    """
    if line is None and len(values) == 1:
        return values[0]
    if line is None or not 1 <= line <= len(values):
        got = "no number" if line is None else f"number {line}"
        raise PromptError(
            f"Expected the number of one of the {len(values)} requests in {name}, got {got}: "
            f"choose one from 1 to {len(values)} (--chat-line N, line=N)."
        )
    return values[line - 1]
