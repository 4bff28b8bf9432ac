"""What is one word: numbers, abbreviations, addresses, emoji, and every script."""

from __future__ import annotations

import itertools

import pytest

from seewhy.core import text as module
from seewhy.core.graphemes import EMOJI, units_of
from seewhy.core.text import Token, split_words, words_of


def words(text: str) -> list[str]:
    return [text[a:b] for a, b in split_words(text)]


def of_tokens(*pieces: str) -> list[str]:
    """The words of a text whose tokens are these pieces."""
    edges = [0, *itertools.accumulate(map(len, pieces))]
    return [word.text for word in words_of("".join(pieces), list(itertools.pairwise(edges)))]


@pytest.mark.parametrize(
    "word",
    [
        *("1,299.00", "1,299", "3.14", ".5", "12:30", "12:30:45", "1/2", "50%", "0.5‰", "-3.5"),
        *("+5", "−7", "±0.1", "1e-5", "2.5E+10", "1,00,000", "1.299,00", "3,14", "1'299.50"),
        *("1\u202f299,00", "٣٫١٤", "३.१४", "192.168.0.1", "16:9", "v1.2", "GPT-4.1", "25°C"),
        *("$3.50", "€1.299,00", "US$5", "3.50€", "-$5", "5¢", "¥1,000", "£5m", "₹1,00,000"),
        *("1st", "2nd", "20th-century", "3pm", "10:30am", "640x480", "3D", "10-20"),
        *("2024-01-31", "31/01/2024", "12.05.2024", "2024年1月31日", "1月31日"),
        *("e.g.", "i.e.", "U.S.", "U.S.A.", "a.m.", "Dr.", "Mr.", "etc.", "Ph.D.", "z.B.", "т.е."),
        *("someone@example.com", "a.b+c@d-e.co.uk", "https://example.com/a?b=c#d", "www.foo.org"),
        *("example.com", "example.com/path", "street.jpg"),
        *("don't", "l’été", "red-hot", "rock'n'roll", "mother-in-law's", "col·lecció", "צה״ל"),
        *("नमस्ते", "தமிழ்", "বাংলা", "ภาษาไทย", "한국어", "كَلْبٌ", "שָׁלוֹם", "cafe\u0301", "می\u200cخواهم"),
        *("Wort\u00adteil", "👩‍🚀", "🇨🇭", "👍🏽", "1️⃣", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "<think>", "</think>"),
    ],
)
def test_is_one_word_alone_and_in_a_sentence(word):
    assert words(word) == [word]
    assert words(f"so {word}, yes") == ["so", word, ",", "yes"]
    assert words(f"({word} is it)") == ["(", word, "is", "it", ")"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[0.12, 0.34]", ["[", "0.12", ",", "0.34", "]"]),
        ("[[12,34,56,78]]", ["[[", "12", ",", "34", ",", "56", ",", "78", "]]"]),
        ("(100,200),(300,400)", ["(", "100", ",", "200", "),(", "300", ",", "400", ")"]),
        ("[-1.5,.5]", ["[", "-1.5", ",", ".5", "]"]),
        ("1,2,3", ["1", ",", "2", ",", "3"]),
        ("It is 3.14.", ["It", "is", "3.14", "."]),
        ("At 12:30: go", ["At", "12:30", ":", "go"]),
        ("See https://a.org/b.", ["See", "https://a.org/b", "."]),
        ("5 - 3, a-3, (5)-3", ["5", "-", "3", ",", "a-3", ",", "(", "5", ")-", "3"]),
        ("and/or 2+2=4", ["and", "/", "or", "2", "+", "2", "=", "4"]),
        ("a fig. No. Fig. 3", ["a", "fig", ".", "No", ".", "Fig.", "3"]),
        ("plan B. It", ["plan", "B", ".", "It"]),
        ("1. A cat", ["1", ".", "A", "cat"]),
        ("wait...what?!", ["wait", "...", "what", "?!"]),
        ("$ and %", ["$", "and", "%"]),
        ("🇨🇭, 🇩🇪🇫🇷!🙂🙂", ["🇨🇭", ",", "🇩🇪", "🇫🇷", "!", "🙂", "🙂"]),
        ("नमस्ते दुनिया।", ["नमस्ते", "दुनिया", "।"]),
        ("a \u200b b\u200fc \u200f", ["a", "b\u200fc"]),
    ],
)
def test_marks_and_words_are_told_apart(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (("一", "辆", "红色", "的", "车", "。"), ["一", "辆", "红色", "的", "车", "。"]),
        (("红", "色"), ["红", "色"]),
        (("这是", " iPhone", "手机"), ["这是", "iPhone", "手机"]),
        (("3.14", "米", "，", "3", "人"), ["3.14", "米", "，", "3", "人"]),
        (("2024", "年", "1", "月", "31", "日"), ["2024年1月31日"]),
        (("レ", "ッド", "カー", "が"), ["レッドカー", "が"]),
        (("สุ", "นัข", "สี", "แ", "ดง"), ["สุ", "นัข", "สี", "แดง"]),
        (("ສ", "ະ", "ບາຍ"), ["ສ", "ະ", "ບາຍ"]),
        (("ខ្", "មែរ"), ["ខ្មែរ"]),
        # A token that holds a mark and a word, or two words, is not cut.
        (("红色", "，在", "树下"), ["红色", "，在", "树下"]),
        (("iPho", "ne手", "机"), ["iPhone手", "机"]),
        (("东京", "！”", "他"), ["东京", "！”", "他"]),
        # Tokens that end within a cluster are not borders of words.
        (("สุ"[:1], "สุ"[1:], "นัข"), ["สุ", "นัข"]),
        (("각"[:1], "각"[1:]), ["각"]),
    ],
)
def test_scripts_without_spaces_are_cut_where_tokens_meet(pieces, expected):
    assert of_tokens(*pieces) == expected


