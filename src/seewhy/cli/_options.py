"""Options and readers of values that commands share, and the names that help texts list.

Nothing heavy is imported: names come from file names.
"""

from __future__ import annotations

import argparse
import math
import pkgutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import seewhy

DTYPES = ("auto", "float32", "bfloat16", "float16")


class NamesUnbroken(argparse.HelpFormatter):
    """Help that does not break names at their hyphens."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def add_model_options(group, *, plural: bool = False) -> None:
    """Add the options that say how a model is loaded.

    Args:
        group: what `add_argument_group` returned.
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
        help="run the code that a checkpoint brings along; read it first",
    )


def load_options(arguments) -> dict[str, object]:
    """What those options say for `seewhy.models.load`, `--dtype` aside."""
    given = {}
    if arguments.device_map:
        given["device_map"] = arguments.device_map
    if arguments.trust_remote_code:
        given["trust_remote_code"] = True
    return given


def names_in(package: str) -> tuple[str, ...]:
    """Names of what ships in a package with one file an entry; nothing of it is imported.

    Args:
        package: `"methods"`, `"metrics"` or `"datasets"`.

    Example:
        >>> names_in("datasets")
        ('coco', 'folder', 'grandf', 'openpsg', 'testbed')
    """
    folder = Path(seewhy.__path__[0]) / package
    modules = (module.name for module in pkgutil.iter_modules([str(folder)]))
    return tuple(sorted(m.replace("_", "-") for m in modules if not m.startswith("_")))


def whole(*, at_least: int) -> Callable[[str], int]:
    """A reader of whole numbers that are not below a bound."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = at_least - 1
        if number < at_least:
            raise argparse.ArgumentTypeError(
                f"Expected a whole number of at least {at_least}, got {text!r}"
            )
        return number

    return read


def real(*, above: float, below: float = math.inf) -> Callable[[str], float]:
    """A reader of finite numbers between two bounds, the bounds excluded."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not above < number < below:
            bounds = f"above {above:g}" + (f" and below {below:g}" if below < math.inf else "")
            raise argparse.ArgumentTypeError(f"Expected a number {bounds}, got {text!r}")
        return number

    return read
