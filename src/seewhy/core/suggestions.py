"""Near matches: the known names that are similar to an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

CUTOFF, MARGIN = 0.6, 0.15
"""Similarity (difflib's ratio, in [0, 1]) from which a known name is suggested, and by how much it
may be less similar than the nearest one."""
LISTED = 40
"""Known names that a message lists; a long answer has too many words to list all."""


def near_matches(name: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """Known names similar to `name`, the nearest first; none if `name` is known itself.

    Args:
        name: what was typed; case does not count.
        known: the names to choose from.
        limit: how many are returned at most.

    Example:
        >>> near_matches("tma", ("arc", "tam"))
        ('tam',)
        >>> near_matches("tam", ("arc", "tam"))
        ()
    """
    names = tuple(known)
    if name in names:
        return ()
    similarity = {
        candidate: SequenceMatcher(None, candidate.casefold(), name.casefold()).ratio()
        for candidate in names
    }
    least = max(CUTOFF, max(similarity.values(), default=0) - MARGIN)
    near = sorted((n for n in similarity if similarity[n] >= least), key=lambda n: -similarity[n])
    return tuple(near[:limit])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for an error message, or no text if no known name is similar.

    Example:
        >>> did_you_mean("--promt", ("--prompt", "--json"))
        "did you mean '--prompt'?"
        >>> did_you_mean("zzz", ("--prompt", "--json"))
        ''
    """
    near = near_matches(name, known)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def choose_from(name: str, known: Iterable[str]) -> str:
    """The remedy for an unknown name: near matches first, then the known names.

    Args:
        name: what was typed.
        known: all names, in the order in which they are listed; the first `LISTED` are named.

    Example:
        >>> choose_from("tma", ("arc", "tam"))
        "did you mean 'tam'? Known: arc, tam."
        >>> choose_from("zzz", ("arc", "tam"))
        'choose one of arc, tam.'
        >>> choose_from("zzz", ())
        'there are none to choose from, leave it out.'
    """
    names = tuple(known)
    if not names:
        return "there are none to choose from, leave it out."
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = ", ".join(names[:LISTED]) + more
    question = did_you_mean(name, names)
    return f"{question} Known: {listed}." if question else f"choose one of {listed}."


def unknown_name_message(noun: str, name: str, known: Iterable[str]) -> str:
    """The error message for an unknown name, with its remedy.

    Args:
        noun: what the names stand for, such as `"method"`.
        name, known: as for `choose_from`.

    Example:
        >>> unknown_name_message("method", "tma", ("arc", "tam"))
        "Expected the name of a method, got 'tma': did you mean 'tam'? Known: arc, tam."
    """
    article = "an" if noun[0] in "aeiou" else "a"
    return f"Expected the name of {article} {noun}, got {name!r}: {choose_from(name, known)}"


def unknown_choice_message(parameter: str, value: object, known: Iterable[str]) -> str:
    """The error message for a parameter value that is not allowed.

    Example:
        >>> unknown_choice_message("variant", "scale", ("scaled", "inverse"))
        "Expected variant as one of scaled, inverse, got 'scale': did you mean 'scaled'?"
        >>> unknown_choice_message("variant", 3, ("scaled", "inverse"))
        'Expected variant as one of scaled, inverse, got 3: choose one of these.'
    """
    names = tuple(known)
    remedy = did_you_mean(str(value), names) or "choose one of these."
    return f"Expected {parameter} as one of {', '.join(names)}, got {value!r}: {remedy}"


def give_index(count: int) -> str:
    """The remedy for an index outside a sequence of `count` entries.

    Example:
        >>> give_index(3), give_index(1), give_index(0)
        ('give 0 to 2', 'give 0', 'there are none')
    """
    return "there are none" if count == 0 else "give 0" if count == 1 else f"give 0 to {count - 1}"
