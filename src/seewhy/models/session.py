"""Reading again: the same prompt and answer with other pictures, or with words left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ShapeError
from seewhy.core.trace import Inputs, Trace
from seewhy.models.batching import Batch, batch
from seewhy.models.conversation import Conversation, Message, user_message
from seewhy.models.generation import generate, read
from seewhy.models.inputs import prepare_chat
from seewhy.models.loading import Loaded, eval_mode

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS = 16
"""Changed pictures that go through the model together."""


@dataclass
class Passes:
    """How often a model was run.

    Attributes:
        forward: rows that went through the model forwards (a batch of 16 counts 16).
        backward: gradients that were taken back through it.
    """

    forward: int = 0
    backward: int = 0


@dataclass(frozen=True, eq=False)
class Session:
    """A model, what it was asked about pictures, and the answer that is explained.

    Attributes:
        loaded: the model.
        conversation: all that comes before the answer.
        ids: the answer's ids.
        scale: at which pictures are shown unless another is asked for.
    """

    loaded: Loaded
    conversation: Conversation
    ids: tuple[int, ...]
    scale: float = 1.0

    @staticmethod
    def of(loaded: Loaded, picture: Image, prompt: str, ids: Sequence[int]) -> Session:
        """One user's turn about one picture."""
        return Session(loaded, user_message(picture, prompt), tuple(ids))

    @property
    def pictures(self) -> tuple[Image, ...]:
        """What is shown, in order; a clip counts as one."""
        return tuple(self.conversation.media)  # type: ignore[arg-type]

    def by(self, loaded: Loaded) -> Session:
        """The same, read by another model (of the same tokenizer), such as one with noise in it."""
        return replace(self, loaded=loaded)

    def showing(self, *pictures: Image) -> Session:
        """The same with other pictures in the places of its own, one for each."""
        following, turns = iter(pictures), []
        if len(pictures) != len(self.pictures):
            raise ShapeError(
                f"Expected {len(self.pictures)} pictures, got {len(pictures)}: one for each that "
                "the conversation shows."
            )
        for turn in self.conversation.turns:
            parts = [part if isinstance(part, str) else next(following) for part in turn.parts]
            turns.append(Message(turn.role, tuple(parts)))
        return replace(self, conversation=replace(self.conversation, turns=tuple(turns)))

    def inputs(self, scale: float | None = None) -> Inputs:
        """What the model takes, at a scale: at its own if none is given."""
        scale = self.scale if scale is None else scale
        return prepare_chat(self.loaded.family, self.conversation, scale=scale)

    def read(self, inputs: Inputs | None = None, **options: Any) -> Trace:
        """A trace of the same answer; options as for `seewhy.models.read`."""
        return read(self.loaded, self.inputs() if inputs is None else inputs, self.ids, **options)

    def generate(self, **options: Any) -> Trace:
        """What the model says now by itself; options as for `seewhy.models.generate`."""
        return generate(self.loaded, self.inputs(), **options)

    def log_probabilities(self, variants: Iterable[Sequence[Image]], rows: int = ROWS) -> Tensor:
        """How probable each token of the answer is when other pictures are shown.

        Args:
            variants: for each reading its pictures, one for each that the conversation shows.
            rows: readings that go through the model together.

        Returns:
            float32 `[variant, token]` on the CPU: log p(token | pictures, prompt, tokens before).
        """
        found, waiting = [], iter(variants)
        while chunk := list(islice(waiting, rows)):
            inputs = [self.showing(*pictures).inputs() for pictures in chunk]
            found.append(log_probabilities(self.loaded, inputs, [self.ids] * len(chunk)))
        return torch.cat(found) if found else torch.empty(0, len(self.ids))

    def log_probabilities_without(self, dropped: Tensor, rows: int = ROWS) -> Tensor:
        """How probable each token of the answer is when words of the context are left out.

        Tokens are taken out of the sequence, which closes up behind them; those of the answer are
        taken out of what comes before the later ones.

        Args:
            dropped: bool `[variant, text]`: the prompt's own tokens, then the answer's.
            rows: readings that go through the model together.

        Returns:
            float32 `[variant, token]` on the CPU; NaN for a token that was itself left out.
        """
        base = self.inputs()
        asked = len(base.prompt_positions)
        if dropped.ndim != 2 or dropped.shape[1] != asked + len(self.ids):
            raise ShapeError(
                f"Expected dropped with axes [variant text] and text = {asked + len(self.ids)}, "
                f"got shape {list(dropped.shape)}: the prompt's tokens, then the answer's."
            )
        found = torch.full((len(dropped), len(self.ids)), float("nan"))
        kept = ~dropped[:, asked:].cpu()
        for begin in range(0, len(dropped), rows):
            chunk = range(begin, min(begin + rows, len(dropped)))
            inputs = [without(base, dropped[at, :asked].cpu()) for at in chunk]
            answers = [
                [i for i, keep in zip(self.ids, kept[at], strict=True) if keep] for at in chunk
            ]
            if not all(answers):
                raise AnswerError(
                    "Expected at least one token of the answer in every reading, got one in which "
                    "all are left out: keep the token that is explained."
                )
            values = log_probabilities(self.loaded, inputs, answers)
            for row, at in enumerate(chunk):
                found[at, kept[at]] = values[row, : len(answers[row])]
        return found


