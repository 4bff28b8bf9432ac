"""`seewhy compare`: methods, models, pictures or saved folders side by side."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.cli._command import add_command
from seewhy.cli._compare_inputs import Inputs, inputs_of
from seewhy.cli._options import add_model_options, load_options, whole
from seewhy.core.errors import OutputError, ParameterError, ShippedModelWarning
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

if TYPE_CHECKING:
    from seewhy.comparison import ComparedWord, Comparison


def add_to(commands) -> None:
    """Add `seewhy compare` and its options."""
    parser = add_command(
        commands,
        "compare",
        "put two to four methods, models, pictures or saved folders side by side",
        "seewhy.cli.compare:compare",
    )
    parser.add_argument(
        "inputs",
        metavar="PICTURE|FOLDER|PROMPT",
        nargs="+",
        help="a picture and a question (default: asks for a caption), with several --method or "
        "--model; or several pictures, then a question; or folders that `seewhy explain` wrote",
    )
    parser.add_argument("--prompt", metavar="TEXT", help="the question, in place of the last word")
    ways = parser.add_argument_group("what to compare")
    ways.add_argument(
        "--method",
        metavar="NAME",
        action="append",
        help="name, with parameters in brackets; two to four times to compare methods",
    )
    ways.add_argument(
        "--model",
        metavar="NAME|DIR",
        action="append",
        help=f"hub id, folder of a model or adapter, or one that ships with seewhy (default: "
        f"{DEFAULT_MODEL}); two to four times to compare models: the first one answers",
    )
    ways.add_argument(
        "--other", metavar="NAME|DIR", action="append", help="a further model, likewise"
    )
    ways.add_argument(
        "--own-answers",
        action="store_true",
        help="of several pictures: let the model answer about each (default: all have the first "
        "one's answer)",
    )
    model = parser.add_argument_group("the models and the answer")
    add_model_options(model, plural=True)
    model.add_argument(
        "--answer", metavar="TEXT", help="compare this answer instead of the first model's own"
    )
    model.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="maximum length of the answer in tokens",
    )
    model.add_argument(
        "--diagnose", action="store_true", help="also find out what each word rests on"
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", metavar="DIR", help="folder for comparison.html and comparison.json"
    )
    output.add_argument(
        "--overwrite", action="store_true", help="replace DIR if seewhy wrote it earlier"
    )
    output.add_argument("--json", action="store_true", help="print one JSON object to stdout")
    output.add_argument(
        "--quiet", action="store_true", help="print nothing to stderr while working"
    )


def compare(arguments: Namespace) -> int:
    """Explain what is compared, write the folder, and print a table or JSON."""
    from seewhy.cli.terminal import Stages, printable
    from seewhy.report.safe_folder import expect_writable

    folder, inputs = _folder(arguments), inputs_of(arguments)
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        if folder is not None:
            expect_writable(folder, arguments.overwrite)
        found, told = _compared(arguments, inputs, stage)
        if folder is not None:
            stage(f"writing {folder}")
            found.save(folder, overwrite=arguments.overwrite)
    for note in () if arguments.quiet else (*found.warnings, *found.notes):
        if note not in told:
            print(f"seewhy: {printable(note)}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(found.to_json(), allow_nan=False))
        return 0
    for word in found:
        print("\t".join([printable(word.text), *_numbers(found, word)]))
    if folder is not None:
        print(folder / "comparison.html")
    return 0


def _compared(arguments: Namespace, inputs: Inputs, stage) -> tuple[Comparison, list[str]]:
    """The comparison, and what was told already."""
    from seewhy.comparison import Comparison
    from seewhy.images import read_image

    if inputs.folders:
        return Comparison.of(inputs.folders), []
    settings = _settings(arguments, inputs)
    pictures = [read_image(name) for name in inputs.pictures]
    told = _warn_of_foreign_pictures(arguments, inputs.models, pictures)
    first, *others = (_load(arguments, name, stage) for name in inputs.models)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShippedModelWarning)  # it was told
        if others:
            found = first.compare(others, pictures[0], inputs.prompt, progress=stage, **settings)
        elif len(inputs.methods) > 1:
            found = first.compare_methods(
                pictures[0], inputs.prompt, methods=inputs.methods, progress=stage, **settings
            )
        else:
            found = first.compare_pictures(
                pictures,
                inputs.prompt,
                own_answers=arguments.own_answers,
                labels=[Path(name).name for name in inputs.pictures],
                progress=stage,
                **settings,
            )
    return found, told


def _settings(arguments: Namespace, inputs: Inputs) -> dict[str, Any]:
    """The settings of explaining that are set.

    Raises:
        ParameterError: if an answer is given, and settings for writing one.
    """
    settings = {
        name: value
        for name in ("answer", "max_new_tokens")
        if (value := getattr(arguments, name)) is not None
    }
    if len(settings) > 1:
        raise ParameterError("Expected --answer or --max-new-tokens, got both: leave one out.")
    if len(inputs.methods) == 1:
        settings["method"] = inputs.methods[0]
    return {**settings, **({"diagnose": True} if arguments.diagnose else {})}


def _numbers(found: Comparison, word: ComparedWord) -> list[str]:
    """A word's probabilities; unless models are compared, also how much its maps agree."""
    probabilities = ["-" if p is None else f"{p:.4g}" for p in word.probabilities]
    if found.kind == "models":
        return probabilities
    agreement = word.agreement
    if agreement is None:
        return [*probabilities, "-", "-"]
    shown = (agreement.rank_correlation, agreement.top_overlap)
    return [*probabilities, *(f"{value:.2f}" for value in shown)]


def _warn_of_foreign_pictures(
    arguments: Namespace, models: Sequence[str | None], pictures: Sequence[Any]
) -> list[str]:
    """Tell, before a model is loaded, that a model of the package knows drawn scenes only."""
    from seewhy.answer_notes import foreign_to, shipped

    names = dict.fromkeys(shipped(name or DEFAULT_MODEL) for name in models)
    told = [message for name in names if (message := foreign_to(name, list(pictures)))]
    for message in () if arguments.quiet else told:
        print(f"seewhy: warning: {message}", file=sys.stderr, flush=True)
    return told


def _folder(arguments: Namespace) -> Path | None:
    """The output folder; None if nothing is written.

    Raises:
        OutputError: if its name is empty.
        ParameterError: if there is none, and neither `--json`.
    """
    if arguments.out is None:
        if not arguments.json or arguments.overwrite:
            raise ParameterError("Expected --out DIR or --json, got no folder: name one.")
        return None
    if not arguments.out.strip():
        raise OutputError("Expected the name of a folder after --out, got an empty one.")
    return Path(arguments.out).expanduser()


def _load(arguments: Namespace, model: str | None, stage):
    """One of the explainers, with fewer log messages from transformers."""
    import seewhy

    if not arguments.debug:
        from transformers.utils import logging

        logging.set_verbosity_error()
        if arguments.quiet or not sys.stderr.isatty():
            logging.disable_progress_bar()
    stage(f"loading {model or 'the model that ships with seewhy'}")
    return seewhy.load(model, dtype=arguments.dtype, **load_options(arguments))
