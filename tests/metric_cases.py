"""Cases for metrics: planted maps without a model, and drawn scenes read by a real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import seewhy
from random_traces import random_trace
from seewhy.core.attribution import Attribution
from seewhy.core.geometry import Geometry
from seewhy.core.sample import Sample, Truth
from seewhy.core.text import split_words
from seewhy.core.trace import Trace
from seewhy.methods import Evidence, Method, create
from seewhy.metrics import AnswerWord, answer_words
from seewhy.metrics._reruns import SessionSample
from seewhy.models import Loaded, prepare, read
from seewhy.models.session import Session
from seewhy.testbed.captions import captions
from seewhy.testbed.scenes import draw, scene

SHIPPED = Path(seewhy.__file__).parent / "testbed" / "checkpoints" / "tiny-qwen2-vl"

#: Height and width of a planted case's picture; its maps are of that size, so nothing is resized.
SIZE = (8, 12)

WORDS = (" a", " star", " is", " there")


def box(top: int, left: int, bottom: int, right: int) -> Tensor:
    """bool `SIZE`, true in a box."""
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[top:bottom, left:right] = True
    return mask


def planted(
    maps: Tensor,
    masks: Sequence[Tensor] = (),
    truths: Mapping[str, Truth] | None = None,
    *,
    answer: Sequence[str] = WORDS,
    context: Tensor | None = None,
    selected: Sequence[int] | None = None,
) -> SessionSample:
    """A case whose attribution is given, with no model behind it.

    Args:
        maps: float `[token, height, width]` of `SIZE`, in [0, 1]: the displays.
        masks: of the sample.
        truths: by word; characters are filled in. Of a word said twice, of each.
        answer: its tokens.
        context: float `[token, text]`, zeros if None.
        wanted: places on the text axis that evidence asks for; all if None.
    """
    trace = random_trace(answer=tuple(answer))
    height, width = SIZE
    known = truths or {}

    def annotate(text: str) -> tuple[Truth, ...]:
        spans = [(start, end) for start, end in split_words(text) if text[start:end] in known]
        return tuple(replace(known[text[a:b]], start=a, end=b) for a, b in spans)

    stack = torch.stack(list(masks)) if masks else torch.zeros(0, *SIZE, dtype=torch.bool)
    sample = Sample("planted", Image.new("RGB", (width, height)), "What?", stack, annotate)
    evidence = Evidence.from_traces({1.0: trace}, selected=selected)
    tokens, text = len(trace.tokens), len(trace.text_tokens)
    attribution = Attribution(
        (maps.float(),),
        torch.zeros(tokens, text) if context is None else context,
        torch.zeros(tokens),
        torch.ones(tokens),
        grids=(Geometry.of_equal_cells(trace.views[0].geometry.size, *SIZE).base_grid,),
    )
    words = words_of_sample(sample, trace)
    return SessionSample(sample, evidence, create("logit-lens"), attribution, words, ())


def words_of_sample(sample: Sample, trace: Trace) -> tuple[AnswerWord, ...]:
    """The words of a trace's answer with what the sample knows of them."""
    spans = [(token.start, token.end) for token in trace.tokens]
    return answer_words(trace.answer, spans, sample.annotate(trace.answer))


def truth(role: str, *regions: int, **more: Any) -> Truth:
    """What is known of a word, its characters aside."""
    return Truth(0, 0, role, regions, **more)


def drawn(
    loaded: Loaded,
    method: str | Method = "logit-lens",
    *,
    index: int = 0,
    roles: Sequence[str] = ("kind", "colour"),
    count: int = 2,
    memory: dict[Any, Any] | None = None,
) -> SessionSample:
    """A drawn scene with its right caption, read and explained.

    Args:
        loaded: the model.
        method: with its parameters.
        index: of the scene, held out.
        roles: of the wanted words.
        count: how many of them.
        memory: of the sample.
    """
    picture = draw(of := scene(index, "heldout"))
    said = captions(of, picture)[0]

    def annotate(_: str) -> tuple[Truth, ...]:
        return tuple(
            Truth(m.start, m.end, m.role, m.objects, True if m.objects else None)
            for m in said.mentions
        )

    image, masks = Image.fromarray(picture.image), torch.from_numpy(picture.masks)
    sample = Sample(f"heldout-{index}", image, said.prompt, masks, annotate, said.text)
    trace = read(loaded, prepare(loaded.family, image, said.prompt), said.text, ranking_depth=50)
    ids = [token.id for token in trace.tokens]
    session = Session.from_image(loaded, image, said.prompt, ids)
    evidence = Evidence.from_session(session, trace=trace)
    words = words_of_sample(sample, trace)
    selected = tuple(at for at, word in enumerate(words) if word.role in roles)[:count]
    chosen = create(method)
    return SessionSample(
        sample,
        evidence,
        chosen,
        chosen.attribute(evidence),
        words,
        selected,
        memory={} if memory is None else {"sample": memory},
    )
