"""`seewhy explain`: a picture in, an explanation of every word out."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import sys
import warnings
from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.cli._command import add_command
from seewhy.cli._options import (
    add_model_options,
    add_other_pictures,
    load_options,
    other_pictures,
    real,
    whole,
)
from seewhy.cli.open_report import PAGE, show_in_browser
from seewhy.core.boxes.conventions import CONVENTIONS
from seewhy.core.errors import OutputError, ParameterError, ShippedModelWarning
from seewhy.core.memory import bytes_of
from seewhy.core.paths import expanded
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import pretrained

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from seewhy.explanation import Explanation
    from seewhy.options import ExplainOptions

SPLIT = "heldout"
"""The split of drawn scenes: the shipped model was not trained on it."""
DEFAULT_FOLDER = Path("explained")
PARAMETERS = ("scales", "weights", "k", "p", "variant", "threshold", "window")
"""Options that are parameters of a method, under their own names."""


def add_to(commands) -> None:
    """Add `seewhy explain` and its options."""
    parser = add_command(
        commands,
        "explain",
        "explain every word that a model writes about a picture",
        "seewhy.cli.explain:explain",
    )
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="*",
        help="picture files, shown in this order; without any, a scene is drawn",
    )
    for add in (_add_prompt, _add_pictures, _add_model, _add_method, _add_output):
        add(parser)


def _add_prompt(parser) -> None:
    prompt = parser.add_argument_group("prompt and answer")
    prompt.add_argument(
        "--prompt", metavar="TEXT", help="the question to the model (default: asks for a caption)"
    )
    prompt.add_argument(
        "--answer", metavar="TEXT", help="explain this answer instead of the model's own"
    )
    prompt.add_argument(
        "--chat",
        metavar="FILE",
        help="a chat or a logged request in place of --prompt, as JSON, in the formats of "
        "transformers, OpenAI, vLLM, SGLang, Qwen, LLaVA and others; a last turn of the "
        "assistant's is explained",
    )
    prompt.add_argument(
        "--chat-line",
        metavar="N",
        type=whole(at_least=1),
        help="which request of a log with one on each line, from 1",
    )
    prompt.add_argument(
        "--answer-from",
        metavar="FILE",
        help="explain the answer in this file: the response to the request, whole or streamed, or "
        "plain text",
    )
    prompt.add_argument(
        "--choice",
        metavar="N",
        type=whole(at_least=0),
        help="which of several answers of the response, from 0",
    )
    prompt.add_argument(
        "--turn", metavar="N", type=int, help="which turn of the chat to explain, from 0"
    )
    prompt.add_argument(
        "--contrast",
        metavar="WORD=OTHER",
        action="append",
        type=contrast,
        default=[],
        help="explain why WORD of the answer and not OTHER (repeatable)",
    )
    prompt.add_argument(
        "--boxes",
        metavar="CONVENTION",
        help="what the numbers of boxes and points in the answer count (default: as the model's "
        f"family writes them): {', '.join(CONVENTIONS)}",
    )


def _add_pictures(parser) -> None:
    pictures = parser.add_argument_group("pictures")
    pictures.add_argument(
        "--scene",
        metavar="N",
        type=whole(at_least=0),
        help="which held-out scene to draw where no IMAGE is given (default: 0)",
    )
    pictures.add_argument(
        "--clip",
        metavar="PATH",
        action="append",
        default=[],
        help="a video, an animation or a folder of frames, shown after the pictures (repeatable)",
    )
    pictures.add_argument(
        "--fps", metavar="F", type=real(above=0), help="frames a second in the clips' folders"
    )


def _add_model(parser) -> None:
    model = parser.add_argument_group("the model")
    model.add_argument(
        "--model",
        metavar="NAME|DIR",
        help=f"hub id, folder, or a model that ships with seewhy: {', '.join(pretrained())} "
        f"(default: {DEFAULT_MODEL})",
    )
    add_model_options(model)
    model.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="maximum length of an answer in tokens",
    )
    model.add_argument(
        "--temperature",
        metavar="T",
        type=real(above=0),
        help="sample the answer at this temperature (default: greedy)",
    )
    model.add_argument(
        "--seed",
        metavar="N",
        type=whole(at_least=0),
        help="of the sampling and of the drawn scene",
    )


def _add_method(parser) -> None:
    method = parser.add_argument_group("the method")
    method.add_argument(
        "--method",
        metavar="NAME",
        help="name, with parameters in brackets (default: logit-shares, or "
        "intra-modal(window=None) for a model that it cannot read)",
    )
    method.add_argument(
        "--layers",
        action="store_true",
        help="also show each word layer by layer (one more pass through the model)",
    )
    method.add_argument(
        "--diagnose",
        action="store_true",
        help="also find out what each word rests on, by changing the picture and the words",
    )
    add_other_pictures(method)
    method.add_argument(
        "--max-memory",
        metavar="SIZE",
        type=memory,
        help="most memory above the model, such as 8GB; what would take more is refused before "
        "anything is read (default: what is free)",
    )
    method.add_argument(
        "--scales",
        metavar="S,S,...",
        type=scales,
        help="scales at which the picture is processed; 1 is the model's own size",
    )
    method.add_argument(
        "--weights",
        choices=("uniform", "consistency"),
        help="weight of each scale: equal, or the word's probability at that scale",
    )
    _add_ranking_parameters(method)
    method.add_argument(
        "--window", metavar="N", type=whole(at_least=1), help="side of the filter's window"
    )


def _add_ranking_parameters(method) -> None:
    method.add_argument(
        "--k", metavar="N", type=whole(at_least=1), help="depth of the compared rankings"
    )
    method.add_argument(
        "--p", metavar="P", type=real(above=0, below=1), help="persistence of rank-biased overlap"
    )
    method.add_argument(
        "--variant",
        choices=("scaled", "inverse", "threshold"),
        help="how the agreement of the rankings is used",
    )
    method.add_argument(
        "--threshold",
        metavar="T",
        type=real(above=0, below=1),
        help="agreement from which a context token does not interfere (--variant threshold)",
    )


def _add_output(parser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        metavar="DIR",
        help="folder for the report and its files (default: a new one under ./explained; with "
        "--json nothing is written unless it is given)",
    )
    output.add_argument(
        "--overwrite", action="store_true", help="replace DIR if it holds an earlier explanation"
    )
    output.add_argument(
        "--display",
        choices=("answer", "word", "joint"),
        help="scale of the maps in DIR: one for the whole answer, each map alone, or each together "
        "with the words before (default: answer); the page can show all three",
    )
    output.add_argument(
        "--overlays",
        action="store_true",
        help="also write a picture for each word, with its map laid over it",
    )
    output.add_argument("--open", action="store_true", help="show the report in the browser")
    output.add_argument("--json", action="store_true", help="print one JSON object to stdout")
    output.add_argument(
        "--quiet", action="store_true", help="print nothing to stderr while working"
    )


def scales(text: str) -> tuple[float, ...]:
    """Numbers above zero, none twice, separated by commas.

    Example:
        >>> scales("0.5, 1,1.5")
        (0.5, 1.0, 1.5)
    """
    numbers = tuple(real(above=0)(part.strip()) for part in text.split(","))
    if len(set(numbers)) < len(numbers):
        raise ArgumentTypeError(f"Expected each scale once, got {text!r}")
    return numbers


def memory(text: str) -> int:
    """An amount of memory in bytes.

    Example:
        >>> memory("8GB")
        8000000000
    """
    try:
        return bytes_of(text)
    except ParameterError as error:
        raise ArgumentTypeError(str(error).rstrip(".")) from error


def contrast(text: str) -> tuple[str, str]:
    """A word and its alternative.

    Example:
        >>> contrast("cup=table")
        ('cup', 'table')
    """
    word, sign, other = text.partition("=")
    if not (sign and word.strip() and other.strip()):
        raise ArgumentTypeError(f"Expected WORD=OTHER, got {text!r}")
    return word.strip(), other.strip()


def explain(arguments: Namespace) -> int:
    """Explain a picture, write the folder, and print a table or JSON."""
    from seewhy.cli.terminal import show

    folder = _folder(arguments)
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
    if _inputs(arguments) and arguments.scene is not None:
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
            _expect_writable(folder, arguments.overwrite)
        media = _media(arguments)
        media, chat = _chat(arguments, media)
        options = _options(arguments, stage)
        told = _warn_of_foreign_pictures(arguments, media, chat)
        stage(f"loading {arguments.model or 'the model that ships with seewhy'}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ShippedModelWarning)  # it was told
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
    if _inputs(arguments):
        return "reading the picture"
    return "drawing a scene" if _draws(arguments) else "reading the chat"


def _draws(arguments: Namespace) -> bool:
    """Whether a scene is drawn, because no picture and no chat are given."""
    return not _inputs(arguments) and (arguments.chat is None or arguments.scene is not None)


def _print_notes(explanation: Explanation, quiet: bool, told: str) -> None:
    from seewhy.cli.terminal import printable

    notes = () if quiet else explanation.record.provenance.notes
    for note in (note for note in notes if note != told):
        print(f"seewhy: {printable(note)}", file=sys.stderr)


def _inputs(arguments: Namespace) -> list[str]:
    """The input files and folders: pictures, then clips."""
    return [*arguments.images, *arguments.clip]


def _folder(arguments: Namespace) -> Path | None:
    """The output folder: `--out`, else a new folder named after the input."""
    if arguments.out is not None:
        if not arguments.out.strip():
            raise OutputError("Expected the name of a folder after --out, got an empty one.")
        return expanded(arguments.out)
    if arguments.overwrite:
        raise ParameterError("Expected --out DIR with --overwrite, got none: name the folder.")
    return None if arguments.json else _new_folder(_input_name(arguments))


def _input_name(arguments: Namespace) -> str:
    """The name of the input: the first picture or clip, else the chat, else the scene."""
    if inputs := _inputs(arguments):
        return Path(inputs[0]).stem
    if arguments.chat is not None and arguments.scene is None:
        return Path(arguments.chat).stem
    return f"scene-{arguments.scene or 0}"


def _new_folder(input_name: str) -> Path:
    """A folder that does not exist yet, named after the input."""
    name = re.sub(r"[^\w.-]+", "-", input_name).strip(".-")[:80] or "picture"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(f for f in (DEFAULT_FOLDER / n for n in names) if not f.exists())


def _expect_writable(folder: Path, overwrite: bool) -> None:
    """Raise an OutputError if an explanation cannot be saved to `folder`."""
    from seewhy.report.safe_folder import expect_writable

    expect_writable(folder, overwrite)


def _media(arguments: Namespace) -> list[Any]:
    """The pictures and clips, read before the model is loaded, so that errors are early."""
    from seewhy.images import read_clip, read_image, with_note

    if _inputs(arguments):
        pictures = [read_image(path) for path in arguments.images]
        return [*pictures, *(read_clip(path, fps=arguments.fps) for path in arguments.clip)]
    if not _draws(arguments):
        return []
    from seewhy.testbed.scenes import draw, scene

    index, seed = arguments.scene or 0, arguments.seed or 0
    drawn = read_image(draw(scene(index, SPLIT, seed)).image)
    return [with_note(drawn, f"The picture is scene {index} of the split {SPLIT!r}, seed {seed}.")]


def _options(arguments: Namespace, progress: Callable[[str], None]) -> ExplainOptions:
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


def _chat(arguments: Namespace, media: list[Any]) -> tuple[list[Any], dict[str, Any]]:
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


def _warn_of_foreign_pictures(
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


def _load(arguments: Namespace):
    """The explainer, with fewer log messages from transformers."""
    import seewhy

    if not arguments.debug:
        from transformers.utils import logging

        logging.set_verbosity_error()
        if arguments.quiet or not sys.stderr.isatty():
            logging.disable_progress_bar()
    return seewhy.load(arguments.model, dtype=arguments.dtype, **load_options(arguments))


def _generation(arguments: Namespace) -> dict[str, Any]:
    """The options of generation that the user set."""
    options: dict[str, Any] = {}
    if arguments.max_new_tokens is not None:
        options["max_new_tokens"] = arguments.max_new_tokens
    if arguments.temperature is not None:
        options |= {"do_sample": True, "temperature": arguments.temperature}
    if arguments.seed is not None or not _inputs(arguments):
        options["seed"] = arguments.seed or 0
    return options
