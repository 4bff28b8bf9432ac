"""How the attention of each decoder layer enters the residual stream, found by measurement.

In a decoder the states of one position are a sum: x' = k x + e N(o) + rest, where o is the output
of the layer's attention, N a norm or nothing, k and e numbers (1 in most families), and rest what
the other parts of the layer add. Names and formulas differ between families. So they are measured
once for each model: a few ids go through the language model, each attention's output is replaced by
random numbers, and the other parts' outputs by zeros. What is left must be k x + e N(o).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from seewhy.core.errors import Cancelled, UnsupportedModelError
from seewhy.core.memory import is_out_of_memory
from seewhy.models.adapters import base_layer, outer_modules
from seewhy.models.attention import fast_attention, patched_attention
from seewhy.models.decoder import decoder_of
from seewhy.models.family import input_device
from seewhy.models.input_embeddings import zeroed_outputs
from seewhy.models.isolation import eval_mode, of_this_call
from seewhy.models.wrappers import innermost, parts_of

#: Number of ids in the pass that measures.
IDS = 12

#: Largest allowed error, as a share of the layer's output: half precision rounds.
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 5e-3, torch.bfloat16: 3e-2}

#: Factors this close to 1 are 1: half precision rounds.
CLOSE_TO_ONE = 1e-3


@dataclass(frozen=True, eq=False)
class AttentionBranch:
    """How one layer's attention enters the residual stream: x' = keeps x + enters N(o) + rest.

    Attributes:
        attention: the attention module.
        projection: the name of its output projection, whose output is o.
        norm: N, or None.
        keeps, enters: the two factors.
        gated: whether the heads' outputs change before the projection, as by a gate.
    """

    attention: Any
    projection: str
    norm: Any | None
    keeps: float
    enters: float
    gated: bool = False

    @property
    def output_projection(self) -> Any:
        """The module from the heads' outputs to o."""
        return getattr(self.attention, self.projection)


@dataclass(frozen=True, eq=False)
class ResidualStream:
    """The attention branches of all decoder layers, the lowest first, and the final norm."""

    branches: tuple[AttentionBranch, ...]
    norm: Any

    @property
    def kept_after(self) -> list[float]:
        """For each layer, by what later layers multiply the states that leave it."""
        factors = [branch.keeps for branch in self.branches]
        later = itertools.accumulate(reversed(factors[1:]), lambda a, b: a * b, initial=1.0)
        return list(later)[::-1]


