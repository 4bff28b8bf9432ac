"""The logit lens, also called CAM: the unembedding applied to visual states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from seewhy.core.trace import Trace
from seewhy.functional.logit_lens import logit_lens
from seewhy.methods._evidence import Evidence
from seewhy.methods._indices import Indices, all_of, expect_indices
from seewhy.methods._scores import LENS, output_of
from seewhy.methods._stages import Pipeline, StagedMethod
from seewhy.models.decoder import layer_at, normed_layer_states


@dataclass(frozen=True)
class LogitLens(StagedMethod):
    r"""A_i[v] = relu(H_v . W[c_i]), without further stages.

    With layers, H are the states that leave them, after the final norm:

    $$A_i[v] = \operatorname{mean}_l \big(\operatorname{norm}(h^{(l)}_v) \cdot W[c_i]\big)_+$$

    This costs one forward pass more, which also needs the model. The last layer's states are the
    final ones. The context is always that of the final states.

    Source: nostalgebraist (2020) for text, who also applies the final norm to states of earlier
    layers; TAM's baseline on images. The mean over layers is ours.

    Attributes:
        layer: None for the final states; or one number, several such as `(3, 5)`, or a range such
            as `"4-7"`, both ends included: counted from 0, or from the end if negative.
    """

    name: ClassVar = "logit-lens"
    summary: ClassVar = "The unembedding applied to the final visual states."
    citations: ClassVar = ("nostalgebraist2020logitlens",)
    needs: ClassVar = frozenset({"states"})

    layer: Indices | None = None

    @property
    def stages(self) -> Pipeline:
        """Only the base map."""
        return Pipeline(LENS if self.layer is None else LayerLensMap(self.layer))


@dataclass(frozen=True)
class LayerLensMap:
    """The mean over layers of the logit lens of the states that leave them.

    Attributes:
        layer: as for `LogitLens`.
    """

    name: ClassVar[str] = "logit-lens"

    layer: Indices

    def __post_init__(self) -> None:
        expect_indices("layer", self.layer)

    def __call__(self, trace: Trace, evidence: Evidence) -> Tensor:
        """float32 `[text, visual]`.

        Raises:
            ParameterError: if the evidence has no model, or the model no such layer.
        """
        session = evidence.expect_session(self.name)
        model, inputs = session.loaded.model, session.inputs_of(trace)
        layers = all_of("layer", self.layer, lambda layer: layer_at(model, layer))
        rows = trace.unembedding_rows
        states = normed_layer_states(
            session.loaded, inputs, session.ids, layers, inputs.visual_positions
        )
        total = torch.zeros((), device=rows.device)
        for of_layer in states:
            total = total + logit_lens(of_layer.to(rows.device), rows, **output_of(trace))
        return total / len(layers)
