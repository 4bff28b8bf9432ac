"""Refuse what would not fit, before anything is read; and say on one line that memory ran out."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from seewhy.core.errors import MemoryLimitError
from seewhy.core.memory import bytes_of, in_words, is_ours, is_out_of_memory
from seewhy.core.trace import Inputs
from seewhy.memory.available import available_memory
from seewhy.memory.estimate import estimate_memory
from seewhy.memory.sizes import ModelSizes, PromptSize
from seewhy.methods import METHODS, Method, create
from seewhy.models.loading import Loaded
from seewhy.options import ExplainOptions

OTHERS = 3
"""How many methods that would fit are named."""

LEAST_TOKENS = 16
"""A picture of fewer visual tokens is not proposed."""


@dataclass(eq=False)
class MemoryGuard:
    """Watches the memory of one call.

    Attributes:
        loaded: the model.
        wanted: the call's options.
        available: bytes that were free when the call began; None if unknown.
        prompt: the sizes of its largest prompt, once known.
        batch: prompts that go through the model together.
    """

    loaded: Loaded
    wanted: ExplainOptions
    available: int | None = None
    prompt: PromptSize | None = None
    batch: int = 1
    _sizes: ModelSizes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.available = available_memory(self.loaded.model)

    @property
    def limit(self) -> int | None:
        """Bytes that may be taken: `max_memory` if it is set, else what is available."""
        given = self.wanted.max_memory
        return self.available if given is None else bytes_of(given)

    def expect_fits(self, inputs: Sequence[Inputs], answers: Sequence[Sequence[Any]]) -> None:
        """Refuse prompts whose explanation would take more than the limit.

        Args:
            inputs: of the prompts that go through the model together.
            answers: the ids of given answers, one for each prompt; or none.

        Raises:
            MemoryLimitError: with what it would take, what there is, and what would fit.
        """
        lengths = [len(answer) for answer in answers] or [self.wanted.answer_limit] * len(inputs)
        explain_prompt = self.wanted.explain_prompt
        first, *others = (
            PromptSize.of(row, length, explain_prompt=explain_prompt)
            for row, length in zip(inputs, lengths, strict=True)
        )
        self.prompt, self.batch = first.batched(others), len(inputs)
        need, limit = self.estimate(), self.limit
        if limit is not None and need > limit:
            raise MemoryLimitError(
                f"Expected {self._task} to fit {self._place}, got an estimate of {in_words(need)} "
                f"for {self.prompt.positions:,} positions: {self.advice(limit)}"
            )

    def estimate(
        self, method: Method | None = None, prompt: PromptSize | None = None, **changes: Any
    ) -> int:
        """The estimate of the call, or of one that is changed so; bytes above the model."""
        assert self.prompt is not None  # `expect_fits` comes first
        if self._sizes is None:
            model = self.loaded.model
            self._sizes = ModelSizes.of(model.config, model.dtype)
        kept = {"batch": self.batch, "layers": self.wanted.layers, "diagnose": self.wanted.diagnose}
        return estimate_memory(
            self._sizes,
            method or self.wanted.explaining_method,
            prompt or self.prompt,
            **{**kept, **changes},
        )

    def advice(self, limit: int) -> str:
        """What would fit a number of bytes, in one sentence."""
        if self.prompt is None:
            return "take a smaller picture, or free memory."
        choices = [*self._simpler(limit), *self._other_methods(limit), *self._smaller(limit)]
        more = (
            "raise max_memory (--max-memory)"
            if self.wanted.max_memory is not None
            else "free memory"
        )
        return f"{'; or '.join([*choices, more])}."

    def _simpler(self, limit: int) -> Iterator[str]:
        """The same call with less asked for."""
        method = self.wanted.explaining_method
        if self.batch > 1 and self.estimate(batch=1) <= limit:
            most = max(n for n in range(1, self.batch) if self.estimate(batch=n) <= limit)
            yield f"explain at most {most} together (chunk_size)"
        if self.wanted.diagnose and (need := self.estimate(diagnose=False)) <= limit:
            yield f"without diagnose it is {in_words(need)}"
        if self.wanted.layers and (need := self.estimate(layers=False)) <= limit:
            yield f"without layers it is {in_words(need)}"
        fewer = with_one_scale(method)
        if fewer is not None and self.estimate(fewer) <= limit:
            yield f"with scales=(1,) it is {in_words(self.estimate(fewer))}"

    def _other_methods(self, limit: int) -> Iterator[str]:
        """Methods of less memory, the default first."""
        method = self.wanted.explaining_method
        need = self.estimate()
        fitting = [
            (self.estimate(other), other.name)
            for other in map(create, METHODS.names())
            if other.name not in (method.name, "random", "centre")
            and self.estimate(other) <= min(limit, need)
        ]
        # The best first: the default, then those that are most like an explanation of the model.
        fitting.sort(key=lambda found: (found[1] != "logit-shares", -found[0]))
        if fitting:
            named = (f"{name} ({in_words(count)})" for count, name in fitting[:OTHERS])
            yield f"choose another method: {', '.join(named)}"

    def _smaller(self, limit: int) -> Iterator[str]:
        """A smaller picture."""
        assert self.prompt is not None
        low, high = 0, self.prompt.visual
        while high - low > 1:
            middle = (low + high) // 2
            fits = self.estimate(prompt=self.prompt.resized(middle / self.prompt.visual)) <= limit
            low, high = (middle, high) if fits else (low, middle)
        if LEAST_TOKENS <= low < self.prompt.visual - 1:
            share = (low / self.prompt.visual) ** 0.5
            yield (
                f"take a smaller picture, of at most {low:,} visual tokens (now "
                f"{self.prompt.visual:,}; {share:.0%} of its width and height)"
            )

    @property
    def _task(self) -> str:
        method = f"explaining by {self.wanted.explaining_method.spec}"
        return method if self.batch == 1 else f"{method}, {self.batch} prompts together,"

    @property
    def _place(self) -> str:
        if self.wanted.max_memory is not None:
            return f"max_memory of {in_words(bytes_of(self.wanted.max_memory))}"
        return "the free memory" + (
            "" if self.available is None else f" of {in_words(self.available)}"
        )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise one `MemoryLimitError` for every out-of-memory error in the block."""
        try:
            yield
        except Exception as error:
            if is_ours(error) or not is_out_of_memory(error):
                raise
            said = " ".join(str(error).split())[:120].strip()
            release(error)
            message = f"Expected {self._task} to fit {self._place}, got out of memory"
            raise MemoryLimitError(
                f"{message}{f' ({said})' if said else ''}: {self.advice(self._below())}"
            ) from error

    def _below(self) -> int:
        """A limit that what ran out of memory does not fit: below its estimate and what is free."""
        if self.prompt is None:
            return 0
        need = self.estimate()
        return min(need - 1, need - 1 if self.limit is None else self.limit)


