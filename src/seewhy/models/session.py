"""A session: a model, its prompt with pictures, and the answer that is explained.

A session runs the model on the same answer again (teacher forcing): at other scales, with other
pictures, or with words left out. Traces are cached by scale, without pixels; pixels are kept of the
latest scale only, and made again if another one is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from seewhy.core.errors import AnswerError, ShapeError
from seewhy.core.trace import Inputs, Trace
from seewhy.images.clips import Clip
from seewhy.models.adapters import describe_adapters
from seewhy.models.batching import Batch, batch
from seewhy.models.conversation import Conversation, user_message
from seewhy.models.generation import generate
from seewhy.models.inputs import prepare_chat
from seewhy.models.isolation import eval_mode, internal
from seewhy.models.loading import Loaded
from seewhy.models.scales import Sizes, choose_scale
from seewhy.models.sized_media import MediumSettings, model_sizes, settings_of_parts
from seewhy.models.teacher_forcing import read, read_batch

if TYPE_CHECKING:
    from PIL.Image import Image

ROWS = 16
"""Largest number of changed pictures or texts in one forward pass."""

POSITIONS = 8192
"""Positions of all rows of one forward pass together; a single row may have more."""

#: At another scale only the visual states and the tokens' probabilities are used.
SHALLOW = {"ranking_depth": 1, "candidates": 0}


class InputSource(Protocol):
    """Where a session's inputs come from: a conversation, or a recorded call of `generate`."""

    @property
    def media(self) -> Sequence[Image | Clip]:
        """The pictures and clips, in order."""
        ...

    def with_media(self, media: Sequence[Image | Clip]) -> InputSource:
        """The same prompt with other pictures."""
        ...

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """The model's inputs at a scale."""
        ...

    def media_settings(self, loaded: Loaded) -> Sequence[MediumSettings]:
        """What was chosen for each picture and clip."""
        ...


@dataclass(frozen=True, eq=False)
class ChatSource:
    """Inputs from a conversation."""

    conversation: Conversation

    @property
    def media(self) -> Sequence[Image | Clip]:
        """The pictures and clips, in order."""
        return self.conversation.media

    def with_media(self, media: Sequence[Image | Clip]) -> ChatSource:
        """The same conversation with other pictures."""
        return ChatSource(self.conversation.with_media(media))

    def inputs(self, loaded: Loaded, scale: float = 1.0) -> Inputs:
        """The model's inputs at a scale; raises as `prepare_chat`."""
        return prepare_chat(loaded.family, self.conversation, scale=scale)

    def media_settings(self, loaded: Loaded) -> Sequence[MediumSettings]:
        """What was chosen for each picture and clip."""
        return settings_of_parts(loaded.family, self.media, self.conversation.media_settings)


