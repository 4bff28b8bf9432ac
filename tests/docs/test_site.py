"""The site: every page can be reached, the live report is one, docstrings show their doctests."""

from __future__ import annotations

import importlib
import json
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
        names = ("command_help", "griffe_seewhy", "live_report", "notebooks")
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def test_navigation_has_four_sections_and_every_page(hooks):
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    navigation = text.partition("\nnav:\n")[2].partition("\n\n")[0]
    sections = re.findall(r"^  - (\w+):", navigation, re.MULTILINE)
    assert sections == ["Start", "Concepts", "Results", "Reference"]
    named = re.findall(r": ([\w/-]+\.md)$", navigation, re.MULTILINE)
    made = [next(iter(files)) for files in hooks.notebooks.pages().values()]
    written = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(named) == sorted([*written, *made])


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


def test_notebooks_are_pages_with_their_text_code_and_outputs(hooks):
    pages = hooks.notebooks.pages()
    assert len(pages) == 3
    for name, files in pages.items():
        page, *pictures = files
        assert page == f"notebooks/{name}.md"
        text = files[page]
        assert text.startswith("# ")
        assert "```python\nimport seewhy" in text
        assert "```text\n" in text
        assert pictures
        for picture in pictures:
            assert files[picture].startswith(b"\x89PNG")
            assert f"]({Path(picture).name})" in text
        alts = re.findall(r"!\[((?:\\.|[^\]])*)\]", text)
        assert any("Maps of: " in alt for alt in alts)


def test_code_of_a_notebook_cannot_end_its_block(hooks):
    assert hooks.notebooks.fenced("a\n```\nb", "text") == "````text\na\n```\nb\n````"


SIZES = ROOT / "benchmarks" / "results" / "notebook_size.json"


def test_sizes_of_notebooks_are_those_that_were_measured():
    sizes = json.loads(SIZES.read_text("utf-8"))
    text = (DOCS / "notebooks.md").read_text("utf-8")
    told = re.findall(r"<!-- size: (\w+) -->(\d+) kB", text)
    assert len(told) == 3
    assert {name: round(sizes[name] / 1000) for name, _ in told} == {n: int(k) for n, k in told}