def without(inputs: Inputs, dropped: Tensor) -> Inputs:
    """Inputs whose prompt lacks some of its own tokens.

    Args:
        inputs: of a whole prompt.
        dropped: bool `[prompt]`.
    """
    keep = torch.ones(inputs.length, dtype=torch.bool)
    keep[inputs.prompt_positions[dropped]] = False
    places = keep.cumsum(0) - 1
    kept = ~dropped
    tensors = {
        **inputs.tensors,
        "input_ids": inputs.tensors["input_ids"][:, keep.to(inputs.tensors["input_ids"].device)],
        "attention_mask": inputs.tensors["attention_mask"][
            :, keep.to(inputs.tensors["attention_mask"].device)
        ],
    }
    return replace(
        inputs,
        tensors=tensors,
        visual_positions=places[inputs.visual_positions],
        prompt_positions=places[inputs.prompt_positions[kept]],
        prompt_spans=tuple(
            span for span, keep in zip(inputs.prompt_spans, kept.tolist(), strict=True) if keep
        ),
    )


@torch.no_grad()
def log_probabilities(
    loaded: Loaded, rows: Sequence[Inputs], answers: Sequence[Sequence[int]]
) -> Tensor:
    """Teacher-forced log-probabilities of answers, in one forward pass.

    Returns:
        float32 `[row, token]` on the CPU, padded with NaN behind shorter answers.
    """
    shown = batch(loaded.family, rows, answers)
    longest = max(map(len, answers))
    logits = last_logits(loaded, shown, longest)
    found = torch.full((len(rows), longest), float("nan"))
    for row, ids in enumerate(answers):
        # Row by row, and only what was said leaves the device: all scores would take gigabytes.
        scores = logits[row, : len(ids)].float()
        said = torch.tensor(ids, device=scores.device)[:, None]
        found[row, : len(ids)] = (scores.gather(1, said)[:, 0] - scores.logsumexp(-1)).cpu()
    return found


@torch.no_grad()
def last_logits(loaded: Loaded, shown: Batch, count: int) -> Tensor:
    """`[row, count, vocab]`, the logits of the last `count` tokens of what is shown."""
    given = {**shown.tensors, "use_cache": False, "logits_to_keep": count + 1}
    with eval_mode(loaded.model):
        return loaded.model(**given).logits[:, -count - 1 : -1]


@contextmanager
def counted(model: Any):
    """Count what is run of a model in a `with` block: yields `Passes`.

    Rows of generation steps count like any others; a gradient counts once, whatever it is taken
    with respect to.
    """
    passes = Passes()

    def before(module: Any, arguments: Any, keywords: Any) -> None:
        given = keywords.get("input_ids")
        given = keywords.get("inputs_embeds") if given is None else given
        given = arguments[0] if given is None and arguments else given
        passes.forward += 1 if given is None else len(given)

    hook = model.register_forward_pre_hook(before, with_kwargs=True)
    own = torch.autograd.grad

    def grad(*args: Any, **kwargs: Any):
        passes.backward += 1
        return own(*args, **kwargs)

    torch.autograd.grad = grad
    try:
        yield passes
    finally:
        torch.autograd.grad = own
        hook.remove()
