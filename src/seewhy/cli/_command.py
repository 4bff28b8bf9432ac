"""A command of the command line: its parser, and how it is added. Standard library only."""

from __future__ import annotations

import argparse
import re
import sys
from typing import NoReturn

from seewhy.cli._options import NamesUnbroken


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
        formatter_class=NamesUnbroken,
    )
    command.set_defaults(run=run)
    command.add_argument(
        "--debug", action="store_true", help="show the whole traceback of an error"
    )
    return command
