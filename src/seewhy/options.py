"""The options of every call that explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from seewhy.core.boxes import BoxFormat, convention_named
from seewhy.core.errors import ParameterError
from seewhy.core.memory import bytes_of
from seewhy.core.picture_settings import PICTURE_SETTINGS
from seewhy.core.specs import parse_spec
from seewhy.core.suggestions import did_you_mean
from seewhy.methods import (
    DEFAULT,
    METHODS,
    Method,
    create,
    parameters_of,
    unknown_parameter,
)
from seewhy.models.generation import setting_names

__all__ = ["MAX_NEW_TOKENS", "ExplainOptions"]

MAX_NEW_TOKENS = 128
"""The largest number of tokens of an answer, if nothing else is chosen."""


@dataclass(frozen=True)
class ExplainOptions:
    """How answers are explained, and how they are generated if they are not given.

    `Explainer.explain`, `Explainer.explain_batch` and `CapturedGeneration.explain` take one as
    `options`, or its fields as keyword arguments, which replace those of `options`.
    Parameters of the method and settings of generation may be given by name too:
    `ExplainOptions.of(method="arc", k=20, do_sample=True)`.

    Attributes:
        method: a name from `seewhy.METHODS`, a spec such as `"arc(k=20)"`, or a method.
        contrast: words of the answer (by number or text) and what each is contrasted with, such as
            `{"cup": "table"}`: its map then shows the evidence for "cup" rather than "table".
        explain_prompt: explain the prompt's words too.
        layers: also read the answer's tokens layer by layer, for `explanation.layers`: one more
            forward pass.
        diagnose: also find out what each word of the answer rests on, by changing the picture and
            the words; for `word.verdict`.
        other_pictures: for `diagnose`, pictures that show something else than the explained one,
            such as others of the same data set; at least one. None takes drawn scenes.
        scales: scales of the image for methods that take them; 1 is always included. None takes
            the method's own, without scales that give the same size.
        boxes: what the numbers of boxes and points in the answer count: a name from
            `seewhy.core.boxes.CONVENTIONS`. None takes the convention of the model's family.
        max_new_tokens: the largest number of tokens of an answer; None takes 128 where the model
            answers. With a given answer it has no effect, so it is refused.
        max_pixels, min_pixels: limits of a picture's pixels, for families whose image processor
            has them (Qwen).
        processor_options: settings of the model's image processor for this call, by the names of
            transformers, such as `{"do_image_splitting": False}`.
        seed: of sampling, with `do_sample=True`.
        max_memory: the most memory that may be taken above the model, such as `"8GB"` or a number
            of bytes; what would take more by an estimate is refused before anything is read. None
            takes what is free on the model's device.
        progress: called with a few words as each stage begins.
        parameters: of the method (`k`, `p`, `window`, ...).
        generation: settings of generation (`do_sample`, `temperature`, ...). Generation is greedy
            by default, without the penalties that a checkpoint may recommend.

    Raises:
        UnknownNameError: if there is no method, or no convention of boxes, of this name.
        ParameterError: if a parameter is unknown or out of range, or `contrast` is given and the
            method cannot contrast words, or `other_pictures` is empty, no list, or given without
            `diagnose`, or `max_memory` is no amount of memory.
        ScaleError: if scales are not positive or are repeated.

    Example:
        >>> ExplainOptions.of(method="arc", k=20).explaining_method.spec
        'arc(k=20)'
    """

    method: str | Method = DEFAULT
    contrast: Mapping[str | int, str] = field(default_factory=dict)
    explain_prompt: bool = True
    layers: bool = False
    diagnose: bool = False
    other_pictures: Sequence[Any] | None = None
    scales: Sequence[float] | None = None
    boxes: str | None = None
    max_new_tokens: int | None = None
    max_pixels: int | None = None
    min_pixels: int | None = None
    processor_options: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    max_memory: int | str | None = None
    progress: Callable[[str], None] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _expect_list_of_pictures(self.other_pictures)
        if self.max_memory is not None:
            bytes_of(self.max_memory)
        _expect_processor_options(self.processor_options)
        _ = self.all_processor_options  # raises if a setting is given twice
        if self.boxes is not None:
            convention_named(self.boxes)
        if self.other_pictures is not None and not self.diagnose:
            raise ParameterError(
                "Expected other_pictures with diagnose=True, got them without: they are used for "
                "verdicts alone. Add diagnose=True (--diagnose), or leave them out."
            )
        if self.other_pictures is not None and not len(self.other_pictures):
            raise ParameterError(
                "Expected at least one other picture, got none: leave other_pictures out to take "
                "drawn scenes."
            )
        _expect_contrasts(self.contrast)
        if self.contrast and not self.explaining_method.can_contrast:
            contrastive = (name for name in METHODS.names() if create(name).can_contrast)
            raise ParameterError(
                f"Expected a method that contrasts words, got {self.explaining_method.name}: "
                f"choose one of {', '.join(contrastive)}."
            )

    @staticmethod
    def of(options: ExplainOptions | None = None, **settings: Any) -> ExplainOptions:
        """Options, or the defaults, with some settings changed.

        Args:
            options: used where `settings` has no value; None for the defaults.
            **settings: fields, parameters of the method, and settings of generation.

        Raises:
            As the class; ParameterError too if a setting is none of the three, or belongs to
                another method.
        """
        options = options or ExplainOptions()
        known = {f.name for f in fields(ExplainOptions)}
        changed = {name: value for name, value in settings.items() if name in known}
        for name in ("contrast", "processor_options"):
            if changed.get(name, ()) is None:
                changed[name] = {}
        others = {name: value for name, value in settings.items() if name not in known}
        of_method, generation = _split_settings(changed.get("method", options.method), others)
        parameters = options.parameters if "method" not in changed else {}
        changed["parameters"] = {**parameters, **changed.get("parameters", {}), **of_method}
        changed["generation"] = {
            **options.generation,
            **changed.get("generation", {}),
            **generation,
        }
        return replace(options, **changed)

    @cached_property
    def explaining_method(self) -> Method:
        """The method with its parameters."""
        parameters = dict(self.parameters)
        if self.scales is not None:
            method_class = _class_of(self.method)
            if "scales" not in parameters_of(method_class):
                raise unknown_parameter("scales", method_class)
            parameters["scales"] = tuple(self.scales)
        return create(self.method, **parameters)

    @property
    def start(self) -> int | None:
        """The first explained position of the text axis; None explains the answer alone."""
        return 0 if self.explain_prompt else None

    @property
    def answer_limit(self) -> int:
        """The largest number of tokens of an answer that the model writes."""
        return MAX_NEW_TOKENS if self.max_new_tokens is None else self.max_new_tokens

    @property
    def all_processor_options(self) -> dict[str, Any]:
        """`processor_options`, with `max_pixels` and `min_pixels` if they are set."""
        limits = {"max_pixels": self.max_pixels, "min_pixels": self.min_pixels}
        chosen = {name: value for name, value in limits.items() if value is not None}
        if twice := [name for name in chosen if name in self.processor_options]:
            raise ParameterError(
                f"Expected {twice[0]} once, got it alone and in processor_options: leave one of "
                "them out."
            )
        return {**self.processor_options, **chosen}

    def box_format(self, of_family: BoxFormat) -> BoxFormat:
        """How boxes in the answer are read: as the user named it, else as the family's."""
        return of_family if self.boxes is None else BoxFormat.named(self.boxes)

    def report_progress(self, stage: str) -> None:
        """Call `progress`, if it is set, with the name of a stage that begins."""
        if self.progress is not None:
            self.progress(stage)

    def expect_no_generation(self) -> None:
        """Raise `ParameterError` if there are settings of generation."""
        names = list(self.generation)
        if self.max_new_tokens is not None:
            names.append("max_new_tokens")
        if names:
            raise ParameterError(
                f"Expected no settings of generation with a given answer, got "
                f"{', '.join(names)}: leave them out, or leave `answer` out so that the "
                "model writes one."
            )


