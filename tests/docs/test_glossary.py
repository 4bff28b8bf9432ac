"""What the glossary says of the code is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"
ROWS = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)


def expect_exists(name: str) -> None:
    """Raise where no module, attribute, or field of a dataclass has a dotted name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if part not in getattr(thing, "__annotations__", {}):
                thing = getattr(thing, part)
        return
    raise ModuleNotFoundError(name)


def test_thirty_words_are_explained_in_order():
    words = [word for word, *_ in ROWS]
    assert len(words) >= 30
    assert words == sorted(words, key=str.lower)
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(("word", "meaning", "code"), ROWS, ids=[row[0] for row in ROWS])
def test_word_is_short_and_its_code_exists(word: str, meaning: str, code: str) -> None:
    assert len(re.findall(r"\.(?= |$)", meaning)) in (1, 2), "one or two sentences"
    names = re.findall(r"`(seewhy[\w.]*)`", code)
    assert names, "no name of the code"
    for name in names:
        expect_exists(name)


@pytest.mark.parametrize(
    "name", ["seewhy.no_such_name", "seewhy.core.trace.Trace.no_such_field", "seewhy.core.no_file"]
)
def test_a_name_that_is_not_there_is_seen(name: str) -> None:
    with pytest.raises(AttributeError, match="no_"):
        expect_exists(name)
