"""An estimate of the memory that an explanation takes above the model, before anything is read.

An upper bound, made of the largest tensors that are in memory together. `benchmarks/memory.py`
compares it with what is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seewhy.memory.sizes import ModelSizes, PromptSize
from seewhy.methods import Method
from seewhy.methods._shares import BUDGET
from seewhy.methods.smooth_grad import BUDGET as SUMMED
from seewhy.models.attention import BLOCK
from seewhy.models.chunked_attention import KEPT
from seewhy.models.layer_tape import GRADIENTS
from seewhy.models.predictions import CHUNK
from seewhy.models.session import rows_together

FLOAT = 4
"""Bytes of a float32."""

BASE = 96 << 20
"""Bytes for libraries' working memory, tables of tokens and other small things."""

MARGIN = 1.15
"""For what allocators round up and hold back."""


def estimate_memory(
    model: ModelSizes,
    method: Method,
    prompt: PromptSize,
    *,
    batch: int = 1,
    layers: bool = False,
    diagnose: bool = False,
) -> int:
    """Bytes above the model that generating an answer and explaining it take, at most.

    Args:
        model: sizes of the model.
        method: that explains.
        prompt: sizes of the prompt and of the answer; of the largest one in a batch.
        batch: prompts that go through the model together.
        layers: whether the answer is read layer by layer too.
        diagnose: whether the picture is changed for verdicts too.

    Example:
        >>> from seewhy.methods import create
        >>> model = ModelSizes(28, 1536, 8960, 12, 2, 128, 151_936, 1280, 5120, 1176, 2)
        >>> prompt = PromptSize(text=26, visual=1508, answer=30, explained=45, pixels=7_093_632)
        >>> shares, attention = (
        ...     estimate_memory(model, create(name), prompt)
        ...     for name in ("logit-shares", "gradient-attention")
        ... )
        >>> 0.3e9 < shares < attention < 4e9
        True
    """
    work = _Work(model, prompt)
    scales = [work.resized(scale**2) for scale in method.further_scales]
    reading = max(
        work.generating(batch), *(larger.passing(batch) for larger in scales), 0
    ) + work.kept(batch, method)
    of_method = max(
        (part.method(each) for each in _parts(method) for part in (work, *scales)), default=0
    )
    further = [of_method, work.layer_states() if layers else 0, work.changed() if diagnose else 0]
    kept = sum(larger.kept(batch, method) for larger in scales)
    pixels = max(part.pixels(batch) for part in (work, *scales))
    return (
        int(MARGIN * (max(reading, work.kept(batch, method) + max(further)) + kept + pixels)) + BASE
    )


def _parts(method: Method) -> list[Method]:
    """The method and all methods in its parameters."""
    return [method, *(inner for part in method.parts for inner in _parts(part))]


