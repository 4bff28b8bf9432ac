"""What the options of `seewhy explain` ask for: pictures, a chat, a method, settings."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.cli._explain_options import PARAMETERS
from seewhy.cli._options import other_pictures
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seewhy.options import ExplainOptions

SPLIT = "heldout"
"""The split of drawn scenes: the shipped model was not trained on it."""


def inputs_of(arguments: Namespace) -> list[str]:
    """The input files and folders: pictures, then clips."""
    return [*arguments.images, *arguments.clip]


def draws_scene(arguments: Namespace) -> bool:
    """Whether a scene is drawn, because no picture and no chat are given."""
    return not inputs_of(arguments) and (arguments.chat is None or arguments.scene is not None)


def media_of_arguments(arguments: Namespace) -> list[Any]:
    """The pictures and clips, read before the model is loaded, so that errors are early."""
    from seewhy.images import read_clip, read_image, with_note

    if inputs_of(arguments):
        pictures = [read_image(path) for path in arguments.images]
        return [*pictures, *(read_clip(path, fps=arguments.fps) for path in arguments.clip)]
    if not draws_scene(arguments):
        return []
    from seewhy.testbed.worlds import drawn_scene, world_of

    index, seed = arguments.scene or 0, arguments.seed or 0
    world = world_of(arguments.model)
    note = f"The picture is scene {index} of the split {SPLIT!r}, seed {seed}, of {world}."
    return [with_note(read_image(drawn_scene(world, index, SPLIT, seed)), note)]


def options_of(arguments: Namespace, progress: Callable[[str], None]) -> ExplainOptions:
    """How to explain, and how to generate, as far as the user set it."""
    from seewhy.options import ExplainOptions

    return ExplainOptions.of(
        method=_method(arguments),
        contrast=dict(arguments.contrast),
        layers=arguments.layers,
        diagnose=arguments.diagnose,
        other_pictures=other_pictures(arguments),
        max_memory=arguments.max_memory,
        boxes=arguments.boxes,
        progress=progress,
        **_generation(arguments),
    )


def chat_of(arguments: Namespace, media: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """The pictures that are in no chat, and the other arguments of `Explainer.explain`."""
    given = {"answer": arguments.answer, "turn": arguments.turn}
    given = {name: value for name, value in given.items() if value is not None}
    if arguments.chat is not None:
        from seewhy.chats import read_chat, read_question

        chat = read_chat(
            Path(arguments.chat),
            None if arguments.answer_from is None else Path(arguments.answer_from),
            images=media,
            line=arguments.chat_line,
            choice=arguments.choice,
        )
        read_question(None, arguments.prompt, **chat, **given)  # contradictions are told early
        return [], {**given, **chat}
    if arguments.answer_from is not None:
        from seewhy.chats import read_response

        given["answer"] = read_response(Path(arguments.answer_from), choice=arguments.choice)
    return media, given


def warn_of_foreign_pictures(
    arguments: Namespace, media: list[Any], chat: Mapping[str, Any]
) -> str:
    """Tell, before the model is loaded, that a model of the package knows drawn scenes only."""
    from seewhy.answer_notes import foreign_to, shipped
    from seewhy.models.conversation import media_of

    shown = [*media, *media_of(chat["messages"].turns)] if "messages" in chat else media
    name = shipped(arguments.model or DEFAULT_MODEL)
    if not arguments.quiet and (message := foreign_to(name, shown)):
        print(f"seewhy: warning: {message}", file=sys.stderr, flush=True)
        return message
    return ""


def _method(arguments: Namespace):
    """The method with the parameters that the user set; the default by name, for its fallback."""
    from seewhy.methods import DEFAULT, create

    parameters = {name: getattr(arguments, name) for name in PARAMETERS}
    given = {name: value for name, value in parameters.items() if value is not None}
    if arguments.method is None and not given:
        return DEFAULT
    return create(DEFAULT if arguments.method is None else arguments.method, **given)


def _generation(arguments: Namespace) -> dict[str, Any]:
    """The options of generation that the user set."""
    options: dict[str, Any] = {}
    if arguments.max_new_tokens is not None:
        options["max_new_tokens"] = arguments.max_new_tokens
    if arguments.temperature is not None:
        options |= {"do_sample": True, "temperature": arguments.temperature}
    if arguments.seed is not None or not inputs_of(arguments):
        options["seed"] = arguments.seed or 0
    return options
