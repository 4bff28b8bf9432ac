"""The benchmark's inputs: two models, and random states in the size of a real model."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import seewhy
from seewhy import models
from seewhy.chats import PROMPT
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.core.text import Token
from seewhy.core.trace import Inputs, Trace, View
from seewhy.testbed.scenes import draw, scene

SCALES = (1.0, 0.5, 0.75, 1.25, 1.5)
"""The five scales of the goal, the base scale first."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and its input.

    Attributes:
        name: in the tables.
        loaded: the model.
        image: its input.
        tokens: maximum length of the answer.
        forced: whether the answer must have this length: random weights may end it at any token.
    """

    name: str
    loaded: models.Loaded
    image: Image.Image
    tokens: int
    forced: bool

    def prepare(self, scale: float = 1.0) -> Inputs:
        """The inputs at a scale."""
        return models.prepare(self.loaded.family, self.image, PROMPT, scale=scale)

    @cached_property
    def inputs(self) -> Inputs:
        """The inputs at the base scale."""
        return self.prepare()

    @property
    def generation(self) -> dict[str, Any]:
        """Settings of generation, with and without hooks."""
        minimum = {"min_new_tokens": self.tokens} if self.forced else {}
        return {"max_new_tokens": self.tokens, **minimum}

    def answer(self) -> list[int]:
        """The ids of plain greedy generation, without hooks."""
        tensors = self.inputs.tensors
        out = self.loaded.model.generate(  # type: ignore[operator]
            **tensors, do_sample=False, **self.generation
        )
        return out[0, tensors["input_ids"].shape[1] :].tolist()

    @cached_property
    def whole_inputs(self) -> list[dict[str, Any]]:
        """Prompt and answer as one input, at each of the five scales, the base scale first."""
        trace = models.generate(self.loaded, self.inputs, **self.generation)
        answer = torch.tensor([[token.id for token in trace.tokens]])
        return [with_answer(self.prepare(scale), answer) for scale in SCALES]

    def facts(self) -> dict[str, Any]:
        """Sizes of the model and its input, for the results."""
        model = self.loaded.model
        text = model.config.get_text_config()
        return {
            "model": self.loaded.name,
            "parameters": sum(p.numel() for p in model.parameters()),
            "hidden": text.hidden_size,
            "layers": text.num_hidden_layers,
            "vocabulary": text.vocab_size,
            "dtype": str(model.dtype).removeprefix("torch."),
            "visual_tokens": {
                f"{scale:g}": len(self.prepare(scale).visual_positions) for scale in SCALES
            },
            "prompt_tokens": self.inputs.tensors["input_ids"].shape[1],
            "answer_tokens": len(self.answer()),
        }


def with_answer(inputs: Inputs, answer: Tensor) -> dict[str, Any]:
    """A forward pass's tensors with the answer's ids `[1, token]` after the prompt."""
    tensors = dict(inputs.tensors)
    tensors["input_ids"] = torch.cat([tensors["input_ids"], answer], 1)
    for name, fill in (("attention_mask", 1), ("mm_token_type_ids", 0)):
        if name in tensors:
            tail = torch.full_like(answer, fill, dtype=tensors[name].dtype)
            tensors[name] = torch.cat([tensors[name], tail], 1)
    return tensors


def shipped(model: str | None = None, tokens: int = 64, *, forced: bool = False) -> Subject:
    """The model that ships with the package (or another folder), on a drawn scene."""
    explainer = seewhy.load(model)
    return Subject("shipped", explainer.loaded, _picture(), tokens, forced)


@dataclass(frozen=True)
class Proportions:
    """Sizes of a Qwen2-VL of random weights.

    Attributes:
        hidden: width of the language model.
        layers: its depth.
        vocab: size of the vocabulary.
        vision: depth and width of the vision tower.
        side: of the picture in pixels; a visual token covers 28 x 28.
        tokens: length of the answer.
    """

    hidden: int
    layers: int
    vocab: int
    vision: tuple[int, int]
    side: int
    tokens: int


LARGER = Proportions(1024, 8, 151_936, (8, 640), 448, 24)
SMALL = Proportions(256, 2, 8_000, (2, 160), 224, 8)


def larger(size: Proportions = LARGER, model: str | None = None) -> Subject:
    """Random weights in bfloat16, in proportions closer to those of a real Qwen2-VL.

    Args:
        size: of the model and its input.
        model: source of the tokenizer; the shipped model if None.
    """
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    source = seewhy.load(model).loaded
    weights = random_weights(size, source.model.config)
    processor = models.ProcessorParts(
        Qwen2VLImageProcessorPil(size={"shortest_edge": 4 * 28**2, "longest_edge": 1280 * 28**2}),
        with_vocabulary(source.processor.tokenizer, size.vocab),
        source.processor.template,
    )
    loaded = models.load((weights, processor))
    picture = _picture().resize((size.side, size.side), Image.Resampling.BICUBIC)
    return Subject("larger", loaded, picture, size.tokens, forced=True)


def random_weights(size: Proportions, old: Any) -> Any:
    """A Qwen2-VL with random weights in bfloat16; `old` is a config with the token ids."""
    from transformers import Qwen2VLForConditionalGeneration

    config = _config(size, old)
    torch.manual_seed(0)
    usual = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.bfloat16)
        weights: Any = Qwen2VLForConditionalGeneration(config).eval()
    finally:
        torch.set_default_dtype(usual)
    weights.generation_config.eos_token_id = old.text_config.eos_token_id
    weights.generation_config.pad_token_id = old.text_config.pad_token_id
    return weights


def _config(size: Proportions, old: Any) -> Any:
    """A Qwen2-VL config of these sizes, with the token ids of another."""
    from transformers import Qwen2VLConfig

    depth, width = size.vision
    return Qwen2VLConfig(
        text_config={
            "vocab_size": size.vocab,
            "hidden_size": size.hidden,
            "intermediate_size": 4 * size.hidden,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.hidden // 128,
            "num_key_value_heads": max(1, size.hidden // 512),
            "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24]},
            **{name: getattr(old.text_config, name) for name in ("eos_token_id", "pad_token_id")},
            "bos_token_id": None,
        },
        vision_config={
            "depth": depth,
            "embed_dim": width,
            "hidden_size": size.hidden,
            "num_heads": width // 80,
            "patch_size": 14,
        },
        **{
            f"{name}_token_id": getattr(old, f"{name}_token_id")
            for name in ("image", "video", "vision_start", "vision_end")
        },
        tie_word_embeddings=True,
    )


def with_vocabulary(tokenizer: Any, size: int) -> Any:
    """The same tokenizer, with invented words up to a vocabulary of `size`."""
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        file = Path(folder) / "tokenizer.json"
        state = json.loads(file.read_text(encoding="utf-8"))
        state["model"]["vocab"] |= {f"Ġw{n}": n for n in range(len(tokenizer), size)}
        file.write_text(json.dumps(state), encoding="utf-8")
        return AutoTokenizer.from_pretrained(folder)


def _picture() -> Image.Image:
    return Image.fromarray(draw(scene(0, "heldout")).image)


@dataclass(frozen=True)
class Size:
    """Sizes of a reading. The prompt has ten template tokens besides image and words."""

    rows: int
    columns: int
    prompt: int
    answer: int
    vocab: int
    hidden: int

    @property
    def visual(self) -> int:
        """Number of visual tokens."""
        return self.rows * self.columns


REAL = Size(rows=25, columns=40, prompt=20, answer=200, vocab=151_936, hidden=1536)
TINY = Size(rows=6, columns=8, prompt=5, answer=20, vocab=500, hidden=32)


class Reading:
    """Random states and an unembedding in the sizes of a model.

    Args:
        size: of the states.
        seed: of the random numbers.

    Attributes:
        states: float32 `[position, hidden]`: template, image, template, words, template, answer
            without its last token.
        head: float32 `[vocab, hidden]`.
        ids: of the prompt's words, then of the answer; some words repeat, as in real text.
        texts: of these tokens.
        visual, prompt: positions of the visual tokens and of the prompt's words.
        prefill: number of positions before the answer.
    """

    def __init__(self, size: Size, seed: int = 0) -> None:
        self.size = size
        self.visual = slice(4, 4 + size.visual)
        self.prompt = slice(self.visual.stop + 1, self.visual.stop + 1 + size.prompt)
        self.prefill = self.prompt.stop + 5
        rng = torch.Generator().manual_seed(seed)
        positions = self.prefill + size.answer - 1
        self.states = torch.randn(positions, size.hidden, generator=rng)
        self.head = torch.randn(size.vocab, size.hidden, generator=rng)
        self.head /= size.hidden**0.5
        count = size.prompt + size.answer
        words = torch.randint(size.vocab, (max(2, count // 2),), generator=rng)
        self.ids = words[torch.randint(len(words), (count,), generator=rng)].tolist()
        self.texts = [f" w{token}" for token in self.ids]
        self._tokens = tuple(
            Token(token, text, 0, len(text), 1.0)
            for token, text in zip(self.ids, self.texts, strict=True)
        )
        width, height = 28 * size.columns, 28 * size.rows
        grid = TokenGrid.over((0, 0, width, height), size.rows, size.columns)
        self._inputs = Inputs(
            tensors={},
            views=(View(Geometry((width, height), (grid,)), (width, height)),),
            visual_positions=torch.arange(self.visual.start, self.visual.stop),
            prompt_positions=torch.arange(self.prompt.start, self.prompt.stop),
            prompt="".join(self.texts[: size.prompt]),
            scale=1.0,
        )

    def trace(self) -> Trace:
        """The trace with these states."""
        states, words = self.states, self.size.prompt
        fed_back = states[self.prefill :]
        text = torch.cat([states[self.prompt], fed_back, states.new_zeros(1, states.shape[1])])
        ids = torch.tensor(self.ids)
        return Trace(
            inputs=self._inputs,
            prompt_tokens=self._tokens[:words],
            tokens=self._tokens[words:],
            answer="".join(self.texts[words:]),
            visual_states=states[self.visual],
            text_states=text,
            unembedding_rows=self.head[ids],
            rankings=ids[:, None],
            first_prediction_state=states[self.prefill - 1],
        )
