"""Parameter randomisation: the similarity of the map to that of a random model."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from seewhy.core.errors import NonFiniteError
from seewhy.metrics._base import Figure, Metric, Results, Undefined
from seewhy.metrics._reruns import RerunnableSample, session_of, valid_words
from seewhy.metrics._sample import native_map, seed_for
from seewhy.metrics._similarity import similarities, similarity_figures
from seewhy.models.adapters import base_layer
from seewhy.models.decoder import decoder_of, layers_of
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import unembedding_layer

#: What is random at each stage of the cascade; each stage includes those before it.
STAGES = {
    "head": "the unembedding random",
    "late": "also the later half of the language model's layers random",
    "language": "also the rest of the language model random",
    "all": "also the vision tower random",
}


@dataclass(frozen=True)
class ParameterRandomisation(Metric):
    """Randomise more and more of the model, from the head down, and compare the maps.

    A map that stays the same depends on the picture, not on the model's parameters. Every
    randomised parameter is drawn from a normal distribution with its mean and standard deviation,
    so that activations keep their size (our choice; Adebayo et al. initialise again). A tied
    unembedding is untied first, so that the embedding becomes random with the language model. A
    copy of the model is changed, not the model. The answer stays the same.

    Each stage costs a reading and an explanation.
    """

    name: ClassVar[str] = "parameter-randomisation"
    summary: ClassVar[str] = "Similarity of the map to that of a model with random parameters."
    citations: ClassVar[tuple[str, ...]] = ("adebayo2018sanity",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for stage, what in STAGES.items()
        for figure in similarity_figures(f"randomised-{stage}", what)
    )

    def measure(self, sample: RerunnableSample) -> Results:
        """Three values for each stage and selected word."""
        words = yield from valid_words(self, sample)
        if not words:
            return
        session = session_of(sample)
        changed_model = untied_copy(session.loaded)
        generator = torch.Generator().manual_seed(seed_for(sample, "parameters"))
        for stage, parameters in cascade(changed_model.model).items():
            randomise(parameters, generator)
            name = f"randomised-{stage}"
            try:
                changed = sample.rerun(session.with_model(changed_model), words)
            except NonFiniteError:
                figures = [f.name for f in self.figures if f.name.startswith(name)]
                yield from (Undefined(f, "states not finite when random") for f in figures)
                continue
            for index in words:
                yield from similarities(
                    name, native_map(sample, index), native_map(changed, index), index
                )


def untied_copy(loaded: Loaded) -> Loaded:
    """A copy of the model with an untied unembedding; the processor is shared."""
    model: Any = copy.deepcopy(loaded.model)
    head = base_layer(unembedding_layer(model))
    # Only a tied parameter is replaced: cast or quantised ones keep their class.
    if head.weight is base_layer(model.get_input_embeddings()).weight:
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    family = type(loaded.family)(model, loaded.processor)
    return Loaded(loaded.name, model, loaded.processor, family)


def cascade(model: Any) -> dict[str, list[nn.Parameter]]:
    """The parameters that each stage of `STAGES` adds, in this order, each parameter once.

    Modules outside the language model (vision tower, projector) come last.

    Raises:
        UnsupportedModelError: if the language model is no stack of layers.
    """
    layers = layers_of(model)
    late = list(layers)[len(layers) // 2 :]
    seen: set[int] = set()

    def not_seen(*modules: Any) -> list[nn.Parameter]:
        new = {id(p): p for module in modules for p in module.parameters() if id(p) not in seen}
        seen.update(new)
        return list(new.values())

    return {
        "head": not_seen(unembedding_layer(model)),
        "late": not_seen(*reversed(late)),
        "language": not_seen(decoder_of(model)),
        "all": not_seen(model),
    }


@torch.no_grad()
def randomise(parameters: list[nn.Parameter], generator: torch.Generator) -> None:
    """Draw each parameter from a normal distribution with its mean and deviation, in place.

    Integer parameters (quantised weights) are not changed.
    """
    for parameter in parameters:
        if not parameter.is_floating_point():
            continue
        values = parameter.float()
        spread = values.std(correction=0)
        drawn = torch.randn(parameter.shape, generator=generator).to(values.device)
        parameter.copy_(values.mean() + spread * drawn)
