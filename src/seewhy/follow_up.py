"""Ask back about an answer: change the picture or the words, and see what the model says then."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from seewhy.answer_diff import AnswerChange, diff_of
from seewhy.chats import Chat, Question
from seewhy.core.errors import ParameterError
from seewhy.core.regions import Region
from seewhy.core.word_lookup import find_text, place_of
from seewhy.diagnosed import diagnosed
from seewhy.explanation import Explanation
from seewhy.images import Clip, with_note
from seewhy.memory.limits import MemoryGuard
from seewhy.models import Loaded
from seewhy.models.answer_ids import continued_ids
from seewhy.models.conversation import Conversation, Message
from seewhy.models.isolation import without_autocast
from seewhy.models.session import Session
from seewhy.options import ExplainOptions
from seewhy.region_effect import (
    CONTROLS,
    RegionChange,
    RegionEffect,
    pictures_of,
    region_change,
    region_effect,
)

if TYPE_CHECKING:
    from PIL.Image import Image

APART = 4.0
"""Levels by which a picture may differ from the one that was saved, as by another compression."""

ONCE = ("streamer", "stopping_criteria")
"""Settings of generation that serve one answer: they are not used again for the next."""


@dataclass(frozen=True, eq=False)
class Asker:
    """What a follow-up question needs of an explainer.

    Attributes:
        loaded: the model.
        explain: answer a question and explain the answer.
        again: explain an answer, by its ids, that the question has had; verdicts of some words.
        session: the model with the question's settings, its pictures and the answer.
    """

    loaded: Loaded
    explain: Callable[[Question, ExplainOptions], Explanation]
    again: Callable[..., Explanation]
    session: Callable[[Question, Sequence[int], ExplainOptions], Session]


@dataclass(frozen=True, eq=False)
class AnsweredAgain:
    """A new answer beside the one before.

    Attributes:
        before: the explanation that was asked about.
        follow_up: the new answer, to be asked about in turn.
        pictures: for each view the picture that the new answer is about, where it was changed;
            else empty.
    """

    before: Explanation
    follow_up: FollowUp
    pictures: tuple[Image, ...] = ()

    @property
    def explanation(self) -> Explanation:
        """The new answer, explained with the same settings."""
        return self.follow_up.explanation

    @property
    def diff(self) -> tuple[AnswerChange, ...]:
        """What changed, word by word."""
        return diff_of(self.before, self.explanation)

    def __repr__(self) -> str:
        return f"AnsweredAgain({self.before.answer!r} -> {self.explanation.answer!r})"


class FollowUp:
    """An explained answer that can be asked about, from `Explainer.follow_up`.

    Every further question is asked with the settings of the first one: the method and its
    parameters, the settings of generation and of the image processor, the chat and its template. A
    streamer and stopping criteria serve one answer only; give new ones with each call.

    Attributes:
        question: what the model was asked.
        options: how the answer was made and explained.
        explanation: the answer.
    """

    def __init__(
        self, asker: Asker, question: Question, options: ExplainOptions, explanation: Explanation
    ) -> None:
        self._asker, self.question, self.explanation = asker, question, explanation
        kept = {name: value for name, value in options.generation.items() if name not in ONCE}
        self.options = replace(options, generation=kept)

    def __repr__(self) -> str:
        return f"FollowUp({self.explanation.answer!r})"

    @property
    def ids(self) -> tuple[int, ...]:
        """The answer's ids, exactly as they were written or read."""
        return tuple(token.id for token in self.explanation.record.tokens)

    @torch.inference_mode(False)
    @without_autocast()
    def effect(
        self,
        region: Region,
        change: str = "erase",
        fill: str = "blur",
        to: tuple[float, float] | None = None,
        *,
        controls: int = CONTROLS,
    ) -> RegionEffect:
        """What a changed region does to each word, the words kept (teacher forcing).

        The answer is read again with the region changed, by the model's own processing. A word's
        log-probability is that of all its tokens together, given the same words before it. So that
        a loss by any damage of the picture is told from a loss by this place, the same shape is
        changed at other places too: `WordEffect.control`.

        Args:
            region: of one of `explanation.views`.
            change: `"erase"`, `"keep"` (all else becomes grey, other pictures too) or `"move"`.
            fill: of an erased or moved region's place: `"blur"`, `"mean"` or `"inpaint"`.
            to: for `"move"`, x and y of the middle of its new place.
            controls: how many other places are changed to compare with; each is one more row of a
                forward pass, and 0 leaves them out.

        Raises:
            ParameterError: if there is no such view, change or fill, the region lies beyond the
                picture, `to` is missing or not needed, or scikit-image is missing.
            NonFiniteError: if a log-probability is NaN.
            MemoryLimitError: if memory runs out.
        """
        if isinstance(controls, bool) or controls < 0:
            raise ParameterError(f"Expected controls of at least 0, got {controls!r}: give 0 to 8.")
        with MemoryGuard(self._asker.loaded, self.options).watching():
            session = self._asker.session(self.question, self.ids, self.options)
            prepared = region_change(session.inputs().views, region, change, fill, to)
            words = self.explanation.record.words
            return region_effect(session, words, region, prepared, controls)

    @torch.inference_mode(False)
    def change(
        self,
        region: Region,
        change: str = "erase",
        fill: str = "blur",
        to: tuple[float, float] | None = None,
        **settings: Any,
    ) -> AnsweredAgain:
        """Change a region and let the model answer again.

        The model writes the new answer also where the first one was given. An answer that was begun
        (`answer_start`) is begun alike.

        Args:
            region, change, fill, to: as for `effect`.
            **settings: in place of those of the first answer, as for `Explainer.explain`.

        Raises:
            SeewhyError: as `effect` and `Explainer.explain`.
        """
        session = self._asker.session(self.question, self.ids, self.options)
        views = session.inputs().views
        prepared = region_change(views, region, change, fill, to)
        media = _noted(prepared, list(session.source.media))
        conversation = self.question.conversation.with_media(media)
        new = replace(self.question, conversation=conversation)
        return self._answer(new, settings, pictures_of(views, media))

    @torch.inference_mode(False)
    def continue_from(self, word: int | str, replacement: str, **settings: Any) -> AnsweredAgain:
        """Put other words in the place of a word, and let the model go on from there.

        What stood before the word stays, token by token; what followed it is left out.

        Args:
            word: its number or its text, as for `explanation[word]`.
            replacement: what stands in its place.
            **settings: in place of those of the first answer, as for `Explainer.explain`.

        Raises:
            UnknownNameError, IndexError: if the answer has no such word.
            AnswerError: if the replacement has no words, or holds a token that stands for a picture
                or ends a turn.
            SeewhyError: as `Explainer.explain`.
        """
        start = self._begun(word, replacement)
        return self._answer(replace(self.question, start=start), settings)

    @torch.inference_mode(False)
    def with_prompt(self, prompt: str, **settings: Any) -> AnsweredAgain:
        """Ask something else about the same pictures, in the place of the last question.

        Args:
            prompt: the new words of the user's last turn; turns before it stay.
            **settings: in place of those of the first answer, as for `Explainer.explain`.

        Raises:
            ParameterError: if the last turn has several texts, between which pictures may stand.
            SeewhyError: as `Explainer.explain`.
        """
        conversation = _with_prompt(self.question.conversation, prompt)
        return self._answer(replace(self.question, conversation=conversation), settings)

    @torch.inference_mode(False)
    def contrast(self, word: int | str, alternative: str, **settings: Any) -> Explanation:
        """Explain why the model wrote a word and not an alternative; the answer stays.

        Args:
            word: its number or its text.
            alternative: another word in its place, such as one of `word.candidates`.
            **settings: of the explanation, such as another `method`.

        Raises:
            UnknownNameError, IndexError: if the answer has no such word.
            ParameterError: if the method cannot contrast words, or the alternative is empty, or the
                same word.
        """
        contrast = {**self.options.contrast, word: alternative}
        chosen = ExplainOptions.of(self.options, **settings, contrast=contrast)
        return self._asker.again(self.question, self.ids, chosen)

    @torch.inference_mode(False)
    def diagnosed(self, words: Sequence[int] | None = None, **settings: Any) -> Explanation:
        """The same explanation with verdicts: what each word rests on.

        Args:
            words: numbers of the words to diagnose; None takes all. Words that their verdicts refer
                to get one too, such as a colour's thing. Verdicts that are there already are kept.
            **settings: `other_pictures`, `progress`.

        Raises:
            IndexError: if there is no such word.
            SeewhyError: as `Explainer.explain` with `diagnose=True`.
        """
        record = self.explanation.record
        numbers = None if words is None else [place_of(record.words, word) for word in words]
        chosen = ExplainOptions.of(self.options, **{**settings, "diagnose": True})

        def verdicts(session: Session) -> Explanation:
            start, trace = time.perf_counter(), session.trace()
            found = diagnosed(record, session, trace, chosen.other_pictures, numbers)
            took = record.provenance.seconds.get("diagnose", 0.0) + time.perf_counter() - start
            seconds = {**record.provenance.seconds, "diagnose": took}
            return Explanation(
                replace(found, provenance=replace(record.provenance, seconds=seconds))
            )

        return self._asker.again(self.question, self.ids, chosen, verdicts)

    def _begun(self, word: int | str, replacement: str) -> tuple[int, ...]:
        """The ids of the answer up to a word, then those of its replacement."""
        record = self.explanation.record
        found, _ = find_text(record.answer, record.words, record.tokens, word)
        # A token may hold the end of the word before too: its characters are written anew.
        reaching = (n for n, token in enumerate(record.tokens) if token.end > found.start)
        first = min(found.tokens[0], next(reaching, found.tokens[0]))
        lead = record.answer[record.tokens[first].start : found.start]
        text = replacement.strip(" ")
        return tuple(continued_ids(self._asker.loaded, self.ids[:first], lead + text))

    def _answer(
        self, question: Question, settings: dict[str, Any], pictures: Sequence[Image] = ()
    ) -> AnsweredAgain:
        """Ask a changed question; the model writes the answer."""
        notes = []
        options = replace(self.options, contrast={})
        if self.options.contrast and "contrast" not in settings:
            notes.append("The contrasts of the answer before were left out: its words may be gone.")
        options = ExplainOptions.of(options, **settings)
        new = replace(question, answer=None, reasoning="", chat=_without_answer(question.chat))
        explanation = self._asker.explain(new, options)
        if notes:
            explanation = _with_notes(explanation, notes)
        follow_up = FollowUp(self._asker, new, options, explanation)
        return AnsweredAgain(self.explanation, follow_up, tuple(pictures))


