"""What a person calls: load a model, explain an image, look at the words of the answer."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from seewhy import models
from seewhy._version import __version__
from seewhy.core.attribution import Attribution
from seewhy.core.errors import ImageError, ParameterError, PromptError
from seewhy.core.record import Picture, Provenance, Record
from seewhy.core.specs import parse_spec
from seewhy.core.text import Word, words_of
from seewhy.core.trace import Inputs, Trace, View
from seewhy.explanation import ExplainedWord, Explanation, place_of
from seewhy.images import Clip, ImageSource, notes_of, read_clip, read_image
from seewhy.methods import DEFAULT, METHODS, Evidence, Method, create, parameters_of
from seewhy.models.capture import (
    Call,
    flattened,
    images_of_row,
    inputs_of,
    record_calls,
    whole,
    without_exif,
)
from seewhy.models.contrast import contrasted, deciding_token
from seewhy.models.conversation import Conversation, Message
from seewhy.models.session import Session
from seewhy.report.bundle import open_record
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL
from seewhy.testbed.pretrained import pretrained

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = [
    "Explainer",
    "ExplainedWord",
    "Explanation",
    "CapturedGeneration",
    "load",
    "open",
    "trace",
]

Media: TypeAlias = "ImageSource | Clip"
"""A picture in any form, or a clip."""

PROMPT = "Write a one-sentence caption for this image:"
"""What a model is asked if nothing else is said: TAM's prompt for captions."""

CANDIDATES = 10
"""How many next candidates each word shows."""

#: What `generate` takes beside the settings of transformers' GenerationConfig.
_PASSED_ON = ("generation_config", "logits_processor", "stopping_criteria", "streamer")


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
    selected = DEFAULT_MODEL if model is None else model
    own = pretrained().get(selected) if isinstance(selected, str) else None
    place = selected if own is None else own
    loaded = models.load(place, dtype=dtype, device_map=device_map, **kwargs)
    return Explainer(loaded if own is None else replace(loaded, name=str(selected)))


def open(folder: str | os.PathLike[str]) -> Explanation:
    """Open an explanation that `Explanation.save` wrote.

    Raises:
        SchemaError: if the folder is not one of seewhy's, is damaged or was written by a newer
            version.
    """
    return Explanation(open_record(folder))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked, and the answer where it is given."""

    conversation: Conversation
    answer: str | Sequence[int] | Tensor | None = None


@dataclass(frozen=True, eq=False)
class _How:
    """How answers are explained.

    Attributes:
        method: with its parameters.
        contrast: words of the answer, by number or text, and what each is contrasted with.
        first: the first explained place of the text axis; None explains the answer alone.
        settings: of generation, for the record.
        seed: of sampling.
        cut: the length at which answers were cut off; None where they were given.
        notes: what a reader must know, whatever is explained.
    """

    method: Method
    contrast: Mapping[str | int, str]
    first: int | None
    settings: Mapping[str, Any]
    seed: int | None = None
    cut: int | None = None
    notes: tuple[str, ...] = ()


def trace(model: Any, processor: Any) -> CapturedGeneration:
    """Overhear generation in your own code, to explain it afterwards.

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
    return CapturedGeneration(Explainer(models.load((whole(model), processor))))


