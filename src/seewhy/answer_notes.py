"""What a reader of an explanation must know: first, of the whole answer, and of single words."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from seewhy.chats import Chat
from seewhy.core.errors import ShippedModelWarning
from seewhy.core.repetition import longest_loop
from seewhy.core.text import Word
from seewhy.core.trace import Inputs, Trace
from seewhy.images import Clip
from seewhy.methods import Method
from seewhy.methods import _question as of_question
from seewhy.models.family import Family
from seewhy.models.loading import Loaded
from seewhy.models.session import Session
from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.smol.part_files import assembled_from
from seewhy.testbed.worlds import EMOJI, world_of

if TYPE_CHECKING:
    from PIL.Image import Image

UNFINISHED = (
    "The answer was cut off, or a stop string ended it: generation did not end with the model's "
    "own end token."
)
"""The warning of a captured answer without its end."""
FAR_OFF = 0.5
"""Nats between the mean log-probability in a log and ours from which a note tells of it."""
SHOWN = 60
"""Characters of a loop that a warning shows."""


def warnings_of(
    session: Session,
    trace: Trace,
    words: Sequence[Word],
    settings: Mapping[str, Any],
    chat: Chat,
    begun: int = 0,
) -> tuple[str, ...]:
    """What must be told before anything else, the gravest first.

    Args:
        session: with the model and its pictures.
        trace: of the answer.
        words: of the answer.
        settings: of generation, with `max_new_tokens` where the model wrote the answer.
        chat: that the question comes from.
        begun: how many of the answer's tokens were given, before the model went on.
    """
    found = [
        foreign_pictures(session.loaded, session.source.media),
        repetition(words),
        "" if any(map(_says_something, words)) else "The answer holds no words.",
    ]
    if settings.get("max_new_tokens") == len(trace.tokens) - begun:
        found.append(f"The answer was cut off after {len(trace.tokens)} tokens.")
    return tuple(dict.fromkeys(filter(None, (*found, *chat.warnings))))


def foreign_pictures(loaded: Loaded, media: Sequence[Image | Clip]) -> str:
    """A warning if a model of the package is shown something else than drawn scenes; else empty."""
    return foreign_to(shipped_name(loaded), media)


def foreign_to(name: str, media: Sequence[Image | Clip]) -> str:
    """The warning for a model of the package, by its name; empty for no name."""
    if not name or _is_of_other_world(name) or all(map(_is_drawn, media)):
        return ""
    return (
        f"The model {name} ships with seewhy for tests and knows drawn scenes only: what it says "
        "about any other picture means nothing. For photographs, name a model that was trained on "
        'them: --model, or seewhy.load("...").'
    )


def warn_of_foreign_pictures(loaded: Loaded, media: Sequence[Image | Clip]) -> None:
    """Warn, before the model runs, if it does not know such pictures.

    Args:
        loaded: the model.
        media: what it is shown.
    """
    if message := foreign_pictures(loaded, media):
        warnings.warn(message, ShippedModelWarning, stacklevel=calls_to_users_code() + 1)


def calls_to_users_code() -> int:
    """How many frames above the caller the first line lies that is none of this package.

    Wrappers of torch and contextlib, which decorate its functions, do not count as the user's.
    """
    own = (str(Path(__file__).parent), str(Path(torch.__file__).parent), contextlib.__file__)
    frame, count = sys._getframe(1), 0
    while frame is not None and frame.f_code.co_filename.startswith(own):
        frame, count = frame.f_back, count + 1
    return count


def shipped_name(loaded: Loaded) -> str:
    """The name of a model that ships with the package, loaded in any way; empty for others."""
    names = (loaded.name, getattr(loaded.model.config, "name_or_path", "") or "")
    return next((found for found in map(shipped, names) if found), "")


def shipped(model: str | os.PathLike[str] | None) -> str:
    """The name of the package's model that a name or folder means; empty for others.

    Example:
        >>> shipped("tiny-llava"), shipped("Qwen/Qwen2-VL-2B-Instruct")
        ('tiny-llava', '')
    """
    own = pretrained()
    if model is None or not os.fspath(model):
        return ""
    if (name := os.fspath(model)) in own:
        return name
    folder = Path(name).expanduser()
    if (made_of := assembled_from(folder)) in own:
        return made_of
    return next((own_name for own_name, path in own.items() if _is_same(folder, path)), "")


def repetition(words: Sequence[Word]) -> str:
    """A warning if an answer repeats one word, or a few, over and over; else empty."""
    loop = longest_loop([word.text for word in words])
    if loop is None:
        return ""
    part = words[loop.start : loop.start + loop.length]
    text = " ".join(word.text for word in part)
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return (
        f"The answer repeats itself: “{text}” {loop.repeats} times in a row. The model was "
        "caught in a loop: read its words with care."
    )


def notes_of_question(method: Method, family: Family, inputs: Inputs) -> Iterator[str]:
    """A note if the prompt asks something that no map of this method can know."""
    if of_question.cannot_know_question(method, inputs, is_causal=family.causal_prompt):
        note = of_question.note_of_answer(method, inputs)
        yield from (note,) if note else ()


def notes_of_words(
    method: Method, family: Family, inputs: Inputs, words: Sequence[Word]
) -> tuple[tuple[int, str], ...]:
    """Notes of words such as yes, no and counts, where their maps cannot know the question."""
    if of_question.cannot_know_question(method, inputs, is_causal=family.causal_prompt):
        return of_question.notes_of_words(method, words)
    return ()


def notes_of_start(trace: Trace, begun: int) -> Iterator[str]:
    """What was given of an answer that was begun.

    Args:
        trace: of the answer.
        begun: how many of its tokens were given; 0 for an answer that was not begun.
    """
    if not begun:
        return
    start = trace.answer[: trace.tokens[begun - 1].end].strip()
    yield f"The answer's start was given, not chosen by the model: “{start}”."
    if begun == len(trace.tokens):
        yield "The model ended its turn after the given start: it added nothing."


def notes_of_chat(session: Session, trace: Trace, chat: Chat) -> Iterator[str]:
    """What was not used of a chat, and where its answer does not look like this model's."""
    name = session.loaded.name
    if chat.model and _last(chat.model) != _last(name):
        yield f"The request was made to the model {chat.model!r}; explained by {name!r}."
    yield from chat.notes
    if chat.log_probability is None:
        return
    ours = [math.log(max(token.probability, 1e-12)) for token in trace.tokens]
    mean = sum(ours) / len(ours)
    if abs(mean - chat.log_probability) > FAR_OFF:
        yield (
            "The log gives the answer's tokens a mean log-probability of "
            f"{chat.log_probability:.2f}, this model {mean:.2f}: the answer was written by another "
            "model, with other settings, or to other pictures."
        )


def _last(name: str) -> str:
    """A model's name without its owner or folder, in one form."""
    return Path(name).name.casefold()


def notes_of_model(loaded: Loaded) -> Iterator[str]:
    """What a model of the package knows, where its pictures cannot be told from others."""
    name = shipped_name(loaded)
    if name and _is_of_other_world(name):
        yield (
            f"The model {name} learned from collages of drawn things, on grounds of which some are "
            "photographs: of other pictures it may say anything."
        )


def _is_of_other_world(name: str) -> bool:
    """Whether a shipped model was trained on the second world, whose scenes have any colours."""
    return world_of(name) == EMOJI


def _is_drawn(medium: Image | Clip) -> bool:
    from seewhy.testbed.drawn import is_drawn

    frames = medium.frames if isinstance(medium, Clip) else (medium,)
    return all(map(is_drawn, frames))


def _is_same(folder: Path, other: Path) -> bool:
    try:
        return folder.is_dir() and folder.samefile(other)
    except (OSError, ValueError):
        return False


def _says_something(word: Word) -> bool:
    return any(map(str.isalnum, word.text))
