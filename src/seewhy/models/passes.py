"""Count a model's forward and backward passes."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch

from seewhy.models.isolation import of_this_call


@dataclass
class Passes:
    """Numbers of passes.

    Attributes:
        forward: rows of forward passes (a batch of 16 counts 16).
        backward: backward passes.
    """

    forward: int = 0
    backward: int = 0


_COUNTING: ContextVar[tuple[Passes, ...]] = ContextVar("counting", default=())
"""The counts that are open in this thread or task."""

_GUARD = threading.Lock()
_OPEN: list[Passes] = []
"""The counts that are open in any thread; while there is one, `torch.autograd.grad` is patched."""


@contextmanager
def count_passes(model: Any) -> Iterator[Passes]:
    """Count the passes of a model that this thread runs in a `with` block: yields `Passes`.

    Each generation step counts its rows; each call of `torch.autograd.grad` counts once, and a
    pass that goes back layer by layer once too (`count_backward`, `layer_gradient`).
    """
    passes = Passes()

    def before(module: Any, arguments: Any, keywords: Any) -> None:
        inputs = keywords.get("input_ids")
        inputs = keywords.get("inputs_embeds") if inputs is None else inputs
        inputs = arguments[0] if inputs is None and arguments else inputs
        passes.forward += 1 if inputs is None else len(inputs)

    hook = model.register_forward_pre_hook(of_this_call(before, nested=True), with_kwargs=True)
    token = _COUNTING.set((*_COUNTING.get(), passes))
    _count_gradients(passes)
    try:
        yield passes
    finally:
        _stop_counting(passes)
        _COUNTING.reset(token)
        hook.remove()


_grad = torch.autograd.grad


@functools.wraps(_grad)
def _counted_grad(*arguments: Any, **keywords: Any) -> Any:
    for passes in _COUNTING.get():
        passes.backward += 1
    return _grad(*arguments, **keywords)


def count_backward(number: int) -> None:
    """Count backward passes that go through the layers one at a time."""
    for passes in _COUNTING.get():
        passes.backward += number


def layer_gradient(*arguments: Any, **keywords: Any) -> tuple[Any, ...]:
    """`torch.autograd.grad` through one layer: a part of a pass, which is not counted."""
    return _grad(*arguments, **keywords)


def _count_gradients(passes: Passes) -> None:
    global _grad
    with _GUARD:
        if not _OPEN:
            _grad, torch.autograd.grad = torch.autograd.grad, _counted_grad
        _OPEN.append(passes)


def _stop_counting(passes: Passes) -> None:
    with _GUARD:
        _OPEN[:] = [count for count in _OPEN if count is not passes]
        if not _OPEN and torch.autograd.grad is _counted_grad:
            torch.autograd.grad = _grad
