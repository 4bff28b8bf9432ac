"""The entry point of `seewhy`: run a command and return its exit status.

0: done; 1: a bug of seewhy (with a traceback); 2: a mistake that the user can correct (one line);
130: interrupted.
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
from seewhy.core.memory import is_out_of_memory

MISTAKE, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after `seewhy`; those of the process by default.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Text that the terminal cannot encode must not raise an error.
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
        # The reader of the output (head, less) has exited; Python would report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SeewhyError as error:
        if arguments.debug:
            raise
        print(f"seewhy: {' '.join(str(error).split())}", file=sys.stderr)
        return MISTAKE
    except Exception as error:
        if arguments.debug or not is_out_of_memory(error):
            raise
        print(
            "seewhy: Expected enough memory, got out of memory "
            f"({' '.join(str(error).split())[:120]}): free memory, or take a smaller picture "
            "or chunk.",
            file=sys.stderr,
        )
        return MISTAKE


def run() -> NoReturn:
    """Run one command and exit with its status."""
    status = main()
    if status == INTERRUPTED:
        # Exit at once: under load, Python's normal exit with half-loaded libraries sometimes ended
        # with the signal (status -2), although it was handled. Nothing is left to clean up.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
