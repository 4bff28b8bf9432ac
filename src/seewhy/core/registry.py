"""A typed, lazy registry: the classes of a package, found by file name.

A method, metric or family is one file with one final class; a file whose name begins with an
underscore holds shared code. The registry lists the files without importing them,
and imports a file only when its class is requested.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Generic, TypeVar

from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import unknown_name_message

T = TypeVar("T")


class Registry(Generic[T]):
    """The classes of a package, by file name, and those of other distributions.

    Args:
        package: dotted name of the package whose modules hold one final class each.
        base: the abstract class that they implement.
        noun: what one entry is called in errors, such as `"method"`.
        group: entry point group for classes of other distributions, such as `"seewhy.methods"`.
    """

    def __init__(self, package: str, base: type[T], noun: str, *, group: str = "") -> None:
        self._package, self._base, self._noun = package, base, noun
        self._group = group

    def names(self) -> tuple[str, ...]:
        """Names of all entries, sorted; nothing is imported but the package itself."""
        local = {name.replace("_", "-") for name in self._modules()}
        return tuple(sorted(local | set(self._from_entry_points())))

    def get(self, name: str) -> type[T]:
        """Return the class called `name` (`-` and `_` are the same).

        Raises:
            UnknownNameError: if there is none; the message gives near matches.
        """
        wanted = name.replace("_", "-").lower()
        module = wanted.replace("-", "_")
        if module in self._modules():
            return self._only_class(importlib.import_module(f"{self._package}.{module}"))
        others = self._from_entry_points()
        if wanted in others:
            return others[wanted].load()
        raise UnknownNameError(unknown_name_message(self._noun, name, self.names()))

    def __iter__(self) -> Iterator[type[T]]:
        return (self.get(name) for name in self.names())

    def _modules(self) -> set[str]:
        path = importlib.import_module(self._package).__path__
        return {m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")}

    def _from_entry_points(self) -> dict:
        return {e.name: e for e in entry_points(group=self._group)} if self._group else {}

    def _only_class(self, module) -> type[T]:
        classes = [
            value
            for value in vars(module).values()
            if inspect.isclass(value)
            and issubclass(value, self._base)
            and value.__module__ == module.__name__
            and not inspect.isabstract(value)
        ]
        if len(classes) != 1:
            raise TypeError(
                f"Expected one final {self._noun} class in {module.__name__}, got {len(classes)}: "
                "keep one per file."
            )
        return classes[0]
