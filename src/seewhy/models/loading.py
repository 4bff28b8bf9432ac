"""Load a model with its family and processor, from a hub id, a folder or a loaded pair."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from seewhy.core.errors import (
    ModelError,
    ParameterError,
    SeewhyError,
    UnknownNameError,
)
from seewhy.core.picture_settings import PICTURE_SETTINGS
from seewhy.core.suggestions import near_matches, unknown_name_message
from seewhy.models.adapter_folders import (
    AdapterFolder,
    adapter_at,
    base_error,
    base_place,
    has_own_processor,
    processor_with_adapter,
    with_adapter,
)
from seewhy.models.family import Family
from seewhy.models.family_choice import auto_class, family_of
from seewhy.models.loading_report import expect_complete
from seewhy.models.model_config import expect_folder, first_line, hub_in_reach, is_path, read_config
from seewhy.models.processing import ProcessorParts, load_processor, parts_of
from seewhy.models.processor_settings import split_settings, with_settings
from seewhy.models.quiet_loading import quiet_in_cells
from seewhy.models.template_checks import chosen_template, expect_template, no_template
from seewhy.models.tokenizer_checks import (
    expect_tokenizer_files,
    expect_tokenizer_of,
    expect_words,
)
from seewhy.models.unembedding import unembedding_size
from seewhy.models.wrappers import processor_inside, unwrap

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Keyword arguments for the location of a checkpoint's files, also for config and processor.
HUB = ("revision", "token", "cache_dir", "local_files_only", "trust_remote_code")

#: Further arguments of `from_pretrained` that people use, for suggestions.
LOADING = ("attn_implementation", "quantization_config", "max_memory", "use_safetensors", "tp_size")

SETTING = "setting of loading"
SETTINGS = ("dtype", "device_map", "chat_template", *HUB, *LOADING, *sorted(PICTURE_SETTINGS))
"""Names of settings of loading, for suggestions."""

UNKNOWN_KEYWORD = re.compile(r"unexpected keyword argument '(\w+)'")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model with its family and processor.

    Attributes:
        name: hub id, folder, or the class of a model that was passed in.
        model: the model, in the caller's mode and on the caller's device.
        processor: its processor's parts.
        family: its adapter.
    """

    name: str
    model: PreTrainedModel
    processor: ProcessorParts
    family: Family


@quiet_in_cells
def load(
    model: Any,
    *,
    dtype: Any = None,
    device_map: Any = None,
    revision: str | None = None,
    chat_template: str | None = None,
    suggestions: Iterable[str] = (),
    **kwargs: Any,
) -> Loaded:
    """Load a model by hub id or folder, or use a loaded one.

    The config is read before any weights, so that a wrong name or family fails at once.

    Args:
        model: hub id or folder of a model or of an adapter of PEFT; or a loaded model, also in
            wrappers (`seewhy.models.wrappers`), or `(model, processor)`, or a pipeline. Without a
            processor it is loaded from where the model came from.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: passed on to `from_pretrained`.
        revision: branch, tag or commit of a hub repository.
        chat_template: a chat template in place of the checkpoint's; `"plain"` writes prompts
            without one, in the family's plain form.
        suggestions: further names, suggested for a similar unknown name.
        **kwargs: settings of the image processor (`max_pixels`, `size`, `do_resize`, ...); others
            are passed on to `from_pretrained`.

    Raises:
        UnknownNameError: if there is no such folder or hub id, or the hub cannot be reached.
        UnsupportedModelError: if the model is text-only, has its own code without
            `trust_remote_code=True`, is refused (`REFUSED`), has an adapter that changes the
            sequence, or has no adapter of ours and its tokens could not be located by experiment.
        ModelError: if files are damaged or missing: weights, tokenizer, chat template, processor;
            it names them.
        ParameterError: if a setting is unknown, has an invalid value, or cannot be used with a
            loaded model.
    """
    settings, kwargs = split_settings(kwargs)
    hub = {key: kwargs[key] for key in HUB if key in kwargs}
    if revision is not None:
        hub["revision"] = revision
    options = {"dtype": dtype, "device_map": device_map, **kwargs}
    options = {key: value for key, value in options.items() if value is not None}
    _expect_dtype(dtype)
    if isinstance(model, str | os.PathLike):
        loaded = _from_name(os.fspath(model), options, hub, suggestions)
        loaded = _with_template(loaded, chat_template, expected=True)
    else:
        model, processor = model if isinstance(model, tuple) and len(model) == 2 else (model, None)
        _expect_no_loading_options(model, options)
        loaded = _from_objects(model, processor, hub)
        loaded = _with_template(loaded, chat_template, expected=False)
    return with_settings(loaded, settings)


