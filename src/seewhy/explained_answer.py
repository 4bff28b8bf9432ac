"""Make the explanation of one answer that a model has given or read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seewhy import models
from seewhy._version import __version__
from seewhy.answer_contrasts import with_contrasts
from seewhy.answer_notes import (
    notes_of_chat,
    notes_of_model,
    notes_of_question,
    notes_of_start,
    notes_of_words,
    warnings_of,
)
from seewhy.chats import Chat
from seewhy.core.attribution import Attribution
from seewhy.core.errors import UnsupportedModelError
from seewhy.core.geometry import TokenGrid
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import words_of
from seewhy.core.thinking import opens_thinking, thinking_span
from seewhy.core.trace import Trace, View
from seewhy.diagnosed import diagnosed
from seewhy.explanation import Explanation
from seewhy.images import Clip, notes_of
from seewhy.methods import DEFAULT, FALLBACK, Evidence, Method, create
from seewhy.methods._layers import layers_of_answer
from seewhy.models.residual_stream import is_readable
from seewhy.models.session import Session, notes_on_model
from seewhy.options import ExplainOptions

if TYPE_CHECKING:
    from PIL.Image import Image

CANDIDATES = 10
"""How many alternatives are kept for each token."""

PROMPT_END = 24
"""Tokens at a prompt's end in which the opening tag of a thinking block is looked for."""


def reading_options(loaded: models.Loaded, *ways: ExplainOptions) -> dict[str, Any]:
    """What a base reading keeps, for the methods of some ways to explain, and for the report."""
    methods = [way.explaining_method for way in ways]
    depths = [CANDIDATES, *(method.ranking_depth for method in methods)]
    if any(way.method == DEFAULT for way in ways):
        depths.append(create(FALLBACK).ranking_depth)
    shares = any("shares" in method.all_needs for method in methods)
    attention = shares and is_readable(loaded.model)
    return {"ranking_depth": max(depths), "candidates": CANDIDATES, "attention": attention}


def explanation_of(
    session: Session,
    trace: Trace,
    options: ExplainOptions,
    settings: Mapping[str, Any],
    seconds: float,
    chat: Chat | None = None,
    begun: int = 0,
) -> Explanation:
    """Explain one answer.

    Args:
        session: the model, its inputs and the answer.
        trace: the base reading.
        options: how to explain.
        settings: of generation, for the record.
        seconds: that generation, or reading the answer, took.
        chat: that the question comes from, with its notes.
        begun: how many of its tokens were given, before the model went on.
    """
    start = time.perf_counter()
    method = options.explaining_method
    words = words_of(trace.answer, trace.tokens)
    evidence = Evidence.from_session(session, trace=trace, start=options.start)
    method, attribution = _attributed(method, evidence, options)
    contrasts = with_contrasts(attribution, evidence, words, options.contrast, method)
    attribution = contrasts.attribution.cpu()
    seconds_of_stages = {
        "generate": seconds,
        "scales": evidence.seconds,
        "attribute": time.perf_counter() - start - evidence.seconds,
    }
    parameters = {
        **_parameters_used(method, attribution),
        **_processor_options(session.loaded),
        **settings,
    }
    grids = attribution.grids or trace.inputs.base_grids
    attribution = replace(attribution, grids=None)  # a record has them with its pictures
    first = len(attribution.context) - len(trace.tokens)
    prompt = attribution.select(slice(0, len(trace.prompt_tokens)))
    chat = chat or Chat(())
    warnings = warnings_of(session, trace, words, settings, chat, begun) + contrasts.impossible
    notes = [
        *warnings,
        *notes_of_question(method, session.loaded.family, trace.inputs),
        *notes_of_model(session.loaded),
        *notes_of_chat(session, trace, chat),
        *notes_of_start(trace, begun),
        *_notes(session, evidence),
        *method.licences,
    ]
    record = Record(
        pictures=tuple(
            _picture(view, grid, session.source.media)
            for view, grid in zip(trace.views, grids, strict=True)
        ),
        prompt=trace.inputs.prompt,
        answer=trace.answer,
        prompt_tokens=trace.prompt_tokens,
        tokens=trace.tokens,
        words=words,
        attribution=attribution.select(slice(first, None)),
        prompt_attribution=prompt if options.explain_prompt else None,
        turns=trace.inputs.turns,
        contrasts=tuple(contrasts.made.items()),
        layers=layers_of_answer(session, trace) if options.layers else None,
        box_format=options.box_format(session.loaded.family.box_format),
        thinking=thinking_span(trace.answer, is_open=_opens_thinking(session, trace)),
        provenance=replace(
            _provenance(session, method, parameters, seconds_of_stages),
            seed=options.seed,
            notes=tuple(dict.fromkeys(notes)),
        ),
        warnings=warnings,
        word_notes=notes_of_words(method, session.loaded.family, trace.inputs, words),
    )
    return Explanation(_diagnosed(record, session, trace, options) if options.diagnose else record)


