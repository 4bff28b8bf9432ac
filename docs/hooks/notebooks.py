"""The notebooks of the repository as pages: text, code, and the outputs that are kept in them.

Each becomes `notebooks/NAME.md`, its pictures become files beside it. Nothing is run here: the
tests run the notebooks, and `make notebooks` writes their outputs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FOLDER = "notebooks"
"""Where the pages lie in the site."""


def pages() -> dict[str, dict[str, str | bytes]]:
    """For each notebook's name the files of its page: the page itself first, then its pictures."""
    return {path.stem: files_of(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def files_of(path: Path) -> dict[str, str | bytes]:
    """The files that a notebook becomes, by their place in the site."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    page = f"{FOLDER}/{path.stem}.md"
    files: dict[str, str | bytes] = {page: ""}
    parts: list[str] = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(fenced(source, "python"))
        for output in cell["outputs"]:
            parts += _shown(output, path.stem, files)
    parts.append(f"*This page is the notebook `notebooks/{path.name}` of the repository.*")
    files[page] = "\n\n".join(parts) + "\n"
    return files


def fenced(text: str, language: str) -> str:
    """A block of code whose fence is longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _shown(output: dict[str, Any], name: str, files: dict[str, str | bytes]) -> Iterator[str]:
    """What is shown of an output; its picture is added to the files."""
    if "text" in output:
        yield fenced("".join(output["text"]), "text")
        return
    data = output.get("data", {})
    if "image/png" in data:
        place = f"{name}-{len(files)}.png"
        files[f"{FOLDER}/{place}"] = base64.b64decode("".join(data["image/png"]))
        told = output.get("metadata", {}).get("image/png", {})
        alt = " ".join(str(told.get("alt", "A figure")).split())
        width = f'{{ width="{told["width"]}" }}' if "width" in told else ""
        yield f"![{escaped(alt)}]({place}){width}"
    elif "text/plain" in data:
        yield fenced("".join(data["text/plain"]), "text")


def escaped(text: str) -> str:
    r"""Text for an image's description in Markdown.

    Example:
        >>> escaped("a [b] *c*")
        'a \\[b\\] \\*c\\*'
    """
    return "".join(f"\\{c}" if c in r"\`*_[]<>&" else c for c in text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and their pictures to the files of the site."""
    from mkdocs.structure.files import File

    for made in pages().values():
        for place, content in made.items():
            files.append(File.generated(config, place, content=content))
    return files
