"""Figures as files: their structure, their text, their bytes."""

import io
import re
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from figure_records import explained_by
from golden.location_records import box_record
from golden.records import chat_record, draw, pictures_record, record_of
from seewhy.core.errors import OutputError, ParameterError
from seewhy.report.colourmaps import NAMES
from seewhy.report.figure import FigureOptions, figure_file, make_figure
from seewhy.report.figure.drawing import INK, SOFT
from seewhy.report.overlay import overlay

STAR, TREE = 2, 12


@pytest.fixture(scope="module")
def figure():
    return make_figure(record_of(), [STAR, TREE])


def written(figure):
    return [text.get_text() for text in figure.figure.texts]


def test_figure_has_the_picture_the_maps_one_bar_and_its_texts(figure):
    assert len(figure.figure.axes) == 4
    assert figure.size_cm[0] == 8.4
    picture, *names, low, high, note = written(figure)
    assert (picture, names[0], names[2]) == ("picture", "star", "tree")
    assert re.fullmatch(r"p = 0\.\d\d", names[1])
    assert low == "0"
    assert high.endswith(" or more")
    assert note == "evidence for the word, on one scale for all words of the answer"
    assert figure.words == ("star", "tree")
    assert repr(figure) == f"ExplanationFigure(star, tree; 8.4 x {figure.size_cm[1]:g} cm)"


def test_text_is_large_enough_for_print_and_dark_on_white(figure):
    for text in figure.figure.texts:
        assert 6 <= float(text.get_fontsize()) <= 9
        assert text.get_color() in (INK, SOFT)
        assert not text.get_parse_math()
    assert figure.figure.get_facecolor() == (1, 1, 1, 1)


def test_long_words_are_smaller_or_cut_and_stay_in_their_panels():
    record = record_of(((" photographer", "star"), (" Donaudampfschifffahrtsgesellschaft", "")))
    made = make_figure(record, [0, 1, 0, 1])
    sizes = {text.get_text(): text.get_fontsize() for text in made.figure.texts}
    assert 6 <= float(sizes["photographer"]) < 8
    cut = next(text for text in sizes if text.startswith("Donau"))
    assert cut.endswith("…")
    assert sizes[cut] == 6
    assert "Donaudampfschifffahrtsgesellschaft" in made.caption


def test_pdf_keeps_text_as_truetype_and_pictures_at_300_dpi(figure):
    pdf = figure.pdf()
    assert pdf.startswith(b"%PDF-")
    assert b"/Subtype /CIDFontType2" in pdf or b"/Subtype /TrueType" in pdf
    assert b"/Type3" not in pdf
    assert b"/CreationDate" not in pdf
    widths = [
        int(one)
        for one in re.findall(rb"/Subtype /Image /Width (\d+)|/Width (\d+)", pdf)
        for one in one
        if one
    ]
    panel = figure.figure.axes[0].get_position().width * figure.figure.get_size_inches()[0]
    assert max(widths) == round(300 * panel)


def test_svg_keeps_text_as_text_and_holds_its_pictures(figure):
    svg = ElementTree.fromstring(figure.svg())
    texts = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == written(figure)
    links = [
        one.get("{http://www.w3.org/1999/xlink}href", "")
        for one in svg.iter("{http://www.w3.org/2000/svg}image")
    ]
    assert len(links) == 4
    assert all(link.startswith("data:image/png;base64,") for link in links)
    assert "<dc:date>" not in figure.svg()


def test_png_has_the_size_of_print(figure):
    for dpi in (300, 100):
        image = Image.open(io.BytesIO(figure.png(dpi)))
        assert image.width == pytest.approx(8.4 / 2.54 * dpi, abs=1)
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match="dpi from 50 to 1200, got 5"):
        figure.png(5)


FORMATS = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png",
           "tex": "application/x-tex"}  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_figure_file_is_what_a_server_sends(format, figure):
    file = figure_file(record_of(), [STAR, TREE], format=format)
    assert (file.name, file.content_type) == (f"seewhy-star-tree.{format}", FORMATS[format])
    assert file.content == figure.file(format).content


def test_equal_figures_are_equal_bytes_whatever_the_settings_of_matplotlib(figure):
    import matplotlib

    expected = [figure.file(format).content for format in FORMATS]
    changed = {
        "font.size": 30,
        "pdf.fonttype": 3,
        "savefig.bbox": "tight",
        "figure.dpi": 40,
        "svg.fonttype": "path",
        "axes.facecolor": "red",
        "savefig.transparent": True,
    }
    with matplotlib.rc_context(changed):
        again = make_figure(record_of(), [STAR, TREE])
        assert [again.file(format).content for format in FORMATS] == expected
        assert matplotlib.rcParams["font.size"] == 30


def test_maps_are_those_of_the_report(figure):
    record = record_of()
    star = figure._content.spans[0]
    image = figure.figure.axes[1].images[0].get_array()
    size = image.shape[1], image.shape[0]
    picture = record.pictures[0]
    own = overlay(picture.image, star.displays[0], picture.base_grid, size=size)
    np.testing.assert_array_equal(image, np.asarray(own))


