"""No command or code of the documentation shows a picture of one's own to a shipped model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seewhy.cli.parser import EXAMPLES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = sorted((ROOT / "src" / "seewhy").rglob("*.py"))
DRAWN = re.compile(r"(?:^|/)(?:scene|other|0)\.png$|^clip\.gif$")
"""Names of pictures that the documentation draws itself."""
PICTURE = re.compile(r"[\w./-]+\.(?:png|jpe?g|webp|gif)\b")


def commands(text: str) -> list[str]:
    joined = text.replace("\\\n", " ")
    said = [line.split("#")[0] for line in joined.splitlines()]
    return [line for line in said if "seewhy explain " in line]


def leads_to_a_shipped_model(command: str) -> bool:
    asked = command.split("seewhy explain ", 1)[1].split("|")[0]
    if "--model" in asked or "--chat" in asked:
        return False
    shown = re.sub(r"--(?:out|other-pictures)\s+\S+", "", asked)
    return any(not DRAWN.search(name) for name in PICTURE.findall(shown))


def test_a_picture_without_a_model_is_found():
    assert leads_to_a_shipped_model("seewhy explain cat.jpg --json")
    assert leads_to_a_shipped_model("  seewhy explain a.png b.png --prompt 'What?'")
    assert not leads_to_a_shipped_model("seewhy explain cat.jpg --model m")
    assert not leads_to_a_shipped_model("seewhy explain scene.png --out cat.png")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_leads_no_picture_of_ones_own_to_a_shipped_model(page):
    text = page.read_text("utf-8")
    assert [line for line in commands(text) if leads_to_a_shipped_model(line)] == []


def test_help_leads_no_picture_of_ones_own_to_a_shipped_model():
    assert "seewhy explain cat.jpg" in EXAMPLES
    assert [line for line in commands(EXAMPLES) if leads_to_a_shipped_model(line)] == []


def test_code_leads_no_picture_of_ones_own_to_the_default_model():
    """In docstrings and pages alike: `load()` is for scenes."""
    for path in (*PAGES, *SOURCES):
        for line in path.read_text("utf-8").splitlines():
            if "load().explain(" in line:
                (name,) = PICTURE.findall(line) or [""]
                assert DRAWN.search(name), f"{path.name}: {line.strip()}"
