"""Load a model with its family and processor, from a hub id, a folder or a loaded pair."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from seewhy.core.errors import ModelError, UnknownNameError, UnsupportedModelError
from seewhy.core.registry import Registry
from seewhy.core.suggestions import did_you_mean
from seewhy.models.family import Family
from seewhy.models.processing import ProcessorParts, load_processor, parts_of
from seewhy.models.processor_settings import (
    expect_no_further_options,
    option_error,
    split_settings,
    with_settings,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FAMILIES: Registry[Family] = Registry(
    "seewhy.models.families",
    Family,
    "family",
    group="seewhy.families",
)
"""Every family, by file name."""

#: Model types that are refused, each with the reason why no map would be faithful.
REFUSED = {
    "mllama": (
        "it reads pictures through layers of cross-attention, so its sequence has no visual tokens "
        "whose states a logit lens could use"
    ),
    **dict.fromkeys(
        ("blip-2", "instructblip", "instructblipvideo", "idefics2", "kosmos-2"),
        "between its vision tower and language model is a resampler, whose tokens all attend to "
        "the whole picture, so none owns pixels",
    ),
}

#: Classes that may load a checkpoint with its own code, the most likely first.
AUTO_CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForVision2Seq",
    "AutoModelForCausalLM",
    "AutoModel",
)

#: Keyword arguments for the location of a checkpoint's files, also for config and processor.
HUB = ("revision", "token", "cache_dir", "local_files_only", "trust_remote_code")


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


def load(
    model: str | os.PathLike[str] | tuple[Any, Any],
    *,
    dtype: Any = None,
    device_map: Any = None,
    revision: str | None = None,
    suggestions: Iterable[str] = (),
    **kwargs: Any,
) -> Loaded:
    """Load a model by hub id or folder, or use a loaded one.

    The config is read before any weights, so that a wrong name or family fails at once.

    Args:
        model: hub id, folder, or `(model, processor)`.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: passed on to `from_pretrained`.
        revision: branch, tag or commit of a hub repository.
        suggestions: further names, suggested for a similar unknown name.
        **kwargs: settings of the image processor (`max_pixels`, `size`, `do_resize`, ...); others
            are passed on to `from_pretrained`.

    Raises:
        UnknownNameError: if there is no such folder or hub id, or the hub cannot be reached.
        ParameterError: if a setting is none of the image processor's, or has an invalid value.
        UnsupportedModelError: if the model is text-only, has its own code without
            `trust_remote_code=True`, is refused (`REFUSED`), or has no adapter and its tokens could
            not be located by experiment.
        ModelError: if its files are damaged or incomplete.
    """
    settings, kwargs = split_settings(kwargs)
    if isinstance(model, tuple):
        expect_no_further_options(kwargs, HUB)
        return with_settings(_from_pair(*model), settings)
    name = os.fspath(model)
    location = os.path.expanduser(name) if _is_path(name) else name
    hub = {key: kwargs[key] for key in HUB if key in kwargs}
    if revision is not None:
        hub["revision"] = revision
    config, hub = _read_config(name, location, hub, suggestions)
    family = family_of(config, name=name)

    from safetensors import SafetensorError

    options = {"dtype": dtype, "device_map": device_map}
    options = {key: value for key, value in options.items() if value is not None}
    try:
        loaded = _auto_class(config).from_pretrained(location, **{**kwargs, **options, **hub})
        parts = load_processor(location, prefer_original=not family.model_types, **hub)
    except TypeError as error:
        raise option_error(error, kwargs) or error from error
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"Expected the weights, tokenizer and processor of {name!r}, got "
            f"{type(error).__name__}: {_first_line(error)} {_remedy(error)}"
        ) from error
    found = Loaded(name, loaded, parts, _adapter(family, loaded, parts, name))
    return with_settings(found, settings)


def _from_pair(model: Any, processor: Any) -> Loaded:
    """A loaded model with its processor."""
    family = family_of(model.config, name=type(model).__name__)
    parts = parts_of(processor)
    name = model.config.name_or_path or type(model).__name__
    return Loaded(name, model, parts, _adapter(family, model, parts, name))


def _remedy(error: Exception) -> str:
    """What to do if a model or its processor cannot be loaded."""
    if "torchvision" in str(error).lower():
        return "Install it: pip install 'seewhy[torchvision]'."
    return "Check that all its files are there."


def family_of(config: Any, *, name: str) -> type[Family]:
    """The family that supports a config's `model_type`, or else `probed`.

    Raises:
        UnsupportedModelError: if the model is text-only, or refused for a reason.
    """
    model_type, by_type = config.model_type, _families_by_type()
    architecture = ", ".join(config.architectures or ()) or type(config).__name__
    if model_type in REFUSED:
        raise UnsupportedModelError(
            f"Expected a model with image tokens in its sequence, got {name!r}, a "
            f"{architecture} (model_type {model_type!r}): {REFUSED[model_type]}. Choose another "
            "model."
        )
    for family in by_type.get(model_type, ()):
        if family.supports(config):
            return family
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    if model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or _has_own_code(config):
        return FAMILIES.get("probed")
    raise UnsupportedModelError(
        f"Expected a model that reads images and writes text, got {name!r}, a {architecture} "
        f"(model_type {model_type!r}), which reads no images: choose a model of "
        f"one of the types {', '.join(sorted(by_type))}."
    )


def _has_own_code(config: Any) -> bool:
    """Whether a checkpoint has its own class, not one of transformers."""
    return type(config).__module__.startswith("transformers_modules") or bool(
        getattr(config, "auto_map", None)
    )


def _auto_class(config: Any) -> Any:
    """The class that loads a model: transformers' own, or the one that its own code names."""
    import transformers

    auto_map = getattr(config, "auto_map", None) or {}
    if _has_own_code(config) and config.model_type not in transformers.CONFIG_MAPPING:
        named = next((name for name in AUTO_CLASSES if name in auto_map), AUTO_CLASSES[0])
        return getattr(transformers, named, transformers.AutoModelForImageTextToText)
    return transformers.AutoModelForImageTextToText