class Explainer:
    """A model that can be asked, and whose answers can be explained.

    Args:
        loaded: the model with its family and processor, from `seewhy.models.load`.
    """

    def __init__(self, loaded: models.Loaded) -> None:
        self.loaded = loaded

    @property
    def name(self) -> str:
        """Hub id, folder, or the class of a model that was handed in."""
        return self.loaded.name

    def __repr__(self) -> str:
        return f"Explainer({self.name!r}, family={self.loaded.family.name!r})"

    @torch.inference_mode(False)  # a caller may be in it, where there are no gradients
    def explain(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        turn: int | None = None,
        template: Mapping[str, Any] | None = None,
        method: str | Method = DEFAULT,
        answer: str | Sequence[int] | None = None,
        contrast: Mapping[str | int, str] | None = None,
        explain_prompt: bool = True,
        scales: Sequence[float] | None = None,
        max_new_tokens: int = 128,
        seed: int | None = None,
        progress: Callable[[str], None] | None = None,
        **parameters: Any,
    ) -> Explanation:
        """Ask the model about pictures, and explain every word of its answer.

        Args:
            image: a picture (path, bytes, Pillow image, numpy array or torch tensor), a clip from
                `seewhy.read_clip`, or a list of several of them.
            prompt: what to ask; None asks for a one-sentence caption.
            messages: a chat in place of `prompt`, as transformers' chat templates take it: turns
                with a `role` and a `content`, which is text or a list of parts `{"type": "text",
                "text": ...}`, `{"type": "image", "image": ...}` and `{"type": "video", "video":
                ...}`. Parts without a picture of their own take the next one of `image`. Where the
                last turn is the assistant's, that turn is explained; else the model answers.
            turn: which turn of the chat to explain, an assistant's, counted from 0 (negative from
                the end); what comes after it plays no part.
            template: further names for the chat template, such as `{"enable_thinking": False}`.
            method: a name from `seewhy.METHODS`, a spec such as `"arc(k=20)"`, or a method.
            answer: explain these words (or ids) instead of the model's own.
            contrast: words of the answer (by number or text) and what each is contrasted with,
                such as `{"cup": "table"}`: its map then says why the one and not the other.
            explain_prompt: explain the prompt's words too.
            scales: scales of the image for methods that take them; 1 is always among them. None
                takes the method's own, without those that come out at the same size.
            max_new_tokens: where the answer is cut off.
            seed: of sampling, with `do_sample=True`.
            progress: called with a few words as each stage begins.
            **parameters: parameters of the method (`k`, `p`, `window`, ...) and of generation
                (`do_sample`, `temperature`, ...). Generation is greedy unless told otherwise, and
                free of the penalties that a checkpoint may recommend.

        Raises:
            ImageError: if a picture is missing, broken, empty or too large.
            ClipError: if a clip is empty or its frames do not fit each other.
            UnsupportedInputError: if the model's family takes no clips.
            PromptError: if the prompt is blank or holds one of the model's special tokens, or the
                chat is malformed or not to the template's liking.
            AnswerError: if the answer tokenises to nothing, or the model said nothing.
            UnknownNameError: if no method bears the name, or no word of the answer reads as one of
                `contrast`.
            ParameterError: if a parameter is unknown or out of range.
            ScaleError: if scales that were asked for are not positive, repeated, or collapse.
            NonFiniteError: if the model's states hold NaN or infinity.
        """
        asked = _asked(image, prompt, messages, turn, template, answer)
        how, generation = _how(
            method,
            {**parameters, **({} if scales is None else {"scales": tuple(scales)})},
            contrast,
            explain_prompt,
            given=asked.answer is not None,
            max_new_tokens=max_new_tokens,
            seed=seed,
        )
        (explanation,) = self._explain([asked], how, generation, progress or (lambda stage: None))
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
        method: str | Method = DEFAULT,
        explain_prompt: bool = True,
        scales: Sequence[float] | None = None,
        max_new_tokens: int = 128,
        seed: int | None = None,
        progress: Callable[[str], None] | None = None,
        **parameters: Any,
    ) -> list[Explanation]:
        """Explain many answers, several prompts in each pass; results equal `explain`'s.

        Prompts are padded on the left. No more than `chunk_size` prompts are in memory at once, at
        whatever scale.

        Args:
            images: for each prompt what `explain` takes as `image`.
            prompts: one for all, or one for each.
            messages: for each prompt a chat, in place of `prompts`.
            answers: for each prompt the answer to explain; None lets the model answer.
            chunk_size: how many prompts go through the model together, at least 1.
            template, method, explain_prompt, scales, max_new_tokens, seed, progress,
                **parameters: as for `explain`. Sampled answers depend on the chunks.

        Returns:
            One explanation for each prompt, in order.

        Raises:
            ParameterError: if the lists differ in length, or `chunk_size` is below 1.
            SeewhyError: as `explain`.
        """
        if chunk_size < 1:
            raise ParameterError(f"Expected a chunk_size of at least 1, got {chunk_size}.")
        count = len(images)
        each = {
            "prompts": [prompts] * count if isinstance(prompts, str | None) else list(prompts),
            "messages": [None] * count if messages is None else list(messages),
            "answers": [None] * count if answers is None else list(answers),
        }
        for name, values in each.items():
            if len(values) != count:
                raise ParameterError(
                    f"Expected {name} for {count} images, got {len(values)}: give one for each."
                )
        how, generation = _how(
            method,
            {**parameters, **({} if scales is None else {"scales": tuple(scales)})},
            None,
            explain_prompt,
            given=answers is not None,
            max_new_tokens=max_new_tokens,
            seed=seed,
        )
        rows = list(zip(images, each["prompts"], each["messages"], each["answers"], strict=True))
        found: list[Explanation] = []
        for begin in range(0, count, chunk_size):

            def say(stage: str, begin: int = begin) -> None:
                if progress is not None:
                    progress(f"{stage} ({begin + 1} of {count})")

            chunk = [
                _asked(image, prompt, chat, None, template, answer)
                for image, prompt, chat, answer in rows[begin : begin + chunk_size]
            ]
            found += self._explain(chunk, how, generation, say)
        return found

    def _explain(
        self,
        asked: Sequence[_Asked],
        how: _How,
        generation: Mapping[str, Any],
        say: Callable[[str], None],
    ) -> list[Explanation]:
        """Explain prompts that go through the model together."""
        family = self.loaded.family
        given = [one.answer for one in asked if one.answer is not None]
        if 0 < len(given) < len(asked):
            raise ParameterError(
                f"Expected answers for all {len(asked)} prompts or for none, got {len(given)}: "
                "explain those with an answer in a batch of their own."
            )
        say("reading the image" if given else "writing the answer")
        begun = time.perf_counter()
        inputs = [models.prepare_chat(family, one.conversation) for one in asked]
        depth = {"ranking_depth": max(how.method.ranking_depth, CANDIDATES)}
        depth["candidates"] = CANDIDATES
        if given:
            traces = models.read_batch(self.loaded, inputs, given, **depth)
        else:
            traces = models.generate_batch(
                self.loaded, inputs, seed=how.seed, **depth, **generation
            )
        seconds = (time.perf_counter() - begun) / len(asked)
        again = _Again(
            self.loaded,
            traces,
            [self._preparer(one.conversation, say) for one in asked],
            how.method.further_scales if len(asked) > 1 else (),
        )
        say("explaining")
        return [
            self._explanation(
                trace,
                one.conversation.media,
                how,
                seconds,
                again.prepare(row),
                again.read(row),
                Session(self.loaded, one.conversation, tuple(t.id for t in trace.tokens)),
            )
            for row, (trace, one) in enumerate(zip(traces, asked, strict=True))
        ]

    def _preparer(
        self, conversation: Conversation, say: Callable[[str], None]
    ) -> Callable[[float], Inputs]:
        def prepare(scale: float) -> Inputs:
            say(f"looking again at scale {scale:g}")
            return models.prepare_chat(self.loaded.family, conversation, scale=scale)

        return prepare

    def _explanation(
        self,
        trace: Trace,
        media: Sequence[Image | Clip],
        how: _How,
        answered: float,
        prepare: Callable[[float], Inputs],
        read: Callable[[Inputs], Trace],
        session: Session | None = None,
    ) -> Explanation:
        """Explain one answer that was read or overheard.

        Methods that change the picture or look inside need the conversation, which is known of
        what was asked here, and not of what was overheard.
        """
        begun = time.perf_counter()
        words = words_of(trace.answer, [(t.start, t.end) for t in trace.tokens])
        evidence = Evidence(trace, prepare, read, self.loaded.model, how.first, session)
        whole = how.method.attribute(evidence)
        contrasts = {place_of(words, word): other for word, other in how.contrast.items()}
        for place, alternative in contrasts.items():
            whole = self._contrasted(whole, evidence, words[place], alternative, how.method)
        whole, prompt = _on_cpu(whole), len(trace.prompt_tokens)
        cut = how.cut is not None and len(trace.tokens) == how.cut
        notes = [
            *(n for m in media for n in (m.notes if isinstance(m, Clip) else notes_of(m))),
            *(note for seen in trace.inputs.media for note in seen.notes),
            *evidence.notes,
            *how.notes,
            *([f"The answer was cut off after {how.cut} tokens."] if cut else []),
        ]
        explained = len(whole.context)
        return Explanation(
            Record(
                pictures=tuple(_picture(view, media) for view in trace.views),
                prompt=trace.inputs.prompt,
                answer=trace.answer,
                prompt_tokens=trace.prompt_tokens,
                tokens=trace.tokens,
                words=words,
                attribution=whole.tokens(slice(explained - len(trace.tokens), None)),
                asked=whole.tokens(slice(0, prompt)) if how.first == 0 else None,
                turns=trace.inputs.turns,
                contrasts=tuple(contrasts.items()),
                provenance=Provenance(
                    model=self.name,
                    family=self.loaded.family.name,
                    method=how.method.name,
                    parameters={**_used(how.method, whole), **how.settings},
                    versions=_versions(),
                    seconds={
                        "generate": answered,
                        "scales": evidence.seconds,
                        "attribute": time.perf_counter() - begun - evidence.seconds,
                    },
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                    seed=how.seed,
                    notes=tuple(dict.fromkeys(notes)),
                ),
            )
        )

    def _contrasted(
        self,
        whole: Attribution,
        evidence: Evidence,
        word: Word,
        alternative: str,
        method: Method,
    ) -> Attribution:
        """The attribution in which a word's tokens say why it, and not the alternative."""
        place, foil = deciding_token(self.loaded, evidence.trace, word, alternative)
        prompt = len(evidence.trace.prompt_tokens)
        against = method.attribute(
            evidence.map(
                lambda trace: contrasted(self.loaded, trace, word, place, foil),
                selected=[prompt + token for token in word.tokens],
            )
        )
        offset = len(whole.context) - len(evidence.trace.tokens)
        return _replaced(whole, against, [offset + token for token in word.tokens])


