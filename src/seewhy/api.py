"""What a person calls first: load a model, open a saved explanation, trace one's own code."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from seewhy import models
from seewhy.captured import CapturedGeneration
from seewhy.explained_word import ExplainedWord
from seewhy.explainer import Explainer
from seewhy.explanation import Explanation
from seewhy.models.isolation import unwrap
from seewhy.options import ExplainOptions
from seewhy.report.bundle import open_record
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import pretrained

__all__ = [
    "CapturedGeneration",
    "ExplainOptions",
    "ExplainedWord",
    "Explainer",
    "Explanation",
    "load",
    "open",
    "trace",
]


def load(
    model: str | os.PathLike[str] | tuple[Any, Any] | None = None,
    *,
    dtype: Any = None,
    device_map: Any = None,
    **kwargs: Any,
) -> Explainer:
    """Load a model, ready to explain what it says about images.

    Args:
        model: hub id, folder, or a `(model, processor)` pair that is loaded already; None, or
            `"tiny-qwen2-vl"`, takes the first of the models that ship with the package; the others
            (`seewhy.testbed.pretrained`) go by their names too.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: where its parts go, such as `"auto"` or `"cuda"`.
        **kwargs: passed on to `from_pretrained`, such as `revision`.

    Raises:
        UnknownNameError: if there is no such folder or hub id, or the hub is out of reach.
        UnsupportedModelError: if the model is text-only, or of a family without an adapter.
        ModelError: if its files are damaged or incomplete.
    """
    wanted = DEFAULT_MODEL if model is None else model
    own = pretrained().get(wanted) if isinstance(wanted, str) else None
    place = wanted if own is None else own
    loaded = models.load(
        place, dtype=dtype, device_map=device_map, suggestions=pretrained(), **kwargs
    )
    return Explainer(loaded if own is None else replace(loaded, name=str(wanted)))


def open(folder: str | os.PathLike[str]) -> Explanation:
    """Open an explanation that `Explanation.save` wrote.

    Raises:
        SchemaError: if the folder is not one of seewhy's, is damaged or was written by a newer
            version.
    """
    return Explanation(open_record(folder))


def trace(model: Any, processor: Any) -> CapturedGeneration:
    """Record generation in your own code, to explain it afterwards, by any method.

    Example:
        ```python
        with seewhy.trace(model, processor) as trace:
            model.generate(**processor(images=image, text=prompt, return_tensors="pt"))
        trace.explain()["light"].heatmap
        ```

    Loading, prompts, processors and settings of generation stay as they are; a transformers
    pipeline made of the two may be called as well. Sampling, beams (the one that was chosen),
    several sequences, stop strings, static caches and compiled models all work, for the sequence
    is read again in one forward pass, which is what `explain` costs beside the method.

    Args:
        model: as for `load`, loaded already.
        processor: the one that makes the model's inputs.

    Raises:
        UnsupportedModelError, ModelError: as `load`.
    """
    return CapturedGeneration(Explainer(models.load((unwrap(model), processor))))
