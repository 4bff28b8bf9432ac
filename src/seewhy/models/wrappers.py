"""Find the model of transformers that computes, inside of whatever wraps it.

Adapters of PEFT change layers in place: the model inside computes what the wrapper computes. So it
is the model inside that is called, hooked and asked for its signature. What changes the sequence,
or acts in the wrapper alone, is refused: the model inside would compute something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from seewhy.core.errors import UnsupportedModelError
from seewhy.models.adapters import expect_adapters_in_layers, peft_model_of

#: Classes that hold a model and pass calls on to it: module, class name, attribute.
WRAPPERS = (
    ("torch._dynamo", "OptimizedModule", "_orig_mod"),
    ("torch.nn.parallel", "DistributedDataParallel", "module"),
    ("torch.nn.parallel", "DataParallel", "module"),
    ("torch.optim", "AveragedModel", "module"),
    ("deepspeed", "DeepSpeedEngine", "module"),
    ("trl", "PreTrainedModelWrapper", "pretrained_model"),
)

#: Where other objects often hold a model, to name it in an error.
PLACES = ("model", "module", "base_model", "pretrained_model", "policy", "net")

PASS_ON = "merge or gather its weights, and pass the model of transformers"


def unwrap(model: Any) -> Any:
    """The model of transformers inside of any number of wrappers, if it can be explained.

    Raises:
        UnsupportedModelError: if an adapter changes the sequence or acts outside of the layers, if
            weights are sharded, or if the object is no model of transformers.
    """
    from transformers import PreTrainedModel

    inner = innermost(model)
    if not isinstance(inner, PreTrainedModel):
        raise UnsupportedModelError(_no_model(inner))
    expect_whole_weights(inner)
    expect_adapters_in_layers(getattr(inner, "peft_config", None))
    return inner


def innermost(model: Any) -> Any:
    """What is inside of any number of wrappers, without a look at its weights.

    The wrappers are `torch.compile`, DDP, DataParallel, DeepSpeed, PEFT (`PeftModel`,
    `PeftMixedModel` and their tuners), TRL's models with a value head, averaged models and
    pipelines.

    Raises:
        UnsupportedModelError: as `unwrap`, for wrappers.
    """
    while (inner := _inside(model)) is not None:
        model = inner
    return model


def processor_inside(model: Any) -> Any:
    """The processor of a transformers pipeline; None of any other object."""
    if not is_instance(model, "transformers.pipelines", "Pipeline"):
        return None
    processor = getattr(model, "processor", None)
    if processor is not None:
        return processor
    has_parts = all(getattr(model, name, None) for name in ("image_processor", "tokenizer"))
    return model if has_parts else None


def is_instance(candidate: Any, module: str, name: str) -> bool:
    """Whether an object is of a class, which need not be imported for this.

    Args:
        candidate: any object.
        module: the module of the class, or a package that it is in.
        name: of the class.
    """
    return any(
        kind.__name__ == name and f"{kind.__module__}.".startswith(f"{module}.")
        for kind in type(candidate).__mro__
    )


def original(module: Any) -> Any:
    """A part of a model as it was written, if `torch.compile` wrapped this part."""
    return getattr(module, "_orig_mod", module)


def parts_of(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The children of a part of a model, with their names, also of a compiled part."""
    return original(module).named_children()


def _inside(model: Any) -> Any:
    """What an object wraps; None if it is no known wrapper."""
    expect_unsharded(model)
    for module, name, attribute in WRAPPERS:
        if is_instance(model, module, name):
            return getattr(model, attribute)
    if is_instance(model, "transformers.pipelines", "Pipeline"):
        return model.model
    return peft_model_of(model)


def expect_unsharded(model: Any) -> None:
    """Raise `UnsupportedModelError` for a module of FSDP: each process holds a part of it."""
    if is_instance(model, "torch.distributed.fsdp", "FullyShardedDataParallel"):
        raise UnsupportedModelError(
            "Expected a model with its whole weights, got one in FullyShardedDataParallel, which "
            f"leaves a part of them in each process: {PASS_ON}."
        )


def expect_whole_weights(model: nn.Module) -> None:
    """Expect that this process has every weight.

    Raises:
        UnsupportedModelError: if weights are sharded by FSDP, tensor parallelism or DeepSpeed.
    """
    for module in model.modules():
        expect_unsharded(module)
    for name, weight in model.named_parameters():
        sharded = _sharding_of(weight)
        if sharded:
            raise UnsupportedModelError(
                f"Expected a model with its whole weights, got {type(model).__name__} with "
                f"{name!r} sharded over processes ({sharded}): {PASS_ON}."
            )


def _sharding_of(weight: Any) -> str:
    """How a weight is sharded; "" if it is whole."""
    if is_instance(weight, "torch.distributed", "DTensor"):
        return "a DTensor of FSDP 2 or of tensor parallelism"
    if hasattr(weight, "ds_id") and hasattr(weight, "ds_shape"):
        return "DeepSpeed ZeRO 3"
    return ""


def _no_model(model: Any) -> str:
    """The error for an object that is no model of transformers."""
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    message = f"Expected a model of transformers, got {kind}"
    place = _place_of_model(model)
    if place:
        return f"{message}, which holds one: pass its .{place}."
    return f"{message}: pass what `from_pretrained` returned, or its hub id or folder."


def _place_of_model(model: Any) -> str:
    """The attribute in which an object holds a model of transformers; "" if there is none."""
    from transformers import PreTrainedModel

    for name in PLACES:
        if isinstance(getattr(model, name, None), PreTrainedModel):
            return name
    return ""
