"""Generation in the user's own code, recorded so that it can be explained afterwards.

Nothing of theirs is changed: while the `with` block lasts, the model's `generate` and the image
processor's `preprocess` are replaced on these two objects (not on their classes) by functions that
call them and keep what went in and came out. No hook is attached, so sampling, beams, static caches
and compiled models run as ever; the sequence to explain is read again in one forward pass.

Blocks may overlap, in threads or asyncio tasks. A block records what its own task calls, and what
is called outside of any block, such as by a thread that it starts; calls of this package never.
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

from seewhy.models.isolation import is_internal, unwrap

#: Arguments of `preprocess` that say in which form pixels come, not which pixels.
FORMAT = frozenset({"return_tensors", "data_format", "input_data_format", "device"})

_BLOCKS: ContextVar[tuple[Recording, ...]] = ContextVar("blocks", default=())
_GUARD = threading.Lock()


@dataclass(frozen=True, eq=False)
class GenerateCall:
    """One call of `generate`.

    Attributes:
        tensors: its keyword arguments that are tensors, `input_ids` among them.
        sequences: int64 `[sequence, position]`, prompts and answers as they came out.
        certain: whether it is known to belong to the block that recorded it.
    """

    tensors: dict[str, Any]
    sequences: Tensor
    certain: bool = True

    @property
    def sequences_per_prompt(self) -> int:
        """How many sequences came out for each prompt of the batch."""
        return len(self.sequences) // len(self.tensors["input_ids"])


@dataclass(frozen=True, eq=False)
class PreprocessCall:
    """One call of the image processor's `preprocess`.

    Attributes:
        images: what it was given: one picture, a list, or a list of lists.
        settings: how it was told to process them, where that is not as the processor is set.
        pixels: what it made of them (`pixel_values`), where that is a tensor.
        certain: whether it is known to belong to the block that recorded it.
    """

    images: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    pixels: Tensor | None = None
    certain: bool = True


@dataclass(eq=False)
class Recording:
    """What one block recorded, in order.

    Attributes:
        calls: of `generate`.
        preprocessed: calls of `preprocess`.
    """

    calls: list[GenerateCall] = field(default_factory=list)
    preprocessed: list[PreprocessCall] = field(default_factory=list)

    def add_generate(self, call: _Call) -> None:
        """Keep a call of `generate`."""
        named = call.arguments
        if isinstance(first := named.pop("inputs", None), Tensor):
            named.setdefault("input_ids", first)
        tensors = {name: value for name, value in named.items() if isinstance(value, Tensor)}
        sequences = getattr(call.result, "sequences", call.result)
        self.calls.append(GenerateCall(tensors, sequences, call.certain))

    def add_preprocess(self, call: _Call) -> None:
        """Keep a call of `preprocess`."""
        named = call.arguments
        images = named.pop("images", None)
        pixels = call.result.get("pixel_values") if isinstance(call.result, Mapping) else None
        settings = {n: v for n, v in named.items() if v is not None and n not in FORMAT}
        self.preprocessed.append(
            PreprocessCall(
                images, settings, pixels if isinstance(pixels, Tensor) else None, call.certain
            )
        )


@contextmanager
def record_calls(model: Any, image_processor: Any) -> Iterator[Recording]:
    """Record every call of `model.generate`, and the pictures that the image processor is given.

    Args:
        model: transformers' own; a compiled one is looked through.
        image_processor: the one that makes its inputs, inside the block or outside.
    """
    recording = Recording()
    _BLOCKS.set((*_BLOCKS.get(), recording))
    try:
        with (
            patched_method(unwrap(model), "generate", recording, recording.add_generate),
            patched_method(image_processor, "preprocess", recording, recording.add_preprocess),
        ):
            yield recording
    finally:
        # Not by a token: a block may be left in another context than it was entered in.
        _BLOCKS.set(tuple(block for block in _BLOCKS.get() if block is not recording))


@dataclass(frozen=True, eq=False)
class _Call:
    """A call of a patched method: its arguments by name, what came out, and whose it is."""

    arguments: dict[str, Any]
    result: Any
    certain: bool


@contextmanager
def patched_method(
    thing: Any, name: str, block: Recording, listener: Callable[[_Call], None]
) -> Iterator[None]:
    """Tell a listener of every call of one object's method that belongs to its block.

    The method is replaced once, however many blocks listen, and is put back when the last of them
    ends, in whatever order they do.
    """
    entry = (block, listener)
    with _GUARD:
        method = vars(thing).get(name)
        if not hasattr(method, "listeners"):
            method = _listened(getattr(thing, name), replaced=method)
            setattr(thing, name, method)
        listeners: list[Any] = method.listeners  # type: ignore[union-attr]
        listeners.append(entry)
    try:
        yield
    finally:
        with _GUARD:
            listeners.remove(entry)
            if not listeners and vars(thing).get(name) is method:
                _restore(thing, name, method.replaced)  # type: ignore[union-attr]


def _listened(original: Callable[..., Any], replaced: Any) -> Any:
    """A method that tells `listeners` of its calls; `replaced` stood on the object before."""
    signature = inspect.signature(original)

    @functools.wraps(original)
    def method(*arguments: Any, **keywords: Any) -> Any:
        result = original(*arguments, **keywords)
        listeners = () if is_internal() else tuple(method.listeners)  # type: ignore[attr-defined]
        own = [tell for block, tell in listeners if block in _BLOCKS.get()]
        # Called outside of any block, perhaps by a thread that a block started: by which one?
        certain = bool(own) or len(listeners) == 1
        for tell in own or [tell for _, tell in listeners]:
            bound = signature.bind_partial(*arguments, **keywords).arguments
            tell(_Call({**bound.pop("kwargs", {}), **bound}, result, certain))
        return result

    method.listeners, method.replaced = [], replaced  # type: ignore[attr-defined]
    return method


def _restore(thing: Any, name: str, replaced: Any) -> None:
    if replaced is None:
        delattr(thing, name)
    else:
        setattr(thing, name, replaced)
