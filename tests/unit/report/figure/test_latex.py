"""LaTeX: nothing of a text becomes a command, and the figure is well formed."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.records import chat_record, record_of
from seewhy.core.errors import ParameterError
from seewhy.report.figure import FigureOptions, make_figure
from seewhy.report.figure.caption import Piece
from seewhy.report.figure.latex import escaped, snippet

COMMANDS = {
    r"\textbackslash{}": "\\", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#",
    r"\%": "%", r"\_": "_", r"\textasciicircum{}": "^", r"\textasciitilde{}": "~",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"{\char34}": '"',
    r"\textasciigrave{}": "`", r"\ldots{}": "…", "{}": "",
}  # fmt: skip
"""All that an escaped text may hold besides plain characters, and what it stands for."""

SPECIAL = set('\\{}$&#%_^~<>|"`')
TOKEN = re.compile("|".join(re.escape(one) for one in sorted(COMMANDS, key=len, reverse=True)))
#: Typographic signs that are written by several plain characters, and signs of the report.
TYPED = re.compile("[“”‘’–—…⏎⇥\u00a0]")


def read_back(latex: str) -> str:
    """The text that LaTeX sets; an error where a special character is not part of a command."""
    rest = TOKEN.sub("", latex)
    assert not SPECIAL & set(rest), rest
    return TOKEN.sub(lambda match: COMMANDS[match[0]], latex)


@settings(max_examples=60)
@given(st.text())
def test_escaped_text_is_set_as_it_is(text):
    text = TYPED.sub("", text)
    clean = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    assert read_back(escaped(text)) == clean


@settings(max_examples=60)
@given(st.text("-'`,<>?! ab"))
def test_escaped_text_has_no_ligatures_of_typing(text):
    for pair in ("--", "''", "``", ",,", "<<", ">>", "?`", "!`"):
        assert pair not in escaped(text)


def expect_well_formed(tex: str) -> dict[str, str]:
    """The parts of a figure environment; braces match, and only known commands are there."""
    lines = [line for line in tex.splitlines() if not line.startswith("%")]
    body = "\n".join(lines)
    assert not re.search(r"(?<!\\)%", body)
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", body):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    known = {"begin", "end", "centering", "includegraphics", "caption", "label", "texttt", "char"}
    known |= {command.strip("\\{}") for command in COMMANDS if command[1:2].isalpha()}
    assert set(re.findall(r"\\([A-Za-z]+)", body)) <= known
    match = re.fullmatch(
        r"\\begin\{(figure\*?)\}\[t\]\n  \\centering\n"
        r"  \\includegraphics\[width=([\d.]+)cm\]\{([\w.-]+)\}\n"
        r"  \\caption\{(.+)\}\n  \\label\{fig:([a-zA-Z0-9.-]+)\}\n\\end\{\1\}",
        body,
    )
    assert match, body
    return dict(
        zip(("environment", "width", "file", "caption", "label"), match.groups(), strict=True)
    )


@settings(max_examples=40)
@given(st.text(min_size=1), st.sampled_from(["text", "quote", "code"]))
def test_snippet_is_well_formed_whatever_the_caption(text, kind):
    tex = snippet("a.pdf", 8.4, [Piece(kind, text)], "a", notes=[text])
    expect_well_formed(tex)


def test_snippet_of_a_wide_figure_spans_both_columns():
    assert (
        expect_well_formed(snippet("a.pdf", 17, [Piece("text", "a")], "a"))["environment"]
        == "figure*"
    )
    assert (
        expect_well_formed(snippet("a.pdf", 9, [Piece("text", "a")], "a"))["environment"]
        == "figure"
    )


def test_snippet_says_which_engine_sets_other_scripts():
    assert "pdfLaTeX" not in snippet("a.pdf", 8.4, [Piece("quote", "été “ß”…")], "a")
    tex = snippet("a.pdf", 8.4, [Piece("quote", "猫")], "a")
    assert "pdfLaTeX cannot set (U+732B): use LuaLaTeX or XeLaTeX" in tex


@pytest.mark.parametrize("file", ["a b.pdf", "a%.pdf", "-a.pdf", "", "ä.pdf", "a/b.pdf", "a}b.pdf"])
def test_snippet_refuses_names_that_latex_does_not_find(file):
    with pytest.raises(ParameterError, match="letters, digits, dots, hyphens and underscores"):
        snippet(file, 8.4, [Piece("text", "a")], "a")


def test_caption_tells_model_method_question_answer_scale_and_probabilities():
    record = record_of()
    figure = make_figure(record, ["star", "tree"])
    star, tree = (next(s for s in figure._content.spans if s.text == t) for t in ("star", "tree"))
    assert figure.caption == (
        "Evidence in the picture for words said by seewhy/tiny-qwen2-vl, found by the method "
        f"intra-modal. Question: “{record.prompt}”. Answer: “{record.answer}”. Bright places are "
        "strong evidence for the word. All maps share one scale, so that they can be compared. "
        f"Probabilities (p): “star” {star.probability:.2f}, “tree” {tree.probability:.2f}."
    )
    parts = expect_well_formed(figure.tex())
    assert parts["file"] == "seewhy-star-tree.pdf"
    assert parts["label"] == "seewhy-star-tree"
    assert "``star''" in parts["caption"]


def test_caption_tells_a_scale_that_does_not_compare_and_a_contrast():
    figure = make_figure(chat_record(), [2], options=FigureOptions(scale="word"))
    assert "Each map has its own scale: compare shapes, not brightness." in figure.caption
    assert "The map of “star” shows what speaks for it rather than for “sun”." in figure.caption
    assert "for a word said by" in figure.caption
