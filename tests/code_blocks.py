"""The code blocks of Markdown pages: found, sorted into those that run and those that need more.

A block says in its first line what it needs beyond an installation with all extras, a command also
behind itself: `# needs: a GPU and Qwen/Qwen2-VL-2B-Instruct`. All others run as they are written.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]*)(?P<attributes>[^\n]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
TITLE = re.compile(r'title="([^"]+)"')
NEEDS = re.compile(r"# needs: \S.*$")
PLAIN = {"text", "bibtex"}
"""Layouts and formulas: nothing to run."""
READERS = {"json": json.loads, "toml": tomllib.loads}


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: the file's name.
        line: of the page, where the code begins, from 1.
        language: the first word behind the fence.
        title: the name of the file that the code is; "" for none.
        code: without the page's indentation.
    """

    page: str
    line: int
    language: str
    title: str
    code: str

    @property
    def needs(self) -> str:
        """What the block's first line says that it needs; "" for one that runs."""
        found = NEEDS.match(self.code.partition("\n")[0])
        return found[0] if found else ""

    @property
    def commands(self) -> list[str]:
        """Of a block of shell, the commands that say of themselves no need; long ones joined."""
        lines = self.code.replace("\\\n", " ").splitlines()
        return [c for line in lines if (c := line.strip()) and c[0] != "#" and not NEEDS.search(c)]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    text = path.read_text("utf-8")
    for found in FENCE.finditer(text):
        title = TITLE.search(found["attributes"])
        yield Block(
            page=path.name,
            line=text.count("\n", 0, found.start("code")) + 1,
            language=found["language"],
            title=title[1] if title else "",
            code=dedent(found["code"]),
        )


def words_of(command: str) -> list[str]:
    """A command as a shell splits it, comments left out."""
    return shlex.split(command, comments=True)
