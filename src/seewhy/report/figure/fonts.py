"""Fonts of a figure: one that matplotlib brings, and others for characters that it lacks.

Needs matplotlib: `seewhy[plot]`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import near_matches

DEFAULT_FONT = "DejaVu Sans"

#: Tried first where a character is missing; then all installed fonts by name.
PREFERRED = (
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Noto Naskh Arabic",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Emoji",
    "Symbola",
)

#: Fonts that show something else than the character, or hold colours alone.
UNUSABLE = ("last resort", "lastresort", "color emoji", "colour emoji", "emoji one")

#: Characters that have no shape of their own.
SHAPELESS = ("Cf", "Mn", "Me", "Zs", "Cc")


def font_families(texts: Iterable[str], font: str | None = None) -> tuple[list[str], set[str]]:
    """The fonts that show some texts, the first one first, and the characters that none has.

    Args:
        texts: all that is written.
        font: the name of the first; None for DejaVu Sans.

    Raises:
        UnknownNameError: if no font of this name is installed.
    """
    first = DEFAULT_FONT if font is None else _installed(font)
    families = list(dict.fromkeys((first, DEFAULT_FONT)))
    needed = {c for text in texts for c in text if unicodedata.category(c) not in SHAPELESS}
    missing = {c for c in needed if not any(ord(c) in _characters(name) for name in families)}
    for name in _others(tuple(families)) if missing else ():
        found = {c for c in missing if ord(c) in _characters(name)}
        if found:
            families.append(name)
            missing -= found
        if not missing:
            break
    return families, missing


def missing_note(missing: Iterable[str]) -> str:
    """The sentence about characters that no installed font has.

    Example:
        >>> missing_note("猫")
        "No installed font has '猫' (U+732B), which is drawn as a box: install one that has, such \
as Noto Sans CJK, or save as SVG, which keeps the text and lets the reader's program choose."
    """
    characters = sorted(missing)
    told = ", ".join(f"{c!r} (U+{ord(c):04X})" for c in characters[:6])
    more = f" and {len(characters) - 6} more" if len(characters) > 6 else ""
    verb = "is drawn as a box" if len(characters) == 1 else "are drawn as boxes"
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in characters}
    wanted = "Noto Sans CJK" if scripts & {"CJK", "HIRAGANA", "KATAKANA", "HANGUL"} else "Noto Sans"
    wanted = "Noto Emoji" if any(unicodedata.category(c) == "So" for c in characters) else wanted
    return (
        f"No installed font has {told}{more}, which {verb}: install one that has, such as "
        f"{wanted}, or save as SVG, which keeps the text and lets the reader's program choose."
    )


def _installed(font: str) -> str:
    """The name of an installed font, or UnknownNameError."""
    names = sorted(_files())
    by_lower = {name.lower(): name for name in names}
    if (found := by_lower.get(str(font).lower())) is not None:
        return found
    near = near_matches(str(font), names)
    remedy = f"did you mean {' or '.join(map(repr, near))}?" if near else "install it first."
    raise UnknownNameError(f"Expected the name of an installed font, got {font!r}: {remedy}")


def _files() -> dict[str, str]:
    """The files of upright fonts of normal weight by their names, without those that are no use."""
    from matplotlib.font_manager import fontManager

    found: dict[str, str] = {}
    for entry in sorted(fontManager.ttflist, key=lambda one: (one.name, one.fname)):
        is_usual = entry.style == "normal" and entry.weight in (400, "normal", "regular", "book")
        if is_usual and not any(word in entry.name.lower() for word in UNUSABLE):
            found.setdefault(entry.name, entry.fname)
    return found


def _others(known: tuple[str, ...]) -> list[str]:
    names = sorted(_files())
    first = [name for name in PREFERRED if name in names]
    return [name for name in dict.fromkeys((*first, *names)) if name not in known]


def _characters(name: str) -> frozenset[int]:
    return _characters_in(_files().get(name, ""))


@cache
def _characters_in(file: str) -> frozenset[int]:
    """The characters of a font; none if it cannot be read or scaled."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(file)
    except (OSError, RuntimeError, ValueError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()
