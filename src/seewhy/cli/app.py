"""`seewhy app`: a page of one's own to ask a model, and to ask it back."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from argparse import Namespace

from seewhy.cli._command import add_command
from seewhy.cli._options import add_model_options, load_options, whole
from seewhy.cli.open_report import NO_BROWSER_FOR_APP, open_address
from seewhy.core.errors import ShippedModelWarning
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

LARGEST_PORT = 65535


def add_to(commands) -> None:
    """Add `seewhy app` and its options."""
    parser = add_command(
        commands,
        "app",
        "ask a model about your pictures on a page of your own, and ask back",
        "seewhy.cli.app:app",
    )
    model = parser.add_argument_group("the models")
    model.add_argument(
        "--model",
        metavar="NAME|DIR",
        action="append",
        default=[],
        help="a model that can be chosen on the page: hub id, folder of a model or adapter, or one "
        "that ships with seewhy; it is loaded when it is first asked (repeatable; default: those "
        f"that ship with seewhy, {DEFAULT_MODEL} first)",
    )
    model.add_argument(
        "--max-memory",
        metavar="SIZE",
        help="what the weights of loaded models may take together, such as 8GB: those that were "
        "not asked for longest are dropped (default: what is free)",
    )
    add_model_options(model, plural=True)
    server = parser.add_argument_group("the server")
    server.add_argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="the address to listen at (default: 127.0.0.1, which only this machine can reach)",
    )
    server.add_argument(
        "--port",
        metavar="N",
        type=whole(at_least=1),
        help="the port (default: 8765, or the next free one)",
    )
    server.add_argument(
        "--no-browser", action="store_true", help="print the address and open nothing"
    )
    token = server.add_mutually_exclusive_group()
    token.add_argument(
        "--token",
        metavar="TEXT",
        help="the key in the address: 16 or more letters and digits (default: a random one)",
    )
    token.add_argument(
        "--no-token",
        action="store_true",
        help="let every program of this machine in without a key",
    )


def app(arguments: Namespace) -> int:
    """Start the server, print its address, and serve until Ctrl-C."""
    from seewhy.app.access import Access, expect_safe, new_token
    from seewhy.app.http import expect_installed
    from seewhy.app.service import Service
    from seewhy.app.serving import bound_socket, serve
    from seewhy.cli._progress import silence_libraries

    expect_installed()
    # The page shows it with each answer.
    warnings.filterwarnings("ignore", category=ShippedModelWarning)
    token = None if arguments.no_token else arguments.token or new_token()
    expect_safe(arguments.host, token)
    options = {**load_options(arguments), **({"dtype": arguments.dtype} if arguments.dtype else {})}
    _expect_models(arguments, options)
    listening = bound_socket(arguments.host, _port(arguments))
    with listening:
        access = Access(arguments.host, listening.getsockname()[1], token)
        report = _reporter(arguments.debug)
        service = Service(
            arguments.model,
            arguments.max_memory,
            options=options,
            report=report,
            prepare=silence_libraries,
        )
        try:
            _print_address(access)
            serve(service, listening, access, lambda: _when_ready(arguments, access))
        finally:
            is_ended = service.close()
    print("seewhy: stopped.", file=sys.stderr, flush=True)
    if not is_ended:
        # A model is still being read: waiting for it would keep the terminal.
        sys.stdout.flush()
        os._exit(0)
    return 0


def _print_address(access) -> None:
    # Printed without rich: an address must be easy to copy, on one line and without colour.
    print(f"seewhy is at {access.url(access.token)}", flush=True)
    print("Ctrl-C ends it.", file=sys.stderr, flush=True)


def _when_ready(arguments: Namespace, access) -> None:
    """Open the browser, if that is wished."""
    if arguments.no_browser:
        return
    ticket = None if access.token is None else access.ticket()
    if not open_address(access.url(ticket)):
        print(f"seewhy: {NO_BROWSER_FOR_APP}", file=sys.stderr, flush=True)


def _expect_models(arguments: Namespace, options: dict[str, object]) -> None:
    """Check the names of models before anything starts; their weights are not read.

    Raises:
        UnknownNameError: if there is no such folder or hub id.
    """
    if not arguments.model:
        return
    from seewhy.models.loading import expect_model
    from seewhy.testbed.pretrained import pretrained

    for name in arguments.model:
        if name not in pretrained():
            expect_model(name, options, pretrained())


def _port(arguments: Namespace) -> int | None:
    from seewhy.core.errors import ParameterError

    if arguments.port is not None and arguments.port > LARGEST_PORT:
        raise ParameterError(
            f"Expected a port from 1 to {LARGEST_PORT}, got {arguments.port}: leave --port out."
        )
    return arguments.port


def _reporter(debug: bool):
    """What is said of errors that are no user's mistake: nothing that a user asked."""

    def report(error: BaseException) -> None:
        if debug:
            traceback.print_exception(error)
        else:
            name = type(error).__name__
            print(
                f"seewhy: an error inside seewhy ({name}): --debug shows where.",
                file=sys.stderr,
                flush=True,
            )

    return report
