"""Models of the testbed's two worlds, and their scenes with the right captions, for benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from seewhy.bench.suites import EMOJI_MODELS, MODELS
from seewhy.core.sample import Sample
from seewhy.core.trace import Trace
from seewhy.datasets import open_dataset
from seewhy.methods import Evidence
from seewhy.metrics import AnswerWord, answer_words
from seewhy.models import Loaded, load, prepare, read
from seewhy.models.residual_stream import is_readable
from seewhy.models.session import Session
from seewhy.testbed.pretrained import loadable, pretrained

THINGS = ("kind",)
ATTRIBUTES = ("colour", "size", "count")


@dataclass(frozen=True, eq=False)
class Reading:
    """A scene that a model has read with its right caption.

    Attributes:
        number: of the scene, from 0.
        sample: picture, masks, truths.
        words: of the caption.
        evidence: for methods.
    """

    number: int
    sample: Sample
    words: tuple[AnswerWord, ...]
    evidence: Evidence

    @property
    def trace(self) -> Trace:
        """Of the caption."""
        return self.evidence.trace

    def mask(self, regions: Any) -> Tensor:
        """bool `[height, width]`: some things together."""
        chosen = sorted(regions)
        return self.sample.masks[chosen].any(0)


def shipped_models() -> list[str]:
    """The shipped models without a habit, of both worlds."""
    return [name for name in (*MODELS, *EMOJI_MODELS) if name in pretrained()]


def loaded_model(model: str) -> Loaded:
    """A shipped model by its name, or one in a folder, in float32."""
    loaded = load(loadable(model))
    loaded.model.float().eval()
    return loaded


def readings(
    loaded: Loaded,
    spec: str,
    count: int,
    *,
    depth: int = 50,
    attention: bool = False,
    longest: int | None = None,
) -> Iterator[Reading]:
    """The first scenes of a data set, each read with its right caption.

    Args:
        loaded: the model.
        spec: of the data set, such as `emoji:split=heldout`.
        count: of scenes.
        depth: of the rankings.
        attention: whether methods of attention will be used.
        longest: the longer side of larger pictures as the model sees them, pixels; None leaves
            them as they are. Masks keep their size.
    """
    dataset = open_dataset(spec)
    attention = attention and is_readable(loaded.model)
    for number, id in enumerate(dataset.ids[:count]):
        sample = dataset.sample(id)
        image = sample.image.copy()
        if longest is not None:
            image.thumbnail((longest, longest))
        inputs = prepare(loaded.family, image, sample.prompt)
        trace = read(loaded, inputs, str(sample.answer), ranking_depth=depth, attention=attention)
        session = Session.from_image(loaded, image, sample.prompt, trace.ids)
        evidence = Evidence.from_session(
            replace(session, attention=attention), trace=trace, ranking_depth=depth
        )
        spans = [(token.start, token.end) for token in trace.tokens]
        words = answer_words(trace.answer, spans, sample.annotate(trace.answer))
        yield Reading(number, sample, words, evidence)


def write_results(
    out: Path | None,
    name: str,
    results: Sequence[dict[str, Any]],
    page: Callable[[Sequence[dict[str, Any]]], str],
) -> None:
    """Print results, and write `name.json` and `name.md` with earlier ones of other models.

    Args:
        out: their folder; None only prints.
        name: of the files.
        results: of each model and data set, with the keys "model" and "data".
        page: makes Markdown of results.
    """
    print(page(results))
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"{name}.json"
    earlier = json.loads(file.read_text()) if file.exists() else []
    new = {(result["model"], result["data"]) for result in results}
    merged = [r for r in earlier if (r["model"], r["data"]) not in new] + list(results)
    file.write_text(json.dumps(merged, indent=1) + "\n")
    (out / f"{name}.md").write_text(page(merged))
