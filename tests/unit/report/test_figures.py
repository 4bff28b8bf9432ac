import sys
from collections.abc import Iterator

import matplotlib
import pytest

from golden.records import record_of

matplotlib.use("Agg")
from matplotlib import pyplot

from seewhy.core.errors import OutputError, ParameterError
from seewhy.report.figures import plot


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def titles(axes) -> list[str]:
    return [panel.get_title().split("  ")[0] for panel in axes.flat if panel.images]


def test_plot_shows_the_picture_and_every_word_but_marks():
    record = record_of()
    _, axes = plot(record)
    wanted = [word.text for word in record.words if word.text != "."]
    assert titles(axes) == ["picture", *wanted]


def test_plot_shows_the_chosen_words_in_their_order():
    _, axes = plot(record_of(), [2, -1, 1])
    assert axes.shape == (1, 4)
    assert titles(axes) == ["picture", "star", ".", "red"]


def test_plot_reads_no_formula_into_a_word():
    figure, axes = plot(record_of((("$$", ""), (" \\frac{", ""), (" $$", ""))))
    figure.canvas.draw()
    figure, axes = plot(record_of((("$$", ""), (" a", ""))), [0])
    figure.canvas.draw()
    assert titles(axes)[1] == "$$"


def test_plot_refuses_words_that_are_not_there():
    with pytest.raises(ParameterError, match="answer's 20 words, got 20"):
        plot(record_of(), [20])


def test_plot_refuses_no_columns():
    with pytest.raises(ParameterError, match="at least one column, got 0"):
        plot(record_of(), columns=0)


def test_plot_says_what_to_install_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OutputError, match="pip install 'seewhy\\[plot\\]'"):
        plot(record_of())
