"""Read a model's config, from a folder or from the hub, before any weights."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from seewhy.core.errors import ModelError, UnknownNameError, UnsupportedModelError
from seewhy.core.suggestions import did_you_mean
from seewhy.models.checkpoint_files import expect_model_folder
from seewhy.models.family_choice import FAMILIES, families_by_type


def read_config(
    name: str, location: str, hub: dict[str, Any], suggestions: Iterable[str]
) -> tuple[Any, dict[str, Any]]:
    """The config, and hub options for the other files: only the cache if the hub is offline."""
    from transformers import AutoConfig

    is_folder = expect_folder(name, location)
    offline = not is_folder and not hub.get("local_files_only") and not hub_in_reach()
    if offline:  # without this, transformers retries for half a minute
        hub = {**hub, "local_files_only": True}
    # Without the user's consent no code of a checkpoint is run, and transformers does not prompt.
    trusted = {"trust_remote_code": False, **hub}
    try:
        return AutoConfig.from_pretrained(location, **trusted), hub
    except Exception as error:
        raise _config_error(error, name, is_folder, offline, suggestions) from error


def expect_folder(name: str, location: str) -> bool:
    """Whether a name is a folder with a model in it.

    Raises:
        UnknownNameError: if it can only be a path, but is no such folder.
        ModelError: if a JSON file in it is damaged.
    """
    is_folder = Path(location).is_dir()
    if is_path(name) and not is_folder:
        raise UnknownNameError(
            f"Expected a model's folder, got {name!r}, which is not there: check the path."
        )
    if is_folder:
        expect_model_folder(name, Path(location))
    return is_folder


def _config_error(
    error: Exception, name: str, is_folder: bool, offline: bool, suggestions: Iterable[str]
) -> ModelError | UnknownNameError:
    """The error to raise for an error of transformers about a config."""
    from huggingface_hub.errors import StrictDataclassError

    if isinstance(error, OSError) and not is_folder:
        reason = "cannot be reached (is this machine offline?)" if offline else "has no such id"
        return UnknownNameError(
            f"Expected a model's folder or hub id, got {name!r}: there is no such folder, and the "
            f"hub {reason}. {_remedy_of_name(name, offline, suggestions)}"
        )
    if isinstance(error, StrictDataclassError) or not isinstance(error, ValueError | KeyError):
        return ModelError(
            f"Expected a valid config.json in {name!r}, got one with invalid fields: "
            f"{' '.join(str(error).split())} Correct it, or download the checkpoint again."
        )
    if "trust_remote_code" in str(error):
        return UnsupportedModelError(
            f"Expected a model of transformers' own classes, got {name!r}, which has its "
            "own code: read that code, and pass trust_remote_code=True if you trust it. Many such "
            "models have a version in transformers' format, named ...-hf."
        )
    return UnsupportedModelError(
        f"Expected a model that this version of transformers supports, got {name!r}: "
        f"{first_line(error)} Supported types: {', '.join(sorted(families_by_type()))}."
    )


def _remedy_of_name(name: str, offline: bool, suggestions: Iterable[str]) -> str:
    """What to do about a name that is neither a folder nor a hub id."""
    hub_ids = (hub_id for family in FAMILIES for hub_id in family.checkpoints)
    if question := did_you_mean(name, (*suggestions, *hub_ids)):
        return question[0].upper() + question[1:]
    if offline:
        return "Connect to the network, or give the folder of a model."
    return "Check its spelling, and whether you have access to it."


def is_path(name: str) -> bool:
    """Whether a name can only be a path: hub ids have at most one slash, and no leading dot."""
    return name.startswith((".", "~", os.sep)) or name.count("/") > 1 or os.path.isdir(name)


def hub_in_reach() -> bool:
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


def first_line(error: BaseException) -> str:
    """The first line of an error's text, or its class."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if line.endswith((".", "!", "?", ":")) else f"{line}."
