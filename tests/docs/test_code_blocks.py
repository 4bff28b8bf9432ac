"""Every code block of the README and the documentation runs as written, or says what it needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from code_blocks import PLAIN, READERS, Block, blocks_of, words_of
from seewhy.cli.main import main
from seewhy.testbed.scenes import draw, scene

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
RUN = {"python", "sh"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with the pictures that pages use, as the current one."""
    drawn = [Image.fromarray(draw(scene(index, "heldout")).image) for index in (0, 5)]
    drawn[0].save(tmp_path / "scene.png")
    drawn[1].save(tmp_path / "other.png")
    drawn[0].save(tmp_path / "clip.gif", save_all=True, append_images=[drawn[0]] * 3, duration=100)
    first = tmp_path / "out" / "first" / "pictures"  # of `seewhy explain --out out/first`
    first.mkdir(parents=True)
    drawn[0].save(first / "0.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in {block.title.removesuffix(".py") for block in BLOCKS if block.title}:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_has_a_language_and_can_be_read(block: Block) -> None:
    assert block.language in {*RUN, *PLAIN, *READERS}, f"{block}: name one of these languages"
    if block.language in READERS:
        READERS[block.language](block.code)
    elif block.language == "python":
        compile(block.code, str(block), "exec")


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "sh"], ids=str)
def test_command_is_of_seewhy_or_says_what_it_needs(block: Block) -> None:
    if not block.needs:
        strange = [c for c in block.commands if words_of(c)[0] != "seewhy" or "|" in c]
        assert not strange, f"{block}: write '# needs: ...' behind {strange}"


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.language in RUN for b in blocks_of(page))],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
@pytest.mark.usefixtures("folder")
def test_blocks_run_in_order(page: Path) -> None:
    names = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.title:
            Path(block.title).write_text(block.code, "utf-8")
        if not block.needs and block.language in RUN:
            run(block, names)


def run(block: Block, names: dict) -> None:
    """Run a block as a reader would; names are those that earlier blocks of the page left."""
    if block.language == "python":
        code = "\n" * (block.line - 1) + block.code
        exec(compile(code, block.page, "exec"), names)
        return
    for command in block.commands:
        try:
            status = main(words_of(command)[1:])
        except SystemExit as end:
            status = end.code or 0
        assert status == 0, f"{block}: {command}"


def test_a_block_that_fails_is_seen(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("```python\nimport seewhy\nseewhy.no_such_name\n```\n")
    with pytest.raises(AttributeError, match="no_such_name"):
        test_blocks_run_in_order(page)
    page.write_text("```sh\nseewhy explain no-such-picture.png\n```\n")
    with pytest.raises(AssertionError, match=r"page\.md:2"):
        test_blocks_run_in_order(page)


def test_needs_are_read_from_the_first_line_and_behind_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\n# needs: a GPU\nimport seewhy\n```\n\n  ```sh\n  seewhy methods  # a list\n"
        "  make test  # needs: a clone\n  ```\n"
    )
    first, second = blocks_of(page)
    assert (first.needs, first.line, first.language) == ("# needs: a GPU", 2, "python")
    assert (second.needs, second.commands) == ("", ["seewhy methods  # a list"])