@pytest.mark.parametrize("colourmap", NAMES)
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_maps_can_be_read_in_greyscale(colourmap, ground):
    """Over any ground, black, grey or white, more evidence is lighter."""
    from seewhy.core.geometry import TokenGrid

    grid = TokenGrid.over((0, 0, 60, 1), 1, 60)
    image = torch.full((1, 60, 3), ground, dtype=torch.uint8)
    drawn = overlay(image, torch.linspace(0, 1, 60)[None], grid, colourmap).convert("L")
    values = np.asarray(drawn, float)[0]
    assert values[-1] - values[0] > 60
    assert np.diff(values).min() >= -1.5  # rounding


def test_boxes_are_drawn_where_asked():
    record = box_record()
    words = ["star", "shines", "770"]
    assert not any(axis.patches for axis in make_figure(record, words).figure.axes)
    made = make_figure(record, words, options=FigureOptions(draw_boxes=True))
    counts = [len(axis.patches) for axis in made.figure.axes]
    assert counts == [4, 2, 0, 2, 0]
    outline: Any = made.figure.axes[1].patches[-1]
    assert outline.get_xy() == pytest.approx((91.2, 21.6))
    assert "Yellow outlines: boxes and points of the answer." in made.caption


def test_tall_and_long_pictures_fit_a_page():
    for size in ((60, 3000), (3000, 60)):
        made = make_figure(record_of(image=draw(*size)), [STAR, TREE])
        assert made.size_cm[0] == 8.4
        assert made.size_cm[1] < 9


def test_figure_of_more_words_than_a_page_holds_is_refused():
    pieces = tuple((f" word{i}", "star") for i in range(90))
    with pytest.raises(ParameterError, match="fits on a page \\(24 cm\\), got one of \\d+ cm"):
        make_figure(record_of(pieces), list(range(90)))
    assert len(make_figure(record_of(pieces)).words) == 4


def test_grid_of_three_methods_and_four_words():
    record = record_of()
    others = [explained_by(record, "tam"), explained_by(record, "msea(scales=(1, 1.5))", seed=2)]
    made = make_figure(record, ["red", "star", "house", "tree"], others)
    assert len(made.figure.axes) == 1 + 3 * 4 + 1
    texts = written(made)
    assert texts.count("picture") == 1
    assert texts.count("star") == 1
    assert texts[-3:] == ["low", "high", "evidence for the word, on one scale for each method"]
    assert "Rows: intra-modal, tam and msea(scales=(1, 1.5))." in made.caption
    assert len(made.pdf()) < 600_000


def test_word_scale_is_told():
    made = make_figure(record_of(), [STAR, TREE], options=FigureOptions(scale="word"))
    texts = written(made)
    assert "lowest" in texts
    assert "each map on its own scale: compare shapes, not brightness" in " ".join(texts)


def test_several_pictures_and_contrasts_are_told():
    made = make_figure(pictures_record(), [STAR, TREE])
    assert len(made.figure.axes) == 5
    assert "pictures" in made.caption
    assert "rather than sun" in written(make_figure(chat_record(), [STAR]))


def test_save_writes_by_the_ending_and_refuses_to_replace(figure, tmp_path):
    target = tmp_path / "new" / "fig.svg"
    assert figure.save(target) == target
    assert target.read_text("utf-8") == figure.svg()
    with pytest.raises(OutputError, match="which exists: choose another name"):
        figure.save(target)
    figure.save(target, overwrite=True)
    figure.save(tmp_path / "fig", format="png")
    assert (tmp_path / "fig").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match="ends with .pdf, got 'fig.svg'"):
        figure.save(target, format="pdf")
    with pytest.raises(ParameterError, match="pdf, svg, png, tex, got ''"):
        figure.save(tmp_path / "none")


def test_save_as_latex_writes_the_pdf_beside_it_or_nothing(figure, tmp_path):
    figure.save(tmp_path / "fig_1.tex")
    assert "{fig_1.pdf}" in (tmp_path / "fig_1.tex").read_text()
    assert "\\label{fig:fig-1}" in (tmp_path / "fig_1.tex").read_text()
    assert (tmp_path / "fig_1.pdf").read_bytes() == figure.pdf()
    (tmp_path / "other.pdf").write_bytes(b"mine")
    with pytest.raises(OutputError, match="other.pdf, which exists"):
        figure.save(tmp_path / "other.tex")
    assert not (tmp_path / "other.tex").exists()
    with pytest.raises(ParameterError, match="got 'a b.pdf'"):
        figure.save(tmp_path / "a b.tex")


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(OutputError, match="pip install 'seewhy\\[plot\\]'"):
        make_figure(record_of(), [STAR])


def test_what_is_changed_in_matplotlib_is_saved():
    made = make_figure(record_of(), [STAR])
    made.figure.texts[0].set_text("input")
    assert ">input</text>" in made.svg()


def test_pdf_streams_can_be_read(figure):
    """No stream is damaged: each inflates."""
    streams = re.findall(
        rb"/Filter /FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", figure.pdf(), re.S
    )
    assert streams
    assert all(zlib.decompressobj().decompress(one) for one in streams)
