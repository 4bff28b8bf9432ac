"""`seewhy audit`: every word of every answer of a data set, with its verdict."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, get_args

from seewhy.audit.config import AuditConfig, EngineName
from seewhy.cli._command import add_command
from seewhy.cli._options import add_model_options, load_options, names_in, whole
from seewhy.cli._printable import printable
from seewhy.cli._progress import duration, silence_libraries
from seewhy.cli.terminal import Stages
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

if TYPE_CHECKING:
    from types import FrameType

    from seewhy.audit.run import AuditResult, Progress

MAX_REASONS = 8
"""Reasons of failures that are printed; the page has all."""
PROGRESS_SECONDS = 2.0
"""Seconds between two lines of progress."""
BUG, INTERRUPTED, TERMINATED = 1, 130, 143


def add_to(commands: Any) -> None:
    """Add `seewhy audit` and its options."""
    parser = add_command(
        commands,
        "audit",
        "find out for every word of a data set's answers what it rests on",
        "seewhy.cli.audit:audit",
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        help="NAME:PLACE, NAME:PLACE?OPTION=VALUE, or a path whose content tells the name; NAME is "
        f"one of {', '.join(names_in('audit/sources'))}",
    )
    for add in (_add_what, _add_how, _add_output):
        add(parser)


def _add_what(parser: Any) -> None:
    what = parser.add_argument_group("what is audited")
    what.add_argument(
        "--model",
        metavar="NAME|DIR",
        help="hub id, folder, or a model that ships with seewhy "
        f"(default: {DEFAULT_MODEL}, which knows drawn scenes only)",
    )
    add_model_options(what)
    what.add_argument(
        "--answers",
        metavar="FILE",
        help="answers to diagnose, in the layout of the data set; the model answers where none is "
        "given",
    )
    what.add_argument("--limit", metavar="N", type=whole(at_least=1), help="rows at most")
    what.add_argument(
        "--shuffle",
        metavar="SEED",
        type=whole(at_least=0),
        help="draw the rows of --limit at random, and not the first ones",
    )
    what.add_argument(
        "--max-new-tokens",
        metavar="N",
        type=whole(at_least=1),
        help="length at which the model's own answers are cut off (default: 128)",
    )


def _add_how(parser: Any) -> None:
    how = parser.add_argument_group("how it is done")
    how.add_argument(
        "--engine",
        choices=get_args(EngineName),
        default=AuditConfig.engine,
        help="processes of this machine, or actors of a Ray cluster (default: local)",
    )
    how.add_argument(
        "--workers",
        metavar="N",
        type=whole(at_least=1),
        default=AuditConfig.workers,
        help="how many work in parallel; each loads the model (default: 1)",
    )
    how.add_argument(
        "--batch",
        metavar="N",
        type=whole(at_least=1),
        default=AuditConfig.batch,
        help="rows that go through the model together (default: 1)",
    )
    how.add_argument("--retry", action="store_true", help="do rows again that failed before")


def _add_output(parser: Any) -> None:
    output = parser.add_argument_group("what comes out")
    output.add_argument(
        "--out",
        metavar="FOLDER",
        required=True,
        help="folder of the audit; the same command again resumes the run",
    )
    output.add_argument(
        "--reports",
        metavar="WHICH",
        default=AuditConfig.reports,
        help="explanations that are saved as reports: worst:N answers, all or none "
        f"(default: {AuditConfig.reports})",
    )
    output.add_argument(
        "--no-page", dest="page", action="store_false", help="store the rows and write no page"
    )
    output.add_argument("--quiet", action="store_true", help="print nothing to stderr")


def audit(arguments: Namespace) -> int:
    """Run an audit, and print its counts and the path of its page."""
    config = audit_config(arguments)
    try:
        with (
            _terminable(),
            Stages(quiet=arguments.quiet) as stage,
            contextlib.redirect_stdout(sys.stderr),
        ):
            if not arguments.debug:
                silence_libraries()
            from seewhy.audit.run import run_audit

            result = run_audit(config, progress=_ProgressPrinter(stage), say=stage)
    except KeyboardInterrupt as interrupt:
        print(f"seewhy: stopped; {_kept(config)}", file=sys.stderr)
        return TERMINATED if isinstance(interrupt, _Terminated) else INTERRUPTED
    return _show(result)


def audit_config(arguments: Namespace) -> AuditConfig:
    """The config of a command line."""
    tokens = arguments.max_new_tokens
    return AuditConfig(
        data=arguments.data,
        out=arguments.out,
        model=arguments.model,
        answers=arguments.answers,
        engine=arguments.engine,
        workers=arguments.workers,
        limit=arguments.limit,
        shuffle=arguments.shuffle,
        batch=arguments.batch,
        reports=arguments.reports,
        retry=arguments.retry,
        page=arguments.page,
        dtype=arguments.dtype,
        load_options=load_options(arguments),
        explain={} if tokens is None else {"max_new_tokens": tokens},
    )


class _Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the run as Ctrl-C does: workers end, and what is done is stored."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _ProgressPrinter:
    """Prints how many rows are done, how fast, and an estimate of the remaining time."""

    def __init__(self, stage: Stages) -> None:
        self._stage, self._printed = stage, -PROGRESS_SECONDS

    def __call__(self, state: Progress) -> None:
        """Print a line every few seconds."""
        now, stored = time.monotonic(), state.found + state.done
        if stored != state.total and now - self._printed < PROGRESS_SECONDS:
            return
        self._printed = now
        rate = state.done / state.seconds if state.seconds else 0.0
        parts = [
            f"{stored:,} rows" if state.total is None else f"{stored:,} of {state.total:,} rows"
        ]
        if state.found:
            parts.append(f"{state.found:,} from before")
        if state.failed:
            parts.append(f"{state.failed:,} failed")
        if rate:
            parts.append(f"{rate:.2g} a second" if rate < 10 else f"{rate:,.0f} a second")
        if rate and state.total is not None and state.total > stored:
            parts.append(f"about {duration((state.total - stored) / rate)} to go")
        self._stage(", ".join(parts))


def _kept(config: AuditConfig) -> str:
    """How many rows are stored, and how to go on."""
    from seewhy.audit.store import Store
    from seewhy.core.errors import SchemaError

    with contextlib.suppress(SchemaError):
        count = sum(1 for _ in Store(config.out).iter_answers(["id"]))
        return f"{count:,} rows are stored. Give the same command again to go on."
    return "give the same command again to go on."


def _show(result: AuditResult) -> int:
    """Print the counts and reasons, and the page's path last."""
    reasons = list(result.reasons.items())
    for reason, count in reasons[:MAX_REASONS]:
        print(f"{count:,} x failed: {printable(reason)}")
    if len(reasons) > MAX_REASONS:
        print(f"{len(reasons) - MAX_REASONS} more reasons: see the page")
    for reason, count in result.missing_reports.items():
        print(f"{count:,} x no report: {printable(reason)}")
    print(f"{result.done:,} answers diagnosed, {result.failed:,} failed: {result.store.folder}")
    if result.page is not None:
        # A path must be easy to copy, on one line and without colour.
        print(f"page: {result.page}")
    sys.stdout.flush()
    if result.unexpected:
        print(
            f"seewhy: {sum(result.unexpected.values()):,} rows failed by an error in code, and not "
            "in the data. The whole error is in the column `detail` of their answers. Please "
            "report it. After a correction, --retry does these rows again.",
            file=sys.stderr,
        )
        return BUG
    return 0