class CapturedGeneration:
    """Calls of `generate` within a `with` block, from `seewhy.trace`.

    Attributes:
        calls: what went into each call and came out of it.
    """

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        self.calls: list[Call] = []
        self._images: list[Any] = []
        self._block = ExitStack()

    def __enter__(self) -> CapturedGeneration:
        loaded = self.explainer.loaded
        self._block.enter_context(
            record_calls(loaded.model, loaded.processor.image_processor, self.calls, self._images)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._block.close()

    def explain(
        self,
        image: Media | Sequence[Media] | None = None,
        prompt: str | None = None,
        *,
        sequence: int = 0,
        call: int = -1,
        method: str | Method = DEFAULT,
        contrast: Mapping[str | int, str] | None = None,
        explain_prompt: bool = True,
        scales: Sequence[float] | None = None,
        progress: Callable[[str], None] | None = None,
        **parameters: Any,
    ) -> Explanation:
        """Explain what was generated.

        Args:
            image: the pictures and clips that the prompt showed, in order. None takes those that
                went through the processor within the block.
            prompt: the asker's words; None takes all text of the prompt that the chat template
                does not write by itself.
            sequence: which sequence of the call, where it returned several.
            call: which call of `generate`, the last one by default.
            method, contrast, explain_prompt, scales, progress, **parameters: as for
                `Explainer.explain`.

        Raises:
            ParameterError: if nothing was generated, there is no such call or sequence, or no
                picture is known.
            GeometryError: if the pictures are not those of the prompt.
            SeewhyError: as `Explainer.explain`.
        """
        if not -len(self.calls) <= call < len(self.calls):
            raise ParameterError(
                f"Expected one of {len(self.calls)} calls of generate, got number {call}: call "
                "model.generate within the block."
            )
        loaded, say = self.explainer.loaded, progress or (lambda stage: None)
        made = self.calls[call]
        how, _ = _how(
            method,
            {**parameters, **({} if scales is None else {"scales": tuple(scales)})},
            contrast,
            explain_prompt,
            given=True,
        )
        how = replace(how, settings={"answer": "overheard"})
        begun = time.perf_counter()
        say("reading the answer again")
        media = self._media(image, made, sequence)
        inputs, prepare, answer = inputs_of(loaded, made, sequence, media, prompt)
        depth = max(how.method.ranking_depth, CANDIDATES)
        trace = models.read(loaded, inputs, answer, ranking_depth=depth, candidates=CANDIDATES)
        again = _Again(loaded, [trace], [prepare], ())
        return self.explainer._explanation(
            trace,
            media,
            how,
            time.perf_counter() - begun,
            again.prepare(0),
            again.read(0),
        )

    def _media(
        self, image: Media | Sequence[Media] | None, call: Call, sequence: int
    ) -> list[Image | Clip]:
        """The pictures of one prompt: those handed in, or those that were heard of."""
        if image is not None:
            return _all_media([without_exif(one) for one in flattened(image)])
        heard = [_medium(without_exif(one)) for shown in self._images for one in flattened(shown)]
        if not heard:
            raise ParameterError(
                "Expected the pictures that were asked about, got none: the processor was not "
                "called within the block, so hand them in: trace.explain(image)."
            )
        return images_of_row(self.explainer.loaded.family, call, sequence, heard)


class _Again:
    """Readings of a batch at other scales: all of its rows at once, or each when it is asked for.

    Args:
        loaded: the model.
        traces: the base readings.
        prepare: for each row, what makes the inputs of another scale.
        scales: those that are read for all rows together.
    """

    def __init__(
        self,
        loaded: models.Loaded,
        traces: Sequence[Trace],
        prepare: Sequence[Callable[[float], Inputs]],
        scales: Sequence[float],
    ) -> None:
        self._loaded, self._prepare = loaded, prepare
        self._ids = [[token.id for token in trace.tokens] for trace in traces]
        self._inputs: dict[tuple[int, float], Inputs] = {}
        self._traces: dict[tuple[int, float], Trace] = {}
        known = [{trace.inputs.model_sizes} for trace in traces]
        for scale in scales:
            rows = []
            for row, seen in enumerate(known):
                inputs = self._inputs[row, scale] = prepare[row](scale)
                if inputs.model_sizes not in seen:  # a scale that collapses is never read
                    seen.add(inputs.model_sizes)
                    rows.append(row)
            if rows:
                read = models.read_batch(
                    loaded,
                    [self._inputs[row, scale] for row in rows],
                    [self._ids[row] for row in rows],
                    ranking_depth=1,
                    candidates=0,
                )
                self._traces |= {(row, scale): trace for row, trace in zip(rows, read, strict=True)}

    def prepare(self, row: int) -> Callable[[float], Inputs]:
        """What makes the inputs of a row at a scale."""
        return lambda scale: self._inputs.get((row, scale)) or self._prepare[row](scale)

    def read(self, row: int) -> Callable[[Inputs], Trace]:
        """What reads a row's answer again from such inputs."""

        def again(inputs: Inputs) -> Trace:
            # Of another scale only its visual states and the probability of each token count.
            return self._traces.get((row, inputs.scale)) or models.read(
                self._loaded, inputs, self._ids[row], ranking_depth=1, candidates=0
            )

        return again


def _asked(
    image: Media | Sequence[Media] | None,
    prompt: str | None,
    messages: Sequence[Mapping[str, Any]] | None,
    turn: int | None,
    template: Mapping[str, Any] | None,
    answer: str | Sequence[int] | Tensor | None,
) -> _Asked:
    """What is asked, from what the user handed in."""
    media = [] if image is None else _all_media(image)
    options = dict(template or {})
    if messages is None:
        if turn is not None:
            raise ParameterError("Expected a turn beside messages, got one without: leave it out.")
        if not media:
            raise ImageError("Expected a picture, got none: give `image`, or `messages` with one.")
        words = PROMPT if prompt is None else prompt
        return _Asked(Conversation((Message("user", (*media, words)),), options), answer)
    if prompt is not None:
        raise ParameterError("Expected a prompt or messages, got both: leave one out.")
    turns, rest = chat(messages, media)
    if rest:
        raise ParameterError(
            f"Expected {len(media) - rest} pictures, as the messages have places for, got "
            f"{len(media)}: add parts {{'type': 'image'}}, or leave pictures out."
        )
    last = len(turns) - 1 if turn is None else turn + len(turns) * (turn < 0)
    if not 0 <= last < len(turns):
        raise ParameterError(f"Expected a turn from 0 to {len(turns) - 1}, got {turn}.")
    if turns[last].role != "assistant":
        if turn is not None:
            raise ParameterError(
                f"Expected a turn of the assistant's, got turn {turn}, which is the "
                f"{turns[last].role}'s: of {[t.role for t in turns]} choose another."
            )
        return _Asked(Conversation(turns, options), answer)
    if answer is not None:
        raise ParameterError(
            "Expected an answer or a last turn of the assistant's, got both: leave one out."
        )
    said = [part for part in turns[last].parts if isinstance(part, str)]
    return _Asked(Conversation(turns[:last], options), "\n".join(said))


def chat(
    messages: Sequence[Mapping[str, Any]], media: Sequence[Image | Clip] = ()
) -> tuple[tuple[Message, ...], int]:
    """Read a chat as transformers' chat templates take it.

    Args:
        messages: turns with `role` and `content`.
        media: pictures and clips for the parts that bring none of their own, in order.

    Returns:
        The turns, and how many of `media` were left over.

    Raises:
        PromptError: if a turn or a part is malformed, or a part has no picture.
    """
    waiting, turns = list(media), []
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or not {"role", "content"} <= set(message):
            raise PromptError(
                f"Expected turns with a role and a content, got {str(message)[:80]!r} as turn "
                f"{number}: write {{'role': 'user', 'content': '...'}}."
            )
        content = message["content"]
        if not isinstance(content, str | list | tuple):
            raise PromptError(
                f"Expected the content of turn {number} as text or a list of parts, got "
                f"{type(content).__name__}: see transformers' chat templates."
            )
        parts: list[str | Image | Clip] = []
        for part in [content] if isinstance(content, str) else content:
            if isinstance(part, str):
                parts.append(part)
                continue
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind == "text" and isinstance(part.get("text"), str):
                parts.append(part["text"])
            elif kind in ("image", "video", "image_url"):
                names = (kind, "image", "video", "url", "path")
                own = next((part[name] for name in names if part.get(name) is not None), None)
                if own is None and not waiting:
                    raise PromptError(
                        f"Expected a picture for part {dict(part)} of turn {number}, got none: "
                        f"write it as {kind!r}: ..., or hand in more pictures."
                    )
                wrap = read_clip if kind == "video" and not isinstance(own, Clip) else _medium
                parts.append(waiting.pop(0) if own is None else wrap(own))
            else:
                raise PromptError(
                    "Expected parts of type 'text', 'image' or 'video', got "
                    f"{str(part)[:80]} in turn {number}: see transformers' chat templates."
                )
        turns.append(Message(str(message["role"]), tuple(p for p in parts if p != "")))
    return tuple(turns), len(waiting)


def _all_media(source: Media | Sequence[Media]) -> list[Image | Clip]:
    """One picture or clip, or a list of them; an array is one picture."""
    several: Any = source if isinstance(source, list | tuple) else [source]
    return [_medium(one) for one in several]


def _medium(source: Media) -> Image | Clip:
    return source if isinstance(source, Clip) else read_image(source)


def _how(
    method: str | Method,
    parameters: Mapping[str, Any],
    contrast: Mapping[str | int, str] | None,
    explain_prompt: bool,
    *,
    given: bool,
    max_new_tokens: int | None = None,
    seed: int | None = None,
    notes: tuple[str, ...] = (),
) -> tuple[_How, dict[str, Any]]:
    """How to explain, and the settings of generation."""
    own, generation = _sort(method, parameters)
    chosen = create(method, **own)
    if given and generation:
        raise ParameterError(
            f"Expected no settings of generation beside an answer, got "
            f"{', '.join(generation)}: the answer is given, nothing is generated."
        )
    if contrast and not chosen.contrastive:
        raise ParameterError(
            f"Expected a method that contrasts words, got {chosen.name}: choose one of "
            f"{', '.join(m.name for m in METHODS if m.contrastive)}."
        )
    settings: dict[str, Any] = {"answer": "given"}
    if not given:
        generation["max_new_tokens"] = max_new_tokens
        settings = {name: _plain(value) for name, value in generation.items()}
    return (
        _How(
            method=chosen,
            contrast=dict(contrast or {}),
            first=0 if explain_prompt else None,
            settings=settings,
            seed=seed,
            cut=None if given else max_new_tokens,
            notes=notes,
        ),
        generation,
    )


def _picture(view: View, media: Sequence[Image | Clip]) -> Picture:
    """A view with the picture that its maps are laid over."""
    medium = media[view.medium]
    image = medium.frames[view.frames[0]] if isinstance(medium, Clip) else medium
    return Picture(
        image=torch.from_numpy(np.array(image)),
        base_grid=view.geometry.base_grid,
        medium=view.medium,
        frames=view.frames,
        seconds=view.seconds,
    )


def _replaced(whole: Any, other: Any, tokens: Sequence[int]) -> Any:
    """An attribution, or a scale's view, with some tokens taken from another."""

    def put(into: Tensor, of: Tensor) -> Tensor:
        return into.index_copy(0, at.to(into.device), of[tokens])

    at = torch.tensor(tokens)
    own = {f.name: getattr(whole, f.name) for f in fields(whole)}
    changed: dict[str, Any] = {
        name: put(value, getattr(other, name))
        for name, value in own.items()
        if isinstance(value, Tensor)
    }
    changed["maps"] = tuple(map(put, whole.maps, other.maps))
    if "scales" in own:
        changed["scales"] = tuple(
            _replaced(one, two, tokens) for one, two in zip(whole.scales, other.scales, strict=True)
        )
    return replace(whole, **changed)


def _sort(
    method: str | Method, parameters: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Which parameters are the method's, and which are settings of generation.

    Raises:
        UnknownNameError: if no method bears the name.
        ParameterError: if a parameter is neither, or belongs to another method.
    """
    if not parameters:
        return {}, {}
    from transformers import GenerationConfig

    kind = METHODS.get(parse_spec(method)[0]) if isinstance(method, str) else type(method)
    known = parameters_of(kind)
    settings = {*vars(GenerationConfig()), *_PASSED_ON}
    own, generation = {}, {}
    for name, value in parameters.items():
        if name in known:
            own[name] = value
        elif others := [m.name for m in METHODS if name in parameters_of(m)]:
            raise ParameterError(
                f"Expected a parameter of {kind.name} ({', '.join(known) or 'it has none'}), got "
                f"{name!r}, which is one of {', '.join(others)}: leave it out, or choose another "
                "method."
            )
        elif name in settings:
            generation[name] = value
        else:
            near = difflib.get_close_matches(name, {*known, *settings}, n=3, cutoff=0.6)
            hint = (
                f"did you mean {' or '.join(map(repr, sorted(near)))}?"
                if near
                else ("leave it out.")
            )
            raise ParameterError(
                f"Expected a parameter of {kind.name} ({', '.join(known) or 'it has none'}) or a "
                f"setting of generation, got {name!r}: {hint}"
            )
    return own, generation


def _used(method: Method, attribution: Attribution) -> dict[str, Any]:
    """The method's parameters, its scales as they were used in the end."""
    parameters = method.parameters
    if "scales" in parameters:
        parameters["scales"] = [view.scale for view in attribution.scales]
    return parameters


def _plain(value: Any) -> Any:
    """A setting as JSON can hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return type(value).__name__


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers")
    return {"seewhy": __version__, **{name: version(name) for name in packages}}


def _on_cpu(attribution: Attribution) -> Attribution:
    """The attribution with its tensors in main memory."""
    return _moved(replace(attribution, scales=tuple(_moved(view) for view in attribution.scales)))


def _moved(thing: Any) -> Any:
    tensors = {f.name: getattr(thing, f.name) for f in fields(thing)}
    return replace(
        thing,
        maps=tuple(one.cpu().contiguous() for one in thing.maps),
        **{name: t.cpu().contiguous() for name, t in tensors.items() if isinstance(t, Tensor)},
    )