class MemoryGuards:
    """Watches the memory of a call that explains in several ways, one after the other.

    Args:
        loaded: the model.
        ways: the options of each.
    """

    def __init__(self, loaded: Loaded, ways: Sequence[ExplainOptions]) -> None:
        self._guards = [MemoryGuard(loaded, way) for way in ways]

    def expect_fits(self, inputs: Sequence[Inputs], answers: Sequence[Sequence[Any]]) -> None:
        """As `MemoryGuard.expect_fits`, of each of the ways."""
        for guard in self._guards:
            guard.expect_fits(inputs, answers)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """As `MemoryGuard.watching`; advice is for the way that takes most."""
        try:
            yield
        except Exception as error:
            if is_ours(error) or not is_out_of_memory(error):
                raise
            with max(self._guards, key=_need).watching():
                raise


def _need(guard: MemoryGuard) -> int:
    """The estimate of a call, once its prompt is known."""
    return 0 if guard.prompt is None else guard.estimate()


def with_one_scale(method: Method) -> Method | None:
    """The same method at the base scale alone; None if it has no further scales of its own."""
    if not method.further_scales or "scales" not in method.parameters:
        return None
    return replace(method, scales=(1.0,))  # type: ignore[call-arg]


def release(error: BaseException) -> None:
    """Free what the frames of an error hold, and what PyTorch holds without using it."""
    traceback.clear_frames(error.__traceback__)
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
