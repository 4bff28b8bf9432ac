import sys
from collections.abc import Iterator

import matplotlib
import pytest

from golden.location_records import box_record
from golden.records import clip_record, pictures_record, record_of

matplotlib.use("Agg")
from matplotlib import pyplot

from seewhy.core.errors import OutputError, ParameterError
from seewhy.report.figures import plot
from seewhy.report.spans import spans_of


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


def test_plot_of_several_views_has_a_row_for_each():
    record = pictures_record()
    _, axes = plot(record, [2, 12])
    assert axes.shape == (2, 3)
    assert titles(axes) == ["picture 1", "star", "tree", "picture 2", "star", "tree"]
    for view, row in enumerate(axes):
        width, height = record.pictures[view].size
        assert {panel.images[0].get_array().shape[:2] for panel in row} == {(height, width)}


def test_plot_of_several_views_shows_each_views_share_of_a_word():
    record = pictures_record()
    _, axes = plot(record, [2])
    star = spans_of(record).words[2]
    told = [row[1].get_title().split("  ")[1] for row in axes]
    assert told == [f"{share:.2f}" for share in star.shares]
    assert float(told[0]) > 0.5


def test_plot_of_several_views_continues_in_further_rows():
    _, axes = plot(pictures_record(), [1, 2, 12], columns=3)
    assert axes.shape == (4, 3)
    assert titles(axes[:2]) == ["picture 1", "red", "star", "picture 2", "red", "star"]
    assert titles(axes[2:]) == ["picture 1", "tree", "picture 2", "tree"]


def test_plot_of_a_clip_shows_the_time_of_each_step():
    figure, axes = plot(clip_record(3), [2])
    figure.canvas.draw()
    assert [row[0].get_title() for row in axes] == ["0:00.0", "0:00.5", "0:01.0"]


def test_plot_of_several_views_works_without_a_word():
    _, axes = plot(pictures_record(), [])
    assert titles(axes) == ["picture 1", "picture 2"]


def test_plot_does_not_parse_a_word_as_a_formula():
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


def test_plot_names_what_to_install_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OutputError, match="pip install 'seewhy\\[plot\\]'"):
        plot(record_of())


def test_plot_draws_a_box_or_point_over_the_maps_that_it_goes_with():
    record = box_record()
    texts = [word.text for word in record.words]
    chosen = [texts.index(text) for text in ("The", "shines", "770")]
    _, axes = plot(record, chosen)
    _, star, shines, number = axes.flat
    assert [len(panel.patches) for panel in (star, shines, number)] == [2, 0, 2]
    outline = star.patches[-1]
    assert outline.get_xy() == pytest.approx((91.2, 21.6))
    assert outline.get_width() == pytest.approx(105.6)
    assert number.patches[-1].center == pytest.approx((369.6, 237.6))
