"""TAM, the Token Activation Map, as in its paper or as in its published code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch

from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError
from seewhy.core.trace import Trace
from seewhy.methods._evidence import Evidence
from seewhy.methods._stages import Interference, Pipeline, RankGaussian, StagedMethod
from seewhy.models.predictions import predict
from seewhy.models.session import Session
from seewhy.models.unembedding import cached_unembedding


@dataclass(frozen=True)
class TokenActivationMap(StagedMethod):
    """Logit lens, estimated causal inference, joint scaling, rank Gaussian filter.

    Source: Li et al. (ICCV 2025). Every token has the class of its own id, as in the paper.

    The published code differs from the paper, and `published=True` follows it:

    - The first token of the prompt has the class that the model would predict after it, in place
      of its own.
    - The first token of the answer has the class of the last token of the input, which is one of
      the chat template, in place of the one that was said.
    - The joint range of a prompt's token includes the scores of all tokens of the prompt, also
      of itself and of later ones.

    Maps of both tokens enter the interference of every later token, so most maps differ. When it
    evaluates, that code also shows the first prompt token's map as that of the answer's first
    token; here that token keeps its own map, as in the code's pictures.

    Attributes:
        window: side of the filter's window, odd; None leaves the filter out (the paper's ablation).
        published: follow the published code to the letter. It needs the model, for the rows of
            the two classes, and cannot contrast words.
    """

    name: ClassVar = "tam"
    summary: ClassVar = (
        "Logit lens without interference of earlier words, then a rank Gaussian filter."
    )
    citations: ClassVar = ("li2025tam",)
    needs: ClassVar = frozenset({"states"})

    window: int | None = 3
    published: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.published, bool):
            raise ParameterError(
                f"Expected published as True or False, got {self.published!r}: True follows TAM's "
                "published code, False its paper."
            )
        super().__post_init__()

    @property
    def stages(self) -> Pipeline:
        """The base map, interference by text activation, then the filter."""
        return Pipeline(
            interference=Interference(),
            filter=None if self.window is None else RankGaussian(self.window),
            whole_prompt=self.published,
        )

    @property
    def can_contrast(self) -> bool:
        """Not as published: there the first word of the answer has another word's class."""
        return super().can_contrast and not self.published

    def attribute(self, evidence: Evidence) -> Attribution:
        """Explain the tokens of `evidence.explained`.

        Raises:
            ParameterError: as published, if the evidence has no session, or contrasts words.
        """
        if self.published:
            if evidence.trace.foils is not None:
                raise ParameterError(
                    "Expected no contrast with tam(published=True), got one: leave it out, or "
                    "choose tam."
                )
            session = evidence.expect_session("tam(published=True)")
            evidence = evidence.map(lambda trace: with_published_classes(session, trace))
        return super().attribute(evidence)


def with_published_classes(session: Session, trace: Trace) -> Trace:
    """The trace with the classes that TAM's published code gives to two tokens.

    Args:
        session: of the model.
        trace: its reading; the unembedding rows (and biases) of the first token of the prompt and
            of the first token of the answer are replaced.
    """
    unembedding = cached_unembedding(session.loaded.model)
    prompt = len(trace.prompt_tokens)
    classes = {prompt: int(trace.inputs.tensors["input_ids"][0, -1])}
    if prompt:
        first = predict(unembedding, trace.text_states[:1], torch.zeros(1, dtype=torch.int64), 1, 0)
        classes[0] = int(first.rankings[0, 0])
    positions = list(classes)
    rows, biases = unembedding.rows(torch.tensor(list(classes.values())))
    changed = trace.unembedding_rows.clone()
    changed[positions] = rows.to(changed)
    if trace.biases is None or biases is None:
        return replace(trace, unembedding_rows=changed)
    changed_biases = trace.biases.clone()
    changed_biases[positions] = biases.to(changed_biases)
    return replace(trace, unembedding_rows=changed, biases=changed_biases)
