"""A session: a model, what it was asked about pictures, and the answer that is explained.

A session shows the model the same answer again (teacher forcing): at other scales, with other
pictures, or with words left out. What it reads is cached by scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ShapeError
from seewhy.core.trace import Inputs, Trace
from seewhy.models.conversation import Conversation, user_message
from seewhy.models.generation import generate
from seewhy.models.inputs import Batch, batch, prepare_chat
from seewhy.models.isolation import eval_mode
from seewhy.models.loading import Loaded
from seewhy.models.teacher_forcing import read, read_batch

if TYPE_CHECKING:
    from PIL.Image import Image

    from seewhy.images.clips import Clip

ROWS = 16
"""Changed pictures that go through the model together."""

#: Of a reading at another scale only its visual states and the tokens' probabilities count.
SHALLOW = {"ranking_depth": 1, "candidates": 0}


class InputSource(Protocol):
    """Where a session's inputs come from: a conversation, or a recorded call of `generate`."""

    @property
    def media(self) -> Sequence[Image | Clip]:
        """The pictures and clips that are shown, in order."""
        ...

    def with_media(self, media: Sequence[Image | Clip]) -> InputSource:
        """The same with other pictures in the places of its own."""
        ...

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """What the model takes, at a scale."""
        ...


@dataclass(frozen=True, eq=False)
class ChatSource:
    """Inputs that are made of a conversation."""

    conversation: Conversation

    @property
    def media(self) -> Sequence[Image | Clip]:
        """The pictures and clips that are shown, in order."""
        return self.conversation.media

    def with_media(self, media: Sequence[Image | Clip]) -> ChatSource:
        """The same conversation about other pictures."""
        return ChatSource(self.conversation.with_media(media))

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """What the model takes, at a scale; raises as `prepare_chat`."""
        return prepare_chat(loaded.family, self.conversation, scale=scale)


@dataclass(frozen=True, eq=False)
class Session:
    """A model, a source of its inputs, and the ids of the answer.

    Attributes:
        loaded: the model.
        source: all that comes before the answer.
        ids: the answer's ids.
        scale: at which pictures are shown unless another is asked for.
        progress: called with a few words before a scale is read.
    """

    loaded: Loaded
    source: InputSource
    ids: tuple[int, ...]
    scale: float = 1.0
    progress: Callable[[str], None] = field(default=lambda stage: None, repr=False)
    _inputs: dict[float, Inputs] = field(default_factory=dict, init=False, repr=False)
    _traces: dict[float, Trace] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def from_chat(loaded: Loaded, conversation: Conversation, ids: Sequence[int]) -> Session:
        """A session about a conversation."""
        return Session(loaded, ChatSource(conversation), tuple(ids))

    @staticmethod
    def from_image(loaded: Loaded, image: Image, prompt: str, ids: Sequence[int]) -> Session:
        """A session about one user's message with one picture."""
        return Session.from_chat(loaded, user_message(image, prompt), ids)

    @property
    def images(self) -> tuple[Image, ...]:
        """What is shown, in order; a clip counts as one."""
        return tuple(self.source.media)  # type: ignore[arg-type]

    def with_model(self, loaded: Loaded) -> Session:
        """The same, read by another model (of the same tokenizer), such as one with noise in it."""
        return replace(self, loaded=loaded)

    def with_images(self, *images: Image) -> Session:
        """The same with other pictures in the places of its own, one for each.

        Raises:
            ShapeError: if they are not as many.
        """
        if len(images) != len(self.source.media):
            raise ShapeError(
                f"Expected {len(self.source.media)} pictures, got {len(images)}: one for each that "
                "the prompt shows."
            )
        return replace(self, source=self.source.with_media(images))

    def with_ids(self, ids: Sequence[int]) -> Session:
        """The same about another answer."""
        return replace(self, ids=tuple(ids))

    def at_scale(self, scale: float) -> Session:
        """The same, its pictures shown at another scale."""
        return replace(self, scale=scale)

    def inputs(self, scale: float | None = None) -> Inputs:
        """What the model takes, at a scale: at its own if none is given. Cached by scale."""
        scale = self.scale if scale is None else scale
        if scale not in self._inputs:
            self._inputs[scale] = self.source.inputs(self.loaded, scale)
        return self._inputs[scale]

    def trace(self, scale: float | None = None) -> Trace:
        """A reading at a scale, its rankings one deep. Cached by scale."""
        scale = self.scale if scale is None else scale
        if scale not in self._traces:
            self.progress(f"reading at scale {scale:g}")
            self._traces[scale] = self.read(self.inputs(scale), **SHALLOW)
        return self._traces[scale]

    def keep(self, trace: Trace) -> Session:
        """Put a reading that was made elsewhere into the cache, as that of its scale."""
        self._inputs[trace.inputs.scale] = trace.inputs
        self._traces[trace.inputs.scale] = trace
        return self

    def read(self, inputs: Inputs | None = None, **options: Any) -> Trace:
        """A reading of the same answer; options as for `seewhy.models.read`. Not cached."""
        return read(self.loaded, self.inputs() if inputs is None else inputs, self.ids, **options)

    def generate(self, **options: Any) -> Trace:
        """What the model says now by itself; options as for `seewhy.models.generate`."""
        return generate(self.loaded, self.inputs(), **options)

    def log_probabilities(self, variants: Iterable[Sequence[Image]], rows: int = ROWS) -> Tensor:
        """How probable each token of the answer is when other pictures are shown.

        Args:
            variants: for each reading its pictures, one for each that the prompt shows.
            rows: readings that go through the model together.

        Returns:
            float32 `[variant, token]` on the CPU: log p(token | pictures, prompt, tokens before).
        """
        found, waiting = [], iter(variants)
        while chunk := list(islice(waiting, rows)):
            inputs = [self.with_images(*images).inputs() for images in chunk]
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
        prompt = len(base.prompt_positions)
        if dropped.ndim != 2 or dropped.shape[1] != prompt + len(self.ids):
            raise ShapeError(
                f"Expected dropped with axes [variant text] and text = {prompt + len(self.ids)}, "
                f"got shape {list(dropped.shape)}: the prompt's tokens, then the answer's."
            )
        found = torch.full((len(dropped), len(self.ids)), float("nan"))
        kept = ~dropped[:, prompt:].cpu()
        if not bool(kept.any(1).all()):
            raise AnswerError(
                "Expected at least one token of the answer in every reading, got one in which all "
                "are left out: keep the token that is explained."
            )
        ids = torch.tensor(self.ids)
        for chunk in torch.arange(len(dropped)).split(rows):
            inputs = [without_tokens(base, dropped[at, :prompt].cpu()) for at in chunk]
            answers = [ids[kept[at]].tolist() for at in chunk]
            values = log_probabilities(self.loaded, inputs, answers)
            for row, at in enumerate(chunk):
                found[at, kept[at]] = values[row, : len(answers[row])]
        return found


