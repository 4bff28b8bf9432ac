"""`seewhy compare`: one answer explained by two models."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

from seewhy.cli._command import add_command
from seewhy.cli._options import add_model_options, load_options, whole
from seewhy.core.errors import OutputError, ParameterError, ShippedModelWarning
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL


def add_to(commands) -> None:
    """Add `seewhy compare` and its options."""
    parser = add_command(
        commands,
        "compare",
        "explain one answer by two models, such as a base and a tuned one",
        "seewhy.cli.compare:compare",
    )
    parser.add_argument("image", metavar="IMAGE", help="a picture file")
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="the question (default: asks for a caption)"
    )
    model = parser.add_argument_group("the models")
    model.add_argument(
        "--model",
        metavar="NAME|DIR",
        help=f"the first model: hub id, folder of a model or adapter, or one that ships with "
        f"seewhy (default: {DEFAULT_MODEL})",
    )
    model.add_argument(
        "--other", metavar="NAME|DIR", required=True, help="the second model, likewise"
    )
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
    model.add_argument("--method", metavar="NAME", help="name, with parameters in brackets")
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
    """Explain by both models, write the folder, and print a table or JSON."""
    from seewhy.cli.terminal import Stages, printable
    from seewhy.images import read_image
    from seewhy.report.safe_folder import expect_writable

    folder = _folder(arguments)
    settings = {
        name: value
        for name in ("answer", "max_new_tokens", "method")
        if (value := getattr(arguments, name)) is not None
    }
    if "answer" in settings and "max_new_tokens" in settings:
        raise ParameterError("Expected --answer or --max-new-tokens, got both: leave one out.")
    with Stages(quiet=arguments.quiet) as stage, contextlib.redirect_stdout(sys.stderr):
        if folder is not None:
            expect_writable(folder, arguments.overwrite)
        picture = read_image(arguments.image)
        told = _warn_of_foreign_pictures(arguments, picture)
        first, second = (_load(arguments, name, stage) for name in ("model", "other"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ShippedModelWarning)  # it was told
            found = first.compare(second, picture, arguments.prompt, progress=stage, **settings)
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
        one, other = word.probabilities
        print(f"{printable(word.text)}\t{one:.4g}\t{other:.4g}")
    if folder is not None:
        print(folder / "comparison.html")
    return 0


def _warn_of_foreign_pictures(arguments: Namespace, picture: Any) -> list[str]:
    """Tell, before a model is loaded, that a model of the package knows drawn scenes only."""
    from seewhy.answer_notes import foreign_to, shipped

    names = dict.fromkeys(map(shipped, (arguments.model or DEFAULT_MODEL, arguments.other)))
    told = [message for name in names if (message := foreign_to(name, [picture]))]
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


def _load(arguments: Namespace, name: str, stage):
    """One of the two explainers, with fewer log messages from transformers."""
    import seewhy

    if not arguments.debug:
        from transformers.utils import logging

        logging.set_verbosity_error()
        if arguments.quiet or not sys.stderr.isatty():
            logging.disable_progress_bar()
    model = getattr(arguments, name)
    stage(f"loading {model or 'the model that ships with seewhy'}")
    return seewhy.load(model, dtype=arguments.dtype, **load_options(arguments))
