"""Options for the settings of a model's image processor; nothing heavy is imported."""

from __future__ import annotations

import argparse
import json
from typing import Any

from seewhy.cli._values import whole
from seewhy.core.errors import ParameterError
from seewhy.core.picture_settings import PICTURE_SETTINGS
from seewhy.core.suggestions import did_you_mean


def add_processor_options(group: Any) -> None:
    """Add the options for the size of pictures and other settings of the image processor."""
    for name, which in (("max", "largest"), ("min", "smallest")):
        group.add_argument(
            f"--{name}-pixels",
            metavar="N",
            type=whole(at_least=1),
            help=f"{which} number of pixels of a picture, for image processors with such a limit",
        )
    group.add_argument(
        "--processor-option",
        metavar="NAME=VALUE",
        action="append",
        type=processor_option,
        default=[],
        help="setting of the image processor, such as do_image_splitting=false or "
        'size={"longest_edge":768} (repeatable)',
    )


def processor_options(arguments: Any) -> dict[str, object]:
    """The settings of the image processor that were given.

    Raises:
        ParameterError: if one is given twice.
    """
    limits = [(name, getattr(arguments, name)) for name in ("max_pixels", "min_pixels")]
    given = [(name, value) for name, value in limits if value is not None]
    settings = [*given, *arguments.processor_option]
    names = [name for name, _ in settings]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ParameterError(
            f"Expected each setting of the image processor once, got {twice[0]} again: leave one "
            "of them out."
        )
    if unknown := [name for name in names if name not in PICTURE_SETTINGS]:
        hint = did_you_mean(unknown[0], sorted(PICTURE_SETTINGS)) or "leave it out."
        raise ParameterError(
            f"Expected a setting of an image processor after --processor-option, got "
            f"{unknown[0]!r}: {hint}"
        )
    return dict(settings)


def processor_option(text: str) -> tuple[str, object]:
    """A setting's name and its value, which is JSON; Python's True, False and None are known too.

    Example:
        >>> processor_option("do_resize=false"), processor_option('size={"longest_edge": 768}')
        (('do_resize', False), ('size', {'longest_edge': 768}))
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"Expected NAME=VALUE, got {text!r}")
    python = {"True": True, "False": False, "None": None}
    if value in python:
        return name, python[value]
    try:
        return name, json.loads(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"Expected the value of {name} as JSON, such as 64, false or "
            f'{{"longest_edge": 768}}, got {value!r}'
        ) from None