@dataclass(frozen=True)
class _Work:
    """What steps of an explanation take, in bytes.

    Attributes:
        model, prompt: the sizes.
    """

    model: ModelSizes
    prompt: PromptSize

    def resized(self, factor: float) -> _Work:
        """The same with pictures of a factor of the visual tokens."""
        return _Work(self.model, self.prompt.resized(factor))

    @property
    def states(self) -> int:
        """States of all positions, once."""
        return self.prompt.positions * self.model.hidden * self.model.bytes_each

    @property
    def patches(self) -> int:
        """Patches of the vision tower."""
        return self.prompt.pixels // self.model.patch

    def pixels(self, batch: int) -> int:
        """Pixel tensors, and what processing takes besides."""
        return 5 * FLOAT * batch * self.prompt.pixels

    def vision(self, batch: int) -> int:
        """One layer of the vision tower."""
        model = self.model
        widths = 8 * model.vision_hidden + 3 * model.vision_inner
        masks = (self.patches * (2 * FLOAT + 1) + 12 * self.prompt.visual) if model.masked else 0
        return batch * self.patches * (widths * model.bytes_each + masks)

    def layer(self, batch: int) -> int:
        """One decoder layer without gradients, in a pass over all positions."""
        model, positions = self.model, batch * self.prompt.positions
        attention = 3 * model.heads + 4 * model.groups
        widths = 8 * model.hidden + 4 * model.inner + 2 * attention * model.dim
        mask = (1 + model.bytes_each) * positions * self.prompt.positions
        return positions * widths * model.bytes_each + mask

    def logits(self) -> int:
        """Logits of some positions, ranked."""
        return 3 * CHUNK * self.model.vocabulary * FLOAT

    def cache(self, batch: int) -> int:
        """Keys and values of all layers."""
        model = self.model
        width = 2 * model.layers * model.groups * model.dim * model.bytes_each
        return batch * self.prompt.positions * width

    def passing(self, batch: int) -> int:
        """One pass over the prompt and the answer."""
        return max(self.vision(batch), self.layer(batch)) + self.logits()

    def generating(self, batch: int) -> int:
        """Generation, whose cache grows by copies."""
        return self.passing(batch) + self.cache(batch)

    def kept(self, batch: int, method: Method) -> int:
        """What a trace keeps: final states, and for shares keys, values and rows of queries."""
        kept = 2 * batch * self.states
        if "shares" in method.all_needs:
            rows = self.prompt.text + self.prompt.answer
            width = 2 * self.model.heads * self.model.dim * self.model.layers
            kept += self.cache(batch) + batch * rows * width * self.model.bytes_each
        return kept

    def method(self, method: Method) -> int:
        """What a method takes above the kept traces, without its parts."""
        of_method = {
            "llava-cam": lambda: self.gradients() + self.pixels(1),
            "integrated-gradients": lambda: self.gradients() + self.pixels(1),
            "dex-ar": self.gradients_of_one_layer,
            "smooth-grad": self.summed_gradients,
            "attention-rollout": self.rollout,
            "attention": lambda: self.passing(1) + self.blocks(self.prompt.explained),
            "gradient-attention": lambda: self.gradients() + self.whole_rows(),
            "attn-lrp": lambda: self.gradients() + self.products() + self.whole_rows(),
        }.get(method.name)
        if of_method is not None:
            return of_method()
        needs: dict[str, Callable[[], int]] = {
            "shares": self.shares,
            "gradients": self.gradients,
            "attentions": self.rollout,
            "pictures": self.changed,
        }
        return max((take() for need, take in needs.items() if need in method.needs), default=0) or (
            self.maps()
        )

    def maps(self) -> int:
        """Maps of all tokens, some at a time, and rankings."""
        tokens = self.prompt.explained
        return FLOAT * tokens * (6 * self.prompt.visual + 4 * tokens + 300)

    def blocks(self, rows: int | None = None) -> int:
        """Blocks of rows of attention, with their scores and gradients; of all rows if None."""
        one_row = self.model.heads * self.prompt.positions
        every = one_row * (self.prompt.positions if rows is None else rows)
        keys = 4 * self.model.heads * self.model.dim * self.prompt.positions
        return FLOAT * (6 * min(max(BLOCK, one_row), every) + keys)

    def whole_rows(self) -> int:
        """Blocks of rows, and weights of one layer that are kept for several backward passes."""
        return self.blocks() + (FLOAT * self._square if self._square <= KEPT else 0)

    @property
    def _square(self) -> int:
        return self.model.heads * self.prompt.positions**2

    def shares(self) -> int:
        """Layer by layer, blocks of tokens and rows over all positions."""
        heads, positions = self.model.heads, self.prompt.positions
        rows = self.prompt.text + self.prompt.answer
        block = min(max(BUDGET, heads * positions), heads * rows * positions)
        tokens = min(self.prompt.explained, max(1, BUDGET // (heads * positions)))
        taken = 4 * self.model.layers * tokens * rows
        weights = 2 * self.model.hidden * heads * self.model.dim
        return FLOAT * (6 * block + taken + weights) + self.maps()

    def one_layer_with_graph(self) -> int:
        """A decoder layer that autograd keeps, and what going back through it takes."""
        model = self.model
        attention = (3 * model.heads + 4 * model.groups) * model.dim
        halves = (12 * model.hidden + 9 * model.inner + 4 * attention) * model.bytes_each
        return self.prompt.positions * (halves + 8 * model.hidden * FLOAT)

    def products(self) -> int:
        """What the rules of relevance keep of a layer besides."""
        model = self.model
        width = (5 * model.inner + 6 * model.hidden) * model.bytes_each
        return self.prompt.positions * width

    def gradients(self) -> int:
        """Through one layer after the other: states between layers, and gradients of states."""
        carried = min(self.prompt.explained * self.states, max(GRADIENTS, self.states))
        between = (self.model.layers + 2) * self.states
        one = self.one_layer_with_graph()
        return max(between + carried + 2 * self.states + one, self.passing(1) + between)

    def gradients_of_one_layer(self) -> int:
        """Gradients that stay in one layer, of rows of attention."""
        rows = FLOAT * 4 * self.model.heads * self.prompt.explained * self.prompt.positions
        return self.passing(1) + self.one_layer_with_graph() + rows

    def summed_gradients(self) -> int:
        """Gradients of some tokens, which are added up in float32."""
        one = self.prompt.positions * self.model.hidden
        return self.gradients() + FLOAT * max(one, min(SUMMED, self.prompt.explained * one))

    def rollout(self) -> int:
        """Queries and keys of all layers, then rows of attention."""
        model = self.model
        width = model.layers * (model.heads + model.groups) * model.dim * model.bytes_each
        relevance = 4 * FLOAT * self.prompt.explained * self.prompt.positions
        return self.prompt.positions * width + max(self.passing(1), self.blocks()) + relevance

    def changed(self) -> int:
        """A pass over several changed pictures."""
        rows = rows_together(self.prompt.positions)
        logits = 2 * rows * (self.prompt.answer + 1) * self.model.vocabulary * FLOAT
        return self.passing(rows) + self.pixels(rows) + logits

    def layer_states(self) -> int:
        """States of all layers at words and places, and their lenses."""
        states = (2 * self.model.layers + 2) * self.states
        maps = FLOAT * 4 * self.model.layers * self.prompt.answer * self.prompt.visual
        return states + maps + self.shares() + self.passing(1)
