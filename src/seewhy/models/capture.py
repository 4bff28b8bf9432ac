"""Record calls of `generate` in the user's code, to explain them afterwards.

In the `with` block, the model's `generate` and the image processor's `preprocess` are replaced on
these two objects (not on their classes) by functions that call them and keep inputs and outputs.
No hook is attached, so sampling, beams, static caches and compiled models are not affected; the
sequence to explain is run again in one forward pass.

Blocks may overlap, in threads or asyncio tasks. A block records the calls of its own task, and
calls outside of any block, such as those of a thread that it started; never calls of this package.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from seewhy.core.picture_settings import LIMITS
from seewhy.models.adapters import AdapterState, adapter_state
from seewhy.models.isolation import is_internal
from seewhy.models.processor_settings import setting_names_of
from seewhy.models.wrappers import innermost

_BLOCKS: ContextVar[tuple[Recording, ...]] = ContextVar("blocks", default=())
_GUARD = threading.Lock()


@dataclass(frozen=True, eq=False)
class GenerateCall:
    """One call of `generate`.

    Attributes:
        tensors: its keyword arguments that are tensors, `input_ids` among them.
        sequences: int64 `[sequence, position]`, the output: prompts with answers.
        certain: whether it surely belongs to the block that recorded it.
        adapters: which adapters acted in the call.
    """

    tensors: dict[str, Any]
    sequences: Tensor
    certain: bool = True
    adapters: AdapterState = ()

    @property
    def sequences_per_prompt(self) -> int:
        """Number of sequences that were generated for each prompt of the batch."""
        return len(self.sequences) // len(self.tensors["input_ids"])


@dataclass(frozen=True, eq=False)
class PreprocessCall:
    """One call of the image processor's `preprocess`.

    Attributes:
        images: its input: one picture, a list, or a list of lists.
        settings: all settings that the call used: its own, and else the processor's at that time.
        pixels: its output (`pixel_values`), if that is a tensor.
        certain: whether it surely belongs to the block that recorded it.
    """

    images: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    pixels: Tensor | None = None
    certain: bool = True


@dataclass(eq=False)
class Recording:
    """The calls that one block recorded, in order.

    Attributes:
        calls: of `generate`.
        preprocessed: calls of `preprocess`.
    """

    calls: list[GenerateCall] = field(default_factory=list)
    preprocessed: list[PreprocessCall] = field(default_factory=list)

    def add_generate(self, call: _Call) -> None:
        """Keep a call of `generate`."""
        arguments = call.arguments
        if isinstance(ids := arguments.pop("inputs", None), Tensor):
            arguments.setdefault("input_ids", ids)
        tensors = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
        sequences = getattr(call.result, "sequences", call.result)
        adapters = adapter_state(call.target)
        self.calls.append(GenerateCall(tensors, sequences, call.certain, adapters))

    def add_preprocess(self, image_processor: Any, call: _Call) -> None:
        """Keep a call of an image processor's `preprocess`."""
        arguments = call.arguments
        images = arguments.pop("images", None)
        pixels = call.result.get("pixel_values") if isinstance(call.result, Mapping) else None
        names = setting_names_of(image_processor)
        settings = {
            n: arguments.get(n, getattr(image_processor, n, None)) for n in names if n not in LIMITS
        }
        settings |= {n: v for n, v in arguments.items() if n in LIMITS and v is not None}
        self.preprocessed.append(
            PreprocessCall(
                images, settings, pixels if isinstance(pixels, Tensor) else None, call.certain
            )
        )


@contextmanager
def record_calls(model: Any, image_processor: Any) -> Iterator[Recording]:
    """Record every call of `model.generate`, and the pictures that the image processor gets.

    Args:
        model: a model of transformers, or a wrapper: the model inside is patched, which it calls.
        image_processor: the one that makes its inputs, inside the block or outside.
    """
    recording = Recording()
    processed = functools.partial(recording.add_preprocess, image_processor)
    _BLOCKS.set((*_BLOCKS.get(), recording))
    try:
        with (
            patched_method(innermost(model), "generate", recording, recording.add_generate),
            patched_method(image_processor, "preprocess", recording, processed),
        ):
            yield recording
    finally:
        # Not by a token: a block may end in another context than the one in which it began.
        _BLOCKS.set(tuple(block for block in _BLOCKS.get() if block is not recording))


@dataclass(frozen=True, eq=False)
class _Call:
    """A call of a patched method of an object, and whether it is surely of its block."""

    target: Any
    arguments: dict[str, Any]
    result: Any
    certain: bool


@contextmanager
def patched_method(
    target: Any, name: str, block: Recording, listener: Callable[[_Call], None]
) -> Iterator[None]:
    """Call a listener for every call of an object's method that belongs to its block.

    The method is replaced once for all blocks, and restored when the last of them ends, in any
    order.
    """
    entry = (block, listener)
    with _GUARD:
        method = vars(target).get(name)
        if not hasattr(method, "listeners"):
            method = _recorded(target, getattr(target, name), replaced=method)
            setattr(target, name, method)
        listeners: list[Any] = method.listeners  # type: ignore[union-attr]
        listeners.append(entry)
    try:
        yield
    finally:
        with _GUARD:
            listeners.remove(entry)
            if not listeners and vars(target).get(name) is method:
                _restore(target, name, method.replaced)  # type: ignore[union-attr]


def _recorded(target: Any, original: Callable[..., Any], replaced: Any) -> Any:
    """A method that calls `listeners`; `replaced` is the object's attribute before, or None."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def method(*arguments: Any, **keywords: Any) -> Any:
        result = original(*arguments, **keywords)
        listeners = () if is_internal() else tuple(method.listeners)  # type: ignore[attr-defined]
        of_block = [listener for block, listener in listeners if block in _BLOCKS.get()]
        # A call outside of any block may come from a thread of any open block: all record it.
        certain = bool(of_block) or len(listeners) == 1
        for listener in of_block or [listener for _, listener in listeners]:
            bound = signature.bind_partial(*arguments, **keywords).arguments
            listener(_Call(target, {**bound.pop("kwargs", {}), **bound}, result, certain))
        return result

    method.listeners, method.replaced = [], replaced  # type: ignore[attr-defined]
    return method


def _restore(target: Any, name: str, replaced: Any) -> None:
    if replaced is None:
        delattr(target, name)
    else:
        setattr(target, name, replaced)