@dataclass(frozen=True, eq=False)
class Session:
    """A model, a source of its inputs, and the ids of the answer.

    Attributes:
        loaded: the model.
        source: the prompt.
        ids: the answer's ids.
        scale: the scale of the pictures if a method gets none.
        attention: whether traces keep what attention of text positions needs.
        progress: called with a few words before the forward pass at a scale.
    """

    loaded: Loaded
    source: InputSource
    ids: tuple[int, ...]
    scale: float = 1.0
    attention: bool = False
    progress: Callable[[str], None] = field(default=lambda stage: None, repr=False)
    _inputs: dict[float, Inputs] = field(default_factory=dict, init=False, repr=False)
    _traces: dict[float, Trace] = field(default_factory=dict, init=False, repr=False)
    _sizes: dict[float, Sizes] = field(default_factory=dict, init=False, repr=False)

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
        """The pictures, in order; a clip counts as one."""
        return tuple(self.source.media)  # type: ignore[arg-type]

    def with_model(self, loaded: Loaded) -> Session:
        """The same session with another model of the same tokenizer, such as one with noise."""
        return replace(self, loaded=loaded)

    def with_images(self, *images: Image) -> Session:
        """The same session with other pictures, one for each.

        Raises:
            ShapeError: if their number differs.
        """
        if len(images) != len(self.source.media):
            raise ShapeError(
                f"Expected {len(self.source.media)} pictures, got {len(images)}: pass one for each "
                "picture of the prompt."
            )
        return replace(self, source=self.source.with_media(images))

    def with_ids(self, ids: Sequence[int]) -> Session:
        """The same session with another answer."""
        return replace(self, ids=tuple(ids))

    def at_scale(self, scale: float) -> Session:
        """The same session with the pictures at another scale."""
        return replace(self, scale=scale)

    def inputs(self, scale: float | None = None) -> Inputs:
        """The model's inputs at a scale; None is the session's own. The latest scale is kept."""
        scale = self.scale if scale is None else scale
        if scale not in self._inputs:
            self._inputs.clear()  # before others are made: pixels may be gigabytes
            self._inputs[scale] = self.source.inputs(self.loaded, scale)
        return self._inputs[scale]

    def inputs_of(self, trace: Trace) -> Inputs:
        """The inputs of a trace, with pixels."""
        return trace.inputs if trace.inputs.has_pixels else self.inputs(trace.inputs.scale)

    def model_sizes(self, scale: float) -> Sizes:
        """`inputs(scale).model_sizes`, for pictures without processing them."""
        media: Any = self.source.media
        if scale in self._inputs or any(isinstance(medium, Clip) for medium in media):
            return self.inputs(scale).model_sizes
        if scale not in self._sizes:
            settings = self.source.media_settings(self.loaded)
            with internal():
                sizes = model_sizes(self.loaded.family, media, scale, settings)
            self._sizes[scale] = sizes
        return self._sizes[scale]

    def trace(self, scale: float | None = None) -> Trace:
        """A trace at a scale, with rankings of depth 1 and without pixels. Cached by scale."""
        scale = self.scale if scale is None else scale
        if scale not in self._traces:
            self.progress(f"reading at scale {scale:g}")
            self.keep(self.read(self.inputs(scale), **SHALLOW))
        return self._traces[scale]

    def keep(self, trace: Trace) -> Session:
        """Put an existing trace into the cache, and its pixels as those of the latest scale."""
        scale = trace.inputs.scale
        if trace.inputs.has_pixels:
            self._inputs.clear()
            self._inputs[scale] = trace.inputs
            trace = replace(trace, inputs=trace.inputs.without_pixels())
        self._traces[scale] = trace
        return self

    def read(self, inputs: Inputs | None = None, **options: Any) -> Trace:
        """A trace of the same answer; options as for `seewhy.models.read`. Not cached."""
        inputs = self.inputs() if inputs is None else inputs
        return read(self.loaded, inputs, self.ids, **{"attention": self.attention, **options})

    def generate(self, **options: Any) -> Trace:
        """Generate a new answer; options as for `seewhy.models.generate`."""
        return generate(self.loaded, self.inputs(), **options)

    def log_probabilities(
        self, variants: Iterable[Sequence[Image]], rows: int | None = None
    ) -> Tensor:
        """Log-probabilities of the answer's tokens with other pictures.

        Args:
            variants: for each variant its pictures, one for each picture of the prompt.
            rows: number of variants in one forward pass; None takes `rows_together`.

        Returns:
            float32 `[variant, token]` on the CPU: log p(token | pictures, prompt, tokens before).
        """
        rows = self._rows if rows is None else rows
        chunks, remaining = [], iter(variants)
        while chunk := list(islice(remaining, rows)):
            inputs = [self.with_images(*images).inputs() for images in chunk]
            chunks.append(log_probabilities(self.loaded, inputs, [self.ids] * len(chunk)))
        return torch.cat(chunks) if chunks else torch.empty(0, len(self.ids))

    @property
    def _rows(self) -> int:
        """Number of variants in one forward pass."""
        return rows_together(self.inputs().length + len(self.ids))

    def log_probabilities_without(self, dropped: Tensor, rows: int | None = None) -> Tensor:
        """Log-probabilities of the answer's tokens with context tokens left out.

        Left-out tokens are removed from the sequence, so that later positions move forward. This
        holds for the answer's tokens too: the later ones no longer have them in their context.

        Args:
            dropped: bool `[variant, text]`: the prompt's tokens, then the answer's.
            rows: number of variants in one forward pass; None takes `rows_together`.

        Returns:
            float32 `[variant, token]` on the CPU; NaN for a token that was left out.
        """
        base = self.inputs()
        prompt = len(base.prompt_positions)
        if dropped.ndim != 2 or dropped.shape[1] != prompt + len(self.ids):
            raise ShapeError(
                f"Expected dropped with axes [variant text] and text = {prompt + len(self.ids)}, "
                f"got shape {list(dropped.shape)}: the prompt's tokens, then the answer's."
            )
        result = torch.full((len(dropped), len(self.ids)), float("nan"))
        kept = ~dropped[:, prompt:].cpu()
        if not bool(kept.any(1).all()):
            raise AnswerError(
                "Expected at least one token of the answer in every variant, got one in which all "
                "are left out: keep the token that is explained."
            )
        ids = torch.tensor(self.ids)
        for chunk in torch.arange(len(dropped)).split(rows or self._rows):
            inputs = [without_tokens(base, dropped[n, :prompt].cpu()) for n in chunk]
            answers = [ids[kept[n]].tolist() for n in chunk]
            values = log_probabilities(self.loaded, inputs, answers)
            for row, n in enumerate(chunk):
                result[n, kept[n]] = values[row, : len(answers[row])]
        return result


