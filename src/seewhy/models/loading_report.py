"""What transformers says about the weights that it loaded, and what of it is an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seewhy.core.errors import ModelError

#: How many weights an error names.
NAMED = 4


def expect_complete(report: Mapping[str, Any], name: str) -> None:
    """Expect that all weights of a model, and no others, came from its files.

    Tied weights, and weights that a model class may lack or leave out, are in no report.

    Args:
        report: of `from_pretrained(..., output_loading_info=True)`.
        name: hub id or folder.

    Raises:
        ModelError: if weights are missing, have other shapes, or belong to no part of the model;
            it names them.
    """
    if missing := sorted(report.get("missing_keys") or ()):
        raise ModelError(
            f"Expected all weights of {name!r}, got none for {listed(missing)}: random numbers "
            "would stand in for them. Download the checkpoint again, or save the whole model."
        )
    misshapen: list[Any] = sorted(report.get("mismatched_keys") or ())
    if misshapen:
        shapes = [
            f"{key} {list(found)} in place of {list(wanted)}" for key, found, wanted in misshapen
        ]
        raise ModelError(
            f"Expected weights of the shapes that the config of {name!r} says, got "
            f"{listed(shapes)}: use the config and the weights of one checkpoint."
        )
    if unexpected := sorted(report.get("unexpected_keys") or ()):
        raise ModelError(
            f"Expected only weights that the model of {name!r} has, got {listed(unexpected)}: its "
            "config.json may be of another model. If these weights are not needed, load the model "
            "in your own code and pass (model, processor)."
        )
    if errors := [" ".join(str(error).split()) for error in report.get("error_msgs") or ()]:
        raise ModelError(
            f"Expected the weights of {name!r}, got {listed(errors)}: download the checkpoint "
            "again."
        )


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are.

    Example:
        >>> listed(["a", "b"]), listed("abcdef")
        ('a, b', 'a, b, c, d and 2 more')
    """
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
