"""The object that asks a model and explains its answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import torch

from seewhy import models
from seewhy.answer_notes import (
    warn_of_foreign_pictures,
)
from seewhy.chats import Chat, Media, Question, read_question
from seewhy.comparison import Comparison, expect_columns
from seewhy.core.errors import ParameterError
from seewhy.core.trace import Inputs, Trace
from seewhy.explained_answer import explanation_of, plain, reading_options
from seewhy.explanation import Explanation
from seewhy.follow_up import Asker, FollowUp, expect_pictures_of
from seewhy.memory.limits import MemoryGuard, MemoryGuards
from seewhy.methods import Method
from seewhy.methods_figure import Methods, figure_by_methods
from seewhy.models.answer_ids import expect_known_ids, ids_of, start_ids
from seewhy.models.isolation import without_autocast
from seewhy.models.processor_settings import with_settings
from seewhy.models.quiet_explaining import told_in_cells
from seewhy.models.session import Session, read_ahead
from seewhy.models.thinking import joined_answer
from seewhy.options import ExplainOptions
from seewhy.report.figure import ExplanationFigure, Named
from seewhy.side_by_side import (
    Comparer,
    by_methods,
    by_models,
    by_pictures,
    file_names,
    ways_of,
)
from seewhy.testbed.pretrained import loadable, pretrained

INTERACT = "seewhy.notebook.interact"
"""The app's page in a cell. It stands on a floor above: it is imported when it is asked for."""


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
        messages: Sequence[Mapping[str, Any]] | Mapping[str, Any] | Chat | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | Mapping[str, Any] | None = None,
        answer_start: str | Sequence[int] | None = None,
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
                ...}`; or in the formats of OpenAI, Qwen, LLaVA, Anthropic and Gemini; or a whole
                request; or what `seewhy.read_chat` read. Parts without a picture, and those with
                an address in the network, take the next one of `image`. If the last turn is the
                assistant's, that turn is explained; else the model answers.
            turn: which turn of the chat to explain, an assistant's, counted from 0 (negative from
                the end); later turns are not used.
            template: further variables for the chat template, such as `{"enable_thinking": False}`.
            answer: explain these words (or ids, or a server's response) instead of the model's own.
            answer_start: words (or ids) that the answer begins with; the model writes the rest. Of
                a template that begins a thinking block, they stand in the block. `max_new_tokens`
                counts what follows them; settings such as `min_new_tokens` count them too.
            options: how to explain.
            **settings: fields of `ExplainOptions` (`method`, `contrast`, `explain_prompt`,
                `layers`, `diagnose`, `other_pictures`, `scales`, `boxes`, `max_new_tokens`,
                `max_pixels`, `min_pixels`, `processor_options`, `seed`, `max_memory`, `progress`),
                parameters of the method (`k`, `p`, `window`, ...) and settings of generation
                (`do_sample`, ...).

        Raises:
            ImageError: if a picture is missing, broken, empty or too large.
            ClipError: if a clip is empty or its frames do not fit each other.
            UnsupportedInputError: if the model's family takes no clips.
            PromptError: if the prompt is blank or holds one of the model's special tokens, or the
                chat is malformed, sets what is not followed, or the template rejects it.
            AnswerError: if the answer has no tokens.
            UnknownNameError: if there is no method of this name.
            ParameterError: if a parameter is unknown or out of range.
            ScaleError: if scales are not positive, are repeated, or come out within 10 % of each
                other, though they were further apart.
            NonFiniteError: if the model's states hold NaN or infinity.
            MemoryLimitError: if it would take more memory than `max_memory` or than there is, or
                memory runs out.

        Warns:
            ShippedModelWarning: if a model of the package is shown more than drawn scenes.
            ContrastWarning: if the answer does not allow a contrast, such as of a word that it
                lacks; the answer is explained without it.
        """
        chosen = ExplainOptions.of(options, **settings)
        guard = MemoryGuard(self.loaded, chosen)
        with guard.watching():
            question = read_question(
                image,
                prompt,
                messages=messages,
                turn=turn,
                template=template,
                answer=answer,
                answer_start=answer_start,
            )
            (explanation,) = self._explain([question], chosen, guard)
        return explanation

    @torch.inference_mode(False)
    def follow_up(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | Mapping[str, Any] | Chat | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | Mapping[str, Any] | None = None,
        answer_start: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> FollowUp:
        """Explain an answer as `explain` does, and keep the question, so that you can ask back.

        Arguments and errors are those of `explain`.

        Returns:
            The answer with its `explanation`; `effect`, `change`, `continue_from`, `with_prompt`,
            `contrast` and `diagnosed` ask about it with the same settings.
        """
        chosen = ExplainOptions.of(options, **settings)
        guard = MemoryGuard(self.loaded, chosen)
        with guard.watching():
            question = read_question(
                image,
                prompt,
                messages=messages,
                turn=turn,
                template=template,
                answer=answer,
                answer_start=answer_start,
            )
            (explanation,) = self._explain([question], chosen, guard)
        return FollowUp(self._asker, question, chosen, explanation)

    @torch.inference_mode(False)
    def follow_up_on(
        self,
        explanation: Explanation,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        answer_start: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> FollowUp:
        """Ask back about an explanation that was made before; it is not made anew.

        Args:
            explanation: of this model's answer, such as a saved one.
            image, prompt: what was asked, as for `explain`.
            answer_start: what the answer was begun with; a new answer is begun alike.
            options, **settings: that it was explained with, as for `explain`.

        Raises:
            AnswerError: if the model does not know a token of the answer.
            ParameterError: if the pictures are not those of the explanation.
            SeewhyError: as `explain`, for what does not fit together.
        """
        chosen = ExplainOptions.of(options, **settings)
        question = read_question(image, prompt, answer_start=answer_start)
        expect_known_ids(self.loaded, [token.id for token in explanation.record.tokens])
        expect_pictures_of(explanation, question.conversation)
        return FollowUp(self._asker, question, chosen, explanation)

    @property
    def _asker(self) -> Asker:
        return Asker(self.loaded, self._explain_one, self._explain_again, self._session)

    @torch.inference_mode(False)
    def explain_batch(
        self,
        images: Sequence[Media | Sequence[Media] | None],
        prompts: str | Sequence[str | None] | None = None,
        *,
        messages: Sequence[Any] | None = None,
        answers: Sequence[str | Sequence[int]] | None = None,
        answer_starts: str | Sequence[str | Sequence[int] | None] | None = None,
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
            answer_starts: what answers begin with, one for all or one for each (None for those
                that are not begun); the model writes the rest.
            template: as for `explain`.
            chunk_size: how many prompts go through the model together, at least 1.
            options, **settings: as for `explain`; a contrast is made in each answer that has its
                word. Sampled answers depend on the chunks.

        Returns:
            One explanation for each prompt, in order.

        Raises:
            ParameterError: if the lists differ in length, or `chunk_size` is below 1.
            SeewhyError: as `explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        if chunk_size < 1:
            raise ParameterError(
                f"Expected a chunk_size of at least 1, got {chunk_size}: 1 explains one picture at "
                "a time."
            )
        columns = _repeated(
            len(images),
            prompts=prompts,
            messages=messages,
            answers=answers,
            answer_starts=answer_starts,
        )
        rows = list(zip(images, *columns, strict=True))
        explanations: list[Explanation] = []
        for start in range(0, len(rows), chunk_size):

            def report(stage: str, start: int = start) -> None:
                chosen.report_progress(f"{stage} ({start + 1} of {len(rows)})")

            guard = MemoryGuard(self.loaded, chosen)
            with guard.watching():
                questions = [
                    read_question(
                        image,
                        prompt,
                        messages=chat,
                        template=template,
                        answer=answer,
                        answer_start=begun,
                    )
                    for image, prompt, chat, answer, begun in rows[start : start + chunk_size]
                ]
                told = replace(chosen, progress=report)
                explanations += self._explain(questions, told, guard)
        return explanations

    @torch.inference_mode(False)
    def compare(
        self,
        other: Explainer | Any,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | None = None,
        answer_start: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> Comparison:
        """Explain one answer by this model and by others, such as a base and a tuned model.

        The answer is this model's, or the given one; all models read it (teacher forcing).

        Args:
            other: the other model: an explainer, or anything that `seewhy.load` takes; or a list of
                up to three of them.
            image, prompt, messages, turn, template, answer, answer_start: as for `explain`.
            options, **settings: as for `explain`; settings of generation are for this model.

        Raises:
            ParameterError: if the models cut the answer into other words, or have no method in
                common.
            SeewhyError: as `seewhy.load` and `explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        given = (messages, turn, template, answer, answer_start)
        question = _question(image, prompt, *given)
        others = other if isinstance(other, list) else [other]
        expect_columns(1 + len(others), "models")
        comparers = [one.comparer for one in (self, *map(_explainer, others))]
        return by_models([partial(_same, one) for one in comparers], question, chosen)

    @torch.inference_mode(False)
    def compare_methods(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        methods: Sequence[str | Method],
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | None = None,
        answer_start: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> Comparison:
        """Explain one answer by two to four methods.

        The model writes the answer once, and reads each scale of the picture once for all methods.

        Args:
            image, prompt, messages, turn, template, answer, answer_start: as for `explain`.
            methods: names, specs such as `"arc(k=20)"`, or methods.
            options, **settings: as for `explain`, without `method` and its parameters.

        Raises:
            ParameterError: if there are less than two or more than four methods, or two are equal.
            SeewhyError: as `explain`.
        """
        ways = ways_of(methods, options, settings)
        given = (messages, turn, template, answer, answer_start)
        return by_methods(self.comparer, _question(image, prompt, *given), ways)

    @torch.inference_mode(False)
    def compare_pictures(
        self,
        images: Sequence[Media | Sequence[Media]],
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | None = None,
        answer_start: str | Sequence[int] | None = None,
        own_answers: bool = False,
        labels: Sequence[str] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> Comparison:
        """Ask the same about two to four pictures, and explain what is said of each.

        All are explained with the answer about the first one, or with the given one (teacher
        forcing). With `own_answers` the model answers about each, and equal words of the answers
        are found word by word.

        Args:
            images: two to four, each as `image` of `explain`.
            prompt, messages, turn, template, answer, answer_start: as for `explain`.
            own_answers: let the model answer about each picture.
            labels: a name for each; None takes the names of files, or numbers.
            options, **settings: as for `explain`.

        Raises:
            ParameterError: if there are less than two or more than four pictures, or an answer is
                given and `own_answers` is set.
            SeewhyError: as `explain`.
        """
        chosen = ExplainOptions.of(options, **settings)
        pictures: list[Any] = list(images) if isinstance(images, list | tuple) else [images]
        expect_columns(len(pictures), "pictures")
        given = (messages, turn, template, answer, answer_start)
        return by_pictures(
            self.comparer,
            [_question(image, prompt, *given) for image in pictures],
            chosen,
            own_answers=own_answers,
            labels=file_names(pictures) if labels is None else labels,
        )

    @property
    def comparer(self) -> Comparer:
        """What `seewhy.side_by_side` needs to explain questions in several ways."""
        return Comparer(self.loaded, self._explain_in_ways, self._write)

    def _explain_in_ways(
        self, question: Question, ways: Sequence[ExplainOptions]
    ) -> list[Explanation]:
        """Explain one prompt in several ways within the limits of memory."""
        guard = MemoryGuards(self.loaded, ways)
        with guard.watching():
            return self._explain([question], ways[0], guard, ways)

    @without_autocast()
    def _write(self, question: Question, options: ExplainOptions) -> tuple[int, ...]:
        """The ids of the model's answer."""
        guard = MemoryGuard(self.loaded, options)
        with guard.watching():
            settled = _with_processor_options(options, [question])
            loaded = with_settings(self.loaded, settled.all_processor_options)
            (trace,) = _base_traces(loaded, [question], [], [options], guard)
            return trace.ids

    @torch.inference_mode(False)
    def figure(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        words: Named | Sequence[Named] | None = None,
        *,
        methods: Methods = (),
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        answer: str | Sequence[int] | Mapping[str, Any] | None = None,
        answer_start: str | Sequence[int] | None = None,
        options: ExplainOptions | None = None,
        **settings: Any,
    ) -> ExplanationFigure:
        """Explain an answer by several methods, and draw one figure of all.

        `explainer.figure("street.jpg", methods=["logit-shares", "tam"]).save("figure.pdf")`. The
        answer is the model's own, written once, or the given one; the model reads it once for all
        methods.

        Args:
            image, prompt, messages, turn, template, answer, answer_start: as for `explain`.
            words: as for `Explanation.figure`; None takes the main words of the answer.
            methods: names from `seewhy.METHODS`, specs such as `"arc(k=20)"`, or methods; a mapping
                gives the names that are shown. Empty takes that of the options.
            options: how to explain.
            **settings: fields of `ExplainOptions`, and of a figure (`layout`, `scale`, `width_cm`,
                ...; see `Explanation.figure`).

        Raises:
            UnknownNameError: if a word is not in the answer, or there is no method of a name.
            ParameterError: if a parameter is unknown or out of range.
            SeewhyError: as `explain` and `Explanation.figure`.
        """
        ask = (messages, turn, template, answer, answer_start)

        def explain(ways: Sequence[ExplainOptions]) -> list[Explanation]:
            return self._explain_in_ways(_question(image, prompt, *ask), ways)

        return figure_by_methods(explain, words, methods, options, settings)

    def interact(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        height: int = 860,
    ) -> Any:
        """The app's page in a notebook's cell: ask, ask back, change the picture, compare.

        It needs `seewhy[app,notebook]`. The page knows this explainer's model only. Its jobs run
        in a thread, so the notebook's other cells can be run meanwhile. Its answers are kept until
        the widget is closed (`page.close()`) or the kernel ends.

        Args:
            image: pictures or clips that are there at first, as `image` of `explain`.
            prompt: the question that is there at first.
            height: of the cell in CSS pixels, at most.

        Returns:
            An `anywidget.AnyWidget`; as the last line of a cell it shows the page.

        Raises:
            OutputError: if anywidget is not installed.
            ImageError: if a picture is missing, broken, empty or too large.

        Example:
            ```python
            seewhy.load().interact("scene.png")
            ```
        """
        return import_module(INTERACT).interact(self, image, prompt, height=height)

    def _explain_one(self, question: Question, options: ExplainOptions) -> Explanation:
        """Explain one prompt within the limits of memory."""
        guard = MemoryGuard(self.loaded, options)
        with guard.watching():
            (explanation,) = self._explain([question], options, guard)
        return explanation

    @without_autocast()
    def _explain_again(
        self,
        question: Question,
        ids: Sequence[int],
        options: ExplainOptions,
        instead: Callable[[Session], Explanation] | None = None,
    ) -> Explanation:
        """Explain the answer that a question has had, as it was explained at first.

        Args:
            question: as it was asked.
            ids: of the answer.
            options: how to explain.
            instead: in place of explaining it again, what is made of the session with its trace.
        """
        guard = MemoryGuard(self.loaded, options)
        with guard.watching():
            settled = _with_processor_options(options, [question])
            loaded = with_settings(self.loaded, settled.all_processor_options)
            start = time.perf_counter()
            (session,) = _base_sessions(loaded, [question], [list(ids)], [settled], guard)
            seconds = time.perf_counter() - start
            if instead is not None:
                return instead(session)
            settled.report_progress("explaining")
            return _explanation(session, question, settled, seconds)

    def _session(self, question: Question, ids: Sequence[int], options: ExplainOptions) -> Session:
        """The model with the settings of a question, and the answer that it has had."""
        settled = _with_processor_options(options, [question])
        loaded = with_settings(self.loaded, settled.all_processor_options)
        session = Session.from_chat(loaded, question.conversation, ids)
        return replace(session, progress=options.report_progress)

    @told_in_cells
    @without_autocast()
    def _explain(
        self,
        questions: Sequence[Question],
        options: ExplainOptions,
        guard: MemoryGuard | MemoryGuards,
        ways: Sequence[ExplainOptions] = (),
    ) -> list[Explanation]:
        """Explain prompts that go through the model together.

        Args:
            questions: the prompts, and given answers.
            options: how to explain, and to write answers.
            guard: of the memory.
            ways: further ways to explain each prompt, in place of `options`.
        """
        questions = [self._with_reasoning(question) for question in questions]
        options = _with_processor_options(options, questions)
        answers = _expect_all_or_no_answers(questions, options)
        media = [medium for question in questions for medium in question.conversation.media]
        warn_of_foreign_pictures(self.loaded, media)
        loaded = with_settings(self.loaded, options.all_processor_options)
        options.report_progress("reading the image" if answers else "writing the answer")
        start = time.perf_counter()
        ways = [_with_processor_options(way, questions) for way in ways] or [options]
        sessions = _base_sessions(loaded, questions, answers, ways, guard)
        seconds = (time.perf_counter() - start) / len(questions)
        if len(sessions) > 1:
            method = options.explaining_method
            given = method.parameters.get("scales") is not None
            read_ahead(sessions, method.further_scales, replace_twins=not given)
        explanations = []
        for session, question in zip(sessions, questions, strict=True):
            for number, way in enumerate(ways, 1):
                which = f" by {way.explaining_method.spec} ({number} of {len(ways)})"
                options.report_progress("explaining" + (which if len(ways) > 1 else ""))
                explanations.append(_explanation(session, question, way, seconds))
        return explanations

    def _with_reasoning(self, question: Question) -> Question:
        """The question whose answer holds its thinking, in the form of the model's template."""
        if not question.reasoning or not isinstance(question.answer, str):
            return question
        return replace(
            question,
            answer=joined_answer(
                self.loaded.family, question.conversation, question.reasoning, question.answer
            ),
        )


def _base_sessions(
    loaded: models.Loaded,
    questions: Sequence[Question],
    answers: Sequence[Any],
    ways: Sequence[ExplainOptions],
    guard: MemoryGuard | MemoryGuards,
) -> list[Session]:
    """Sessions with the base traces, for all ways to explain; nothing else keeps the pixels."""
    traces = _base_traces(loaded, questions, answers, ways, guard)
    return [
        replace(
            Session.from_chat(loaded, question.conversation, trace.ids),
            attention=trace.attention is not None,
            progress=ways[0].report_progress,
        ).keep(trace)
        for question, trace in zip(questions, traces, strict=True)
    ]


def _base_traces(
    loaded: models.Loaded,
    questions: Sequence[Question],
    answers: Sequence[Any],
    ways: Sequence[ExplainOptions],
    guard: MemoryGuard | MemoryGuards,
) -> list[Trace]:
    """Read the given answers, or generate answers where none are given.

    They are written by the first of the ways to explain, and kept as deep as any of them needs.
    """
    options = ways[0]
    inputs = [models.prepare_chat(loaded.family, question.conversation) for question in questions]
    ids = [ids_of(loaded, *row) for row in zip(inputs, answers, strict=True)] if answers else []
    starts = [_start_of(loaded, *row) for row in zip(inputs, questions, strict=True)]
    longest = max(map(len, starts)) + options.answer_limit
    guard.expect_fits(inputs, ids or [range(longest)] * len(inputs))
    depth = reading_options(loaded, *ways)
    if answers:
        return models.read_batch(loaded, inputs, answers, **depth)
    return models.generate_batch(
        loaded,
        inputs,
        starts=starts,
        seed=options.seed,
        max_new_tokens=options.answer_limit,
        **depth,
        **options.generation,
    )


def _start_of(loaded: models.Loaded, inputs: Inputs, question: Question) -> list[int]:
    """The ids that a question's answer begins with; empty for one that is not begun."""
    return [] if question.start is None else start_ids(loaded, inputs, question.start)


def _explanation(
    session: Session, question: Question, options: ExplainOptions, seconds: float
) -> Explanation:
    """Explain the answer of a session, with the settings that it was written with."""
    trace = session.trace()
    given = {"answer": "given"} if question.answer is not None else None
    begun = _start_of(session.loaded, trace.inputs, question)
    settings = given or _generation_settings(options)
    return explanation_of(session, trace, options, settings, seconds, question.chat, len(begun))


def _question(
    image: Any, prompt: str | None, messages: Any, turn: Any, template: Any, answer: Any, start: Any
) -> Question:
    """What is asked, from the arguments of `explain`."""
    return read_question(
        image,
        prompt,
        messages=messages,
        turn=turn,
        template=template,
        answer=answer,
        answer_start=start,
    )


def _explainer(other: Explainer | Any) -> Explainer:
    return other if isinstance(other, Explainer) else Explainer(_loaded(other))


def _same(comparer: Comparer) -> Comparer:
    return comparer


def _loaded(model: Any) -> models.Loaded:
    """A model of the package by its name, or what `models.load` makes of anything else."""
    source = loadable(model)
    loaded = models.load(source, suggestions=pretrained())
    return loaded if source is model else replace(loaded, name=os.fspath(model))


def _with_processor_options(
    options: ExplainOptions, questions: Sequence[Question]
) -> ExplainOptions:
    """The options with the settings of the image processor that the requests name.

    Raises:
        ParameterError: if requests that go through the model together name different ones.
    """
    named = [dict(question.chat.processor_options) for question in questions]
    if not any(named):
        return options
    if any(one != named[0] for one in named):
        raise ParameterError(
            "Expected requests with equal settings of the image processor in one batch, got "
            f"{named[0]} and others: explain them one by one."
        )
    # What the call itself sets comes before what the request names.
    named_alone = {n: v for n, v in named[0].items() if getattr(options, n, None) is None}
    return replace(options, processor_options={**named_alone, **options.processor_options})


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


def _generation_settings(options: ExplainOptions) -> dict[str, Any]:
    """Settings of generation, JSON-ready; a streamer only shows the answer."""
    settings = {**options.generation, "max_new_tokens": options.answer_limit}
    return {name: plain(value) for name, value in settings.items() if name != "streamer"}
