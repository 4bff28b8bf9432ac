"""The help of every command, on the reference page of the command line."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

PLACE = "<!-- help of every command -->"
"""What the page holds in the place of the help."""
COLUMNS = "88"


def help_of(*command: str) -> str:
    """What `seewhy COMMAND --help` prints."""
    from seewhy.cli.main import main

    shown = io.StringIO()
    with patch.dict(os.environ, COLUMNS=COLUMNS), redirect_stdout(shown), suppress(SystemExit):
        main([*command, "--help"])
    return shown.getvalue().strip()


def commands() -> list[str]:
    """The names of all commands, in the order of the help."""
    listed = help_of().partition("COMMAND\n")[2].partition("\n\n")[0]
    return re.findall(r"^    (\S+)", listed, re.MULTILINE)


def on_page_markdown(markdown: str, *, page: Page, **kwargs: Any) -> str:
    """Put the help into the page that has a place for it."""
    if PLACE not in markdown:
        return markdown
    parts = [f"## seewhy {name}\n\n```text\n{help_of(name)}\n```" for name in commands()]
    return markdown.replace(PLACE, "\n\n".join(parts))
