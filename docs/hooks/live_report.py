"""A report that is made while the documentation is built, for the home page.

The shipped model explains a drawn scene, as `seewhy explain` does without arguments. The page goes
into the built site as `live/report.html`; nothing of it lies in the repository.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PLACE = "live/report.html"
"""Where the page lies in the site."""


@cache
def report() -> str:
    """The page, made once for as long as the documentation is served."""
    from seewhy.cli.main import main

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "report")
        with redirect_stdout(io.StringIO()):
            status = main(["explain", "--quiet", "--out", str(out)])
        if status:
            raise RuntimeError(f"Expected `seewhy explain` to succeed, got exit status {status}.")
        return Path(out, "report.html").read_text("utf-8")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to the files of the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PLACE, content=report()))
    return files
