"""A page's script: its ES modules joined into one.

The modules in `assets/js` work as they are where a server delivers them. A saved page is one file
whose policy admits one inline script, and an inline script cannot import; so the modules are joined
when a page is written. Each becomes a function that returns its exports, in the order in which they
need each other. Few forms of import and export are understood, and any other one is an error:

    import { a, b } from "./other.js";
    export function a() {}    export const a = 1;    export class A {}

Comments on lines of their own, which hold the types, stay out of the page.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files

_IMPORT = re.compile(
    r'^import \{\s*(\w+(?:,\s+\w+)*),?\s*\} from "(\.\.?/[\w./-]+\.js)";\n', re.MULTILINE
)
_EXPORT = re.compile(r"export (?:async )?(?:function|const|class) (\w+)\b")
_KEYWORD = re.compile(r"\s*(?:import|export)\b")
# Comments on lines of their own; a comment with code behind it is not one.
_COMMENT = re.compile(r"^ *(?://.*|/\*\*?(?:(?!\*/)[\s\S])*\*/ *)\n", re.MULTILINE)
# Forms that work in modules alone, and text that would end a script element or hide a part of it.
_FORBIDDEN = re.compile(r"\bimport *[(.]|^await\b|</script|<!--", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class _Module:
    """A module's lines without its imports, what it exports, and what it imports from where."""

    body: tuple[str, ...]
    exports: tuple[str, ...]
    imports: tuple[tuple[str, tuple[str, ...]], ...]


@cache
def page_script(entry: str) -> str:
    """The script of a page.

    Args:
        entry: path of its first module in `assets/js`, such as `"report/page.js"`.
    """
    folder = files("seewhy.report").joinpath("assets", "js")
    return join_modules(entry, lambda path: folder.joinpath(path).read_text("utf-8"))


def join_modules(entry: str, read: Callable[[str], str]) -> str:
    """Join a module and all that it imports into one script without imports.

    Args:
        entry: path of the module.
        read: gives the text of a module by its path.

    Raises:
        ValueError: for a form of import or export that is not understood, an import of a name that
            is not exported, and modules that import each other in a circle.

    Example:
        >>> print(join_modules("a.js", {"a.js": "export const one = 1;"}.__getitem__))
        const $a = (() => {
        const one = 1;
        return { one };
        })();
    """
    modules = _read_all(entry, read)
    needs = {path: [source for source, _ in module.imports] for path, module in modules.items()}
    try:
        order = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ValueError(
            f"Expected modules that need each other in one direction, got {circle}: move what both "
            "need into a third."
        ) from error
    return "\n".join(_scope(path, modules) for path in order)


def _read_all(entry: str, read: Callable[[str], str]) -> dict[str, _Module]:
    """A module and all that it imports, by path."""
    modules: dict[str, _Module] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in modules:
            modules[path] = _parse(path, read(path))
            waiting.extend(source for source, _ in modules[path].imports)
    return modules


def _parse(path: str, source: str) -> _Module:
    text = _COMMENT.sub("", source.rstrip("\n") + "\n")
    if found := _FORBIDDEN.search(text):
        raise ValueError(f"Expected no {found[0]!r} in {path}, got it: a saved page cannot run it.")
    imports = [
        (posixpath.normpath(posixpath.join(path, "..", place)), tuple(re.findall(r"\w+", names)))
        for names, place in _IMPORT.findall(text)
    ]
    lines = _IMPORT.sub("", text).strip("\n").split("\n")
    exports = [found[1] for line in lines if (found := _EXPORT.match(line))]
    body = [line.removeprefix("export ") if _EXPORT.match(line) else line for line in lines]
    if odd := next(filter(_KEYWORD.match, body), None):
        raise ValueError(
            f'Expected `import {{ a, b }} from "./other.js";` or `export` before a function, '
            f"const or class in {path}, got {odd.strip()!r}: write it in one of these forms."
        )
    return _Module(tuple(body), tuple(exports), tuple(imports))


def _scope(path: str, modules: dict[str, _Module]) -> str:
    """A module as a function that is called at once and returns what the module exports."""
    module = modules[path]
    taken = []
    for source, names in module.imports:
        if unknown := set(names) - set(modules[source].exports):
            raise ValueError(
                f"Expected {path} to import what {source} exports "
                f"({', '.join(modules[source].exports)}), got {', '.join(sorted(unknown))}."
            )
        taken.append(f"const {{ {', '.join(names)} }} = {_variable(source)};")
    exports = [f"return {{ {', '.join(module.exports)} }};"] if module.exports else []
    head = f"const {_variable(path)} = (() => {{"
    return "\n".join([head, *taken, *module.body, *exports, "})();"])


def _variable(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))
