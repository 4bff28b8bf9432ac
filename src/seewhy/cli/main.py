"""Where `seewhy` starts: pick the command, run it, and turn its end into an exit status.

0 done, 1 a bug of ours (with a traceback), 2 a mistake that the person can correct (one line), 130
interrupted.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from seewhy.cli.parser import parse
from seewhy.core.errors import SeewhyError

MISTAKE, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after `seewhy`; those of the process by default.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # No word of a model, and no name of a file, may fail on what a terminal can encode.
            stream.reconfigure(errors="backslashreplace")
    arguments = parse(argv)
    module, _, function = arguments.run.partition(":")
    try:
        status = getattr(importlib.import_module(module), function)(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("seewhy: interrupted, nothing was left half-written.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has left; Python would complain again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SeewhyError as error:
        if arguments.debug:
            raise
        print(f"seewhy: {' '.join(str(error).split())}", file=sys.stderr)
        return MISTAKE


def run() -> NoReturn:
    """The program itself: run one command, and leave with its exit status."""
    status = main()
    if status == INTERRUPTED:
        # At once: under load, Python's own exit from half-loaded libraries was seen to die of the
        # signal after all (status -2), though it had been handled. Nothing is left to clean up.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