_STREAMS: WeakKeyDictionary[Any, ResidualStream] = WeakKeyDictionary()
_REFUSED: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""Why a model cannot be read. Not the error itself: its traceback would keep the model alive."""


def residual_stream(model: Any) -> ResidualStream:
    """How attention enters the residual stream of a model. Measured at the first call.

    Raises:
        UnsupportedModelError: if a layer has no attention or several, does not use transformers'
            attention functions, or is not such a sum.
    """
    model = innermost(model)
    if model in _REFUSED:
        raise UnsupportedModelError(_REFUSED[model])
    known = _STREAMS.get(model)
    if known is None or not _is_current(known, model):
        try:
            known = _STREAMS[model] = _measure(model)
        except UnsupportedModelError as error:
            _REFUSED[model] = str(error)
            raise
    return known


def is_readable(model: Any) -> bool:
    """Whether `residual_stream` can read a model."""
    try:
        residual_stream(model)
    except UnsupportedModelError:
        return False
    return True


def _is_current(stream: ResidualStream, model: Any) -> bool:
    """Whether the layers and norms are still those that were measured."""
    decoder = decoder_of(model)
    return (
        len(decoder.layers) == len(stream.branches)
        and _holds(decoder, stream.norm)
        and all(
            _holds(layer, branch.attention) and (branch.norm is None or _holds(layer, branch.norm))
            for layer, branch in zip(decoder.layers, stream.branches, strict=True)
        )
    )


def _holds(part: Any, wanted: Any) -> bool:
    """Whether a module is in a part of the model, and not inside of a layer of PEFT."""
    return any(module is wanted for module in outer_modules(part))


@dataclass(eq=False)
class _Seen:
    """What the measuring passes kept.

    Attributes:
        attentions: for each layer the attention modules that were called.
        projections: for each layer the part of its attention whose output is the attention's.
        attended: for each layer the output of its attention function, heads joined.
        projected: for each layer the input of its output projection.
        branch: for each layer the random output of its attention.
        normed: for each layer `(norm, output)` of the norm that took that output.
        states: for each layer the states that enter and leave it.
        norms: `(norm, input, output)` of the norms outside of layers.
    """

    attentions: dict[int, list[Any]] = field(default_factory=dict)
    projections: dict[int, str] = field(default_factory=dict)
    attended: dict[int, Tensor] = field(default_factory=dict)
    projected: dict[int, Tensor] = field(default_factory=dict)
    branch: dict[int, Tensor] = field(default_factory=dict)
    normed: dict[int, tuple[Any, Tensor]] = field(default_factory=dict)
    states: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    norms: list[tuple[Any, Tensor, Tensor]] = field(default_factory=list)


def _measure(model: Any) -> ResidualStream:
    decoder = decoder_of(model)
    try:
        with eval_mode(model):
            return _measured(model, decoder, _Seen())
    except (UnsupportedModelError, Cancelled):
        raise
    except Exception as error:  # any class of transformers, or of a third party
        if is_out_of_memory(error):
            raise
        raise UnsupportedModelError(
            f"Expected {type(decoder).__name__} to run on a few ids alone, got "
            f"{type(error).__name__} ({error}): its parts of a logit cannot be computed; choose a "
            "method such as intra-modal."
        ) from error


def _measured(model: Any, decoder: Any, seen: _Seen) -> ResidualStream:
    _find_attentions(model, decoder, seen)
    output = _run_with_random_attention(model, decoder, seen)
    branches = [_branch(number, layer, seen) for number, layer in enumerate(decoder.layers)]
    _expect_gates(model, decoder, branches)
    return ResidualStream(tuple(branches), _final_norm(decoder, seen, output))


def _run(decoder: Any) -> Tensor:
    """Final states `[1, position, hidden]` of a few ids."""
    vocabulary = decoder.get_input_embeddings().weight.shape[0]
    ids = torch.linspace(1, vocabulary // 2, IDS).long()[None].to(input_device(decoder))
    return decoder(input_ids=ids, use_cache=False).last_hidden_state


def _find_attentions(model: Any, decoder: Any, seen: _Seen) -> None:
    """Which modules attend in each layer, and their output projections."""
    layer_of = {m: number for number, layer in enumerate(decoder.layers) for m in layer.modules()}
    latest: dict[Any, tuple[str, Any, Any]] = {}

    def attend(module: Any, *arguments: Any, **keywords: Any) -> Any:
        if module in layer_of:
            seen.attentions.setdefault(layer_of[module], []).append(module)
            output = fast_attention(module, *arguments, **keywords)
            seen.attended[layer_of[module]] = output[0].flatten(2)
            return output
        return fast_attention(module, *arguments, **keywords)

    def keep_part(parent: Any, name: str) -> Hook:
        def keep(module: Any, states: Tensor, output: Any) -> None:
            # A dropout after the projection changes nothing here, and is not the projection.
            if not _is_unchanged(states, output):
                latest[parent] = name, states, output

        return keep

    def keep_projection(module: Any, states: Tensor, output: Any) -> None:
        name, entering, projected = latest.get(module, ("", None, None))
        if isinstance(projected, Tensor) and _equal(_first(output), projected):
            seen.projections[layer_of[module]] = name
            seen.projected[layer_of[module]] = entering

    with ExitStack() as stack, patched_attention(model, attend):
        for module in layer_of:
            for name, part in module.named_children():
                stack.enter_context(_hooked(part, keep_part(module, name)))
        for module in layer_of:
            if (
                "attn" in type(module).__name__.lower()
                or "attention" in type(module).__name__.lower()
            ):
                stack.enter_context(_hooked(module, keep_projection))
        _run(decoder)


def _run_with_random_attention(model: Any, decoder: Any, seen: _Seen) -> Tensor:
    """Run with random outputs of attentions, and zeros from the layers' other parts."""
    generator = torch.Generator().manual_seed(0)

    def random_output(number: int) -> Hook:
        def replace(module: Any, states: Tensor, output: Any) -> Any:
            noise = torch.randn(_first(output).shape, generator=generator).to(_first(output))
            seen.branch[number] = noise
            return (noise, *output[1:]) if isinstance(output, tuple) else noise

        return replace

    def keep_states(number: int) -> Hook:
        return lambda module, states, output: seen.states.update({number: (states, _first(output))})

    def keep_normed(number: int) -> Hook:
        def keep(module: Any, states: Tensor, output: Tensor) -> None:
            if number in seen.branch and _equal(states, seen.branch[number]):
                seen.normed[number] = module, output

        return keep

    def keep_norm(module: Any, states: Tensor, output: Tensor) -> None:
        seen.norms.append((module, states, output))

    with ExitStack() as stack:
        others: list[nn.Module] = []
        for number, layer in enumerate(decoder.layers):
            attention = _only_attention(number, layer, seen)
            stack.enter_context(_hooked(attention, random_output(number)))
            stack.enter_context(_hooked(layer, keep_states(number)))
            for _, part in parts_of(layer):
                if _is_norm(part):
                    stack.enter_context(_hooked(part, keep_normed(number)))
                elif attention not in part.modules() and next(part.parameters(), None) is not None:
                    others.append(part)
        inside = {module for layer in decoder.layers for module in layer.modules()}
        for part in outer_modules(decoder):
            if _is_norm(part) and part not in inside:
                stack.enter_context(_hooked(part, keep_norm))
        stack.enter_context(zeroed_outputs(model, others))
        return _run(decoder)


