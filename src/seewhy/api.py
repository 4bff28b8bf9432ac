"""What a person calls: load a model, explain an image, look at the words of the answer."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seewhy import models
from seewhy._version import __version__
from seewhy.core.attribution import Attribution
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.core.geometry import Box
from seewhy.core.record import Provenance, Record
from seewhy.core.registry import unknown
from seewhy.core.text import Word, phrase, words_of
from seewhy.core.trace import Inputs, Trace
from seewhy.images import ImageSource, notes_of, read_image
from seewhy.methods import DEFAULT, METHODS, Evidence, Method, create, parameters_of
from seewhy.report.bundle import open_record, save_record
from seewhy.report.colourmaps import DEFAULT as COLOURMAP
from seewhy.report.figures import plot
from seewhy.report.overlay import OPACITY, overlay
from seewhy.report.page import frame, html
from seewhy.report.units import Unit, prompt_words, token_units, word_units

if TYPE_CHECKING:
    from PIL.Image import Image

PROMPT = "Write a one-sentence caption for this image:"
"""What a model is asked if nothing else is said: TAM's prompt for captions."""

SHIPPED = "tiny-qwen2-vl"
"""The model that ships with the package."""

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
            `"tiny-qwen2-vl"`, takes the model that ships with the package.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: where its parts go, such as `"auto"` or `"cuda"`.
        **kwargs: passed on to `from_pretrained`, such as `revision`.

    Raises:
        UnknownNameError: if there is no such folder or hub id, or the hub is out of reach.
        UnsupportedModelError: if the model is text-only, or of a family without an adapter.
        ModelError: if its files are damaged or incomplete.
    """
    shipped = model is None or model == SHIPPED
    place = _checkpoint(SHIPPED) if shipped else model
    loaded = models.load(place, dtype=dtype, device_map=device_map, **kwargs)  # type: ignore[arg-type]
    return Explainer(replace(loaded, name=SHIPPED) if shipped else loaded)


def open(folder: str | os.PathLike[str]) -> Explanation:
    """Open an explanation that `Explanation.save` wrote.

    Raises:
        SchemaError: if the folder is not one of seewhy's, is damaged or was written by a newer
            version.
    """
    return Explanation(open_record(folder))


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

    def explain(
        self,
        image: ImageSource,
        prompt: str | None = None,
        *,
        method: str | Method = DEFAULT,
        answer: str | Sequence[int] | None = None,
        scales: Sequence[float] | None = None,
        max_new_tokens: int = 128,
        seed: int | None = None,
        progress: Callable[[str], None] | None = None,
        **parameters: Any,
    ) -> Explanation:
        """Ask the model about an image, and explain every word of its answer.

        Args:
            image: path, bytes, Pillow image, numpy array or torch tensor.
            prompt: what to ask; None asks for a one-sentence caption.
            method: a name from `seewhy.METHODS`, or a method with its parameters.
            answer: explain these words (or ids) instead of the model's own.
            scales: scales of the image for methods that take them; 1 is always among them. None
                takes the method's own, without those that come out at the same size.
            max_new_tokens: where the answer is cut off.
            seed: of sampling, with `do_sample=True`.
            progress: called with a few words as each stage begins.
            **parameters: parameters of the method (`k`, `p`, `window`, ...) and of generation
                (`do_sample`, `temperature`, ...). Generation is greedy unless told otherwise.

        Raises:
            ImageError: if the picture is missing, broken, empty or too large.
            PromptError: if the prompt is blank or holds one of the model's special tokens.
            AnswerError: if the answer tokenises to nothing, or the model said nothing.
            UnknownNameError: if no method bears the name.
            ParameterError: if a parameter is unknown or out of range.
            ScaleError: if scales that were asked for are not positive, repeated, or collapse.
            NonFiniteError: if the model's states hold NaN or infinity.
        """
        say = progress or (lambda stage: None)
        given = parameters if scales is None else {**parameters, "scales": tuple(scales)}
        own, generation = _sort(method, given)
        chosen = create(method, **own)
        if answer is not None and generation:
            raise ParameterError(
                f"Expected no settings of generation beside an answer, got "
                f"{', '.join(generation)}: the answer is given, nothing is generated."
            )
        prompt = PROMPT if prompt is None else prompt
        picture = read_image(image)

        say("reading the image" if answer is not None else "writing the answer")
        begun = time.perf_counter()
        inputs = self._prepare(picture, prompt, 1.0)
        depth = max(chosen.ranking_depth, CANDIDATES)
        if answer is not None:
            trace = models.read(
                self.loaded, inputs, answer, ranking_depth=depth, candidates=CANDIDATES
            )
        else:
            trace = models.generate(
                self.loaded,
                inputs,
                max_new_tokens=max_new_tokens,
                ranking_depth=depth,
                candidates=CANDIDATES,
                seed=seed,
                **generation,
            )
        answered = time.perf_counter()

        def prepare(scale: float) -> Inputs:
            say(f"looking again at scale {scale:g}")
            return self._prepare(picture, prompt, scale)

        evidence = Evidence(trace, prepare, self._rereader(trace), self.loaded.model)
        say("explaining")
        attribution = _on_cpu(chosen.attribute(evidence))
        seconds = {
            "generate": answered - begun,
            "scales": evidence.seconds,
            "attribute": time.perf_counter() - answered - evidence.seconds,
        }
        cut = answer is None and len(trace.tokens) == max_new_tokens
        notes = [
            *notes_of(picture),
            *evidence.notes,
            *([f"The answer was cut off after {max_new_tokens} tokens."] if cut else []),
        ]
        settings = (
            {"answer": "given"}
            if answer is not None
            else {
                "max_new_tokens": max_new_tokens,
                **{name: _plain(value) for name, value in generation.items()},
            }
        )
        return Explanation(
            Record(
                image=torch.from_numpy(np.array(picture)),
                prompt=prompt,
                answer=trace.answer,
                prompt_tokens=trace.prompt_tokens,
                tokens=trace.tokens,
                words=words_of(trace.answer, [(t.start, t.end) for t in trace.tokens]),
                canvas=trace.geometry.canvas,
                attribution=attribution,
                provenance=Provenance(
                    model=self.name,
                    family=self.loaded.family.name,
                    method=chosen.name,
                    parameters={**_used(chosen, attribution), **settings},
                    versions=_versions(),
                    seconds=seconds,
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                    seed=seed,
                    notes=tuple(notes),
                ),
            )
        )

    def _prepare(self, picture: Image, prompt: str, scale: float) -> Inputs:
        return models.prepare(self.loaded.family, picture, prompt, scale=scale)

    def _rereader(self, trace: Trace) -> Callable[[Inputs], Trace]:
        ids = [token.id for token in trace.tokens]
        # Of another scale only its visual states and the probability of each token are looked at.
        return lambda inputs: models.read(self.loaded, inputs, ids, ranking_depth=1, candidates=0)


@dataclass(frozen=True)
class ContextWord:
    """An earlier word that a word may lean on.

    Attributes:
        text: its characters.
        part: `"prompt"` or `"answer"`.
        index: its place among the words of that part.
    """

    text: str
    part: str
    index: int


@dataclass(frozen=True, eq=False)
class WordScale:
    """A word at one scale of the image.

    Attributes:
        scale: the scale asked for.
        seen: width and height in pixels of what the model saw.
        probability: the product over the word's tokens of p(token | image at this scale, prefix).
        said: whether the model would still have said it.
        weight: the share with which the scale entered the map.
        map: float32 `[height, width]`, the base map on the scale's own grid.
    """

    scale: float
    seen: tuple[int, int]
    probability: float
    said: bool
    weight: float
    map: np.ndarray


class ExplainedWord:
    """A word of the answer (or a phrase, or a token), and what it rests on.

    A word is read at its best token: its map is the greatest of its tokens' maps, place by place,
    and it leans on an earlier word as much as any of its tokens on any token of that word.
    """

    def __init__(self, whole: _Whole, unit: Unit, *, by_token: bool = False) -> None:
        self._whole, self._record = whole, whole.record
        self._unit, self._by_token = unit, by_token

    @property
    def text(self) -> str:
        """Its characters."""
        return self._unit.text

    @property
    def start(self) -> int:
        """Where it begins in the answer, in characters."""
        return self._unit.start

    @property
    def end(self) -> int:
        """Where it ends in the answer, exclusive."""
        return self._unit.end

    @property
    def probability(self) -> float:
        """What the model gave it: the product over its tokens, before temperature and penalties."""
        return self._unit.probability

    @property
    def candidates(self) -> tuple[tuple[str, float], ...]:
        """What the model might have said at its first token, `(text, probability)`, best first."""
        return self._unit.candidates

    @property
    def heatmap(self) -> np.ndarray:
        """float32 `[height, width]` on the native grid, non-negative, raw scale (logits)."""
        return self._unit.map.numpy().copy()

    @property
    def display(self) -> np.ndarray:
        """float32 `[height, width]` in [0, 1]: image and text scores scaled together."""
        return self._unit.display.numpy()

    @property
    def range(self) -> tuple[float, float]:
        """The raw values that `display` shows as 0 and 1."""
        return self._unit.low, self._unit.high

    @property
    def peak(self) -> tuple[float, float] | None:
        """x and y of the map's highest point in pixels of the image; None for an empty map."""
        return None if self._unit.box is None else self._unit.peak

    @property
    def box(self) -> Box | None:
        """left, top, right, bottom in pixels around the cells above half of the maximum,
        within the image; None for an empty map.
        """
        if self._unit.box is None:
            return None
        width, height = self._record.size
        left, top, right, bottom = self._unit.box
        return max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height))

    @property
    def context(self) -> list[tuple[ContextWord, float]]:
        """Earlier words it leans on, of the prompt and the answer in reading order, with weights.

        Weights are on the raw scale of `heatmap`; words that count for nothing are left out. For a
        token the context words are tokens.
        """
        asked, said = self._whole.token_texts if self._by_token else self._whole.word_texts
        return [
            (
                ContextWord(asked[place], "prompt", place)
                if place < len(asked)
                else ContextWord(said[place - len(asked)], "answer", place - len(asked)),
                weight,
            )
            for place, weight in sorted(self._unit.context)
        ]

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """Its tokens, each with a map and a context of its own."""
        return tuple(self._whole.tokens[place] for place in self._unit.tokens)

    @property
    def scales(self) -> tuple[WordScale, ...]:
        """The word at each scale of the image, the base scale first."""
        return tuple(
            WordScale(
                scale=view.scale,
                seen=view.seen,
                probability=unit.probability,
                said=unit.said,
                weight=unit.weight,
                map=unit.map.numpy().copy(),
            )
            for view, unit in zip(self._record.attribution.scales, self._unit.scales, strict=True)
        )

    def overlay(self, *, colourmap: str = COLOURMAP, opacity: float = OPACITY) -> Image:
        """The image with the word's map laid over it, as a Pillow image of the image's size.

        Args:
            colourmap: a name from `seewhy.report.colourmaps.NAMES`.
            opacity: in [0, 1].
        """
        record = self._record
        return overlay(record.image, self._unit.display, record.canvas, colourmap, opacity=opacity)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: text, offsets, tokens, probability, peak, box and context in the answer."""
        return {
            "text": self.text,
            "start": self.start,
            "end": self.end,
            "tokens": list(self._unit.tokens),
            "probability": self.probability,
            "peak": None if self.peak is None else list(self.peak),
            "box": None if self.box is None else list(self.box),
            "context": [
                [word.index, weight] for word, weight in self.context if word.part == "answer"
            ],
        }

    def _repr_png_(self) -> bytes:
        return self.overlay()._repr_png_()  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"ExplainedWord({self.text!r}, probability={self.probability:.3f}, peak={self.peak})"


class _Whole:
    """What the words of one record share, worked out when it is first looked at."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def words(self) -> tuple[ExplainedWord, ...]:
        return tuple(ExplainedWord(self, unit) for unit in word_units(self.record))

    @cached_property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        units = token_units(self.record)
        return tuple(ExplainedWord(self, unit, by_token=True) for unit in units)

    @cached_property
    def word_texts(self) -> tuple[list[str], list[str]]:
        return [w.text for w in prompt_words(self.record)], [w.text for w in self.record.words]

    @cached_property
    def token_texts(self) -> tuple[list[str], list[str]]:
        return [t.text for t in self.record.prompt_tokens], [t.text for t in self.record.tokens]


