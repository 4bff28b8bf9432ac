"""The entry points: load a model, open a saved explanation, trace generation."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from seewhy import models
from seewhy.answer_diff import diff_of
from seewhy.captured import CapturedGeneration
from seewhy.comparison import Comparison
from seewhy.core.errors import ParameterError
from seewhy.explained_word import ExplainedWord
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.follow_up import FollowUp
from seewhy.models.wrappers import processor_inside
from seewhy.options import ExplainOptions
from seewhy.report.bundle import open_record
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import loadable, pretrained

__all__ = [
    "CapturedGeneration",
    "Comparison",
    "ExplainOptions",
    "ExplainedWord",
    "Explainer",
    "Explanation",
    "FollowUp",
    "diff_of",
    "load",
    "open",
    "trace",
]


def load(
    model: Any = None,
    *,
    dtype: Any = None,
    device_map: Any = None,
    **kwargs: Any,
) -> Explainer:
    """Load a model whose answers can be explained.

    Args:
        model: hub id or folder, of a model or of an adapter of PEFT. Or a loaded model, or
            `(model, processor)`, or a transformers pipeline: wrappers (PEFT, DDP, DataParallel,
            `torch.compile`, ...) are opened, and a processor that is not given is loaded from
            where the model came from. None, or `"tiny-qwen2-vl"`, takes the first model of the
            package; its other models (`seewhy.testbed.pretrained`) are loaded by name too.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: the devices of its parts, such as `"auto"` or `"cuda"`.
        **kwargs: settings of the image processor, such as `max_pixels`, `min_pixels` or `size`, by
            the names of transformers; `chat_template`, a template in place of the checkpoint's, or
            `"plain"` for a model that was trained without one; all others are passed on to
            `from_pretrained`, such as `revision`.

    Raises:
        ParameterError: if the image processor has no such setting.
        UnknownNameError: if there is no such folder or hub id, or the hub cannot be reached.
        UnsupportedModelError: if the model is text-only, its family has no adapter, its weights are
            sharded over processes, or an adapter of PEFT changes its sequence (prompt tuning).
        ModelError: if files are damaged or incomplete: weights, tokenizer, chat template,
            processor; it names them.
        ParameterError: if a setting is unknown, or cannot be used with a loaded model.
    """
    name = DEFAULT_MODEL if model is None else model
    source = loadable(name)
    loaded = models.load(
        source, dtype=dtype, device_map=device_map, suggestions=pretrained(), **kwargs
    )
    return Explainer(loaded if source is name else replace(loaded, name=os.fspath(name)))


def open(folder: str | os.PathLike[str]) -> Explanation:
    """Open an explanation that `Explanation.save` wrote.

    Raises:
        SchemaError: if the folder holds no explanation, is damaged or was written by a newer
            version.
    """
    return Explanation(open_record(folder))


def trace(model: Any, processor: Any = None) -> CapturedGeneration:
    """Record generation in your own code, to explain it afterwards, by any method.

    Example:
        ```python
        with seewhy.trace(model, processor) as trace:
            model.generate(**processor(images=image, text=prompt, return_tensors="pt"))
        trace.explain()["light"].heatmap
        ```

    Loading, prompts, processors and settings of generation stay as they are; a transformers
    pipeline of this model and processor may be called as well. Sampling, beams (the chosen one),
    several sequences, stop strings, static caches and compiled models are supported: `explain`
    reads the sequence again in one forward pass, then runs the method.

    Args:
        model: a loaded model, as it is or in wrappers (PEFT, DDP, `torch.compile`, ...), or a
            transformers pipeline: call it inside the block as always.
        processor: the one that makes the model's inputs; a pipeline has one.

    Raises:
        ParameterError: if there is no processor.
        UnsupportedModelError, ModelError: as `load`.
    """
    if processor is None and processor_inside(model) is None:
        raise ParameterError(
            "Expected the processor that makes the model's inputs, got none: pass it as "
            "seewhy.trace(model, processor), so that the pictures that it gets are known."
        )
    return CapturedGeneration(Explainer(models.load((model, processor))))
