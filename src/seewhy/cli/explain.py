"""`seewhy explain`: a picture in, an explanation of every word out."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.cli._command import add_command
from seewhy.cli._explain_folder import expect_folder, output_folder
from seewhy.cli._explain_options import add_explain_options, contrast, memory, scales
from seewhy.cli._explain_request import (
    chat_of,
    draws_scene,
    inputs_of,
    media_of_arguments,
    options_of,
    warn_of_foreign_pictures,
)
from seewhy.cli._options import load_options
from seewhy.cli.open_report import PAGE, show_in_browser
from seewhy.core.errors import ContrastWarning, ParameterError, ShippedModelWarning

if TYPE_CHECKING:
    from seewhy.explanation import Explanation

__all__ = ["add_to", "contrast", "explain", "memory", "scales"]


def add_to(commands) -> None:
    """Add `seewhy explain` and its options."""
    parser = add_command(
        commands,
        "explain",
        "explain every word that a model writes about a picture",
        "seewhy.cli.explain:explain",
    )
    add_explain_options(parser)


def explain(arguments: Namespace) -> int:
    """Explain a picture, write the folder, and print a table or JSON."""
    from seewhy.cli.terminal import show

    folder = output_folder(arguments)
    _expect_options_that_go_together(arguments, folder)
    explanation, told = _explanation(arguments, folder)
    _print_notes(explanation, arguments.quiet, told)
    if arguments.json:
        # ASCII only: works with every encoding of a terminal or pipe.
        print(json.dumps(explanation.to_json(), allow_nan=False))
    else:
        show(explanation.to_json(), folder)
    if arguments.open and folder is not None:
        show_in_browser(folder / PAGE, quiet=arguments.quiet)
    return 0


def _expect_options_that_go_together(arguments: Namespace, folder: Path | None) -> None:
    if arguments.chat is None and arguments.chat_line is not None:
        raise ParameterError("Expected --chat FILE with --chat-line, got none: name the log.")
    if arguments.answer is not None and arguments.answer_from is not None:
        raise ParameterError(
            "Expected the answer once, got --answer and --answer-from: leave one out."
        )
    if arguments.choice is not None and arguments.answer_from is None and arguments.chat is None:
        raise ParameterError(
            "Expected --answer-from FILE with --choice, got none: name the file of the response."
        )
    if inputs_of(arguments) and arguments.scene is not None:
        raise ParameterError("Expected an IMAGE or --scene, got both: leave one out.")
    if arguments.open and folder is None:
        raise ParameterError(
            "Expected --out DIR with --open and --json, got none: name the folder of the report."
        )


def _explanation(arguments: Namespace, folder: Path | None) -> tuple[Explanation, str]:
    """Explain, and save to `folder` unless it is None; also the warning that was printed."""
    from seewhy.cli.terminal import Stages

    # Output of libraries must not mix with the result on stdout.
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        # All arguments are checked before the model is loaded.
        stage(_first_stage(arguments))
        if folder is not None:
            expect_folder(folder, arguments.overwrite)
        media = media_of_arguments(arguments)
        media, chat = chat_of(arguments, media)
        options = options_of(arguments, stage)
        told = warn_of_foreign_pictures(arguments, media, chat)
        stage(f"loading {arguments.model or 'the model that ships with seewhy'}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ShippedModelWarning)  # it was told
            warnings.simplefilter("ignore", ContrastWarning)  # it is among the notes
            explanation = _load(arguments).explain(
                media[0] if len(media) == 1 else media, arguments.prompt, options=options, **chat
            )
        if folder is not None:
            stage(f"writing {folder}")
            explanation.save(folder, overwrite=arguments.overwrite, **_saving(arguments))
    return explanation, told


def _saving(arguments: Namespace) -> dict[str, Any]:
    """The options of saving that are asked for."""
    scale = {"display": arguments.display} if arguments.display else {}
    return scale | ({"overlays": True} if arguments.overlays else {})


def _first_stage(arguments: Namespace) -> str:
    if inputs_of(arguments):
        return "reading the picture"
    return "drawing a scene" if draws_scene(arguments) else "reading the chat"


def _print_notes(explanation: Explanation, quiet: bool, told: str) -> None:
    from seewhy.cli.terminal import printable

    notes = () if quiet else explanation.record.provenance.notes
    for note in (note for note in notes if note != told):
        print(f"seewhy: {printable(note)}", file=sys.stderr)


def _load(arguments: Namespace):
    """The explainer, with fewer log messages from transformers."""
    import seewhy

    if not arguments.debug:
        from transformers.utils import logging

        logging.set_verbosity_error()
        if arguments.quiet or not sys.stderr.isatty():
            logging.disable_progress_bar()
    return seewhy.load(arguments.model, dtype=arguments.dtype, **load_options(arguments))
