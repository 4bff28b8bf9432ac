"""From a hub id, a folder or a loaded pair to a model that can be overheard."""

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

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FAMILIES: Registry[Family] = Registry(
    "seewhy.models.families",
    Family,
    "family",
    group="seewhy.families",
)
"""Every family, by file name."""

#: Model types that are refused, each with its reason: no map could be true to them.
REFUSED = {
    "mllama": (
        "it reads pictures through layers of cross-attention, so no position of its sequence holds "
        "the state of a visual token, and there is nothing for a lens to read"
    ),
    **dict.fromkeys(
        ("blip-2", "instructblip", "instructblipvideo", "idefics2", "kosmos-2"),
        "between picture and language model stands a resampler whose every token looks at the "
        "whole picture, so none owns pixels",
    ),
}

#: Classes by which a checkpoint with code of its own may be loaded, the likeliest first.
AUTO_CLASSES = (
    "AutoModelForImageTextToText",
    "AutoModelForVision2Seq",
    "AutoModelForCausalLM",
    "AutoModel",
)

#: Keyword arguments that say where a checkpoint's files are, for config and processor too.
HUB = ("revision", "token", "cache_dir", "local_files_only", "trust_remote_code")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model with its family and processor.

    Attributes:
        name: hub id, folder, or the class of a model that was handed in.
        model: the model; its mode and device are the caller's affair.
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
    """Load a model by hub id or folder, or take one that is loaded.

    The config is read before any weights, so that a wrong name or family fails in a moment.

    Args:
        model: hub id, folder, or `(model, processor)`.
        dtype: such as `torch.bfloat16` or `"auto"`; None is transformers' default.
        device_map: passed on to `from_pretrained`.
        revision: branch, tag or commit of a hub repository.
        suggestions: names that the caller knows, to suggest where an unknown one reads alike.
        **kwargs: passed on to `from_pretrained`.

    Raises:
        UnknownNameError: if there is no such folder or hub id, or the hub is out of reach.
        UnsupportedModelError: if the model is text-only, brings code of its own without
            `trust_remote_code=True`, is refused for a reason, or is of a family without an adapter
            whose tokens could not be placed by experiment.
        ModelError: if its files are damaged or incomplete.
    """
    if isinstance(model, tuple):
        given, processor = model
        family = family_of(given.config, name=type(given).__name__)
        composed = parts_of(processor)
        name = given.config.name_or_path or type(given).__name__
        return Loaded(name, given, composed, _adapt(family, given, composed, name))

    name = os.fspath(model)
    place = os.path.expanduser(name) if _is_path(name) else name
    hub = {key: kwargs[key] for key in HUB if key in kwargs}
    if revision is not None:
        hub["revision"] = revision
    config, hub = _read_config(name, place, hub, suggestions)
    family = family_of(config, name=name)

    from safetensors import SafetensorError

    chosen = {"dtype": dtype, "device_map": device_map}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    try:
        loaded = _auto_class(config).from_pretrained(place, **{**kwargs, **chosen, **hub})
        composed = load_processor(place, whole=not family.model_types, **hub)
    except (OSError, ValueError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"Expected the weights, tokenizer and processor of {name!r}, got "
            f"{type(error).__name__}: {_first_line(error)} {_remedy(error)}"
        ) from error
    return Loaded(name, loaded, composed, _adapt(family, loaded, composed, name))


def _remedy(error: Exception) -> str:
    """What to do where a model or its processor cannot be loaded."""
    if "torchvision" in str(error).lower():
        return "Install it: pip install 'seewhy[torchvision]'."
    return "Check that all its files are there."


def family_of(config: Any, *, name: str) -> type[Family]:
    """The family that stands for a config's `model_type`, or else the one that experiments.

    Raises:
        UnsupportedModelError: if the model is text-only, or refused for a reason.
    """
    kind, by_type = config.model_type, _families_by_type()
    architecture = ", ".join(config.architectures or ()) or type(config).__name__
    if kind in REFUSED:
        raise UnsupportedModelError(
            f"Expected a model whose image tokens stand in its sequence, got {name!r}, a "
            f"{architecture} (model_type {kind!r}): {REFUSED[kind]}. Choose another model."
        )
    for family in by_type.get(kind, ()):
        if family.stands_for(config):
            return family
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES or _has_own_code(config):
        return FAMILIES.get("probed")
    raise UnsupportedModelError(
        f"Expected a model that reads images and writes text, got {name!r}, a {architecture} "
        f"(model_type {kind!r}), which reads no images: choose a model of "
        f"one of the types {', '.join(sorted(by_type))}."
    )


