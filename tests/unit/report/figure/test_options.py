import pytest

from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.report.figure import FORMATS, FigureOptions
from seewhy.report.figure.options import expect_format


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "table"}, "layout as one of row, grid, got 'table'"),
        ({"width_cm": 3.9}, "centimetres from 4 to 60, got 3.9"),
        ({"width_cm": 61}, "got 61"),
        ({"width_cm": float("nan")}, "got nan"),
        ({"width_cm": True}, "got True"),
        ({"width_cm": "8.4"}, "got '8.4'"),
        ({"columns": 0}, "columns as a whole number of at least 1, got 0"),
        ({"columns": 2.0}, "got 2.0"),
        ({"view": -1}, "number of a picture, from 0, got -1"),
        ({"width": 8}, "option of a figure, got 'width': did you mean 'width_cm'"),
    ],
)
def test_options_refuse_what_is_out_of_range(options, message):
    with pytest.raises(ParameterError, match=message):
        FigureOptions.of(**options)


@pytest.mark.parametrize(("name", "value"), [("scale", "words"), ("colourmap", "jet")])
def test_options_answer_unknown_names(name, value):
    with pytest.raises(UnknownNameError, match=f"got '{value}'"):
        FigureOptions.of(**{name: value})


def test_formats_are_read_in_any_case():
    assert [expect_format(name.upper()) for name in FORMATS] == ["pdf", "svg", "png", "tex"]
    with pytest.raises(ParameterError, match="pdf, svg, png, tex, got 'gif'"):
        expect_format("gif")
