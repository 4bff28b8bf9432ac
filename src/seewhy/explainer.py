"""The object that asks a model and explains its answers."""

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
from seewhy.chats import Media, Question, read_question
from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError, UnsupportedModelError
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.text import Word, words_of
from seewhy.core.trace import Trace, View
from seewhy.diagnosed import diagnosed
from seewhy.explanation import Explanation, place_of
from seewhy.images import Clip, notes_of
from seewhy.methods import DEFAULT, FALLBACK, Evidence, Method, create
from seewhy.methods._layers import layers_of_answer
from seewhy.models.contrast import contrasted, deciding_token
from seewhy.models.isolation import without_autocast
from seewhy.models.residual_stream import is_readable
from seewhy.models.session import Session, read_ahead
from seewhy.options import ExplainOptions

if TYPE_CHECKING:
    from PIL.Image import Image

CANDIDATES = 10
"""How many alternatives are kept for each token."""


class Explainer:
    """Asks a model and explains its answers.

    Threads and asyncio tasks may share an explainer, and several explainers may share a model:
    calls that run the model wait for each other.

    Args:
        loaded: the model with its family and processor, from `seewhy.models.load`.
    """

    def __init__(self, loaded: models.Loaded) -> None:
        self.loaded = loaded

    @property
    def name(self) -> str:
        """Hub id or folder; the class name of a model that was already loaded."""
        return self.loaded.name

    def __repr__(self) -> str:
        return f"Explainer({self.name!r}, family={self.loaded.family.name!r})"

    @torch.inference_mode(False)  # gradients are needed, also in a caller's inference mode
    def explain(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> Explanation:
        """Ask the model about pictures, and explain every word of its answer.

        Args:
            image: a picture (path, bytes, Pillow image, numpy array or torch tensor), a clip from
                `seewhy.read_clip`, or a list of several of them.
            prompt: what to ask; None asks for a one-sentence caption.
            messages: a chat in place of `prompt`, as transformers' chat templates take it: turns
                with a `role` and a `content`, which is text or a list of parts `{"type": "text",
                "text": ...}`, `{"type": "image", "image": ...}` and `{"type": "video", "video":
                ...}`. Parts without a picture take the next one of `image`. If the last turn is
                the assistant's, that turn is explained; else the model answers.
            turn: which turn of the chat to explain, an assistant's, counted from 0 (negative from
                the end); later turns are not used.
            template: further variables for the chat template, such as `{"enable_thinking": False}`.
            answer: explain these words (or ids) instead of the model's own.
            options: how to explain.
            **settings: fields of `ExplainOptions` (`method`, `contrast`, `explain_prompt`,
                `layers`, `diagnose`, `other_pictures`, `scales`, `max_new_tokens`, `seed`,
                `progress`), parameters of the method (`k`, `p`, `window`, ...) and settings of
                generation (`do_sample`, ...).

        Raises:
            ImageError: if a picture is missing, broken, empty or too large.
            ClipError: if a clip is empty or its frames do not fit each other.
            UnsupportedInputError: if the model's family takes no clips.
            PromptError: if the prompt is blank or holds one of the model's special tokens, or the
                chat is malformed or the template rejects it.
            AnswerError: if the answer has no tokens.
            UnknownNameError: if there is no method of this name, or a key of `contrast` is no word
                of the answer.
            ParameterError: if a parameter is unknown or out of range.
            ScaleError: if scales are not positive, are repeated, or give the same size.
            NonFiniteError: if the model's states hold NaN or infinity.
        """
        question = read_question(
            image, prompt, messages=messages, turn=turn, template=template, answer=answer
        )
        (explanation,) = self._explain([question], ExplainOptions.of(options, **settings))
        return explanation

    @torch.inference_mode(False)
    def explain_batch(
        self,
        images: Sequence[Media | Sequence[Media] | None],
        prompts: str | Sequence[str | None] | None = None,
        *,
        messages: Sequence[Sequence[Mapping[str, Any]]] | None = None,
        answers: Sequence[str | Sequence[int]] | None = None,
        template: Mapping[str, Any] | None = None,
        chunk_size: int = 8,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> list[Explanation]:
        """Explain many answers, several prompts in each pass, with the same results as `explain`.

        Prompts are padded on the left. At most `chunk_size` prompts are in memory at once, at
        every scale.

        Args:
            images: for each prompt, as `image` of `explain`.
            prompts: one for all, or one for each.
            messages: for each prompt a chat, in place of `prompts`.
            answers: for each prompt the answer to explain; None lets the model answer.
            template: as for `explain`.
            chunk_size: how many prompts go through the model together, at least 1.
            options, **settings: as for `explain`, without `contrast`. Sampled answers depend on
                the chunks.

        Returns:
            One explanation for each prompt, in order.

        Raises:
            ParameterError: if the lists differ in length, or `chunk_size` is below 1.
            SeewhyError: as `explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        if chosen.contrast:
            raise ParameterError(
                "Expected no contrast for a batch, got one: a contrast names words of one answer, "
                "so call explain for that picture alone."
            )
        if chunk_size < 1:
            raise ParameterError(
                f"Expected a chunk_size of at least 1, got {chunk_size}: 1 explains one picture at "
                "a time."
            )
        columns = _repeated(len(images), prompts=prompts, messages=messages, answers=answers)
        rows = list(zip(images, *columns, strict=True))
        explanations: list[Explanation] = []
        for start in range(0, len(rows), chunk_size):

            def report(stage: str, start: int = start) -> None:
                chosen.report_progress(f"{stage} ({start + 1} of {len(rows)})")

            questions = [
                read_question(image, prompt, messages=chat, template=template, answer=answer)
                for image, prompt, chat, answer in rows[start : start + chunk_size]
            ]
            explanations += self._explain(questions, replace(chosen, progress=report))
        return explanations

    @without_autocast()
    def _explain(self, questions: Sequence[Question], options: ExplainOptions) -> list[Explanation]:
        """Explain prompts that go through the model together."""
        answers = _expect_all_or_no_answers(questions, options)
        options.report_progress("reading the image" if answers else "writing the answer")
        start = time.perf_counter()
        traces = self._base_traces(questions, answers, options)
        seconds = (time.perf_counter() - start) / len(questions)
        sessions = [
            replace(
                Session.from_chat(self.loaded, question.conversation, trace.ids),
                attention=trace.attention is not None,
                progress=options.report_progress,
            ).keep(trace)
            for question, trace in zip(questions, traces, strict=True)
        ]
        if len(sessions) > 1:
            read_ahead(sessions, options.explaining_method.further_scales)
        options.report_progress("explaining")
        settings = {"answer": "given"} if answers else _generation_settings(options)
        return [
            explanation_of(session, session.trace(), options, settings, seconds)
            for session in sessions
        ]

    def _base_traces(
        self, questions: Sequence[Question], answers: Sequence[Any], options: ExplainOptions
    ) -> list[Trace]:
        """Read the given answers, or generate answers where none are given."""
        family = self.loaded.family
        inputs = [models.prepare_chat(family, question.conversation) for question in questions]
        depth = reading_options(self.loaded, options)
        if answers:
            return models.read_batch(self.loaded, inputs, answers, **depth)
        return models.generate_batch(
            self.loaded,
            inputs,
            seed=options.seed,
            max_new_tokens=options.max_new_tokens,
            **depth,
            **options.generation,
        )


def _expect_all_or_no_answers(questions: Sequence[Question], options: ExplainOptions) -> list[Any]:
    """The given answers: one for each question, or none.

    Raises:
        ParameterError: if only some questions have one, or there are settings of generation too.
    """
    answers = [question.answer for question in questions if question.answer is not None]
    if answers:
        options.expect_no_generation()
    if 0 < len(answers) < len(questions):
        raise ParameterError(
            f"Expected answers for all {len(questions)} prompts or for none, got "
            f"{len(answers)}: explain those with an answer in a separate call."
        )
    return answers


def reading_options(loaded: models.Loaded, options: ExplainOptions) -> dict[str, Any]:
    """What a base reading keeps, for a method and for the report."""
    method = options.explaining_method
    depths = [method.ranking_depth, CANDIDATES]
    if options.method == DEFAULT:
        depths.append(create(FALLBACK).ranking_depth)
    attention = "shares" in method.all_needs and is_readable(loaded.model)
    return {"ranking_depth": max(depths), "candidates": CANDIDATES, "attention": attention}


def explanation_of(
    session: Session,
    trace: Trace,
    options: ExplainOptions,
    settings: Mapping[str, Any],
    seconds: float,
) -> Explanation:
    """Explain one answer.

    Args:
        session: the model, its inputs and the answer.
        trace: the base reading.
        options: how to explain.
        settings: of generation, for the record.
        seconds: that generation, or reading the answer, took.
    """
    start = time.perf_counter()
    method = options.explaining_method
    words = words_of(trace.answer, [(token.start, token.end) for token in trace.tokens])
    evidence = Evidence.from_session(session, trace=trace, start=options.start)
    method, attribution = _attributed(method, evidence, options)
    contrasts = {place_of(words, word): other for word, other in options.contrast.items()}
    for index, alternative in contrasts.items():
        attribution = _contrasted(attribution, evidence, words[index], alternative, method)
    attribution = attribution.cpu()
    seconds_of_stages = {
        "generate": seconds,
        "scales": evidence.seconds,
        "attribute": time.perf_counter() - start - evidence.seconds,
    }
    parameters = {**_parameters_used(method, attribution), **settings}
    first = len(attribution.context) - len(trace.tokens)
    prompt = attribution.select(slice(0, len(trace.prompt_tokens)))
    record = Record(
        pictures=tuple(_picture(view, session.source.media) for view in trace.views),
        prompt=trace.inputs.prompt,
        answer=trace.answer,
        prompt_tokens=trace.prompt_tokens,
        tokens=trace.tokens,
        words=words,
        attribution=attribution.select(slice(first, None)),
        prompt_attribution=prompt if options.explain_prompt else None,
        turns=trace.inputs.turns,
        contrasts=tuple(contrasts.items()),
        layers=layers_of_answer(session, trace) if options.layers else None,
        provenance=replace(
            _provenance(session, method, parameters, seconds_of_stages),
            seed=options.seed,
            notes=_notes(session, evidence, settings),
        ),
    )
    return Explanation(_diagnosed(record, session, trace, options) if options.diagnose else record)


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
        method=method.name,
        parameters=parameters,
        versions=_versions(),
        seconds=seconds,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _notes(session: Session, evidence: Evidence, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Notes on the media, the processing, the scales and the length of the answer, each once."""
    trace = evidence.trace
    notes = [
        *(
            note
            for medium in session.source.media
            for note in (medium.notes if isinstance(medium, Clip) else notes_of(medium))
        ),
        *(note for medium in trace.inputs.media for note in medium.notes),
        *evidence.notes,
    ]
    if settings.get("max_new_tokens") == len(trace.tokens):
        notes.append(f"The answer was cut off after {len(trace.tokens)} tokens.")
    return tuple(dict.fromkeys(notes))


def _contrasted(
    attribution: Attribution, evidence: Evidence, word: Word, alternative: str, method: Method
) -> Attribution:
    """An attribution in which a word's tokens are contrasted with an alternative."""
    loaded, trace = evidence.expect_session(method.name).loaded, evidence.trace
    deciding, foil = deciding_token(loaded, trace, word, alternative)
    prompt = len(trace.prompt_tokens)
    against = method.attribute(
        evidence.map(
            lambda trace: contrasted(loaded, trace, word, deciding, foil),
            selected=[prompt + token for token in word.tokens],
        )
    )
    offset = len(attribution.context) - len(trace.tokens)
    return attribution.with_tokens_from(against, [offset + token for token in word.tokens])


def _picture(view: View, media: Sequence[Image | Clip]) -> Picture:
    """The picture of a view, under its maps."""
    medium = media[view.medium]
    image = medium.frames[view.frames[0]] if isinstance(medium, Clip) else medium
    return Picture(
        image=torch.from_numpy(np.array(image)),
        base_grid=view.geometry.base_grid,
        medium=view.medium,
        frames=view.frames,
        seconds=view.seconds,
    )


def _repeated(count: int, **columns: Any) -> list[list[Any]]:
    """Lists of `count` entries, from one value for all or one for each."""
    lists = []
    for name, values in columns.items():
        values = [values] * count if isinstance(values, str | None) else list(values)
        if len(values) != count:
            raise ParameterError(
                f"Expected {name} for {count} images, got {len(values)}: give one for each."
            )
        lists.append(values)
    return lists


def _parameters_used(method: Method, attribution: Attribution) -> dict[str, Any]:
    """The method's parameters, with the scales that were used."""
    parameters = method.parameters
    if "scales" in parameters:
        parameters["scales"] = [view.scale for view in attribution.scales]
    return parameters


def _generation_settings(options: ExplainOptions) -> dict[str, Any]:
    """Settings of generation, JSON-ready."""
    settings = {**options.generation, "max_new_tokens": options.max_new_tokens}
    return {name: _plain(value) for name, value in settings.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return type(value).__name__


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers")
    return {"seewhy": __version__, **{name: version(name) for name in packages}}
