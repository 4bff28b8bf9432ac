"""Adapters of PEFT: which of them a model has, and which of them leave the sequence alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from seewhy.core.errors import UnsupportedModelError

#: Adapters that are refused, by PEFT's type, each with the reason.
REFUSED = {
    **dict.fromkeys(
        ("PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "CPT"),
        "it puts virtual tokens before the prompt, which are neither words nor pixels",
    ),
    **dict.fromkeys(
        ("PREFIX_TUNING", "CARTRIDGE"),
        "it puts virtual keys and values before the prompt, to which every word attends",
    ),
    "ADAPTION_PROMPT": (
        "its layers attend to virtual tokens beside the prompt, which are neither words nor pixels"
    ),
    "XLORA": "a further pass over the sequence decides how its adapters are mixed",
    "POLY": "its mixture of adapters depends on a task's number, which each call must give",
    "SHADOW": "a second stream of states runs beside the layers and changes what enters them",
}

#: Types whose class has a forward pass or hooks of its own, only for a term of the loss or for
#: `adapter_names`.
HARMLESS = ("LORA", "ADALORA", "GLORA", "ROAD")

REMEDY = "explain the model without this adapter, or choose an adapter of the layers, such as LoRA"


def peft_model_of(model: Any) -> Any:
    """The model inside of a wrapper of PEFT; None of any other object.

    Raises:
        UnsupportedModelError: as `expect_adapters_in_layers`.
    """
    if not type(model).__module__.startswith("peft."):
        return None
    expect_adapters_in_layers(getattr(model, "peft_config", None))
    if not isinstance(model, nn.Module):
        return None
    inner = getattr(model, "base_model", None)  # of PeftModel and PeftMixedModel: a tuner
    if inner is not None and inner is not model and type(model).__name__.startswith("Peft"):
        return inner
    return vars(model).get("_modules", {}).get("model")  # of a tuner: the model


def expect_adapters_in_layers(configs: Mapping[str, Any] | None) -> None:
    """Expect adapters that only change layers of a model, whatever the sequence is.

    Args:
        configs: PEFT's configs by the adapters' names; None without adapters.

    Raises:
        UnsupportedModelError: if one changes the sequence, or acts outside of the layers.
    """
    for name, config in (configs or {}).items():
        kind = type_of(config)
        reason = REFUSED.get(kind) or _reason_against(config)
        if reason:
            raise UnsupportedModelError(
                f"Expected adapters that only change layers, got {name!r} of type {kind}: "
                f"{reason}. {REMEDY[0].upper()}{REMEDY[1:]}."
            )


def type_of(config: Any) -> str:
    """The type of an adapter in PEFT's words, such as `"LORA"`."""
    kind = getattr(config, "peft_type", None)
    return str(getattr(kind, "value", kind))


def _reason_against(config: Any) -> str:
    """Why an adapter of no refused type cannot be explained; "" if it can."""
    if getattr(config, "is_prompt_learning", False):
        return "it puts virtual tokens before the prompt, which are neither words nor pixels"
    if getattr(config, "is_adaption_prompt", False):
        return REFUSED["ADAPTION_PROMPT"]
    if getattr(config, "alora_invocation_tokens", None):
        return "it begins to act at words of the prompt, which only the wrapper looks for (aLoRA)"
    if getattr(config, "sample_at_inference", False):
        return "it adds random numbers at every pass (sample_at_inference=True)"
    return "" if _acts_in_layers(config) else "its type is not known to act in layers alone"


def _acts_in_layers(config: Any) -> bool:
    """Whether a type's own class leaves the forward pass of the whole model alone."""
    if type_of(config) in HARMLESS:
        return True
    # PEFT made the config, so its modules are there.
    tuners: Any = sys.modules["peft.mapping"]
    base: Any = sys.modules["peft.tuners.tuners_utils"].BaseTuner
    tuner = tuners.PEFT_TYPE_TO_TUNER_MAPPING.get(config.peft_type)
    if tuner is None or not issubclass(tuner, base):
        return False
    return tuner.forward is base.forward and not hasattr(tuner, "_enable_peft_forward_hooks")


def _adapter_layers(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers of PEFT in a model, with their names."""
    for name, module in model.named_modules():
        if hasattr(module, "active_adapters") and type(module).__module__.startswith("peft."):
            yield name, module


AdapterState = tuple[tuple[Any, ...], ...]
"""For each layer of PEFT: its name, its active adapters, and whether they are switched off."""


def adapter_state(model: nn.Module) -> AdapterState:
    """Which adapters act in which layers at this moment; equal states compute the same."""
    if getattr(model, "peft_config", None) is None:
        return ()
    return tuple(
        (name, *_active(layer), bool(layer.disable_adapters), _has_hooks_of_call(layer))
        for name, layer in _adapter_layers(model)
    )


def _has_hooks_of_call(layer: nn.Module) -> bool:
    """Whether a call of the wrapper chose adapters for each prompt (`adapter_names`)."""
    hooks = (getattr(hook, "func", hook) for hook in layer._forward_pre_hooks.values())
    return any(getattr(hook, "__module__", "").startswith("peft.") for hook in hooks)


def _active(layer: Any) -> tuple[str, ...]:
    names = layer.active_adapters
    return (names,) if isinstance(names, str) else tuple(names)


def describe_adapters(model: nn.Module) -> str:
    """A sentence for the reader about a model's adapters; "" without any."""
    configs = getattr(model, "peft_config", None)
    if not isinstance(configs, Mapping):
        return ""
    layers = [layer for _, layer in _adapter_layers(model)]
    active = {n for layer in layers if not layer.disable_adapters for n in _active(layer)}
    named = [f"{name!r} ({type_of(config)})" for name, config in configs.items() if name in active]
    if not named:
        return "The model's adapters are switched off." if layers else ""
    return f"The model runs with {'adapters' if len(named) > 1 else 'the adapter'} " + (
        f"{', '.join(named)}."
    )


def base_layer(module: Any) -> Any:
    """The layer of the model inside of layers of PEFT; the module itself if there are none.

    For questions about a layer's kind. What it computes is asked of the outer one.
    """
    while type(module).__module__.startswith("peft."):
        held = vars(module).get("_modules", {})
        inner = held.get("base_layer", held.get("original_module"))
        if inner is None and "token_adapter" in held:
            inner = held["token_adapter"]
        if inner is None:
            return module
        module = inner
    return module


def mixes_by_input(module: nn.Module) -> bool:
    """Whether a layer of PEFT mixes its parts by its input, so that it is no linear layer."""
    return type(module).__module__.startswith("peft.tuners.lily.")


def outer_modules(module: nn.Module) -> Iterator[nn.Module]:
    """A module and those in it, as `modules()`, without what is inside of layers of PEFT."""
    yield module
    if base_layer(module) is module:
        for child in module.children():
            yield from outer_modules(child)