def _adapter(family: type[Family], model: Any, processor: ProcessorParts, name: str) -> Family:
    """The family's adapter; raises `ModelError` if the tokenizer has no image token."""
    adapter, tokenizer = family(model, processor), processor.tokenizer
    token = tokenizer.convert_ids_to_tokens(adapter.image_token_id)
    if token is None or token == tokenizer.unk_token:
        raise ModelError(
            f"Expected a tokenizer with the image token of {name!r} (id "
            f"{adapter.image_token_id}), got one of {len(tokenizer)} tokens without it: its files "
            "are missing, or belong to another model."
        )
    return adapter


@cache
def _families_by_type() -> dict[str, list[type[Family]]]:
    by_type: dict[str, list[type[Family]]] = {}
    for family in FAMILIES:
        for model_type in family.model_types:
            by_type.setdefault(model_type, []).append(family)
    return by_type


def _read_config(
    name: str, location: str, hub: dict[str, Any], suggestions: Iterable[str]
) -> tuple[Any, dict[str, Any]]:
    """The config, and hub options for the other files: only the cache if the hub is offline."""
    from transformers import AutoConfig

    is_folder = _expect_folder(name, location)
    offline = not is_folder and not hub.get("local_files_only") and not _hub_in_reach()
    if offline:  # without this, transformers retries for half a minute
        hub = {**hub, "local_files_only": True}
    # Without the user's consent no code of a checkpoint is run, and transformers does not prompt.
    trusted = {"trust_remote_code": False, **hub}
    try:
        return AutoConfig.from_pretrained(location, **trusted), hub
    except Exception as error:
        refusal = _config_error(error, name, offline, suggestions)
        if refusal is None:
            raise
        raise refusal from error


def _expect_folder(name: str, location: str) -> bool:
    """Whether a name is a folder with a model in it.

    Raises:
        UnknownNameError: if it can only be a path, but is no such folder.
    """
    is_folder = Path(location).is_dir()
    if _is_path(name) and not is_folder:
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which is not there: check the path."
        )
    if is_folder and not (Path(location) / "config.json").is_file():
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which holds no config.json: give the "
            "folder that `save_pretrained` wrote."
        )
    return is_folder


def _config_error(
    error: Exception, name: str, offline: bool, suggestions: Iterable[str]
) -> ModelError | UnknownNameError | None:
    """The error to raise for an error of transformers about a config; None for any other."""
    from huggingface_hub.errors import StrictDataclassError

    if isinstance(error, OSError):
        reason = "cannot be reached (is this machine offline?)" if offline else "has no such id"
        return UnknownNameError(
            f"Expected a model's folder or hub id, got {name!r}: there is no such folder, and the "
            f"hub {reason}. {_remedy_of_name(name, offline, suggestions)}"
        )
    if isinstance(error, StrictDataclassError):
        return ModelError(
            f"Expected a valid config.json in {name!r}, got one with invalid fields: "
            f"{' '.join(str(error).split())} Correct it, or download the checkpoint again."
        )
    if not isinstance(error, ValueError | KeyError):
        return None
    if "trust_remote_code" in str(error):
        return UnsupportedModelError(
            f"Expected a model of transformers' own classes, got {name!r}, which has its "
            "own code: read that code, and pass trust_remote_code=True if you trust it. Many such "
            "models have a version in transformers' format, named ...-hf."
        )
    return UnsupportedModelError(
        f"Expected a model that this version of transformers supports, got {name!r}: "
        f"{_first_line(error)} Supported types: {', '.join(sorted(_families_by_type()))}."
    )


def _remedy_of_name(name: str, offline: bool, suggestions: Iterable[str]) -> str:
    """What to do about a name that is neither a folder nor a hub id."""
    hub_ids = (hub_id for family in FAMILIES for hub_id in family.checkpoints)
    if question := did_you_mean(name, (*suggestions, *hub_ids)):
        return question[0].upper() + question[1:]
    if offline:
        return "Connect to the network, or give the folder of a model."
    return "Check its spelling, and whether you have access to it."


def _is_path(name: str) -> bool:
    """Whether a name can only be a path: hub ids have at most one slash, and no leading dot."""
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or os.path.isdir(name)


def _hub_in_reach() -> bool:
    """Whether the hub's address resolves; with a proxy it is assumed to."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY")):
        return True
    try:
        socket.getaddrinfo(urlparse(constants.ENDPOINT).hostname, 443)
    except OSError:
        return False
    return True


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
