"""Gradients through the decoder one layer at a time.

In the forward pass only the states between layers are kept. To go back, each layer runs again from
the states that entered it, with a graph of its own, which is freed before the layer below runs. So
what autograd keeps is that of one layer, whatever the number of layers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.decoder import layers_of
from seewhy.models.isolation import of_this_call
from seewhy.models.passes import count_backward, layer_gradient

STATES = "hidden_states"
"""The name of a layer's argument of states."""

GRADIENTS = 256 << 20
"""Bytes of gradients of states that are carried from layer to layer together."""

Shared = tuple[str, Any]
"""What a layer leaves for layers above it: the argument's name, and the key in it."""


@dataclass(eq=False)
class LayerCall:
    """One decoder layer's part of a forward pass.

    Attributes:
        number: of the layer, counted from 0.
        forward: runs the layer.
        arguments, keywords: as the layer got them, without the states.
        entered: the states that entered, perhaps with a graph that begins at `left` of the layer
            below.
        left: the states that left, a leaf.
        read: what layers below left for this one, or for others.
        written: what this layer left for layers above it.
    """

    number: int
    forward: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    entered: Tensor
    left: Tensor
    read: dict[Shared, tuple[Tensor, ...]] = field(default_factory=dict)
    written: dict[Shared, tuple[Tensor, ...]] = field(default_factory=dict)

    def run(self, states: Tensor, shared: dict[Shared, tuple[Tensor, ...]]) -> _Run:
        """Run the layer again.

        Args:
            states: that enter it.
            shared: what is read of `read`, in its place.
        """
        keywords = dict(self.keywords)
        for name, value in self.keywords.items():
            if isinstance(value, MutableMapping):
                keywords[name] = copy.copy(value)
                for (argument, key), tensors in self.read.items():
                    if argument == name:
                        keywords[name][key] = shared.get((name, key), tensors)
        if STATES in keywords:
            output = self.forward(*self.arguments, **{**keywords, STATES: states})
        else:
            output = self.forward(states, *self.arguments, **keywords)
        written = {(name, key): keywords[name][key] for name, key in self.written}
        return _Run(_first(output), written)


@dataclass(frozen=True, eq=False)
class _Run:
    """What left a layer that ran again: states, and what it wrote for layers above."""

    states: Tensor
    written: dict[Shared, tuple[Tensor, ...]]


