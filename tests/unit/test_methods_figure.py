"""Figures of several methods: what is asked of the model, and what is refused before."""

import pytest

from figure_records import explained_by
from golden.records import record_of
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.explanation import Explanation
from seewhy.methods_figure import figure_by_methods

RECORD = record_of()


class Asked:
    """Explains by making records up, and notes what it was asked."""

    def __init__(self, fallback=None):
        self.calls, self.fallback = [], fallback

    def __call__(self, ways):
        self.calls.append(ways)
        specs = [self.fallback or way.explaining_method.spec for way in ways]
        return [Explanation(explained_by(RECORD, spec)) for spec in specs]


def test_the_answer_is_explained_by_each_method_at_once():
    asked = Asked()
    settings = {"do_sample": True, "seed": 3, "max_new_tokens": 9, "width_cm": 12}
    figure = figure_by_methods(asked, ["star", "tree"], ["tam", "arc(k=20)"], None, settings)
    ((first, second),) = asked.calls
    for way in (first, second):
        assert (way.generation, way.seed, way.max_new_tokens) == ({"do_sample": True}, 3, 9)
    assert "Rows: tam and arc(k=20)." in figure.caption
    assert figure.size_cm[0] == 12


def test_a_name_of_a_method_that_cannot_read_the_model_tells_what_is_shown():
    grid = figure_by_methods(Asked("tam"), ["star"], {"TAM": "tam", "ours": "arc"}, None, {})
    assert "ours (tam)" in [text.get_text() for text in grid.figure.texts]


def test_names_of_a_mapping_are_shown():
    figure = figure_by_methods(Asked(), ["star"], {"TAM": "tam", "ours": "arc"}, None, {})
    texts = [text.get_text() for text in figure.figure.texts]
    assert texts.count("TAM") == texts.count("ours") == 1


def test_one_method_or_none_is_a_row():
    for methods, spec in (((), "logit-shares"), ("tam", "tam")):
        asked = Asked()
        figure = figure_by_methods(asked, 2, methods, None, {"layout": "row"})
        ((way,),) = asked.calls
        assert way.explaining_method.spec == spec
        assert figure.words == ("star",)


@pytest.mark.parametrize(
    ("methods", "settings", "error", "message"),
    [
        (["tam", "tma"], {}, UnknownNameError, "method, got 'tma'"),
        (["tam"], {"layout": "table"}, ParameterError, "layout as one of row, grid"),
        (["tam"], {"method": "arc"}, ParameterError, "method or methods, got both"),
        (7, {}, ParameterError, "list of methods, got 7"),
        (["tam"], {"width": 7}, ParameterError, "width"),
    ],
)
def test_mistakes_are_told_before_the_model_works(methods, settings, error, message):
    asked = Asked()
    with pytest.raises(error, match=message):
        figure_by_methods(asked, None, methods, None, settings)
    assert asked.calls == []


def test_an_explanation_takes_explanations_not_names():
    explanation = Explanation(RECORD)
    tam = Explanation(explained_by(RECORD, "tam"))
    assert (
        explanation.figure(2, methods=tam).caption == explanation.figure(2, methods=[tam]).caption
    )
    with pytest.raises(ParameterError, match="explanations of this answer, got 'tam': an expl"):
        explanation.figure(2, methods=["tam"])
    with pytest.raises(ParameterError, match="got 'tam': an explanation holds the maps of one"):
        explanation.figure(2, methods="tam")
