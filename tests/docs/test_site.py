"""The site: every page can be reached, the live report is one, docstrings show their doctests."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def hooks():
    """The modules that the documentation's build runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "hooks"))
        names = ("command_help", "griffe_seewhy", "live_report")
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def test_navigation_has_four_sections_and_every_page():
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    navigation = text.partition("\nnav:\n")[2].partition("\n\n")[0]
    sections = re.findall(r"^  - (\w+):", navigation, re.MULTILINE)
    assert sections == ["Start", "Concepts", "Results", "Reference"]
    named = re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE)
    assert sorted(named) == sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md"))


def test_live_report_is_made_once_and_shown_on_the_home_page(hooks):
    page = hooks.live_report.report()
    assert page.startswith("<!doctype html>")
    assert hooks.live_report.report() is page
    assert f'<iframe src="{hooks.live_report.PLACE}"' in (DOCS / "index.md").read_text("utf-8")


def test_help_of_every_command_is_on_the_page_of_the_command_line(hooks):
    names = hooks.command_help.commands()
    assert {"explain", "bench", "methods", "version"} <= set(names)
    page = (DOCS / "reference" / "cli.md").read_text("utf-8")
    shown = hooks.command_help.on_page_markdown(page, page=None)
    for name in names:
        assert f"## seewhy {name}\n\n```text\nusage: seewhy {name} " in shown
    assert hooks.command_help.on_page_markdown("other", page=None) == "other"


@pytest.mark.parametrize("indent", ["", "    "])
def test_doctests_and_equations_are_fenced_where_they_stand(hooks, indent):
    given = ["Add.", "$$a + b$$", "", "Example:", ">>> 1 + 1", "2", "", "Returns:"]
    shown = [
        *("Add.", "```latex", "a + b", "```", "", "Example:"),
        *("```pycon", ">>> 1 + 1", "2", "```", "", "Returns:"),
    ]
    before, after = (
        "\n".join(indent + line if line else "" for line in lines) for lines in (given, shown)
    )
    assert hooks.griffe_seewhy.fenced(before) == after