def _from_name(
    name: str, options: dict[str, Any], hub: dict[str, Any], suggestions: Iterable[str]
) -> Loaded:
    """A model, or an adapter with its base, by hub id or folder."""
    with model_errors(name, "config"):
        source = _locate(name, hub, suggestions)
        family = family_of(source.config, name=name)
    with model_errors(name, "weights"):
        model = _weights(source, {**options, **source.hub})
    with model_errors(name, "tokenizer or processor"):
        parts = _processor(source, prefer_original=not family.model_types)
        expect_tokenizer_files(Path(source.place), parts.tokenizer, name)
    if source.adapter is not None:
        with model_errors(name, "adapter"):
            model = unwrap(with_adapter(model, source.adapter, source.adapter_hub))
    return Loaded(name, model, parts, _adapter(family, model, parts, name))


def _from_objects(model: Any, processor: Any, hub: dict[str, Any]) -> Loaded:
    """A loaded model, with its processor or with the one from where it came."""
    inner = unwrap(model)
    family = family_of(inner.config, name=type(inner).__name__)
    name = inner.config.name_or_path or type(inner).__name__
    processor = processor_inside(model) if processor is None else processor
    parts = parts_of(processor) if processor is not None else _found_processor(inner, family, hub)
    return Loaded(name, inner, parts, _adapter(family, inner, parts, name))


def _expect_dtype(dtype: Any) -> None:
    """Raise `ParameterError` for a name that is no dtype of torch."""
    if not isinstance(dtype, str) or dtype == "auto":
        return
    if not isinstance(getattr(torch, dtype, None), torch.dtype):
        raise ParameterError(
            f"Expected dtype as one of torch's, such as 'bfloat16', or 'auto', got {dtype!r}."
        )


def _expect_no_loading_options(model: Any, options: dict[str, Any]) -> None:
    """Raise `ParameterError` for settings that do not exist, or that need the model's files."""
    for name in options:
        if PICTURE_SETTINGS.intersection(near_matches(name, SETTINGS)[:1]):
            raise ParameterError(unknown_name_message(SETTING, name, SETTINGS))
    names = ", ".join(name for name in options if name not in HUB)
    if names:
        raise ParameterError(
            f"Expected no {names} for a model that is loaded already, got {type(model).__name__}: "
            "set that where the model is loaded, or give its hub id or folder."
        )


def _found_processor(model: Any, family: type[Family], hub: dict[str, Any]) -> ProcessorParts:
    """The processor at the place that a model's config names.

    Raises:
        ModelError: if it names none, or there is no processor.
    """
    place = model.config.name_or_path
    remedy = "pass it with the model, as (model, processor)"
    if not place:
        raise ModelError(
            f"Expected a processor for {type(model).__name__}, got none, and its config does not "
            f"name a folder or hub id to load it from: {remedy}."
        )
    if not os.path.isdir(place) and not hub_in_reach():
        hub = {**hub, "local_files_only": True}
    try:
        return load_processor(place, prefer_original=not family.model_types, **hub)
    except Exception as error:
        raise ModelError(
            f"Expected a processor for {type(model).__name__} at {place!r}, the place that its "
            f"config names, got {type(error).__name__}: {first_line(error)} Check that place, or "
            f"{remedy}."
        ) from error


def _with_template(loaded: Loaded, chat_template: str | None, *, expected: bool) -> Loaded:
    """The model with a chat template of the user's.

    Args:
        loaded: the model.
        chat_template: Jinja, or `"plain"` for none; None keeps the checkpoint's.
        expected: whether the checkpoint must have one.

    Raises:
        ModelError: if it must, but has none, or Jinja cannot read it.
        ParameterError: if the user's is no text.
    """
    if chat_template is not None:
        template = chosen_template(chat_template)
        parts = replace(loaded.processor, template=template)
        family = type(loaded.family)(loaded.model, parts)
        loaded = replace(loaded, processor=parts, family=family)
    template = loaded.family.template(False)
    if template is not None and template.strip():
        expect_template(template, loaded.name)
    elif expected and chat_template is None and loaded.family.needs_template:
        raise no_template(loaded.name)
    return loaded


@dataclass(frozen=True)
class _Source:
    """Where a model is: its config, its files, and the adapter that changes it.

    Attributes:
        name: as the user wrote it.
        place: folder or hub id of the model, or of the adapter's base.
        hub: options for its files.
        config: of the model.
        adapter: or None.
        adapter_hub: options for the adapter's files.
    """

    name: str
    place: str
    hub: dict[str, Any]
    config: Any
    adapter: AdapterFolder | None = None
    adapter_hub: dict[str, Any] = field(default_factory=dict)


