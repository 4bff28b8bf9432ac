"""Whatever wraps a model is opened, or refused with the reason."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import tiny_models
from explained import distance, explained
from seewhy.core.errors import UnsupportedModelError
from seewhy.models.wrappers import innermost, unwrap


def _compiled_parts(model):
    """The language model and its layers compiled, as regional compilation does."""
    language = model.model.language_model
    for number, layer in enumerate(language.layers):
        language.layers[number] = torch.compile(layer, backend="eager")
    model.model.language_model = torch.compile(language, backend="eager")
    model.model.visual.compile(backend="eager")
    return model


def _compiled_in_place(model):
    model.compile(backend="eager")
    return model


def _compiled_forward(model):
    model.forward = torch.compile(model.forward, backend="eager")
    return model


def _ddp(model):
    """DDP without a process group: only what it holds is asked for."""
    wrapped = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)
    nn.Module.__init__(wrapped)
    wrapped.module = model
    return wrapped


def _accelerated(model):
    from accelerate import Accelerator

    return Accelerator(cpu=True).prepare(model)


WRAPPERS = {
    "DDP": _ddp,
    "DataParallel": nn.DataParallel,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled in place": _compiled_in_place,
    "compiled forward": _compiled_forward,
    "compiled parts": _compiled_parts,
    "averaged": torch.optim.swa_utils.AveragedModel,
    "accelerate": _accelerated,
    "nested": lambda model: _ddp(torch.compile(nn.DataParallel(model), backend="eager")),
}


@pytest.fixture(scope="module")
def bare():
    model, processor = tiny_models.build()
    found = {
        method: explained(model, processor, method)
        for method in ("logit-shares", "gradient-attention")
    }
    return model, processor, found


@pytest.mark.parametrize("kind", WRAPPERS)
def test_wrapped_model_is_explained_as_the_one_inside(kind, bare):
    model, processor, found = bare
    wrapped = WRAPPERS[kind](copy.deepcopy(model).train())
    assert type(unwrap(wrapped)) is type(model)
    for method, expected in found.items():
        assert distance(expected, explained(wrapped, processor, method)) <= 1e-6
    assert innermost(wrapped).training


def test_compiled_code_is_used_again_after_an_explanation(bare):
    model, processor, _ = bare
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph.forward

    compiled = torch.compile(copy.deepcopy(model), backend=backend)
    explained(compiled, processor, "logit-shares")
    assert not seen
    ids = torch.ones(1, 3, dtype=torch.long)
    with torch.no_grad():
        compiled.model.language_model(input_ids=ids)
        torch.compile(compiled.lm_head, backend=backend)(torch.zeros(1, 48))
    assert seen


@pytest.mark.parametrize(
    ("module", "name"),
    [("torch.distributed.fsdp.fully_sharded_data_parallel", "FullyShardedDataParallel")],
)
def test_sharded_model_is_refused(module, name, bare):
    sharded = type(name, (nn.Module,), {"__module__": module})()
    with pytest.raises(UnsupportedModelError, match="a part of them in each process: merge"):
        unwrap(sharded)
    inside = copy.deepcopy(bare[0])
    inside.model.visual.sharded = sharded
    with pytest.raises(UnsupportedModelError, match="a part of them in each process"):
        unwrap(inside)


def test_sharded_weight_is_refused(bare):
    model = copy.deepcopy(bare[0])
    kind = type("DTensor", (nn.Parameter,), {"__module__": "torch.distributed.tensor._api"})
    model.lm_head.weight = kind(model.lm_head.weight.detach())
    with pytest.raises(UnsupportedModelError, match=r"'lm_head\.weight' sharded .*\(a DTensor"):
        unwrap(model)
    partitioned = copy.deepcopy(bare[0])
    partitioned.lm_head.weight.ds_id, partitioned.lm_head.weight.ds_shape = 1, (3, 4)
    with pytest.raises(UnsupportedModelError, match="DeepSpeed ZeRO 3"):
        unwrap(partitioned)


def test_what_is_no_model_is_refused_with_the_place_of_the_model(bare):
    with pytest.raises(UnsupportedModelError, match=r"which holds one: pass its \.policy"):
        unwrap(SimpleNamespace(policy=bare[0]))
    with pytest.raises(UnsupportedModelError, match="got builtins.int: pass what"):
        unwrap(3)