def _only_attention(number: int, layer: Any, seen: _Seen) -> Any:
    attentions = list(dict.fromkeys(seen.attentions.get(number, ())))
    if len(attentions) != 1 or number not in seen.projections:
        found = "several" if len(attentions) > 1 else "another one" if attentions else "none"
        raise UnsupportedModelError(
            f"Expected one attention with an output projection in decoder layer {number} "
            f"({type(layer).__name__}), through transformers' attention functions, got {found}: "
            "its parts of a logit cannot be computed; choose a method such as intra-modal."
        )
    return attentions[0]


def _branch(number: int, layer: Any, seen: _Seen) -> AttentionBranch:
    """Fit the two factors of a layer by least squares."""
    attention = _only_attention(number, layer, seen)
    norm, entering = seen.normed.get(number, (None, seen.branch[number]))
    before, after = (states[0].double().flatten().cpu() for states in seen.states[number])
    parts = torch.stack([before, entering[0].double().flatten().cpu()], 1)
    # Rounding is relative: without weights, a few very large states would decide both factors.
    weights = 1 / parts.abs().sum(1).clamp_min(1e-30)
    parts, after = parts * weights[:, None], after * weights
    factors = torch.linalg.lstsq(parts, after[:, None]).solution[:, 0]
    error = float((after - parts @ factors).norm() / after.norm().clamp_min(1e-30))
    if not error <= TOLERANCE[entering.dtype]:
        raise UnsupportedModelError(
            f"Expected decoder layer {number} ({type(layer).__name__}) to add its attention to its "
            f"input, got an output that differs from such a sum by {error:.1%}: its parts of a "
            "logit cannot be computed; choose a method such as intra-modal."
        )
    keeps, enters = (1.0 if abs(f - 1) < CLOSE_TO_ONE else f for f in factors.tolist())
    attended, projected = seen.attended[number], seen.projected[number]
    if attended.shape != projected.shape:
        raise UnsupportedModelError(
            f"Expected the output projection of decoder layer {number} ({type(layer).__name__}) to "
            f"take {attended.shape[-1]} values of the heads, got {projected.shape[-1]}: its parts "
            "of a logit cannot be computed; choose a method such as intra-modal."
        )
    gated = not _equal(attended, projected)
    return AttentionBranch(attention, seen.projections[number], norm, keeps, enters, gated)


