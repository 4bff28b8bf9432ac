"""`seewhy methods`, `models`, `metrics`, `datasets`, `cite`, `version`: what there is."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any

from seewhy._version import __version__

FOUNDATIONS = ("torch", "transformers", "tokenizers", "numpy", "pillow")


def methods(arguments: Namespace) -> int:
    """List every method with what it does and what it needs."""
    from seewhy.methods import METHODS

    rows = [
        {
            "name": method.name,
            "summary": method.summary,
            "needs": sorted(method.needs) or ["nothing"],
        }
        for method in METHODS
    ]
    return _list("methods", rows, arguments.json)


def models(arguments: Namespace) -> int:
    """List every family with the checkpoints it stands for and its way to other scales."""
    from seewhy.models import FAMILIES

    rows = [
        {
            "name": family.name,
            "checkpoints": list(family.checkpoints) or ["any other"],
            "video": "yes" if family.clip_marker else "no",
            "scaling": family.scaling,
            "unseen": family.coverage,
        }
        for family in FAMILIES
    ]
    return _list("models", rows, arguments.json)


def metrics(arguments: Namespace) -> int:
    """List every metric with its figures."""
    from seewhy.metrics import METRICS

    rows = [
        {
            "name": metric.name,
            "summary": metric.summary,
            "figures": [f.name for f in metric.figures if "-curve@" not in f.name],
        }
        for metric in METRICS
    ]
    return _list("metrics", rows, arguments.json)


def datasets(arguments: Namespace) -> int:
    """List every data set with the layout of its folder."""
    from seewhy.datasets import DATASETS

    rows = [
        {"name": d.name, "summary": d.summary, "layout": d.layout or "needs no folder"}
        for d in DATASETS
    ]
    return _list("datasets", rows, arguments.json)


def cite(arguments: Namespace) -> int:
    """Print the BibTeX entries of a method's papers."""
    from seewhy.methods import citation

    print(citation(arguments.method))
    return 0


def version(arguments: Namespace) -> int:
    """Print versions, read from the installed distributions without importing them."""
    print(f"seewhy {__version__}")
    print(f"python {platform.python_version()}")
    for name in FOUNDATIONS:
        try:
            print(f"{name} {version_of(name)}")
        except PackageNotFoundError:
            print(f"{name} is not installed")
    return 0


def _list(title: str, rows: list[dict[str, Any]], as_json: bool) -> int:
    """Print rows as a table of their fields, or as one JSON object."""
    if as_json:
        print(json.dumps({title: rows}))
        return 0
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
    for field in rows[0]:
        table.add_column(field, no_wrap=field == "name", overflow="fold")
    for row in rows:
        cells = (v if isinstance(v, str) else "\n".join(map(str, v)) for v in row.values())
        table.add_row(*(Text(cell) for cell in cells))
    Console(highlight=False).print(table)
    return 0
