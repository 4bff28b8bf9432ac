"""Text as it stands in a figure: visible characters, short numbers, short names."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

SIGNS = {"\n": "⏎", "\r": "⏎", "\t": "⇥"}
"""Signs for characters that have no shape."""

REPLACEMENT = "\ufffd"
"""Stands for what is no character, such as half of a surrogate pair."""

OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of the text that follows."""


def visible(text: str) -> str:
    r"""A word as a label: signs in place of line ends and control characters, no space around it.

    Example:
        >>> visible(" a\nb "), visible(""), visible("  ")
        ('a⏎b', '∅', '␣')
    """
    shown = "".join(map(_visible_character, OVERRIDES.sub("", text)))
    return " ".join(shown.split()) or ("␣" if text else "∅")


def _visible_character(character: str) -> str:
    if character in SIGNS:
        return SIGNS[character]
    if unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co"):
        return chr(0x2400 + ord(character)) if ord(character) < 32 else REPLACEMENT
    return character


def plain(text: str) -> str:
    r"""A text on one line, without control characters.

    Example:
        >>> plain("two\n\nlines\x00")
        'two lines'
    """
    spaced = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join("".join(map(_visible_character, OVERRIDES.sub("", spaced))).split())


def shortened(text: str, most: int) -> str:
    """A text of at most `most` characters, cut between words where that is possible.

    Example:
        >>> shortened("a cat on a mat", 9)
        'a cat on…'
    """
    if len(text) <= most:
        return text
    space = text.rfind(" ", 0, most)
    return text[: space if space > most // 2 else most - 1].rstrip() + "…"


def probability(value: float) -> str:
    """A probability with its sign; 0 and 1 stand for exactly that.

    Example:
        >>> [probability(p) for p in (1.0, 0.99996, 0.9991, 0.934, 0.02, 0.0004, 0.0)]
        ['= 1', '> 0.999', '> 0.99', '= 0.93', '= 0.02', '< 0.001', '= 0']
    """
    if value in (0.0, 1.0):
        return f"= {value:g}"
    if value > 0.9995:
        return "> 0.999"
    if value > 0.995:
        return "> 0.99"
    if value < 0.001:
        return "< 0.001"
    return f"= {value:.2f}" if value >= 0.01 else f"= {value:.3f}"


def share(value: float) -> str:
    """A share in [0, 1] as percent; 0 % and 100 % stand for exactly that.

    Example:
        >>> [share(x) for x in (0, 0.002, 0.6, 0.999, 1)]
        ['0 %', '< 1 %', '60 %', '> 99 %', '100 %']
    """
    if 0 < value < 0.01:
        return "< 1 %"
    if 0.99 < value < 1:
        return "> 99 %"
    return f"{100 * value:.0f} %"


def decimal(value: float) -> str:
    """A number with two decimals, or two significant digits where those would say too little.

    Example:
        >>> [decimal(x) for x in (0.0, 5.876, 0.0012, 12345.6)]
        ['0', '5.88', '0.0012', '1.2e+04']
    """
    if value == 0:
        return "0"
    is_extreme = abs(value) >= 1000 or abs(value) < 0.01
    return f"{value:.2g}" if is_extreme and math.isfinite(value) else f"{value:.2f}"


def model_name(model: str) -> str:
    r"""A model as readers know it: a hub id as it is, of a path the last part.

    Example:
        >>> [model_name(m) for m in ("a/b", "/home/me/tuned", "./tuned/", "C:\\models\\x")]
        ['a/b', 'tuned', 'tuned', 'x']
    """
    if re.match(r"[A-Za-z]:[\\/]|\\\\", model):
        return PureWindowsPath(model).name or model
    if model.startswith(("/", "./", "../", "~")):
        return PurePosixPath(model).name or model
    return model


def file_stem(words: list[str]) -> str:
    """A safe name for a figure's file: small letters, digits and hyphens of ASCII.

    Example:
        >>> file_stem(["Red star", "../x", "猫"]), file_stem(["猫"])
        ('seewhy-red-star-x', 'seewhy-figure')
    """
    ascii_text = unicodedata.normalize("NFKD", " ".join(words)).encode("ascii", "ignore").decode()
    parts = re.findall(r"[a-z0-9]+", ascii_text.lower())
    stem = "-".join(parts)[:60].strip("-")
    return f"seewhy-{stem or 'figure'}"
