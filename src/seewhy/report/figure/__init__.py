"""Figures for papers: the picture, maps of words with one colour bar, words and probabilities.

`make_figure` draws one, `figure_file` gives it as the content of one file.
"""

from seewhy.report.figure.chosen_words import Named, main_words
from seewhy.report.figure.figure import ExplanationFigure, FigureFile, figure_file, make_figure
from seewhy.report.figure.options import FORMATS, FigureOptions

__all__ = [
    "FORMATS",
    "ExplanationFigure",
    "FigureFile",
    "FigureOptions",
    "Named",
    "figure_file",
    "main_words",
    "make_figure",
]
