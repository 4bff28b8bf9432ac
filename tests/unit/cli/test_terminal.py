"""What the terminal shows: of the explanation all that matters, of the model's text no orders."""

from dataclasses import replace
from functools import partial

import pytest
from rich.console import Console

from golden.location_records import THOUSANDTHS, answered, box_record
from seewhy.cli import terminal
from seewhy.cli._locations import MOST
from seewhy.cli.terminal import (
    FEWEST_ROWS,
    OTHER_LINES,
    ROWS,
    Stages,
    printable,
    show,
)
from seewhy.core.boxes import BoxFormat
from seewhy.explanation import Explanation

EXPLANATION = {
    "prompt": "What is there?",
    "answer": "a red car.",
    "words": [
        {"text": "a", "probability": 0.99, "peak": None, "context": []},
        {"text": "red", "probability": 0.5, "peak": [12.4, 80.0], "context": [[0, 0.02]]},
        {
            "text": "car",
            "probability": 0.1,
            "peak": [14.0, 82.0],
            "context": [[0, 0.05], [1, 1.55], [3, 0.4]],
        },
        {"text": ",", "probability": 1.0, "peak": None, "context": []},
    ],
}


def shown(capsys, explanation=EXPLANATION, folder=None):
    show(explanation, folder)
    return capsys.readouterr().out


def test_show_prints_the_answer_and_a_row_for_each_word(capsys):
    lines = shown(capsys).splitlines()
    assert "a red car." in lines
    rows = [line.split() for line in lines if "█" in line or "░" in line]
    assert [row[0] for row in rows] == ["a", "red", "car"]
    assert rows[0][3] == "nowhere"
    assert rows[1][3:5] == ["12,", "80"]


def test_show_names_shares_of_the_strongest_words_without_weak_ones_and_marks(capsys):
    rows = [line for line in shown(capsys).splitlines() if line.startswith("car")]
    assert rows[0].split()[-3:] == ["82", "red", "78%"]


def test_show_says_what_came_from_the_picture_only_where_it_is_measured(capsys):
    assert "from the picture" not in shown(capsys)
    shares = (0.834, None, 0.0, None)
    words = [w | {"visual_share": s} for w, s in zip(EXPLANATION["words"], shares, strict=True)]
    lines = shown(capsys, EXPLANATION | {"words": words}).splitlines()
    assert any("from the picture" in line for line in lines)
    rows = {line.split()[0]: line for line in lines if "█" in line or "░" in line}
    assert "83%" in rows["a"]
    assert rows["car"].split()[3] == "0%"


@pytest.mark.parametrize("height", [12, 24, 50, 200])
def test_show_fills_a_terminal_at_most(capsys, monkeypatch, height):
    console = partial(Console, force_terminal=True, color_system=None, width=80, height=height)
    monkeypatch.setattr(terminal, "Console", console)
    out = shown(capsys, answer_of(128))
    rows = [line for line in out.splitlines() if "█" in line]
    assert len(rows) == min(ROWS, max(FEWEST_ROWS, height - OTHER_LINES - 1))
    assert f"{128 - len(rows)} more words: see the report, or --json." in out
    if height >= 24:
        assert len(out.splitlines()) <= height


def answer_of(count):
    """An explanation with a mark behind each of `count` words."""
    word = {"probability": 1.0, "peak": None, "context": []}
    words = [word | {"text": text} for n in range(count) for text in (f"word{n}", ",")]
    return {"prompt": "What?", "answer": "Many words.", "words": words}


def test_show_prints_no_more_rows_than_one_reads_and_says_how_many_more_there_are(capsys):
    out = shown(capsys, answer_of(ROWS + 88))
    assert len([line for line in out.splitlines() if "█" in line]) == ROWS
    assert f"word{ROWS - 1} " in out
    assert "88 more words: see the report, or --json." in out
    assert "more word" not in shown(capsys, answer_of(ROWS))


def test_show_says_one_more_word_in_good_english(capsys):
    assert "1 more word: see the report, or --json." in shown(capsys, answer_of(ROWS + 1))


def test_show_ends_with_the_report_for_copying(capsys, tmp_path):
    last = shown(capsys, folder=tmp_path).splitlines()[-1]
    assert last == f"report: {tmp_path / 'report.html'}"


def test_show_takes_text_as_text(capsys):
    word = {"text": "[red]\x1b[31m", "probability": 1.0, "peak": None, "context": []}
    out = shown(capsys, {"prompt": "[bold]", "answer": "[red]\x1b[31m", "words": [word]})
    assert "\x1b" not in out
    assert "[bold]" in out
    assert out.count("[red]␛[31m") == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x00", "␀"),
        ("\x7f", "\ufffd"),
        ("\x9b31m", "\ufffd31m"),
        ("a\u202eb", "a\ufffdb"),
        ("Zürich 🚗", "Zürich 🚗"),
        ("a\nb", "a b"),
    ],
)
def test_printable_shows_control_characters(text, expected):
    assert printable(text) == expected


def test_stages_say_one_line_each_on_stderr(capsys):
    with Stages() as stage:
        stage("loading a\nmodel")
        stage("explaining")
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("s  ")[1] for line in err.splitlines()] == ["loading a model", "explaining"]


def test_stages_keep_quiet_when_asked(capsys):
    with Stages(quiet=True) as stage:
        stage("loading")
    assert capsys.readouterr() == ("", "")


def test_show_says_first_what_must_be_known_first(capsys):
    told = {**EXPLANATION, "warnings": ["The answer repeats \x1b[2Jitself."]}
    lines = shown(capsys, told).strip().splitlines()
    assert lines[0] == "The answer repeats ␛[2Jitself."
    assert lines[2] == "What is there?"


def test_show_prints_each_note_of_words_once(capsys):
    words = [{**word, "notes": ["A map of red."]} for word in EXPLANATION["words"]]
    assert shown(capsys, {**EXPLANATION, "words": words}).count("A map of red.") == 1


def test_show_prints_a_line_for_each_box_and_point(capsys):
    lines = shown(capsys, Explanation(box_record()).to_json()).splitlines()
    box, point = (i for i, line in enumerate(lines) if line.startswith(("box ", "point ")))
    assert lines[box].rstrip() == "box The star: 91, 22 to 197, 151 px (relative-1000)"
    fit = " ".join(" ".join(lines[box + 1 : point]).split())
    assert fit.startswith("map of the phrase: IoU 0.")
    assert fit.count("peak inside") == 2
    assert lines[point].rstrip() == "point A tree: 370, 238 px (relative-1000)"


def test_show_says_why_a_box_is_not_placed(capsys):
    record = replace(box_record(), box_format=None)
    text = " ".join(shown(capsys, Explanation(record).to_json()).split())
    assert "box The star: not placed, numbers 190, 60, 410, 420" in text
    assert text.count("not documented for the family") == 1  # the point has the same note


def test_show_prints_at_most_a_screen_of_boxes(capsys):
    answer = ", ".join(["cup(1,2),(300,400)"] * (MOST + 3))
    lines = shown(capsys, Explanation(answered(answer, THOUSANDTHS)).to_json()).splitlines()
    assert sum(line.startswith("box ") for line in lines) == MOST
    assert "3 more boxes or points: see the report, or --json." in lines


def test_show_prints_no_order_of_the_phrase_of_a_box(capsys):
    answer = "<ref>cup\x1b[31m</ref><box>[[1,2,3,4]]</box>"
    record = answered(answer, BoxFormat("relative-1000", ("box-tags",)))
    assert "\x1b[31m" not in shown(capsys, Explanation(record).to_json())