def _without_answer(chat: Chat) -> Chat:
    """A chat without what its log says of the answer, which is not the new one."""
    return replace(chat, answer=None, reasoning="", log_probability=None, warnings=())


def _with_notes(explanation: Explanation, notes: Sequence[str]) -> Explanation:
    record = explanation.record
    provenance = replace(record.provenance, notes=(*record.provenance.notes, *notes))
    return Explanation(replace(record, provenance=provenance))


def expect_pictures_of(explanation: Explanation, conversation: Conversation) -> None:
    """Expect that a conversation shows the pictures that an explanation is about.

    Raises:
        ParameterError: if their number, their sizes or what they show differ.
    """
    media = conversation.media
    given = [medium.size for medium in media]
    counted = {view.medium for view in explanation.views} == set(range(len(media)))
    for view, picture in zip(explanation.views, explanation.images, strict=True):
        medium = media[view.medium] if counted else None
        if isinstance(medium, Clip):
            fits = view.frames and view.frames[-1] < len(medium.frames)
            medium = medium.frames[view.frames[0]] if fits else None
        if medium is None or medium.size != picture.size or _apart(medium, picture) > APART:
            raise ParameterError(
                f"Expected the pictures that the explanation is about, of sizes "
                f"{[view.size for view in explanation.views]}, got others, of sizes {given}: give "
                "those that were asked about, in their order."
            )


