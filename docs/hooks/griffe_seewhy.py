"""How docstrings and packages are read for the reference pages.

Markdown would read doctests and equations as text, so they become blocks of code. A name that a
package imports from one of its public modules is shown where it is defined, not twice.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Alias, Extension, GriffeLoader, Module, Object

DOCTEST = re.compile(r"^(?P<indent> *)>>> .*(?:\n *\S.*)*", re.MULTILINE)


EQUATION = re.compile(r"^(?P<indent> *)\$\$(?P<tex>.+?)\$\$$", re.DOTALL | re.MULTILINE)


class Reading(Extension):
    """Fence doctests and equations, and show every name once."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Put each doctest and equation of a docstring into a block of code."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)

    def on_package(self, *, pkg: Module, loader: GriffeLoader, **kwargs: Any) -> None:
        """Leave out of each package's names those that one of its public modules shows."""
        for package in pkg.modules.values():
            if isinstance(package.exports, list):
                package.exports = [n for n in package.exports if not _shown_below(package, str(n))]


def fenced(docstring: str) -> str:
    """A docstring with each doctest and each equation as a block of code."""
    shown = DOCTEST.sub(r"\g<indent>```pycon\n\g<0>\n\g<indent>```", docstring)
    return EQUATION.sub(r"\g<indent>```latex\n\g<indent>\g<tex>\n\g<indent>```", shown)


def _shown_below(package: Module, name: str) -> bool:
    member = package.members.get(name)
    if not isinstance(member, Alias):
        return False
    inside = member.target_path.removeprefix(f"{package.path}.")
    return inside != member.target_path and not inside.startswith("_")