def read_ahead(
    sessions: Sequence[Session], scales: Iterable[float], *, replace_twins: bool = True
) -> None:
    """Trace several sessions of one model at further scales, one forward pass for each scale.

    Args:
        sessions: of one model, with traces at their own scale in the cache.
        scales: the further scales.
        replace_twins: whether a session reads another scale, or none, if the sizes at a scale are
            nearly those of an earlier one (`choose_scale`); else only equal sizes are left out.
    """
    known = [{s.trace().inputs.scale: s.trace().inputs.model_sizes} for s in sessions]
    for scale in scales:
        new: list[tuple[Session, float]] = []
        for session, sizes in zip(sessions, known, strict=True):
            if replace_twins:
                chosen = choose_scale(scale, session.model_sizes, sizes).scale
            else:
                chosen = None if session.model_sizes(scale) in sizes.values() else scale
            if chosen is not None and chosen not in sizes:
                sizes[chosen] = session.model_sizes(chosen)
                new.append((session, chosen))
        if new:
            _read_together(new)


def _read_together(chosen: Sequence[tuple[Session, float]]) -> None:
    """Trace several sessions, each at its scale; nothing but the sessions keeps the pixels."""
    sessions = [session for session, _ in chosen]
    inputs = [session.inputs(scale) for session, scale in chosen]
    answers = [session.ids for session in sessions]
    loaded, attention = sessions[0].loaded, sessions[0].attention
    traces = read_batch(loaded, inputs, answers, attention=attention, **SHALLOW)
    for session, trace in zip(sessions, traces, strict=True):
        session.keep(trace)


def notes_on_model(session: Session) -> Iterator[str]:
    """Remarks for the reader about the model: its adapters, and a prompt without a template."""
    loaded = session.loaded
    if adapters := describe_adapters(loaded.model):
        yield adapters
    family = loaded.family
    is_chat = isinstance(session.source, ChatSource)
    if is_chat and family.needs_template and family.template(False) is None:
        yield (
            "The processor has no chat template: the prompt was written in the plain form of "
            f"{family.name}."
        )


def without_tokens(inputs: Inputs, dropped: Tensor) -> Inputs:
    """Inputs with some tokens of the prompt left out.

    Args:
        inputs: of the full prompt.
        dropped: bool `[prompt]`.
    """
    keep = torch.ones(inputs.length, dtype=torch.bool)
    keep[inputs.prompt_positions[dropped]] = False
    new_positions = keep.cumsum(0) - 1
    shorter = {
        name: inputs.tensors[name][:, keep.to(inputs.tensors[name].device)]
        for name in ("input_ids", "attention_mask")
    }
    spans = zip(inputs.prompt_spans, (~dropped).tolist(), strict=True)
    return replace(
        inputs,
        tensors={**inputs.tensors, **shorter},
        visual_positions=new_positions[inputs.visual_positions],
        prompt_positions=new_positions[inputs.prompt_positions[~dropped]],
        prompt_spans=tuple(span for span, keep in spans if keep),
    )


def rows_together(positions: int) -> int:
    """How many rows of some positions go through the model in one forward pass.

    Example:
        >>> rows_together(100), rows_together(1564), rows_together(20_000)
        (16, 5, 1)
    """
    return max(1, min(ROWS, POSITIONS // positions))


def log_probabilities(
    loaded: Loaded, rows: Sequence[Inputs], answers: Sequence[Sequence[int]]
) -> Tensor:
    """Teacher-forced log-probabilities of answers, in one forward pass.

    Returns:
        float32 `[row, token]` on the CPU, padded with NaN after shorter answers.
    """
    longest = max(map(len, answers))
    logits = last_logits(loaded, batch(loaded.family, rows, answers), longest)
    result = torch.full((len(rows), longest), float("nan"))
    for row, ids in enumerate(answers):
        # Row by row, and only the answer's scores leave the device: all logits may be gigabytes.
        scores = logits[row, : len(ids)].float()
        chosen = torch.tensor(ids, device=scores.device)[:, None]
        result[row, : len(ids)] = (scores.gather(1, chosen)[:, 0] - scores.logsumexp(-1)).cpu()
    return result


def last_logits(loaded: Loaded, inputs: Batch, count: int) -> Tensor:
    """`[row, count, vocab]`, the logits that predict the last `count` tokens of a batch."""
    tensors = {**inputs.tensors, "use_cache": False, "logits_to_keep": count + 1}
    with eval_mode(loaded.model):
        return loaded.model(**tensors).logits[:, -count - 1 : -1]
