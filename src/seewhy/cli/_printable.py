"""Text of a model or a user, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Text with control characters replaced by visible symbols, so that none reaches the terminal.

    Example:
        >>> printable("red\\x1b[2J car\\n")
        'red␛[2J car '
    """
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t\r":
        return " "
    if ord(character) < 32:
        return chr(0x2400 + ord(character))
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