def _expect_processor_options(options: Any) -> None:
    """Raise `ParameterError` for anything but settings by name."""
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        raise ParameterError(
            f"Expected processor_options as a dictionary of settings by name, got {options!r}: "
            'write {"do_image_splitting": False}.'
        )


def _expect_contrasts(contrast: Any) -> None:
    """Raise `ParameterError` for anything but words, by text or number, and their alternatives."""
    if not isinstance(contrast, Mapping):
        raise ParameterError(
            f"Expected contrast as a dictionary, got {contrast!r}: write {{'cup': 'table'}}."
        )
    for word, alternative in contrast.items():
        if isinstance(word, bool) or not isinstance(word, str | int) or not str(word).strip():
            raise ParameterError(
                f"Expected a word of the answer to contrast, by text or number, got {word!r}: "
                "write {'cup': 'table'}."
            )
        if not isinstance(alternative, str) or not alternative.strip():
            raise ParameterError(
                f"Expected a word to contrast {word!r} with, got {alternative!r}: name what the "
                "model might have written instead."
            )


def _expect_list_of_pictures(pictures: Any) -> None:
    """Raise `ParameterError` for a picture alone, and for what can be read only once."""
    is_list = hasattr(pictures, "__len__") and hasattr(pictures, "__getitem__")
    if pictures is None or (is_list and not isinstance(pictures, str | bytes | Mapping)):
        return
    raise ParameterError(
        f"Expected a list of other pictures, got a {type(pictures).__name__}: give a list, also "
        "of one picture."
    )


def _class_of(method: str | Method) -> type[Method]:
    return METHODS.get(parse_spec(method)[0]) if isinstance(method, str) else type(method)


def _split_settings(
    method: str | Method, settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Which settings are the method's parameters, and which are settings of generation."""
    if not settings:
        return {}, {}
    method_class, of_generation = _class_of(method), setting_names()
    parameters: dict[str, Any] = {}
    generation: dict[str, Any] = {}
    for name, value in settings.items():
        if name in parameters_of(method_class):
            parameters[name] = value
        elif any(name in parameters_of(other) for other in METHODS):
            raise unknown_parameter(name, method_class)
        elif name in of_generation:
            generation[name] = value
        else:
            raise _unknown_setting(name, method_class, of_generation)
    return parameters, generation


def _unknown_setting(
    name: str, method_class: type[Method], of_generation: frozenset[str]
) -> ParameterError:
    known = {
        *parameters_of(method_class),
        *of_generation,
        *(f.name for f in fields(ExplainOptions)),
    }
    hint = did_you_mean(name, sorted(known)) or "leave it out."
    if name in PICTURE_SETTINGS:
        hint = f"it is a setting of image processors, write processor_options={{{name!r}: ...}}."
    return ParameterError(
        f"Expected a parameter of {method_class.name} ({_parameter_names(method_class)}) or a "
        f"setting of generation, got {name!r}: {hint}"
    )


def _parameter_names(method_class: type[Method]) -> str:
    return ", ".join(parameters_of(method_class)) or "it has none"
