"""Characters that the first font lacks: found in another, or told."""

import re
import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from golden.records import record_of
from seewhy.core.errors import UnknownNameError
from seewhy.report.figure import FigureOptions, make_figure
from seewhy.report.figure.fonts import DEFAULT_FONT, font_families

CAT = "猫"


@pytest.fixture
def cat_font(tmp_path, monkeypatch):
    """A font with one character, installed for this test."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for point in ((100, 800), (900, 800), (900, 0)):
        pen.lineTo(point)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord(CAT): "cat"})
    builder.setupGlyf({".notdef": empty, "cat": square})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "cat": (1000, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Test Cat", "styleName": "Regular", "psName": "TestCat"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "cat.ttf")
    entries = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "cat.ttf")
    yield "Test Cat"
    font_manager.fontManager.ttflist[:] = entries


def test_latin_greek_cyrillic_hebrew_and_arabic_need_one_font():
    assert font_families(["été λ Ж שלום سلام ½ …"]) == ([DEFAULT_FONT], set())


def test_characters_without_a_shape_are_not_missed():
    assert font_families(["a\u200d\u200fb\u0301 \u3000"]) == ([DEFAULT_FONT], set())


def test_missing_characters_are_told_and_svg_keeps_them(recwarn):
    record = record_of(((CAT, "star"), (" 🐈‍⬛", "")))
    if not font_families([CAT])[1]:
        pytest.skip("a font of this machine has Chinese characters")
    figure = make_figure(record, [0, 1])
    (note,) = figure.notes
    assert "No installed font has '猫' (U+732B), '🐈' (U+1F408)" in note
    assert "save as SVG" in note
    for format in ("pdf", "png", "svg"):
        assert figure.file(format).content
    assert f">{CAT}</text>" in figure.svg()
    assert note in figure.tex()
    assert not [w for w in recwarn if re.search("[Gg]lyph", str(w.message))]


def test_missing_characters_are_found_in_another_font(cat_font):
    families, missing = font_families([CAT, "a"])
    assert families[0] == DEFAULT_FONT
    assert not missing
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = make_figure(record_of(((CAT, "star"),)), [0])
        pdf = figure.pdf()
    assert figure.notes == ()
    assert cat_font in families or font_families([CAT])[0] != [DEFAULT_FONT]
    assert b"TestCat" in pdf or cat_font not in families


def test_font_is_chosen_by_name_in_any_case():
    assert font_families(["a"], "stixgeneral")[0] == ["STIXGeneral", DEFAULT_FONT]
    with pytest.raises(UnknownNameError, match="installed font, got 'STIXGenera': did you mean"):
        font_families(["a"], "STIXGenera")
    figure = make_figure(record_of(), [2], options=FigureOptions(font="STIXGeneral"))
    assert b"STIXGeneral" in figure.pdf()
