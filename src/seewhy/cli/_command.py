"""The parser of a command. Standard library only."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from seewhy.cli._options import NamesUnbroken


class Parser(argparse.ArgumentParser):
    """An argument parser that prints errors on one line, like the rest of this program."""

    def error(self, message: str) -> NoReturn:
        """Print one line to stderr and exit with status 2."""
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)

    def option_names(self) -> tuple[str, ...]:
        """The long names of its options, such as `--json`."""
        return ("--help", *dict.fromkeys(re.findall(r"--[\w-]+", self.format_usage())))


def add_command(commands, name: str, summary: str, run: str) -> Parser:
    """Add a command.

    Args:
        commands: the object that `add_subparsers` returned.
        name: of the command.
        summary: a few words that start with a verb in lower case.
        run: its function, as `module:function`; imported when the command runs.
    """
    command = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        allow_abbrev=False,
        formatter_class=NamesUnbroken,
    )
    command.set_defaults(run=run)
    command.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )
    return command