class LayerTape:
    """The states between the layers of one forward pass, to go back through them.

    Args:
        first: the lowest layer to go back to, counted from 0.
    """

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.calls: list[LayerCall] = []

    @contextmanager
    def recording(self, model: Any) -> Iterator[None]:
        """Keep the states between layers of the one pass that runs in the block."""
        layers = layers_of(model)
        with ExitStack() as stack:
            for number in range(self.first, len(layers)):
                stack.enter_context(self._recorded(layers[number], number))
            yield

    @contextmanager
    def _recorded(self, layer: Any, number: int) -> Iterator[None]:
        """Replace the layer's `forward` on this object, and put it back."""
        replaced, forward = vars(layer).get("forward"), layer.forward
        keep = of_this_call(lambda *a, **k: self._keep(number, forward, a, k), nested=True)

        def recorded(*arguments: Any, **keywords: Any) -> Any:
            output = keep(*arguments, **keywords)
            return forward(*arguments, **keywords) if output is None else output

        layer.forward = recorded
        try:
            yield
        finally:
            if replaced is None:
                del layer.forward
            else:
                layer.forward = replaced

    def _keep(
        self,
        number: int,
        forward: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Any:
        if keywords.get("past_key_values") is not None:
            raise UnsupportedModelError(
                f"Expected decoder layer {number} to run without a cache, got one: this class "
                "caches in every pass; choose a method that needs no gradients."
            )
        mappings = {n: v for n, v in keywords.items() if isinstance(v, MutableMapping)}
        before = {name: dict(mapping) for name, mapping in mappings.items()}
        with torch.no_grad():
            output = forward(*arguments, **keywords)
        entered = keywords[STATES] if STATES in keywords else arguments[0]
        left = _first(output).detach().requires_grad_()
        self.calls.append(
            LayerCall(
                number,
                forward,
                arguments if STATES in keywords else arguments[1:],
                keywords,
                entered if self.calls else entered.detach(),
                left,
                read=_tensors(before),
                written={
                    place: value
                    for place, value in _tensors(mappings).items()
                    if value is not before[place[0]].get(place[1])
                },
            )
        )
        return (left, *output[1:]) if isinstance(output, tuple) else left

    def chunks(self, targets: Tensor) -> tuple[Tensor, ...]:
        """Numbers of targets whose gradients are carried through the layers together."""
        size = self.calls[-1].left.numel() * self.calls[-1].left.element_size()
        return torch.arange(len(targets)).split(max(1, GRADIENTS // size))

    def gradients(
        self,
        targets: Tensor,
        numbers: Sequence[int],
        *,
        leaf: Callable[[], Tensor] | None = None,
        each: Callable[[int], None] = lambda index: None,
        end: Callable[[], None] = lambda: None,
    ) -> list[Tensor]:
        """The gradients of some targets at the states that enter the lowest layer.

        Args:
            targets: `[target]`, a function of the final states of the recorded pass.
            numbers: which of them; they are carried through the layers together.
            leaf: gives, after the lowest layer ran again, the tensor inside of it whose gradients
                are wanted in place of the states'.
            each: called with a target's index in `numbers` before it goes through a layer.
            end: called after a layer.
        """
        count_backward(len(numbers))
        coming = [
            _gradient([targets[number]], [self.calls[-1].left], [None])[0] for number in numbers
        ]
        shared: dict[Shared, list[list[Tensor]]] = {}
        for call in reversed(self.calls):
            inside = leaf if call is self.calls[0] else None
            coming = self._through(call, coming, shared, each, inside)
            end()
        return coming

    def _through(
        self,
        call: LayerCall,
        coming: list[Tensor],
        shared: dict[Shared, list[list[Tensor]]],
        each: Callable[[int], None],
        leaf: Callable[[], Tensor] | None,
    ) -> list[Tensor]:
        """Carry gradients from the states that leave a layer to those that left the one below.

        `shared` holds, for each target, the gradients at what layers below wrote: `_through` adds
        those of this layer, and takes those of what this layer wrote.
        """
        states = call.entered.detach().requires_grad_()
        own = [place for place in call.read if self._is_written_below(place, call)]
        leaves = {
            place: tuple(tensor.detach().requires_grad_() for tensor in call.read[place])
            for place in own
        }
        with torch.enable_grad():
            run = call.run(states, leaves)
        written = [(place, value) for place, value in run.written.items() if place in shared]
        outputs = [run.states, *(tensor for _, value in written for tensor in value)]
        at_written = [shared.pop(place) for place, _ in written]
        inputs = [states if leaf is None else leaf()]
        inputs += [tensor for place in own for tensor in leaves[place]]
        found = []
        for index in range(len(coming)):
            each(index)
            given = [coming[index], *(tensor for value in at_written for tensor in value[index])]
            coming[index] = torch.empty(0)  # free it before its successor is made
            gradient, *others = _gradient(outputs, inputs, given)
            for place in own:
                width = len(leaves[place])
                parts, others = others[:width], others[width:]
                _add(shared.setdefault(place, [[] for _ in coming])[index], parts)
            found.append(gradient if leaf is not None else self._below(call, gradient))
        return found

    def _below(self, call: LayerCall, gradient: Tensor) -> Tensor:
        """From the states that enter a layer to those that left the one below."""
        if call is self.calls[0]:
            return gradient
        left = self.calls[call.number - self.first - 1].left
        if call.entered is left:
            return gradient
        return _gradient([call.entered], [left], [gradient])[0]

    def _is_written_below(self, place: Shared, call: LayerCall) -> bool:
        return any(place in other.written for other in self.calls[: call.number - self.first])


def _gradient(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], given: Sequence[Tensor | None]
) -> tuple[Tensor, ...]:
    return layer_gradient(
        outputs, inputs, given, retain_graph=True, allow_unused=True, materialize_grads=True
    )


def _add(sums: list[Tensor], parts: Sequence[Tensor]) -> None:
    """Add tensors to sums in place; empty sums become these tensors."""
    sums[:] = [one + other for one, other in zip(sums, parts, strict=True)] if sums else parts


def _tensors(
    mappings: dict[str, Any],
) -> dict[Shared, tuple[Tensor, ...]]:
    """The entries of mappings that are tuples of tensors."""
    return {
        (name, key): value
        for name, mapping in mappings.items()
        for key, value in mapping.items()
        if isinstance(value, tuple) and all(isinstance(part, Tensor) for part in value)
    }


def _first(output: Any) -> Tensor:
    return output[0] if isinstance(output, tuple) else output
