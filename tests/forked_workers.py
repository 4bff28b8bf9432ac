"""Worker processes that start fast, for tests that start many.

They are forked from a server that has imported torch, transformers and the package, where users'
workers are spawned and import them anew. What a worker is given, does and tells is the same: it
travels by pickle and pipe. One test of each kind of run keeps to spawned workers.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

import seewhy.runs.processes

IMPORTED_ONCE = (
    "torch",
    "pyarrow.parquet",
    "transformers.models.qwen2_vl.modeling_qwen2_vl",
    "seewhy.audit.run",
    "seewhy.bench.running",
    "seewhy.bench.worker",
    "seewhy.models.loading",
)
"""What is slow to import, and needed by most workers."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(IMPORTED_ONCE))


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of local runs are forked from the server."""
    monkeypatch.setattr(seewhy.runs.processes, "START", "forkserver")


def started(function: Callable[..., None], *arguments: Any) -> BaseProcess:
    """A process of its own that calls a function of a module; its workers are spawned."""
    process = _context.Process(target=_call, args=(function, *arguments))
    process.start()
    return process


def _call(function: Callable[..., None], *arguments: Any) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what is told of a run that will be killed
    function(*arguments)