def read_ahead(sessions: Sequence[Session], scales: Iterable[float]) -> None:
    """Read several sessions of one model at further scales, those of one scale in one pass.

    Scales at which a session's pictures come out in a size that was read already are left out.

    Args:
        sessions: of one model, their base readings kept.
        scales: beside the base.
    """
    known = [{session.trace().inputs.seen} for session in sessions]
    for scale in scales:
        new = []
        for session, sizes in zip(sessions, known, strict=True):
            if (size := session.inputs(scale).seen) not in sizes:
                sizes.add(size)
                new.append(session)
        if new:
            inputs = [session.inputs(scale) for session in new]
            answers = [session.ids for session in new]
            traces = read_batch(new[0].loaded, inputs, answers, **SHALLOW)
            for session, trace in zip(new, traces, strict=True):
                session.keep(trace)


def without_tokens(inputs: Inputs, dropped: Tensor) -> Inputs:
    """Inputs whose prompt lacks some of its own tokens.

    Args:
        inputs: of a whole prompt.
        dropped: bool `[prompt]`.
    """
    keep = torch.ones(inputs.length, dtype=torch.bool)
    keep[inputs.prompt_positions[dropped]] = False
    moved = keep.cumsum(0) - 1
    shorter = {
        name: inputs.tensors[name][:, keep.to(inputs.tensors[name].device)]
        for name in ("input_ids", "attention_mask")
    }
    spans = zip(inputs.prompt_spans, (~dropped).tolist(), strict=True)
    return replace(
        inputs,
        tensors={**inputs.tensors, **shorter},
        visual_positions=moved[inputs.visual_positions],
        prompt_positions=moved[inputs.prompt_positions[~dropped]],
        prompt_spans=tuple(span for span, keep in spans if keep),
    )


def log_probabilities(
    loaded: Loaded, rows: Sequence[Inputs], answers: Sequence[Sequence[int]]
) -> Tensor:
    """Teacher-forced log-probabilities of answers, in one forward pass.

    Returns:
        float32 `[row, token]` on the CPU, padded with NaN behind shorter answers.
    """
    longest = max(map(len, answers))
    logits = last_logits(loaded, batch(loaded.family, rows, answers), longest)
    found = torch.full((len(rows), longest), float("nan"))
    for row, ids in enumerate(answers):
        # Row by row, and only the answer's tokens leave the device: all scores are gigabytes.
        scores = logits[row, : len(ids)].float()
        chosen = torch.tensor(ids, device=scores.device)[:, None]
        found[row, : len(ids)] = (scores.gather(1, chosen)[:, 0] - scores.logsumexp(-1)).cpu()
    return found


def last_logits(loaded: Loaded, shown: Batch, count: int) -> Tensor:
    """`[row, count, vocab]`, the logits of the last `count` tokens of a batch."""
    given = {**shown.tensors, "use_cache": False, "logits_to_keep": count + 1}
    with eval_mode(loaded.model):
        return loaded.model(**given).logits[:, -count - 1 : -1]
