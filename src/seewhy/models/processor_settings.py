"""Settings of an image processor that a user chooses: for a model, a call, or one picture.

A processor with chosen settings is a copy; the user's own is never changed. The names and their
meaning are those of the processor of transformers: `size`, `do_resize`, `max_pixels`,
`do_image_splitting`, `crop_to_patches`, `do_pan_and_scan`, `max_soft_tokens`, ...
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeVar

from seewhy.core.errors import ParameterError, SeewhyError
from seewhy.core.picture_settings import LIMITS, PICTURE_SETTINGS
from seewhy.core.suggestions import did_you_mean

if TYPE_CHECKING:
    from seewhy.models.family import Family

#: Arguments of a processor's call that set the form of its output, not what the model sees.
FORMAT = frozenset(
    {
        *("return_tensors", "data_format", "input_data_format", "device"),
        *("disable_grouping", "image_seq_length", "return_row_col_info"),
    }
)

LoadedModel = TypeVar("LoadedModel")
"""`seewhy.models.loading.Loaded`, which imports this module."""

#: What a processor may raise for settings that it cannot use.
REFUSALS = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError)


def split_settings(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of image processors among options for loading a model, and the other options.

    Settings that are None count as not given.
    """
    settings = {n: v for n, v in options.items() if n in PICTURE_SETTINGS and v is not None}
    return settings, {n: v for n, v in options.items() if n not in PICTURE_SETTINGS}


def setting_names_of(image_processor: Any) -> tuple[str, ...]:
    """The names of an image processor's settings, as its `preprocess` takes them."""
    names = getattr(image_processor, "_valid_kwargs_names", ())
    return tuple(name for name in names if name not in FORMAT)


def expect_settings(family: str, image_processor: Any, settings: Mapping[str, Any]) -> None:
    """Check the names of settings.

    Raises:
        ParameterError: if the family's image processor has no setting of such a name.
    """
    known = setting_names_of(image_processor)
    unknown = [name for name in settings if name not in known]
    if not unknown:
        return
    question = did_you_mean(unknown[0], known)
    remedy = f"{question} Its settings" if question else "leave it out. Its settings"
    raise ParameterError(
        f"Expected a setting of the image processor of {family}, got {', '.join(unknown)}: "
        f"{remedy}: {', '.join(sorted(known))}."
    )


def with_settings(loaded: LoadedModel, settings: Mapping[str, Any]) -> LoadedModel:
    """The model with settings of its image processor changed.

    Args:
        loaded: a `seewhy.models.loading.Loaded`.
        settings: of its image processor, by name.

    Raises:
        ParameterError: if there is no such setting, or the processor does not take its value.
        SeewhyError: if the family does not support a setting.
    """
    if not settings:
        return loaded
    given: Any = loaded
    family = family_with(given.family, settings)
    return replace(given, processor=family.processor, family=family)


def family_with(family: Family, settings: Mapping[str, Any]) -> Family:
    """A family whose image processor has some settings changed; raises as `with_settings`."""
    if not settings:
        return family
    parts = family.processor
    expect_settings(family.name, parts.image_processor, settings)
    with _refusals(family.name, settings):
        image_processor = processor_with(parts.image_processor, settings)
    original = copy.copy(parts.original)
    if original is not None:
        original.image_processor = image_processor
    changed = replace(
        parts,
        image_processor=image_processor,
        original=original,
        video=_video_with(parts.video, settings),
        call_settings={**parts.call_settings, **settings},
    )
    with _refusals(family.name, settings):
        return type(family)(family.model, changed)


def changed_settings(family: Family, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that differ from the family's own.

    Args:
        family: the model's adapter.
        settings: of a call of its image processor; names that it does not have are left out.

    Raises:
        ParameterError: if the processor does not take a value.
    """
    own = family.processor.image_processor
    known = {name: settings[name] for name in setting_names_of(own) if name in settings}
    with _refusals(family.name, known):
        used = processor_with(own, known)
    usual = {**{name: getattr(own, name, None) for name in known}, **family.usual_settings}
    names = [n for n in known if n not in LIMITS and getattr(used, n, None) != usual[n]]
    return {name: _plain_size(getattr(used, name)) for name in names}


def _is_size(value: Any) -> bool:
    """Whether a value is a size in transformers' own class."""
    return type(value).__name__ == "SizeDict"


def _plain_size(value: Any) -> Any:
    """A size as a dictionary of what is set; another value as it is."""
    return {k: v for k, v in dict(value).items() if v is not None} if _is_size(value) else value


def processor_with(image_processor: Any, settings: Mapping[str, Any]) -> Any:
    """A copy of an image processor, whose settings are what a call with these would use."""
    changed = copy.copy(image_processor)
    vars(changed).pop("preprocess", None)  # it may be patched to record the user's calls
    values = {name: getattr(image_processor, name, None) for name in setting_names_of(changed)}
    values |= _with_limits(values, settings)
    checked = _checked(image_processor, values, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a name that is going out of use has another meaning
        for name, value in image_processor._standardize_kwargs(**checked).items():
            setattr(changed, name, value)
    return changed


def _with_limits(values: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with limits of pixels as entries of `size`, where the processor keeps them."""
    chosen = {n: value for n, value in settings.items() if n in LIMITS and value is not None}
    if not chosen:
        return {name: value for name, value in settings.items() if name not in LIMITS}
    for name, value in chosen.items():
        expect_pixels(name, value)
    limits = {LIMITS[name]: int(value) for name, value in chosen.items()}
    size = {k: v for k, v in dict(settings.get("size", values["size"])).items() if v is not None}
    others = {name: value for name, value in settings.items() if name not in LIMITS}
    return {**others, "size": {**size, **limits}}


def expect_pixels(name: str, value: Any) -> None:
    """Raise `ParameterError` for a limit that is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ParameterError(
            f"Expected {name} as a whole number of pixels, at least 1, got {value!r}: for 100 "
            "tokens of 28 x 28 pixels write 100 * 28 * 28."
        )


def _checked(
    image_processor: Any, values: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """All values, after the processor's own check of the chosen ones' types."""
    from huggingface_hub.dataclasses import validate_typed_dict

    valid = getattr(image_processor, "valid_kwargs", None)
    if valid is not None:
        new = {name: values[name] for name in settings if name not in LIMITS}
        # A size in transformers' own class was checked when it was made.
        given = {n: v for n, v in new.items() if v is not None and not _is_size(v)}
        validate_typed_dict(valid, given)
    return dict(values)


def _video_with(
    video: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Settings of the video processor: limits of pixels count for clips too, as in transformers."""
    limits = {name: value for name, value in settings.items() if name in LIMITS}
    return {**(video or {}), **limits} if limits else video


@contextmanager
def _refusals(family: str, settings: Mapping[str, Any]) -> Iterator[None]:
    """Raise errors of transformers about settings as `ParameterError`."""
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except SeewhyError:
        raise
    except (*REFUSALS, StrictDataclassError, Warning) as error:
        raise refused(family, settings, error) from error


def refused(family: str, settings: Mapping[str, Any], error: Exception) -> ParameterError:
    """The error for settings that an image processor did not take."""
    written = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
    reason = " ".join(str(error).split()) or type(error).__name__
    return ParameterError(
        f"Expected settings that the image processor of {family} takes, got {written}: it says "
        f"{reason!r}. Correct them, or leave them out."
    )
