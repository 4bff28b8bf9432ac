"""Options and value parsers that commands share, and the names that help texts list.

Nothing heavy is imported: names come from file names.
"""

from __future__ import annotations

import argparse
import pkgutil
import textwrap
from pathlib import Path

import seewhy
from seewhy.cli._processor_options import add_processor_options, processor_options
from seewhy.cli._values import real, whole
from seewhy.core.errors import ParameterError
from seewhy.core.paths import expanded

__all__ = [
    "NamesUnbroken",
    "add_model_options",
    "add_other_pictures",
    "load_options",
    "names_in",
    "other_pictures",
    "real",
    "whole",
]

DTYPES = ("auto", "float32", "bfloat16", "float16")


class NamesUnbroken(argparse.HelpFormatter):
    """Help that does not break names at their hyphens."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def add_model_options(group, *, plural: bool = False) -> None:
    """Add the options for loading a model.

    Args:
        group: the object that `add_argument_group` returned.
        plural: whether the command loads several models.
    """
    group.add_argument(
        "--dtype",
        choices=DTYPES,
        help="number type of the weights (default: that of the checkpoint)",
    )
    group.add_argument(
        "--device-map",
        metavar="MAP",
        help=f"where the model{'s go' if plural else ' goes'}: auto, cpu, cuda:0, ...",
    )
    group.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="run code of the checkpoint; read it first",
    )
    group.add_argument(
        "--chat-template",
        metavar="FILE|plain",
        help="a Jinja file in place of the checkpoint's chat template; plain for a model that was "
        "trained without one",
    )
    add_processor_options(group)


def add_other_pictures(group) -> None:
    """Add the option for the other pictures of a diagnosis."""
    group.add_argument(
        "--other-pictures",
        metavar="PATH",
        nargs="+",
        help="for verdicts, pictures that show something else, of the same kind as yours "
        "(default: drawn scenes)",
    )


def other_pictures(arguments) -> list[str] | None:
    """The paths of that option, absolute; None where it is not set."""
    if arguments.other_pictures is None:
        return None
    return [str(expanded(path).absolute()) for path in arguments.other_pictures]


def load_options(arguments) -> dict[str, object]:
    """The arguments of these options for `seewhy.models.load`, without `--dtype`."""
    options = {}
    if arguments.device_map:
        options["device_map"] = arguments.device_map
    if arguments.trust_remote_code:
        options["trust_remote_code"] = True
    if (template := getattr(arguments, "chat_template", None)) is not None:
        options["chat_template"] = template if template == "plain" else _text_of(template)
    return {**options, **processor_options(arguments)}


def _text_of(file: str) -> str:
    """The text of a file that an option names."""
    try:
        return Path(file).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(
            f"Expected a file with a chat template after --chat-template, got {file!r} "
            f"({type(error).__name__}): check the path."
        ) from error


def names_in(package: str) -> tuple[str, ...]:
    """Names of the entries of a package with one file per entry; nothing is imported.

    Args:
        package: `"methods"`, `"metrics"` or `"datasets"`.

    Example:
        >>> names_in("datasets")
        ('coco', 'emoji', 'folder', 'grandf', 'openpsg', 'testbed')
    """
    folder = Path(seewhy.__path__[0]) / package
    modules = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(m.replace("_", "-") for m in modules if not m.startswith("_")))