def _opens_thinking(session: Session, trace: Trace) -> bool:
    """Whether the prompt ends with the opening tag of a thinking block."""
    end = trace.inputs.tensors["input_ids"][0, -PROMPT_END:].tolist()
    return opens_thinking(session.loaded.processor.tokenizer.decode(end))


def _diagnosed(record: Record, session: Session, trace: Trace, options: ExplainOptions) -> Record:
    """The record with verdicts, and the time they took."""
    start = time.perf_counter()
    found = diagnosed(record, session, trace, options.other_pictures)
    seconds = {**record.provenance.seconds, "diagnose": time.perf_counter() - start}
    return replace(found, provenance=replace(record.provenance, seconds=seconds))


def _attributed(
    method: Method, evidence: Evidence, options: ExplainOptions
) -> tuple[Method, Attribution]:
    """The attribution and its method: the fallback where the default cannot read the model."""
    try:
        return method, method.attribute(evidence)
    except UnsupportedModelError as error:
        if options.method != DEFAULT:
            raise
        method = create(FALLBACK)
        evidence.note(f"Explained by {method.spec}, not by {DEFAULT}. {error}")
        return method, method.attribute(evidence)


def _provenance(
    session: Session, method: Method, parameters: dict[str, Any], seconds: dict[str, float]
) -> Provenance:
    """The model, the method, the versions and the time, without seed and notes."""
    return Provenance(
        model=session.loaded.name,
        family=session.loaded.family.name,
        method=method.spec,
        parameters=parameters,
        versions=_versions(),
        seconds=seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _notes(session: Session, evidence: Evidence) -> list[str]:
    """Notes on the media, the processing and the scales."""
    trace = evidence.trace
    return [
        *(
            note
            for medium in session.source.media
            for note in (medium.notes if isinstance(medium, Clip) else notes_of(medium))
        ),
        *(note for medium in trace.inputs.media for note in medium.notes),
        *evidence.notes,
        *notes_on_model(session),
    ]


def _picture(view: View, grid: TokenGrid, media: Sequence[Image | Clip]) -> Picture:
    """The picture of a view, under its maps on a grid."""
    medium = media[view.medium]
    image = medium.frames[view.frames[0]] if isinstance(medium, Clip) else medium
    return Picture(
        image=torch.from_numpy(np.array(image)),
        base_grid=grid,
        medium=view.medium,
        frames=view.frames,
        seconds=view.seconds,
    )


def _parameters_used(method: Method, attribution: Attribution) -> dict[str, Any]:
    """The method's parameters, with the scales that were used."""
    parameters = method.parameters
    if "scales" in parameters:
        parameters["scales"] = [view.scale for view in attribution.scales]
    return parameters


def _processor_options(loaded: models.Loaded) -> dict[str, Any]:
    """The chosen settings of the image processor, JSON-ready; nothing if none was chosen."""
    chosen = {name: plain(value) for name, value in loaded.processor.call_settings.items()}
    return {"processor_options": chosen} if chosen else {}


def plain(value: Any) -> Any:
    """A setting as JSON can hold it; of other objects the class."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return type(value).__name__


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers")
    return {"seewhy": __version__, **{name: version(name) for name in packages}}
