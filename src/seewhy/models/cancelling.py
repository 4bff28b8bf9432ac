"""Cancel what a model computes, within one layer's forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn

from seewhy.core.cancelling import Cancelling, cancelling, is_within
from seewhy.models.wrappers import innermost


@contextmanager
def cancellable(model: Any, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let the work of the block be cancelled: it raises `Cancelled` before the model's next layer.

    This holds for everything that runs the model in the block: generation, methods with many passes
    or with gradients (backward passes too), diagnosis, follow-up questions; and for the time in
    which they wait for other threads that run the model. Hooks, modes and whatever else was changed
    are as before when the error arrives.

    Only calls of this thread or asyncio task are cancelled, though others may run the same model at
    the same time. A thread that is started within the block is not part of it.

    Args:
        model: the model, also in wrappers; `explainer.loaded.model`.
        is_cancelled: says whether to stop; called before every layer, so it should only look at a
            flag, such as `threading.Event().is_set`.

    Raises:
        Cancelled: once `is_cancelled` has said so.

    Example:
        ```python
        stop = threading.Event()
        with seewhy.cancellable(explainer.loaded.model, stop.is_set):
            explainer.explain("cat.jpg")  # another thread may call stop.set()
        ```
    """
    with cancelling(is_cancelled) as block, ExitStack() as stack:
        inner = innermost(model)
        for module in (inner, *_layers(inner)):
            before = module.register_forward_pre_hook(partial(_check, block))
            after = module.register_forward_hook(partial(_check_backward, block))
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield


def _layers(model: nn.Module) -> Iterator[nn.Module]:
    """The layers of every stack in a model, those of its vision tower among them."""
    for module in model.modules():
        if isinstance(module, nn.ModuleList):
            yield from (layer for layer in module if not isinstance(layer, nn.ModuleList))


def _check(block: Cancelling, *_: Any) -> None:
    """Before a layer: raise if the block that runs it is cancelled."""
    if is_within(block):
        block.check()


def _check_backward(block: Cancelling, module: Any, arguments: Any, output: Any) -> None:
    """Let the backward pass through a layer raise too; it may run in a thread of PyTorch's own."""
    first = output[0] if isinstance(output, tuple) and output else output
    if is_within(block) and isinstance(first, Tensor) and first.requires_grad:
        first.register_hook(lambda gradient: block.check())
