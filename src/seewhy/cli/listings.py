"""`seewhy methods`, `models`, `metrics`, `datasets`, `suites`, `cite`, `version`."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import textwrap
from argparse import Namespace
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, TypeAlias

from seewhy._version import __version__
from seewhy.cli._command import add_command

if TYPE_CHECKING:
    from seewhy.bench.config import BenchConfig

Entry: TypeAlias = "Mapping[str, str | Sequence[str]]"
"""One entry of a listing, JSON-ready: its name under `name`, then its other fields."""

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "pillow")
LISTINGS = {
    "methods": "list the methods, and what each needs",
    "models": "list the families of models, and how each scales images",
    "metrics": "list the metrics",
    "datasets": "list the data sets, and the folder layout of each",
    "suites": "list the suites of seewhy bench",
    "version": "print the versions of seewhy and of the packages that it needs",
}
WIDEST = 100
"""Maximum line width in characters: longer lines are hard to read."""
MAX_VALUES = 24
"""Maximum number of values printed for a field; `--json` has all."""


def add_to(commands) -> None:
    """Add the listing commands and `seewhy cite`."""
    added = [
        add_command(commands, name, summary, f"seewhy.cli.listings:{name}")
        for name, summary in LISTINGS.items()
    ]
    cite = add_command(
        commands, "cite", "print the BibTeX of a method's papers", "seewhy.cli.listings:cite"
    )
    cite.add_argument("method", metavar="METHOD", help="a name that `seewhy methods` lists")
    for command in (*added, cite):
        command.add_argument("--json", action="store_true", help="print one JSON object")


def methods(arguments: Namespace) -> int:
    """List every method with its needs and summary."""
    from seewhy.methods import METHODS, create

    entries = []
    for name in METHODS.names():
        method = create(name)
        needs = sorted(method.all_needs) or ["nothing"]
        licence = {"licence": " ".join(method.licences)} if method.licences else {}
        entries.append({"name": name, "needs": needs, "summary": method.summary, **licence})
    return _print(entries, arguments)


def models(arguments: Namespace) -> int:
    """List every family with its checkpoints and how it scales images."""
    from seewhy.models import FAMILIES

    entries = [
        {
            "name": family.name,
            "checkpoints": list(family.checkpoints) or ["any other"],
            "video": "yes" if family.clip_marker else "no",
            "scaling": family.scaling,
            "unseen": family.coverage,
        }
        for family in FAMILIES
    ]
    return _print(entries, arguments)


def metrics(arguments: Namespace) -> int:
    """List every metric with its figures."""
    from seewhy.metrics import METRICS

    entries = [
        {
            "name": metric.name,
            "summary": metric.summary,
            "figures": [f.name for f in metric.figures if "-curve@" not in f.name],
        }
        for metric in METRICS
    ]
    return _print(entries, arguments)


def datasets(arguments: Namespace) -> int:
    """List every data set with the layout of its folder."""
    from seewhy.datasets import DATASETS

    entries = [
        {"name": d.name, "summary": d.summary, "layout": d.layout or "needs no folder"}
        for d in DATASETS
    ]
    return _print(entries, arguments)


def suites(arguments: Namespace) -> int:
    """List every suite of the bench with its methods, metrics and data."""
    from seewhy.bench.suites import SUITES

    entries = [
        {
            "name": name,
            "summary": " ".join((make.__doc__ or "").split("\n\n")[0].split()),
            **_suite_fields(make()),
        }
        for name, make in SUITES.items()
    ]
    return _print(entries, arguments)


def _suite_fields(suite: BenchConfig) -> dict[str, str | list[str]]:
    """The models, data, metrics and methods of a suite."""
    return {
        "models": list(map(str, suite.models or ())),
        "data": list(map(str, suite.data or ())),
        "samples": "all" if suite.limit is None else str(suite.limit),
        "metrics": list(map(str, suite.metrics or ())),
        "methods": list(map(str, suite.methods or ())),
    }


def cite(arguments: Namespace) -> int:
    """Print the BibTeX entries of a method's papers, and the limits of its use."""
    from seewhy.methods import citation, create

    entries, licences = citation(arguments.method), create(arguments.method).licences
    if arguments.json:
        more = {"licence": " ".join(licences)} if licences else {}
        print(json.dumps({"cite": entries.split("\n\n"), **more}))
        return 0
    print(entries)
    for text in licences:  # not in the BibTeX, which goes into a file
        print(f"seewhy: {text}", file=sys.stderr)
    return 0


def version(arguments: Namespace) -> int:
    """Print versions, read from the installed distributions without importing them."""
    versions = {"seewhy": __version__, "python": platform.python_version()}
    versions |= {name: _installed(name) for name in PACKAGES}
    if arguments.json:
        print(json.dumps({"version": versions}))
        return 0
    for name, number in versions.items():
        print(f"{name} {number or 'is not installed'}")
    return 0


def _installed(name: str) -> str | None:
    """The version of a distribution, or None where it is not installed."""
    try:
        return version_of(name)
    except PackageNotFoundError:
        return None


def _print(entries: Sequence[Entry], arguments: Namespace) -> int:
    """Print entries as paragraphs, or as one JSON object under the command's name."""
    if arguments.json:
        print(json.dumps({arguments.command: entries}))
        return 0
    width = min(shutil.get_terminal_size().columns, WIDEST)
    print("\n\n".join(paragraph(entry, width) for entry in entries))
    return 0


def paragraph(entry: Entry, width: int) -> str:
    """An entry's name, and below it each other field, wrapped between words.

    Example:
        >>> print(paragraph({"name": "tam", "needs": ["states"], "summary": "A map."}, 80))
        tam
          needs    states
          summary  A map.
    """
    label = max(map(len, entry)) + 2
    lines = [str(entry["name"])]
    for field, value in entry.items():
        if field != "name":
            lines += textwrap.wrap(
                value if isinstance(value, str) else _joined(value),
                width,
                initial_indent=f"  {field:{label}}",
                subsequent_indent=" " * (label + 2),
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def _joined(values: Sequence[str]) -> str:
    more = [f"and {len(values) - MAX_VALUES} more (see --json)"] if len(values) > MAX_VALUES else []
    return ", ".join([*values[:MAX_VALUES], *more])
