"""The entry point of `seewhy`: run a command and return its exit status.

0: done; 1: a bug of seewhy (with a traceback); 2: a mistake that the user can correct (one line);
130: interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from seewhy.cli._streams import ReaderGone, give_up_stdout, guarded_streams
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
    with guarded_streams():
        debug = False
        try:
            arguments = parse(argv)
            debug = arguments.debug
            module, _, function = arguments.run.partition(":")
            status = getattr(importlib.import_module(module), function)(arguments)
            sys.stdout.flush()
            return status
        except KeyboardInterrupt:
            print("seewhy: interrupted, nothing was left half-written.", file=sys.stderr)
            return INTERRUPTED
        except ReaderGone:
            give_up_stdout()
            return 0
        except SystemExit as end:
            # The parser has printed help, or a mistake.
            raise SystemExit(_flushed(end.code)) from None  # type: ignore[arg-type]
        except (SeewhyError, OSError) as error:
            # An error of the system, such as a full disk, is nothing that code could correct.
            if debug:
                raise
            print(f"seewhy: {_one_line(error)}", file=sys.stderr)
            give_up_stdout()
            return MISTAKE
        except Exception as error:
            if debug or not is_out_of_memory(error):
                raise
            print(_out_of_memory(error), file=sys.stderr)
            return MISTAKE


def _flushed(status: object) -> object:
    """The status if what was printed can be written, else that of a mistake."""
    try:
        sys.stdout.flush()
    except ReaderGone:
        give_up_stdout()
    except SeewhyError as error:
        print(f"seewhy: {_one_line(error)}", file=sys.stderr)
        give_up_stdout()
        return MISTAKE
    return status


def _one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, SeewhyError) else _system_error(error)
    return " ".join(text.split())


def _system_error(error: Exception) -> str:
    return (
        f"Expected files and folders that can be used, got {error}: correct that; --debug tells "
        "where it was."
    )


def _out_of_memory(error: Exception) -> str:
    reason = " ".join(str(error).split())[:120]
    return (
        f"seewhy: Expected enough memory, got out of memory ({reason}): free memory, or take a "
        "smaller model, picture or chunk."
    )


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
