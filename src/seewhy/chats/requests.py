"""Whole requests and records: their turns, their pictures, and what they set."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seewhy.chats.files import unpacked
from seewhy.chats.limits import MAX_MEDIA, expect_count
from seewhy.chats.llava import count_markers, with_markers_as_places
from seewhy.chats.messages import read_turns
from seewhy.chats.parts import read_part, read_parts
from seewhy.chats.settings import Settings, read_settings
from seewhy.chats.turns import IMAGE, VIDEO, Place, Turn, is_blank, shown
from seewhy.core.errors import PromptError

TURNS = ("messages", "contents", "conversations", "conversation")
"""Fields with a list of turns."""
QUESTIONS = ("prompt", "question", "query", "instruction", "text")
"""Fields with a question, where there are no turns."""
SYSTEM = ("instructions", "system", "systemInstruction", "system_instruction", "system_prompt")
MEDIA = {
    **dict.fromkeys(("image", "images", "image_data", "image_path", "image_url"), IMAGE),
    **dict.fromkeys(("video", "videos", "video_data"), VIDEO),
}
"""Fields with the pictures of a whole record."""
ANSWERS = ("response", "answer", "choices", "output", "output_text", "completion", "candidates")
"""Fields with the answer, in a line that holds both."""
INSIDE = ("request", "body", "params", "payload", "json")
"""Fields that hold the request, in a line that holds more."""
OWN = frozenset(
    (
        *TURNS,
        *QUESTIONS,
        *SYSTEM,
        *MEDIA,
        *ANSWERS,
        *INSIDE,
        "input",
        "multi_modal_data",
        "extra_body",
    )
)
_TEMPLATE = re.compile(
    r"<\|[a-z_]+\|>|\[/?INST\]|<start_of_turn>|<\|?im_start|<end_of_utterance>|\[IMG\]"
    r"|(?:USER|User|Human|Question):.*(?:ASSISTANT|Assistant|GPT|Answer):",
    re.DOTALL,
)
"""What only a prompt that a template has written holds."""


@dataclass(frozen=True, eq=False)
class Request:
    """What a model was asked.

    Attributes:
        turns: in order; the last one may be the answer, or its beginning.
        settings: what the request sets besides.
        notes: what a reader of the explanation must know.
        response: the response, where the same object holds it; None for none.
    """

    turns: list[Turn]
    settings: Settings
    notes: tuple[str, ...] = ()
    response: Any = None


def read_request(value: Any) -> Request:
    """Read a list of turns, a record or a request, or a logged line with both.

    Raises:
        PromptError: if it has no turns, or a field that cannot be followed.
    """
    if not isinstance(value, Mapping):
        turns, notes = read_turns(value)
        return Request(turns, Settings(), tuple(notes))
    request = inner_request(value)
    inner = {**{k: v for k, v in request.items() if k != "extra_body"}, **_extra(request)}
    # OpenAI's responses have settings of the answer's form as `text`, and stored prompts.
    known = OWN - {name for name in ("text", "prompt") if not isinstance(inner.get(name), str)}
    settings = read_settings(inner, known)
    turns, notes = _turns(inner)
    turns = _with_media(turns, own_media(value, request))
    turns = [_with_frames(turn, settings) for turn in turns]
    return Request(turns, settings, tuple(notes), _response(value, request))


def is_request(value: Any) -> bool:
    """Whether an object asks a model something, and is no turn."""
    if not isinstance(value, Mapping) or "role" in value or {"from", "value"} <= set(value):
        return False
    inner = inner_request(value)
    return any(not is_blank(inner.get(name)) for name in (*TURNS, *QUESTIONS, "input"))


def inner_request(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request itself: the object, or what is inside it."""
    for name in INSIDE:
        inner = unpacked(value.get(name))
        if isinstance(inner, Mapping) and not set(TURNS) & set(value):
            return inner_request(inner)
    return value


