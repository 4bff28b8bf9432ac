"""Randomised parameters: does the map notice when the model forgets what it has learned?"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from seewhy.core.errors import NonFiniteError
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined
from seewhy.metrics._perturbation import session_of
from seewhy.metrics._reruns import explain_again, similarities, similarity_figures, valid_words
from seewhy.models.decoder import decoder_of, layers_of
from seewhy.models.loading import Loaded
from seewhy.models.unembedding import unembedding_layer

#: What is random at each stage of the cascade; each holds the ones before it.
STAGES = {
    "head": "the unembedding random",
    "late": "also the later half of the language model's layers random",
    "language": "also the rest of the language model random",
    "all": "also the vision tower random",
}


@dataclass(frozen=True)
class ParameterRandomisation(Metric):
    """Make ever more of the model random, from the head down, and compare the maps.

    A map that stays the same shows the picture, not what the model knows of it. Every parameter
    that is reached is drawn from the normal distribution of its own mean and standard deviation,
    so that activations keep their size (our choice; Adebayo et al. initialise anew). A tied
    unembedding is untied first, so that the embedding falls with the language model. The model
    itself is not touched: a copy of it is. The answer explained stays.

    Each stage costs a reading and an explanation.
    """

    name: ClassVar[str] = "parameter-randomisation"
    summary: ClassVar[str] = "How alike the map is to that of a model whose parameters are random."
    citations: ClassVar[tuple[str, ...]] = ("adebayo2018sanity",)
    needs: ClassVar[frozenset[str]] = frozenset({"model"})
    figures: ClassVar[tuple[Figure, ...]] = tuple(
        figure
        for stage, what in STAGES.items()
        for figure in similarity_figures(f"randomised-{stage}", what)
    )

    def measure(self, case: Case) -> Iterator[Measurement | Undefined]:
        """Three values for each stage and wanted word."""
        words = yield from valid_words(self, case)
        if not words:
            return
        session = session_of(case)
        twin = copy_of(session.loaded)
        generator = torch.Generator().manual_seed(case.seed_of("parameters"))
        for stage, parameters in cascade(twin.model).items():
            randomise(parameters, generator)
            name = f"randomised-{stage}"
            try:
                changed = explain_again(case, session.with_model(twin), words)
            except NonFiniteError:
                figures = [f.name for f in self.figures if f.name.startswith(name)]
                yield from (Undefined(f, "states not finite when random") for f in figures)
                continue
            for at in words:
                yield from similarities(name, case.native_map(at), changed.native_map(at), at)


def copy_of(loaded: Loaded) -> Loaded:
    """A model of its own with the same weights, its unembedding untied; the processor is shared."""
    model: Any = copy.deepcopy(loaded.model)
    head = unembedding_layer(model)
    # A cast or quantised copy keeps whatever its parameter is: only tied ones are made new.
    if head.weight is model.get_input_embeddings().weight:
        head.weight = nn.Parameter(head.weight.detach().clone(), requires_grad=False)
    family = type(loaded.family)(model, loaded.processor)
    return Loaded(loaded.name, model, loaded.processor, family)


def cascade(model: Any) -> dict[str, list[nn.Parameter]]:
    """The parameters that each stage of `STAGES` adds, in this order, each parameter once.

    What lies outside the language model (vision tower, projector) comes last.

    Raises:
        UnsupportedModelError: if the language model is no stack of layers.
    """
    layers = layers_of(model)
    late = list(layers)[len(layers) // 2 :]
    seen: set[int] = set()

    def fresh(*modules: Any) -> list[nn.Parameter]:
        found = {id(p): p for module in modules for p in module.parameters() if id(p) not in seen}
        seen.update(found)
        return list(found.values())

    return {
        "head": fresh(unembedding_layer(model)),
        "late": fresh(*reversed(late)),
        "language": fresh(decoder_of(model)),
        "all": fresh(model),
    }


@torch.no_grad()
def randomise(parameters: list[nn.Parameter], generator: torch.Generator) -> None:
    """Draw each parameter from the normal distribution of its own mean and deviation, in place.

    Parameters of whole numbers (quantised weights) stay as they are: they have no such
    distribution.
    """
    for parameter in parameters:
        if not parameter.is_floating_point():
            continue
        values = parameter.float()
        spread = values.std(correction=0)
        drawn = torch.randn(parameter.shape, generator=generator).to(values.device)
        parameter.copy_(values.mean() + spread * drawn)