def expect_model(name: str, options: Mapping[str, Any], suggestions: Iterable[str] = ()) -> None:
    """Expect that there is a model of this name; its weights are not read.

    Args:
        name: hub id or folder, of a model or of an adapter.
        options: as `**kwargs` of `load`.
        suggestions: further names, suggested for a similar unknown name.

    Raises:
        UnknownNameError, ModelError: as `load`.
    """
    _locate(name, {key: options[key] for key in HUB if key in options}, suggestions)


def _locate(name: str, hub: dict[str, Any], suggestions: Iterable[str]) -> _Source:
    """Find a model's config, or an adapter's and its base's."""
    place = os.path.expanduser(name) if is_path(name) else name
    is_folder = expect_folder(name, place)
    adapter = adapter_at(name, place, hub) if is_folder else None
    if adapter is None:
        try:
            config, hub = read_config(name, place, hub, suggestions)
            return _Source(name, place, hub, config)
        except UnknownNameError:
            # The repository of an adapter has no config of a model.
            adapter = None if is_folder else _adapter_on_hub(name, hub)
            if adapter is None:
                raise
    base, base_hub = base_place(adapter), {**hub, "revision": adapter.revision}
    if adapter.revision is None:
        del base_hub["revision"]
    try:
        config, base_hub = read_config(base, base, base_hub, ())
    except UnknownNameError as error:
        raise base_error(adapter, error) from error
    return _Source(name, base, base_hub, config, adapter, hub)


def _adapter_on_hub(name: str, hub: dict[str, Any]) -> AdapterFolder | None:
    """The adapter in a repository; None if there is none, or no such repository."""
    offline = {} if hub_in_reach() else {"local_files_only": True}
    try:
        return adapter_at(name, name, {**hub, **offline})
    except OSError:
        return None


def _weights(source: _Source, options: dict[str, Any]) -> Any:
    """The model, if all of its weights and no others were in its files.

    Raises:
        ModelError: as `expect_complete`.
        ParameterError: if a setting is unknown.
    """
    try:
        loaded = auto_class(source.config).from_pretrained(
            source.place,
            # Without this, shapes that differ end in an error that does not name the weights.
            **{**options, "ignore_mismatched_sizes": True, "output_loading_info": True},
        )
    except TypeError as error:
        unknown = UNKNOWN_KEYWORD.search(str(error))
        if unknown is None:
            raise
        raise ParameterError(unknown_name_message(SETTING, unknown[1], SETTINGS)) from error
    model, report = loaded if isinstance(loaded, tuple) else (loaded, {})
    expect_complete(report, source.place)
    return model


def _processor(source: _Source, *, prefer_original: bool) -> ProcessorParts:
    """The processor of a model; of an adapter its own, with what it lacks from its base."""
    adapter = source.adapter
    if adapter is None:
        return load_processor(source.place, prefer_original=prefer_original, **source.hub)
    hub = source.adapter_hub
    if has_own_processor(adapter, hub):
        return load_processor(adapter.place, prefer_original=prefer_original, **hub)
    parts = load_processor(source.place, prefer_original=prefer_original, **source.hub)
    return processor_with_adapter(parts, adapter, hub)


@contextmanager
def model_errors(name: str, part: str) -> Iterator[None]:
    """Turn errors of libraries about a model's files into a `ModelError`.

    Errors of this package, and those for memory, stay what they are.

    Args:
        name: hub id or folder.
        part: which of its files are read.
    """
    try:
        yield
    except (SeewhyError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # any library that reads one of the files
        raise ModelError(
            f"Expected the weights, tokenizer and processor of {name!r}, got "
            f"{type(error).__name__} from the {part}: {first_line(error)} {_remedy(error)}"
        ) from error


def _remedy(error: Exception) -> str:
    """What to do if a model or its processor cannot be loaded."""
    if "torchvision" in str(error).lower():
        return "Install it: pip install 'seewhy[torchvision]'."
    return "Check that all its files are there and whole."


def _adapter(family: type[Family], model: Any, processor: ProcessorParts, name: str) -> Family:
    """The family's adapter; raises `ModelError` if the tokenizer is not the model's."""
    expect_words(processor.tokenizer, name)
    adapter = family(model, processor)
    rows = unembedding_size(model)
    expect_tokenizer_of(processor.tokenizer, name, rows, adapter.image_token_id)
    return adapter
