"""What `seewhy compare` is asked to put side by side."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seewhy.core.errors import ParameterError
from seewhy.core.paths import expanded
from seewhy.testbed.pretrained import DEFAULT as DEFAULT_MODEL

PICTURES = frozenset(
    f".{end}"
    for end in (
        *("png", "jpg", "jpeg", "webp", "avif", "gif", "bmp", "tif", "tiff", "jp2", "ppm", "pgm"),
        *("ico", "tga", "heic"),
    )
)
"""Ends of the names of picture files: a name with one of them is no question."""

HOW = (
    "give several saved folders, several pictures, several --method, or several --model (or "
    "--other)."
)


@dataclass(frozen=True)
class Inputs:
    """What is put side by side.

    Attributes:
        folders: of saved explanations; then nothing else is set.
        pictures: files, one or several.
        prompt: the question, or None.
        models: names of models, at least one; None for the one that ships with seewhy.
        methods: specs of methods; empty for the default.
    """

    folders: tuple[Path, ...] = ()
    pictures: tuple[str, ...] = ()
    prompt: str | None = None
    models: tuple[str | None, ...] = (None,)
    methods: tuple[str, ...] = ()


def inputs_of(arguments: Namespace) -> Inputs:
    """Read the words and options of the command.

    Raises:
        ParameterError: if they name nothing to compare, or several kinds of things.
    """
    given = list(arguments.inputs)
    folders = [_is(name, Path.is_dir) for name in given]
    if all(folders):
        _expect_no_options(arguments)
        return Inputs(folders=tuple(map(expanded, given)))
    if any(folders):
        name = given[folders.index(True)]
        raise ParameterError(
            f"Expected folders alone or pictures, got the folder {name!r} beside others: folders "
            "hold explanations that are there already."
        )
    pictures, prompt = _split(given, arguments.prompt)
    models = _models(arguments)
    methods = tuple(arguments.method or ())
    several = [
        name
        for name, things in (("pictures", pictures), ("models", models), ("methods", methods))
        if len(things) > 1
    ]
    if len(several) != 1:
        got = " and ".join(f"several {name}" for name in several) or "one of each"
        raise ParameterError(f"Expected several things of one kind to compare, got {got}: {HOW}")
    if arguments.own_answers and several != ["pictures"]:
        raise ParameterError(
            f"Expected several pictures with --own-answers, got several {several[0]}: leave it out."
        )
    return Inputs(pictures=pictures, prompt=prompt, models=models, methods=methods)


def _models(arguments: Namespace) -> tuple[str | None, ...]:
    named: list[str | None] = list(arguments.model or ())
    others: list[str] = list(arguments.other or ())
    if not named and others:
        named = [DEFAULT_MODEL]
    return (*named, *others) or (None,)


def _split(given: list[str], named: str | None) -> tuple[tuple[str, ...], str | None]:
    """The pictures, and the question: the last word, if it is no picture's name."""
    *earlier, last = given
    if not earlier or _is_picture(last):
        return tuple(given), named
    if named is not None:
        raise ParameterError(
            f"Expected the question once, got {last!r} and --prompt: leave one of them out."
        )
    return tuple(earlier), last


def _is_picture(name: str) -> bool:
    """Whether a word names a picture: a file that is there, or a name that ends like one."""
    if Path(name).suffix.lower() in PICTURES and "\n" not in name:
        return True
    return _is(name, Path.is_file)


def _is(name: str, kind: Callable[[Path], bool]) -> bool:
    """Whether a word is the path of something of a kind; a long question is no path at all."""
    try:
        return kind(expanded(name))
    except (OSError, ValueError):
        return False


def _expect_no_options(arguments: Namespace) -> None:
    """Raise `ParameterError` for options that explain anew."""
    options = ("model", "other", "method", "prompt", "answer", "max_new_tokens")
    flags = ("own_answers", "diagnose")
    for name in options + flags:
        value = getattr(arguments, name)
        if value is not None and value is not False:
            raise ParameterError(
                f"Expected saved folders without --{name.replace('_', '-')}, got it: they hold "
                "explanations that are there already."
            )
