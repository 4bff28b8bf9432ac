"""Where `seewhy explain` writes: the folder that was named, or a new one."""

from __future__ import annotations

import itertools
import re
from argparse import Namespace
from pathlib import Path

from seewhy.cli._explain_request import inputs_of
from seewhy.core.errors import OutputError, ParameterError
from seewhy.core.paths import expanded

DEFAULT_FOLDER = Path("explained")


def output_folder(arguments: Namespace) -> Path | None:
    """The output folder: `--out`, else a new folder named after the input."""
    if arguments.out is not None:
        if not arguments.out.strip():
            raise OutputError("Expected the name of a folder after --out, got an empty one.")
        return expanded(arguments.out)
    if arguments.overwrite:
        raise ParameterError("Expected --out DIR with --overwrite, got none: name the folder.")
    return None if arguments.json else _new_folder(_input_name(arguments))


def _input_name(arguments: Namespace) -> str:
    """The name of the input: the chat, else the first picture or clip, else the scene."""
    if arguments.chat is not None:
        line = "" if arguments.chat_line is None else f"-{arguments.chat_line}"
        return f"{Path(arguments.chat).stem}{line}"
    if inputs := inputs_of(arguments):
        return Path(inputs[0]).stem
    return f"scene-{arguments.scene or 0}"


def _new_folder(input_name: str) -> Path:
    """A folder that does not exist yet, named after the input."""
    name = re.sub(r"[^\w.-]+", "-", input_name).strip(".-")[:80] or "picture"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(f for f in (DEFAULT_FOLDER / n for n in names) if not f.exists())


def expect_folder(folder: Path, overwrite: bool) -> None:
    """Raise an OutputError if an explanation cannot be saved to `folder`."""
    from seewhy.report.safe_folder import expect_writable

    expect_writable(folder, overwrite)
