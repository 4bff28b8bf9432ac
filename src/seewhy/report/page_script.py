"""A page's script: its ES modules joined into one.

From a server the modules in `assets/js` work unchanged. A saved page is one file whose policy
allows one inline script, and an inline script cannot import; so the modules are joined when a page
is written. Each becomes a function that returns its exports, in the order of dependency. These
forms of import and export are supported, and any other one is an error:

    import { a, b } from "./other.js";
    export function a() {}    export const a = 1;    export class A {}

Comments on separate lines, which hold the types, are left out of the page.
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
# Comments on separate lines; a comment followed by code is not one.
_COMMENT = re.compile(r"^ *(?://.*|/\*\*?(?:(?!\*/)[\s\S])*\*/ *)\n", re.MULTILINE)
# Forms that work only in modules, and text that would end a script element or hide a part of it.
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
        ValueError: for an unsupported form of import or export, an import of a name that is not
            exported, and cyclic imports.

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
        cycle = " -> ".join(error.args[1])
        raise ValueError(
            f"Expected modules that need each other in one direction, got {cycle}: move what both "
            "need into a third."
        ) from error
    return "\n".join(_scope(path, modules) for path in order)


def _read_all(entry: str, read: Callable[[str], str]) -> dict[str, _Module]:
    """A module and all that it imports, by path."""
    modules: dict[str, _Module] = {}
    pending = [entry]
    while pending:
        path = pending.pop()
        if path not in modules:
            modules[path] = _parse(path, read(path))
            pending.extend(source for source, _ in modules[path].imports)
    return modules


def _parse(path: str, source: str) -> _Module:
    text = _COMMENT.sub("", source.rstrip("\n") + "\n")
    if match := _FORBIDDEN.search(text):
        raise ValueError(f"Expected no {match[0]!r} in {path}, got it: a saved page cannot run it.")
    imports = [
        (posixpath.normpath(posixpath.join(path, "..", target)), tuple(re.findall(r"\w+", names)))
        for names, target in _IMPORT.findall(text)
    ]
    lines = _IMPORT.sub("", text).strip("\n").split("\n")
    exports = [match[1] for line in lines if (match := _EXPORT.match(line))]
    body = [line.removeprefix("export ") if _EXPORT.match(line) else line for line in lines]
    if unsupported := next(filter(_KEYWORD.match, body), None):
        raise ValueError(
            f'Expected `import {{ a, b }} from "./other.js";` or `export` before a function, '
            f"const or class in {path}, got {unsupported.strip()!r}: use one of these."
        )
    return _Module(tuple(body), tuple(exports), tuple(imports))


def _scope(path: str, modules: dict[str, _Module]) -> str:
    """A module as a function, called immediately, that returns the exports of the module."""
    module = modules[path]
    imports = []
    for source, names in module.imports:
        if unknown := set(names) - set(modules[source].exports):
            raise ValueError(
                f"Expected {path} to import what {source} exports "
                f"({', '.join(modules[source].exports)}), got {', '.join(sorted(unknown))}."
            )
        imports.append(f"const {{ {', '.join(names)} }} = {_variable(source)};")
    exports = [f"return {{ {', '.join(module.exports)} }};"] if module.exports else []
    head = f"const {_variable(path)} = (() => {{"
    return "\n".join([head, *imports, *module.body, *exports, "})();"])


def _variable(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))
