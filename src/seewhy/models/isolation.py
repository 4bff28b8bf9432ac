"""What is captured belongs to one call, whatever else runs on the same model meanwhile.

A model may be shared: by threads of a server, by two explainers, by asyncio tasks, by the user's
own code. Calls of this package that run a model take turns (`exclusive`). Their hooks ignore
passes that others run (`of_this_call`), and what records the user's calls ignores ours
(`is_internal`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import torch

_LOCKS: WeakKeyDictionary[Any, threading.RLock] = WeakKeyDictionary()
_LOCKS_GUARD = threading.Lock()

_CALL: ContextVar[object | None] = ContextVar("call", default=None)
"""The innermost call of this package that runs in this thread or task; None outside of any."""


def unwrap(model: Any) -> Any:
    """The model itself, where `torch.compile` wrapped it."""
    return getattr(model, "_orig_mod", model)


@contextmanager
def exclusive(model: Any) -> Iterator[None]:
    """Let one call at a time run a model; others wait. A call may contain further ones.

    Args:
        model: whose; a compiled one shares its lock with the one inside.
    """
    with _LOCKS_GUARD:
        lock = _LOCKS.setdefault(unwrap(model), threading.RLock())
    with lock, internal():
        yield


@contextmanager
def internal() -> Iterator[None]:
    """Mark what runs in the block as this package's own, in this thread or task alone."""
    token = _CALL.set(object())
    try:
        yield
    finally:
        _CALL.reset(token)


def is_internal() -> bool:
    """Whether the caller is called by this package."""
    return _CALL.get() is not None


def of_this_call(hook: Callable[..., Any], *, nested: bool = False) -> Callable[..., Any]:
    """A hook that ignores the passes of other calls.

    Args:
        hook: any hook of a module. Where it is ignored None is returned, which changes nothing.
        nested: whether calls within this one count as this one; those of other threads never do.
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
    """Use a model alone, in eval mode without gradients; every module keeps the mode it had."""
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
