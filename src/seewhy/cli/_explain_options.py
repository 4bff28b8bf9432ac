"""The options of `seewhy explain`, and the parsers of their values."""

from __future__ import annotations

from argparse import ArgumentTypeError

from seewhy.cli._options import add_model_options, add_other_pictures, real, whole
from seewhy.core.boxes.conventions import CONVENTIONS
from seewhy.core.errors import ParameterError
from seewhy.core.memory import bytes_of
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import pretrained

PARAMETERS = ("scales", "weights", "k", "p", "variant", "threshold", "window")
"""Options that are parameters of a method, under their own names."""


def add_explain_options(parser) -> None:
    """Add the pictures, and the options in groups."""
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
