"""The notebooks of the repository run, and what is kept in them is what they show."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from notebook_runs import NOTEBOOKS, VIEW, executed, normalised, read, text_of

NAMES = ("compare_methods", "explain_a_caption", "why_did_it_invent_that")
KEPT = read()


@pytest.fixture(scope="module")
def books():
    """All notebooks, run in one kernel."""
    return executed(KEPT)


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def outputs(book):
    return [output for cell in code_cells(book) for output in cell.outputs]


def pictures(book):
    return [output for output in outputs(book) if "image/png" in output.get("data", {})]


def printed(book) -> str:
    return "".join(text_of(one) for one in outputs(book) if one.output_type == "stream")


def test_there_are_three_and_they_are_small():
    assert tuple(KEPT) == NAMES
    for name in NAMES:
        assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 300_000
        assert normalised(KEPT[name]) == KEPT[name], "make notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_notebook_shows_what_is_kept_in_it(books, name):
    kinds = [
        [[*sorted(set(one.get("data", {"text": ""})) - {VIEW})] for one in cell.outputs]
        for book in (normalised(books[name]), KEPT[name])
        for cell in code_cells(book)
    ]
    half = len(kinds) // 2
    assert kinds[:half] == kinds[half:], "make notebooks"
    sentences = [
        [text_of(one).splitlines()[0] for one in pictures(book)]
        for book in (books[name], KEPT[name])
    ]
    assert sentences[0] == sentences[1]


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_quiet_and_show_a_picture_before_the_live_page(books, name):
    found = outputs(books[name])
    assert not [text_of(one) for one in found if one.get("name") == "stderr"], "red in a cell"
    kinds = [set(one.get("data", ())) for one in found]
    (live,) = [at for at, kind in enumerate(kinds) if VIEW in kind]
    assert kinds[live - 1] == {"image/png", "text/plain"}
    for one in pictures(books[name]):
        Image.open(io.BytesIO(base64.b64decode(one.data["image/png"]))).verify()


def test_caption_tells_shares_and_draws_a_word(books):
    text = printed(books["explain_a_caption"])
    assert "'mushroom' has a probability of" in text
    assert text.count("% from the picture; of the words:") > 20
    assert (
        sum("image/png" in one.get("data", {}) for one in outputs(books["explain_a_caption"])) == 2
    )


def test_invention_is_found_named_and_undone(books):
    text = printed(books["why_did_it_invent_that"])
    assert "'fish': words, support 0%" in text
    assert "It follows 'boat'" in text
    without = text.partition("without:")[2].splitlines()[0]
    assert "fish" in without, "the place of the fish is not its reason"
    replaced = text.partition("'boat' replaced:")[2].splitlines()[0]
    assert "fish" not in replaced, "the boat is"


def test_methods_are_compared_by_agreement_and_by_what_the_model_loses(books):
    text = printed(books["compare_methods"])
    assert text.count("correlation") == 3
    losses = [float(line.split()[1]) for line in text.splitlines() if "nats lost" in line]
    assert len(losses) == 3
    assert min(losses) > 1
