"""`seewhy explain`: a picture in, an explanation of every word out."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from seewhy.cli.terminal import Stages, printable, show
from seewhy.core.errors import OutputError, ParameterError, PromptError

SPLIT = "heldout"
"""The split that scenes are drawn from: the shipped model never saw it."""
DEFAULT_FOLDER = Path("explained")
PARAMETERS = ("scales", "weights", "k", "p", "variant", "threshold", "window")
"""Options that are parameters of a method, under their own names."""


def explain(arguments: Namespace) -> int:
    """Explain a picture, write the folder, and print what a person or a program reads."""
    shown = [*arguments.images, *arguments.clip]
    if shown and arguments.scene is not None:
        raise ParameterError("Expected an IMAGE or --scene, got both: leave one out.")
    folder = _folder(arguments)
    # Whatever a library prints while it works must not mix with the result on stdout.
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        # All that can be wrong with what was asked is found before the model is loaded.
        stage("reading the picture" if shown else "drawing a scene")
        if folder is not None:
            _expect_writable(folder, arguments.overwrite)
        media = _media(arguments)
        chat = _chat(arguments)
        method = _method(arguments)
        stage(f"loading {arguments.model or 'the model that ships with seewhy'}")
        explainer = _load(arguments)
        explanation = explainer.explain(
            media[0] if len(media) == 1 else media,
            arguments.prompt,
            method=method,
            answer=arguments.answer,
            progress=stage,
            **chat,
            **_generation(arguments),
        )
        if folder is not None:
            stage(f"writing {folder}")
            explanation.save(folder, overwrite=arguments.overwrite)
    if not arguments.quiet:
        for note in explanation.record.provenance.notes:
            print(f"seewhy: {printable(note)}", file=sys.stderr)
    if arguments.json:
        # ASCII alone, so that no terminal or pipe with another encoding can fail on it.
        print(json.dumps(explanation.to_json(), allow_nan=False))
    else:
        show(explanation.to_json(), folder)
    return 0


def _folder(arguments: Namespace) -> Path | None:
    """Where the files go: as asked, else a new folder named after the picture."""
    if arguments.out is not None:
        if not arguments.out.strip():
            raise OutputError("Expected the name of a folder after --out, got an empty one.")
        return Path(arguments.out).expanduser()
    if arguments.overwrite:
        raise ParameterError("Expected --out DIR with --overwrite, got none: name the folder.")
    if arguments.json:
        return None
    shown = [*arguments.images, *arguments.clip]
    stem = Path(shown[0]).stem if shown else f"scene-{arguments.scene or 0}"
    name = re.sub(r"[^\w.-]+", "-", stem).strip(".-")[:80] or "picture"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(f for f in (DEFAULT_FOLDER / n for n in names) if not f.exists())


def _expect_writable(folder: Path, overwrite: bool) -> None:
    """Raise an OutputError if an explanation cannot be saved to `folder`."""
    from seewhy.report.safe_folder import expect_writable

    expect_writable(folder, overwrite)


def _media(arguments: Namespace) -> list[Any]:
    """The pictures and clips: read before the model is loaded, so that errors come early."""
    from seewhy.images import read_clip, read_image, with_note

    if arguments.images or arguments.clip:
        pictures = [read_image(path) for path in arguments.images]
        return [*pictures, *(read_clip(path, fps=arguments.fps) for path in arguments.clip)]
    if arguments.chat is not None and arguments.scene is None:
        return []
    from seewhy.testbed.scenes import draw, scene

    index, seed = arguments.scene or 0, arguments.seed or 0
    drawn = read_image(draw(scene(index, SPLIT, seed)).image)
    return [with_note(drawn, f"The picture is scene {index} of the split {SPLIT!r}, seed {seed}.")]


def _chat(arguments: Namespace) -> dict[str, Any]:
    """The chat, the turn and the contrasts, as far as the person gave them."""
    given: dict[str, Any] = {}
    if arguments.contrast:
        given["contrast"] = dict(arguments.contrast)
    if arguments.turn is not None:
        given["turn"] = arguments.turn
    if arguments.chat is not None:
        try:
            messages = json.loads(Path(arguments.chat).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise PromptError(
                f"Expected a JSON list of turns in {arguments.chat}, got {error}."
            ) from error
        if not isinstance(messages, list):
            raise PromptError(
                f"Expected a JSON list of turns in {arguments.chat}, got a "
                f'{type(messages).__name__}: write [{{"role": ..., "content": ...}}, ...].'
            )
        given["messages"] = messages
    return given


def _method(arguments: Namespace):
    """The method with the parameters that the person set."""
    from seewhy.methods import DEFAULT, create

    given = {name: getattr(arguments, name) for name in PARAMETERS}
    chosen = DEFAULT if arguments.method is None else arguments.method
    return create(chosen, **{k: v for k, v in given.items() if v is not None})


def _load(arguments: Namespace):
    """The explainer, with transformers' own chatter kept low."""
    import seewhy

    if not arguments.debug:
        from transformers.utils import logging

        logging.set_verbosity_error()
        if arguments.quiet or not sys.stderr.isatty():
            logging.disable_progress_bar()
    remote = {"trust_remote_code": True} if arguments.trust_remote_code else {}
    return seewhy.load(
        arguments.model, dtype=arguments.dtype, device_map=arguments.device_map, **remote
    )


def _generation(arguments: Namespace) -> dict[str, Any]:
    """How the answer is to be written, as far as the person said."""
    chosen: dict[str, Any] = {}
    if arguments.max_new_tokens is not None:
        chosen["max_new_tokens"] = arguments.max_new_tokens
    if arguments.temperature is not None:
        chosen |= {"do_sample": True, "temperature": arguments.temperature}
    if arguments.seed is not None or not (arguments.images or arguments.clip):
        chosen["seed"] = arguments.seed or 0
    return chosen