def _expect_gates(model: Any, decoder: Any, branches: Sequence[AttentionBranch]) -> None:
    """Expect that what changes heads' outputs before the projection multiplies each value.

    The heads' outputs are replaced by random signs, twice, and the attention's output by zeros. If
    each value is multiplied, by a gate or by the scale of a norm, the factors are the same.

    Raises:
        UnsupportedModelError: if it does something else, such as mixing them.
    """
    numbers = {branch.attention: n for n, branch in enumerate(branches) if branch.gated}
    if not numbers:
        return
    generator = torch.Generator().manual_seed(1)
    one, other = (_factors(model, decoder, branches, numbers, generator) for _ in range(2))
    for number in numbers.values():
        error = float((one[number] - other[number]).norm() / one[number].norm().clamp_min(1e-30))
        if not error <= TOLERANCE[next(decoder.parameters()).dtype]:
            raise UnsupportedModelError(
                f"Expected decoder layer {number} ({type(decoder.layers[number]).__name__}) to "
                "project its heads' outputs, or to multiply each value before, got another change: "
                "its parts of a logit cannot be computed; choose a method such as intra-modal."
            )


def _factors(
    model: Any,
    decoder: Any,
    branches: Sequence[AttentionBranch],
    numbers: dict[Any, int],
    generator: torch.Generator,
) -> dict[int, Tensor]:
    """For each gated layer, by what heads' outputs of random signs are multiplied."""
    signs: dict[int, Tensor] = {}
    factors: dict[int, Tensor] = {}

    def attend(module: Any, *arguments: Any, **keywords: Any) -> Any:
        output = fast_attention(module, *arguments, **keywords)
        if module not in numbers:
            return output
        drawn = torch.randint(0, 2, output[0].shape, generator=generator).to(output[0]) * 2 - 1
        signs[numbers[module]] = drawn.flatten(2)
        return drawn, *output[1:]

    def keep(number: int) -> Hook:
        return lambda module, states, output: factors.update({number: states * signs[number]})

    with ExitStack() as stack, patched_attention(model, attend):
        for number in numbers.values():
            stack.enter_context(_hooked(branches[number].output_projection, keep(number)))
        stack.enter_context(zeroed_outputs(model, list(numbers)))
        _run(decoder)
    return {number: factor.double() for number, factor in factors.items()}


def _final_norm(decoder: Any, seen: _Seen, output: Tensor) -> Any:
    _, last = seen.states[len(decoder.layers) - 1]
    for norm, states, normed in seen.norms:
        if _equal(states, last) and _equal(normed, output):
            return norm
    raise UnsupportedModelError(
        f"Expected {type(decoder).__name__} to end with one norm after its last layer, got another "
        "end: parts of a logit cannot be computed; choose a method such as intra-modal."
    )


def _is_norm(module: Any) -> bool:
    return type(base_layer(module)).__name__.endswith("Norm")


def _first(output: Any) -> Tensor:
    return output[0] if isinstance(output, tuple) else output


def _is_unchanged(states: Any, output: Any) -> bool:
    return isinstance(states, Tensor) and isinstance(output, Tensor) and _equal(states, output)


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and bool((one == other).all())


Hook = Callable[[Any, Tensor, Any], Any]
"""From a module, its hidden states and its output, to a new output or None."""


@contextmanager
def _hooked(module: Any, hook: Hook) -> Iterator[None]:
    """Call a hook after a module, only for passes of this call."""

    def after(module: Any, arguments: Any, keywords: Any, output: Any) -> Any:
        return hook(module, arguments[0] if arguments else keywords.get("hidden_states"), output)

    handle = module.register_forward_hook(of_this_call(after, nested=True), with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