def _apart(one: Image, other: Image) -> float:
    """The mean difference of two pictures of one size, in levels from 0 to 255."""
    pixels = (np.asarray(picture, dtype=np.int16) for picture in (one, other))
    return float(np.abs(np.subtract(*pixels)).mean())


def _noted(change: RegionChange, media: Sequence[Any]) -> list[Any]:
    """The changed pictures, with a note of the change that their explanation keeps."""
    changed = change.media(media)
    own = changed[change.view.medium]
    if isinstance(own, Clip):
        noted: Any = replace(own, notes=(*own.notes, change.described))
    else:
        noted = with_note(own, change.described)
    changed[change.view.medium] = noted
    return changed


def _with_prompt(conversation: Conversation, prompt: str) -> Conversation:
    """The conversation with other words in the user's last turn."""
    *earlier, last = conversation.turns
    texts = [n for n, part in enumerate(last.parts) if isinstance(part, str) and part.strip()]
    if len(texts) > 1:
        raise ParameterError(
            f"Expected one text in the user's last turn, got {len(texts)}: it is not known which "
            "of them to replace. Ask anew with explain(messages=...)."
        )
    parts = list(last.parts)
    if texts:
        parts[texts[0]] = prompt
    else:
        parts.append(prompt)
    return replace(conversation, turns=(*earlier, Message(last.role, tuple(parts))))