def test_special_tokens_are_words_of_their_own():
    pieces = ("The", " cup", "<|box_start|>", "(", "12", ",", "34", ")", "<|box_end|>", "\n", "!")
    text, tokens = "", []
    for number, piece in enumerate(pieces):
        start, text = len(text), text + piece
        tokens.append(Token(number, piece, start, len(text), 1.0, special=piece.startswith("<|")))
    found = words_of(text, tokens)
    assert [(word.text, word.special) for word in found] == [
        *(("The", False), ("cup", False), ("<|box_start|>", True), ("(", False), ("12", False)),
        *((",", False), ("34", False), (")", False), ("<|box_end|>", True), ("!", False)),
    ]
    assert [word.tokens for word in found][-2:] == [(8,), (9, 10)]


def test_numbers_between_special_tokens_are_coordinates():
    tokens = [Token(0, "<box>", 0, 5, 1.0, special=True)]
    tokens += [Token(1, "100,200,300,400", 5, 20, 1.0)]
    tokens += [Token(0, "</box>", 20, 26, 1.0, special=True)]
    text = "<box>100,200,300,400</box>"
    # All of them are in one token here, so they are one word; its text is the numbers alone.
    assert [w.text for w in words_of(text, tokens)] == ["<box>", "100,200,300,400", "</box>"]
    each = [(at, at + 1) for at in range(5, 20)]
    spans = [tokens[0], *(Token(1, text[a:b], a, b, 1.0) for a, b in each), tokens[2]]
    assert [w.text for w in words_of(text, spans)][1:6] == ["100", ",", "200", ",", "300"]


def test_spaces_beside_special_tokens_go_to_a_word_where_there_is_one():
    pieces = ("a", " ", "<|x|>", " ", "<|x|>", "\n")
    text, tokens = "", []
    for number, piece in enumerate(pieces):
        start, text = len(text), text + piece
        tokens.append(Token(number, piece, start, len(text), 1.0, special=piece == "<|x|>"))
    assert [word.tokens for word in words_of(text, tokens)] == [(0, 1), (2,), (3, 4, 5)]


def test_a_mark_on_a_special_token_stays_with_it():
    tokens = [Token(0, "<|x|>", 0, 5, 1.0, special=True), Token(1, "\u0301a", 5, 7, 1.0)]
    found = words_of("<|x|>\u0301a", tokens)
    assert [(word.text, word.tokens) for word in found] == [("<|x|>\u0301", (0,)), ("a", (1,))]


def test_units_stand_for_clusters():
    units = units_of("\u200fאe\u0301🙂 \u0301\r\nx\u00ad")
    assert units.signs == f"אe{EMOJI}\u0301\nx"
    assert units.edges == (0, 2, 4, 5, 7, 9, 11)
    assert units_of("\ufffe").signs == "\ufffd"
    assert units_of("").edges == (0,)


def comparisons(text: str, monkeypatch) -> int:
    """How often a word's start is compared where every character is a token."""
    seen = []

    class Piece(module._Piece):
        def __getattribute__(self, name):
            if name == "start":
                seen.append(1)
            return super().__getattribute__(name)

    monkeypatch.setattr(module, "_Piece", Piece)
    words_of(text, [(at, at + 1) for at in range(len(text))])
    monkeypatch.undo()
    return len(seen)


@pytest.mark.parametrize("letters", ["a ", "红", "a.", "1,", "(1,", "a@", "é", "🙂 ", "<|x|>"])
def test_words_of_a_long_text_are_found_in_a_linear_number_of_steps(letters, monkeypatch):
    short, long = (comparisons((letters * n)[:n], monkeypatch) for n in (300, 3000))
    assert 300 <= short
    assert long <= 11 * short
