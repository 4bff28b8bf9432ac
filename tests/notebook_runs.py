"""The notebooks in `notebooks/`: run in one kernel, and written with outputs that stay small.

    make notebooks      run them and write their outputs anew

What changes from run to run is taken out: live widgets (a picture stands before each), times and
counters of other runs. So a difference in the repository is a difference in what is shown.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"

VIEW = "application/vnd.jupyter.widget-view+json"

BETWEEN = "get_ipython().run_line_magic('reset', '-f')"
"""What runs between two notebooks: names of one must not help the next."""

SECONDS = 300


def read() -> dict[str, NotebookNode]:
    """The notebooks as they are in the repository, by name."""
    return {path.stem: nbformat.read(path, 4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def executed(books: Mapping[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The notebooks with outputs, all run in one kernel: PyTorch is imported once.

    Raises:
        CellExecutionError: if a cell fails.
    """
    whole = new_notebook()
    for book in books.values():
        whole.cells += [new_code_cell(BETWEEN), *deepcopy(book.cells)]
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    os.environ.update(quiet)
    with tempfile.TemporaryDirectory() as folder:
        # Sockets in a folder of our own, and none in the network.
        address = {"transport": "ipc", "ip": str(Path(folder, "kernel"))}
        config = Config({"KernelManager": address})
        client = NotebookClient(
            whole, timeout=SECONDS, kernel_name="python3", config=config, record_timing=False
        )
        client.resources = {"metadata": {"path": folder}}
        client.execute()
    return _parted(whole, books)


def _parted(whole: NotebookNode, books: Mapping[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The one notebook as the ones that it was made of."""
    cells = iter(whole.cells)
    parted = {}
    for name, book in books.items():
        next(cells)
        made = new_notebook(metadata=book.metadata)
        made.cells = [next(cells) for _ in book.cells]
        parted[name] = made
    return parted


def normalised(book: NotebookNode) -> NotebookNode:
    """A notebook without what changes from run to run, and without live parts."""
    number, book = 0, deepcopy(book)
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        cell.metadata = NotebookNode()
        if cell.cell_type != "code":
            continue
        number += 1
        cell.execution_count = number
        cell.outputs = _joined([kept for one in cell.outputs if (kept := _kept(one, number))])
    return book


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs with texts that were printed one after the other as one."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and "text" in output and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _kept(output: NotebookNode, number: int) -> NotebookNode | None:
    if "data" not in output:
        return output
    output.data.pop(VIEW, None)
    if not output.data:
        return None  # a line that said what was waited for
    if "execution_count" in output:
        output.execution_count = number
    return output


def text_of(output: Mapping[str, Any]) -> str:
    """What an output says in text."""
    return output["text"] if "text" in output else output.get("data", {}).get("text/plain", "")


def main() -> None:
    """Run the notebooks, and write them with their outputs."""
    for name, book in executed(read()).items():
        nbformat.write(normalised(book), NOTEBOOKS / f"{name}.ipynb")


if __name__ == "__main__":
    sys.exit(main())
