"""`seewhy audit`: every word of every answer of a data set, with its verdict."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
import warnings
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from seewhy.audit.config import AuditConfig
from seewhy.cli._options import load_options, other_pictures
from seewhy.cli._printable import printable
from seewhy.cli._progress import duration, silence_libraries
from seewhy.cli.terminal import Stages
from seewhy.core.errors import ShippedModelWarning

if TYPE_CHECKING:
    from types import FrameType

    from seewhy.audit.run import AuditResult, Progress

MAX_REASONS = 8
"""Reasons of failures that are printed; the page has all."""
PROGRESS_SECONDS = 2.0
"""Seconds between two lines of progress."""
BUG, INTERRUPTED, TERMINATED = 1, 130, 143


def audit(arguments: Namespace) -> int:
    """Run an audit, and print its counts and the path of its page."""
    config = audit_config(arguments)
    try:
        with (
            _terminable(),
            Stages(quiet=arguments.quiet) as stage,
            contextlib.redirect_stdout(sys.stderr),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", ShippedModelWarning)  # a stage says it
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
    tokens, others = arguments.max_new_tokens, other_pictures(arguments)
    explain: dict[str, Any] = {} if tokens is None else {"max_new_tokens": tokens}
    if others is not None:
        explain["other_pictures"] = others
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
        explain=explain,
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