def _has_own_code(config: Any) -> bool:
    """Whether a checkpoint's class is its own, not one of transformers'."""
    return type(config).__module__.startswith("transformers_modules") or bool(
        getattr(config, "auto_map", None)
    )


def _auto_class(config: Any) -> Any:
    """What loads a model: transformers' own class for it, or what its own code names."""
    import transformers

    own = getattr(config, "auto_map", None) or {}
    if _has_own_code(config) and config.model_type not in transformers.CONFIG_MAPPING:
        named = next((name for name in AUTO_CLASSES if name in own), AUTO_CLASSES[0])
        return getattr(transformers, named, transformers.AutoModelForImageTextToText)
    return transformers.AutoModelForImageTextToText


def _adapt(family: type[Family], model: Any, processor: ProcessorParts, name: str) -> Family:
    """The family's adapter, once the tokenizer knows the image token."""
    adapter, tokenizer = family(model, processor), processor.tokenizer
    token = tokenizer.convert_ids_to_tokens(adapter.image_token_id)
    if token is None or token == tokenizer.unk_token:
        raise ModelError(
            f"Expected a tokenizer that knows the image token of {name!r} (id "
            f"{adapter.image_token_id}), got one of {len(tokenizer)} tokens without it: its files "
            "are missing, or belong to another model."
        )
    return adapter


@cache
def _families_by_type() -> dict[str, list[type[Family]]]:
    by_type: dict[str, list[type[Family]]] = {}
    for family in FAMILIES:
        for kind in family.model_types:
            by_type.setdefault(kind, []).append(family)
    return by_type


def _read_config(
    name: str, place: str, hub: dict[str, Any], suggestions: Iterable[str]
) -> tuple[Any, dict[str, Any]]:
    """The config, and where to look for the rest: the cache alone if the hub is out of reach."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    if _is_path(name) and not Path(place).is_dir():
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which is not there: check the path."
        )
    folder = Path(place).is_dir()
    if folder and not (Path(place) / "config.json").is_file():
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which holds no config.json: give the "
            "folder that `save_pretrained` wrote."
        )
    offline = not folder and not hub.get("local_files_only") and not _hub_in_reach()
    if offline:  # without this, transformers tries for half a minute
        hub = {**hub, "local_files_only": True}
    # Without a word of the user's, no code of a checkpoint's own is run, nor asked about.
    trusted = {"trust_remote_code": False, **hub}
    try:
        return AutoConfig.from_pretrained(place, **trusted), hub
    except OSError as error:
        reason = "is out of reach (is this machine offline?)" if offline else "gave none"
        raise UnknownNameError(
            f"Expected a model's folder or hub id, got {name!r}: there is no such folder, and the "
            f"hub {reason}. {_remedy_of_name(name, offline, suggestions)}"
        ) from error
    except StrictDataclassError as error:
        raise ModelError(
            f"Expected a valid config.json in {name!r}, got one whose fields are not what they "
            f"should be: {' '.join(str(error).split())} Correct it, or download the checkpoint "
            "again."
        ) from error
    except (ValueError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise UnsupportedModelError(
                f"Expected a model of transformers' own classes, got {name!r}, which brings code "
                "of its own: read that code, and pass trust_remote_code=True if you trust it. Many "
                "such models have a twin in transformers' format, named ...-hf."
            ) from error
        raise UnsupportedModelError(
            f"Expected a model that this transformers knows, got {name!r}: {_first_line(error)} "
            f"Known families: {', '.join(sorted(_families_by_type()))}."
        ) from error


def _remedy_of_name(name: str, offline: bool, suggestions: Iterable[str]) -> str:
    """What to do about a name that is neither a folder nor found on the hub."""
    checkpoints = (place for family in FAMILIES for place in family.checkpoints)
    if question := did_you_mean(name, (*suggestions, *checkpoints)):
        return question[0].upper() + question[1:]
    if offline:
        return "Connect to the network, or give the folder of a model."
    return "Check how it is written, and whether you may read it."


def _is_path(name: str) -> bool:
    """Whether a name can only be a path: hub ids hold one slash at most, and no leading dot."""
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or os.path.isdir(name)


def _hub_in_reach() -> bool:
    """Whether the hub's address resolves; with a proxy or without a need to ask, assume it does."""
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
