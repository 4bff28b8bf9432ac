"""Count how often a model is run."""

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
    """How often a model was run.

    Attributes:
        forward: rows that went through the model forwards (a batch of 16 counts 16).
        backward: gradients that were taken back through it.
    """

    forward: int = 0
    backward: int = 0


_COUNTING: ContextVar[tuple[Passes, ...]] = ContextVar("counting", default=())
"""The counts that go on in this thread or task."""

_GUARD = threading.Lock()
_OPEN: list[Passes] = []
"""The counts that go on anywhere; while there is one, `torch.autograd.grad` is counted."""


@contextmanager
def count_passes(model: Any) -> Iterator[Passes]:
    """Count what this thread runs of a model in a `with` block: yields `Passes`.

    Rows of generation steps count like any others; a gradient counts once, whatever it is taken
    with respect to.
    """
    passes = Passes()

    def before(module: Any, arguments: Any, keywords: Any) -> None:
        given = keywords.get("input_ids")
        given = keywords.get("inputs_embeds") if given is None else given
        given = arguments[0] if given is None and arguments else given
        passes.forward += 1 if given is None else len(given)

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


def _count_gradients(passes: Passes) -> None:
    global _grad
    with _GUARD:
        if not _OPEN:
            _grad, torch.autograd.grad = torch.autograd.grad, _counted_grad
        _OPEN.append(passes)


def _stop_counting(passes: Passes) -> None:
    with _GUARD:
        _OPEN[:] = [one for one in _OPEN if one is not passes]
        if not _OPEN and torch.autograd.grad is _counted_grad:
            torch.autograd.grad = _grad
