"""What every command's options are read with. Standard library only."""

from __future__ import annotations

import argparse
import math
import re
import sys
import textwrap
from collections.abc import Callable
from typing import NoReturn


class HelpFormatter(argparse.HelpFormatter):
    """Wraps help between words only: a name with dashes stays whole, fit for copying."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, as all others of this program are."""

    def error(self, message: str) -> NoReturn:
        """Print one line to stderr and leave with exit status 2."""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)

    def option_names(self) -> tuple[str, ...]:
        """The long names of its options, such as `--json`."""
        return ("--help", *dict.fromkeys(re.findall(r"--[\w-]+", self.format_usage())))


def add_command(commands, name: str, summary: str, run: str) -> Parser:
    """Add a command.

    Args:
        commands: what `add_subparsers` returned.
        name: what is typed.
        summary: what it does, in a few words that begin with a verb in lower case.
        run: the function that runs it, as `module:function`; imported when it is run.
    """
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )
    return command


def scales(text: str) -> tuple[float, ...]:
    """Numbers above zero, none twice, separated by commas.

    Example:
        >>> scales("0.5, 1,1.5")
        (0.5, 1.0, 1.5)
    """
    numbers = tuple(real(above=0)(part.strip()) for part in text.split(","))
    if len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(f"Expected each scale once, got {text!r}")
    return numbers


def contrast(text: str) -> tuple[str, str]:
    """A word and its alternative.

    Example:
        >>> contrast("cup=table")
        ('cup', 'table')
    """
    word, sign, other = text.partition("=")
    if not (sign and word.strip() and other.strip()):
        raise argparse.ArgumentTypeError(f"Expected WORD=OTHER, got {text!r}")
    return word.strip(), other.strip()


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
