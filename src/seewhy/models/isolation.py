"""Keep the captures of one call separate from other runs of the same model.

A model may be shared: by threads of a server, by two explainers, by asyncio tasks, by the user's
code. Calls of this package that run a model wait for each other (`exclusive`). Their hooks ignore
the passes of other callers (`of_this_call`), and recorders of the user's calls ignore the calls of
this package (`is_internal`).
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary, WeakSet

import torch

from seewhy.core.cancelling import can_be_cancelled, check_cancelled
from seewhy.core.errors import ModelError
from seewhy.models.wrappers import innermost

POLL_SECONDS = 0.05
"""Seconds after which a call that waits for another looks whether it is cancelled."""

_LOCKS: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()
_LOCKS_GUARD = threading.Lock()

_INTERRUPTED: WeakSet[Any] = WeakSet()
"""In a forked process: models that another thread was running, which this process does not have."""

_CALL: ContextVar[object | None] = ContextVar("call", default=None)
"""The innermost call of this package that runs in this thread or task; None outside of any."""


@contextmanager
def exclusive(model: Any) -> Iterator[None]:
    """Let one call at a time run a model; others wait. Calls may be nested.

    Args:
        model: the model; a wrapper and the model inside share one lock.
    """
    with _LOCKS_GUARD:
        lock = _LOCKS.setdefault(innermost(model), threading.RLock())
    if innermost(model) in _INTERRUPTED:
        raise ModelError(
            "Expected a process that was started between explanations, got one that was forked "
            "while another thread explained with the same model, whose hooks are still in it: "
            "start processes by 'spawn', or fork them before."
        )
    with _held(lock), internal(), as_written():
        yield


@contextmanager
def _held(lock: threading.RLock) -> Iterator[None]:
    """Hold a lock; raise `Cancelled` if this thread's work is cancelled while it waits for it."""
    while not lock.acquire(timeout=POLL_SECONDS if can_be_cancelled() else -1):
        check_cancelled()
    try:
        yield
    finally:
        lock.release()


_EAGER_LOCK = threading.Lock()
_EAGER = ExitStack()
_EAGER_CALLS = 0


@contextmanager
def as_written() -> Iterator[None]:
    """Run compiled models and parts without their compiled code, for which hooks do not exist.

    The switch is one for the process: other threads run without compiled code too, with the same
    results. It is switched back at the end of the last block.
    """
    global _EAGER_CALLS
    with _EAGER_LOCK:
        if not _EAGER_CALLS and "torch._dynamo" in sys.modules:
            _EAGER.enter_context(torch.compiler.set_stance("force_eager"))
        _EAGER_CALLS += 1
    try:
        yield
    finally:
        with _EAGER_LOCK:
            _EAGER_CALLS -= 1
            if not _EAGER_CALLS:
                _EAGER.close()


def _after_fork() -> None:
    """In a forked process, locks of threads that it does not have would never be released."""
    global _LOCKS_GUARD, _EAGER_LOCK
    _LOCKS_GUARD, _EAGER_LOCK = threading.Lock(), threading.Lock()
    for model, lock in list(_LOCKS.items()):
        if lock.acquire(blocking=False):
            lock.release()
        else:
            _INTERRUPTED.add(model)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def without_autocast() -> Iterator[None]:
    """Compute in the number types of the weights, whatever the caller has set around the call.

    Under `torch.autocast` not only the model but also our own sums would be in half precision.
    """
    with ExitStack() as stack:
        for device in ("cpu", "cuda", "xpu", "mps"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def internal() -> Iterator[None]:
    """Mark calls in the block as calls of this package, only in this thread or task."""
    token = _CALL.set(object())
    try:
        yield
    finally:
        _CALL.reset(token)


def is_internal() -> bool:
    """Whether the caller is called by this package."""
    return _CALL.get() is not None


def current_call() -> object | None:
    """A mark of the innermost call of this package in this thread or task; None outside of any."""
    return _CALL.get()


def of_this_call(hook: Callable[..., Any], *, nested: bool = False) -> Callable[..., Any]:
    """A hook that ignores the passes of other calls.

    Args:
        hook: any hook of a module. For passes of other calls it returns None, which has no effect.
        nested: whether calls within this call count too; those of other threads never do.
    """
    call, thread = _CALL.get(), threading.get_ident()

    @functools.wraps(hook)
    def own_passes(*arguments: Any, **keywords: Any) -> Any:
        if threading.get_ident() != thread or not (nested or _CALL.get() is call):
            return None
        return hook(*arguments, **keywords)

    return own_passes


@contextmanager
def eval_mode(model: Any) -> Iterator[None]:
    """Use a model exclusively, in eval mode without gradients; restore each module's mode."""
    with exclusive(model):
        training = [module for module in model.modules() if module.training]
        try:
            for module in training:
                module.training = False
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True


Function = TypeVar("Function", bound=Callable[..., Any])


def in_eval_mode(function: Function) -> Function:
    """A decorator: the function runs in `eval_mode` of its first argument.

    That is a model, or an object with a `model`, such as a family's adapter.
    """

    @functools.wraps(function)
    def wrapped(first: Any, *arguments: Any, **keywords: Any) -> Any:
        with eval_mode(first if isinstance(first, torch.nn.Module) else first.model):
            return function(first, *arguments, **keywords)

    return cast(Function, wrapped)