class Explanation:
    """An answer, word by word, and what each word rests on.

    Iterate over it for its words, index it by number or by text, save it to a folder.

    Args:
        record: all of it as plain data.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self._whole = _Whole(record)

    @property
    def prompt(self) -> str:
        """What the model was asked."""
        return self.record.prompt

    @property
    def answer(self) -> str:
        """What it said."""
        return self.record.answer

    @property
    def model(self) -> str:
        """Hub id or folder of the model."""
        return self.record.provenance.model

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.record.provenance.method

    @property
    def image(self) -> Image:
        """The upright RGB picture."""
        from PIL.Image import fromarray

        return fromarray(self.record.image.numpy())

    @property
    def words(self) -> tuple[ExplainedWord, ...]:
        """The words of the answer, punctuation marks among them."""
        return self._whole.words

    @property
    def tokens(self) -> tuple[ExplainedWord, ...]:
        """The tokens of the answer, likewise with maps and context of their own."""
        return self._whole.tokens

    def __len__(self) -> int:
        return len(self.record.words)

    def __iter__(self) -> Iterator[ExplainedWord]:
        return iter(self.words)

    def __getitem__(self, word: int | str) -> ExplainedWord:
        """A word by its number, or the first that reads `word`.

        Raises:
            UnknownNameError: if no word reads so.
            IndexError: if there is no such number.
        """
        return self.words[self._place(word)]

    def phrase(self, first: int | str, last: int | str) -> ExplainedWord:
        """Neighbouring words as one, such as `explanation.phrase("red", "star")`.

        Args:
            first: number or text of its first word.
            last: number of its last word, or text: the next word that reads so.

        Raises:
            UnknownNameError, IndexError: as for a single word.
            ParameterError: if the last word stands before the first.
        """
        begin = self._place(first)
        end = self._place(last, begin)
        if end < begin:
            raise ParameterError(
                f"Expected a phrase's last word at or after its first, got {first!r} to {last!r} "
                f"(words {begin} to {end}): swap them."
            )
        words = self.record.words
        joined = phrase(self.answer, words[begin : end + 1])
        return _Whole(replace(self.record, words=(*words[:begin], joined))).words[-1]

    def plot(self, words: Sequence[int | str] | None = None, **options: Any) -> tuple[Any, Any]:
        """Draw the picture and, beside it, the maps of words, with matplotlib.

        Args:
            words: numbers or texts of the words to draw; all that hold a letter or digit if None.
            **options: `columns` and `colourmap`.

        Returns:
            The figure and its axes.
        """
        places = None if words is None else [self._place(word) for word in words]
        return plot(self.record, places, **options)

    def html(self) -> str:
        """The report as one self-contained HTML document."""
        return html(self.record)

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the explanation, its maps, overlays and report to a folder.

        Args:
            folder: a new folder; `seewhy.open` reads it back.
            overwrite: replace the folder if it is one that seewhy wrote.

        Returns:
            The folder's absolute path.

        Raises:
            OutputError: if the folder exists or cannot be written; nothing half-written is left.
        """
        return save_record(self.record, folder, overwrite)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready: prompt, answer, words, method and model; what `seewhy explain --json` prints.

        A word's `context` holds pairs of an earlier word's index and a weight; `peak` and `box`
        are in pixels of the image.
        """
        return {
            "prompt": self.prompt,
            "answer": self.answer,
            "words": [word.to_json() for word in self],
            "method": self.method,
            "model": self.model,
        }

    def __repr__(self) -> str:
        return (
            f"Explanation({self.answer!r}, {len(self)} words, method={self.method!r}, "
            f"model={self.model!r})"
        )

    def _repr_html_(self) -> str:
        return frame(self.record)

    def _place(self, word: int | str, after: int = 0) -> int:
        words: tuple[Word, ...] = self.record.words
        if isinstance(word, str):
            texts = [w.text for w in words]
            for fold in (str, str.casefold):
                for place in (*range(after, len(words)), *range(after)):
                    if fold(texts[place]) == fold(word):
                        return place
            raise UnknownNameError(unknown("word of the answer", word, tuple(dict.fromkeys(texts))))
        if not -len(words) <= word < len(words):
            raise IndexError(
                f"Expected the number of one of the answer's {len(words)} words, got {word}: "
                f"give 0 to {len(words) - 1}."
            )
        return word % len(words)


def _checkpoint(name: str) -> Path:
    return Path(__file__).parent / "testbed" / "checkpoints" / name


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

    kind = METHODS.get(method) if isinstance(method, str) else type(method)
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
        **{name: t.cpu().contiguous() for name, t in tensors.items() if isinstance(t, Tensor)},
    )