def _extra(inner: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = inner.get("extra_body")
    return extra if isinstance(extra, Mapping) else {}


def _turns(request: Mapping[str, Any]) -> tuple[list[Turn], list[str]]:
    found, notes = _own_turns(request)
    system = next((request[name] for name in SYSTEM if not is_blank(request.get(name))), None)
    if system is None:
        return found, notes
    if isinstance(system, Mapping) and "parts" in system:
        system = system["parts"]
    return [Turn("system", tuple(read_parts(system, 0))), *found], notes


def _own_turns(request: Mapping[str, Any]) -> tuple[list[Turn], list[str]]:
    turns = next((n for n in TURNS if isinstance(request.get(n), list | tuple)), None)
    if turns is None and "messages" in request:
        turns = "messages"
    if turns is not None:
        if both := [n for n in ("prompt", "question") if not is_blank(request.get(n))]:
            raise PromptError(
                f"Expected a question or turns, got {both[0]} and {turns}: leave one out."
            )
        return read_turns(request[turns])
    if request.get("conversation"):
        raise PromptError(
            "Expected the turns in the request, got the id of a conversation: its earlier turns "
            "are on the server, write them into the request."
        )
    asked = request.get("input")
    if isinstance(asked, list | tuple):
        return read_turns(asked)
    names = [name for name in (*QUESTIONS, "input") if isinstance(request.get(name), str)]
    if not names:
        raise PromptError(
            f"Expected a chat, got an object with {shown(sorted(map(str, request)))}: write "
            "{'messages': [{'role': 'user', 'content': '...'}]}."
        )
    if len(names) > 1:
        raise PromptError(
            f"Expected one question, got {' and '.join(names)}: leave out what is not the question."
        )
    return [Turn("user", (_plain(request[names[0]], names[0]),))], []


def _plain(text: str, name: str) -> str:
    if marker := _TEMPLATE.search(text):
        raise PromptError(
            f"Expected the question alone as {name!r}, got a prompt that a template has written "
            f"already ({marker[0][:30]!r}): its turns are not known. Give `messages`, or explain "
            "the generation itself with seewhy.trace."
        )
    return text


def own_media(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> list[Place]:
    """The places of a whole record's pictures and clips.

    Args:
        outer: the line of a log.
        inner: the request in it, or the same.

    Raises:
        PromptError: if pictures are named twice, or are none.
    """
    places: list[Place] = []
    for source in (outer, inner) if outer is not inner else (inner,):
        bundle = source.get("multi_modal_data")
        for fields in (source, bundle if isinstance(bundle, Mapping) else {}):
            named = [name for name in MEDIA if not _is_nothing(fields.get(name))]
            for kind in (IMAGE, VIDEO):
                if len(both := [name for name in named if MEDIA[name] == kind]) > 1:
                    raise PromptError(
                        f"Expected the pictures of a record once, got {' and '.join(both)}: leave "
                        "one out."
                    )
            for name in named:
                places += _places(fields[name], MEDIA[name])
    expect_count(len(places), MAX_MEDIA, "pictures and clips of a record")
    return places


def _is_nothing(found: Any) -> bool:
    return found is None or (isinstance(found, str | Mapping | list | tuple) and is_blank(found))


def _places(found: Any, kind: str) -> list[Place]:
    items: Sequence[Any] = found if isinstance(found, list | tuple) else [found]
    if kind == VIDEO and items and not isinstance(items[0], str | list | tuple | Mapping):
        items = [items]  # frames of one clip
    return [
        part if isinstance(part := read_part({"type": kind, kind: item}, 0), Place) else Place(kind)
        for item in items
    ]


def _with_media(turns: list[Turn], media: list[Place]) -> list[Turn]:
    """The turns with the record's pictures in their places."""
    if not media:
        return turns
    free = [p for turn in turns for p in turn.parts if isinstance(p, Place) and p.source is None]
    if not any(isinstance(p, Place) for turn in turns for p in turn.parts):
        if count_markers(turns):
            turns = with_markers_as_places(turns)
            free = [p for turn in turns for p in turn.parts if isinstance(p, Place)]
        else:
            return _at_first_question(turns, media)
    if len(media) > len(free):
        raise PromptError(
            f"Expected {len(free)} pictures beside the turns, one for each marker or part without "
            f"one, got {len(media)}: write <image> where each picture stands, or leave some out."
        )
    left = list(media)

    def filled(part: str | Place) -> str | Place:
        if isinstance(part, str) or part.source is not None or not left:
            return part
        index = next((n for n, one in enumerate(left) if one.kind == part.kind), None)
        if index is None:
            return part
        one = left.pop(index)
        return replace(part, source=one.source, settings={**part.settings, **one.settings})

    placed = [replace(turn, parts=tuple(map(filled, turn.parts))) for turn in turns]
    if left:
        raise PromptError(
            f"Expected a marker or part for each {left[0].kind} beside the turns, got "
            f"{len(left)} more: write <{left[0].kind}> where it stands."
        )
    return placed


def _at_first_question(turns: list[Turn], media: list[Place]) -> list[Turn]:
    """The turns with pictures before the words of the first user's turn."""
    first = next((n for n, turn in enumerate(turns) if turn.role == "user"), None)
    if first is None:
        raise PromptError("Expected a user's turn for the pictures, got none: add one.")
    turn = turns[first]
    placed = replace(turn, parts=(*media, *turn.parts))
    return [*turns[:first], placed, *turns[first + 1 :]]


def _with_frames(turn: Turn, settings: Settings) -> Turn:
    """A turn whose clips have the request's frames, where they have none of their own."""
    parts = (
        replace(part, frames={**settings.frames, **part.frames})
        if isinstance(part, Place) and part.kind == VIDEO
        else part
        for part in turn.parts
    )
    return replace(turn, parts=tuple(parts))


def _response(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> Any:
    """The response in a logged line; None for none."""
    for source in (outer, inner) if outer is not inner else (inner,):
        named = [name for name in ANSWERS if not is_blank(source.get(name))]
        if named:
            whole = {name: source[name] for name in named}
            return source[named[0]] if named[0] in ("response", "answer", "completion") else whole
    return None
