"""What counts as one word: numbers, prices, abbreviations, addresses, emoji, marks.

Patterns read the signs of `seewhy.core.graphemes.Units`: one character for each grapheme cluster,
so no pattern can split one. Repetitions that may be read again are bounded, so the time is linear
in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from seewhy.core.graphemes import EMOJI, is_unspaced
from seewhy.core.thinking import TAGS

_JOINER = "['’‐‑·״׳-]"
"""Between the parts of a word: apostrophes, hyphens, Catalan's dot, Hebrew's marks."""

_TITLES = (
    "Mr Mrs Ms Dr Prof St Mt Jr Sr Sra Dra Rev Gen Col Sgt Capt Lt Messrs Co Inc Ltd Corp Bros Ave "
    "Blvd vs etc approx bzw usw ca evtl ggf inkl"
)
_BEFORE_NUMBERS = (
    "No no Nos Fig fig Figs Vol vol pp p Ch Sec Eq Nr Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov "
    "Dec"
)
"""Abbreviations before a number alone: "Fig. 3", but "a fig."."""

_LAST_CURRENCY = 0xFFE6
"""The last sign of a currency that is in use."""

_DOMAINS = "com|org|net|edu|gov|mil|info|io|dev|app|ai|eu|uk|de|fr|jp|cn|ru|kr|ch|br"
_FILES = "png|jpe?g|gif|webp|pdf|txt|csv|json|mp4|html"

_MARKUP = r"<\|?/?\w{1,40}\|>|<\|/?\w{1,40}\|?>"
_TAG = "|".join((*(re.escape(tag) for pair in TAGS for tag in pair), _MARKUP))
"""Tags of a thinking block, and what looks like a special token, where the tokenizer has none."""

_PLAIN = r"(?:\d{1,30}(?:\.\d{1,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,4})?"
_LISTED = rf"(?:(?<![\w.])[-+−])?{_PLAIN}"
_LIST = rf"(?<=[\[({{>])\s*[-+−]?{_PLAIN}(?:\s*[,;]\s*[-+−]?{_PLAIN})+\s*(?=[\])}}<])"
"""Numbers with commas in brackets, such as coordinates: a comma there is no part of a number."""

_DATE = r"\d{1,4}年\d{1,2}月(?:\d{1,2}日)?|\d{1,2}月\d{1,2}日"
_REGION = re.compile(rf"{_LIST}|(?P<date>{_DATE})")
"""What is told apart before words are looked for."""

_UNSPACED = "\ue000"
"""Stands for every letter of a script without spaces: a code point of private use."""


def spans_of_words(signs: str, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Spans of words and marks between two places of a text's signs.

    Scripts without spaces give one run, which is cut at the borders of tokens later.

    Args:
        signs: as of `Units`.
        start, end: nothing outside of them is part of a word.

    Yields:
        Start, end, and whether it is never cut: a date of a script without spaces, or an address.
    """
    shown, cursor = _with_unspaced_alike(signs), start
    for region in _REGION.finditer(signs, start, min(end + 1, len(signs))):
        if region.end() > end:
            break
        yield from _matches(_word(), shown, cursor, region.start())
        cursor = region.end()
        if region.lastgroup == "date":
            yield (*region.span(), True)
        else:
            yield from _matches(_list_entry(), shown, *region.span())
    yield from _matches(_word(), shown, cursor, end)


@lru_cache(maxsize=4)  # a text is read in parts
def _with_unspaced_alike(signs: str) -> str:
    """Signs in which all letters of scripts without spaces are one sign, which is no letter."""
    if signs.isascii():
        return signs
    return "".join(
        "\ufffd"
        if sign == _UNSPACED
        else _UNSPACED
        if is_unspaced(sign) and not sign.isdecimal()
        else sign
        for sign in signs
    )


def _matches(
    pattern: re.Pattern[str], signs: str, start: int, end: int
) -> Iterator[tuple[int, int, bool]]:
    for match in pattern.finditer(signs, start, end):
        yield (*match.span(), match.lastgroup == "whole")


@cache
def _list_entry() -> re.Pattern[str]:
    return re.compile(rf"{_LISTED}|[^\w\s]")


@cache
def _word() -> re.Pattern[str]:
    """Of a word, a number, an address, an emoji or a run of marks."""
    number, bare = _number()
    names = "|".join(sorted(_TITLES.split(), key=len, reverse=True))
    numbered = "|".join(sorted(_BEFORE_NUMBERS.split(), key=len, reverse=True))
    letter = r"[^\W\d_]"
    abbreviation = (
        rf"(?:{names})\.(?!\w)|(?:{numbered})\.(?=\s?\d)"
        rf"|(?:Ph\.D|B\.Sc|M\.Sc|{letter}(?:\.{letter}){{1,12}})\.?(?![^\W_])"
    )
    part = rf"(?:{bare}|\w+)"
    quoted = r"(?<=[\u05d0-\u05ea])\"(?=[\u05d0-\u05ea])"  # as in ת"א
    word = rf"(?:{number}|{abbreviation}|\w+)(?:(?:{_JOINER}|{quoted})(?=\w){part})*"
    mark = rf"(?!{_TAG}|{number})[^\w\s{EMOJI}{_UNSPACED}]"
    runs = rf"{_UNSPACED}+|{EMOJI}|(?:{mark})+"
    return re.compile(rf"(?P<whole>{_TAG}|{_address()})|{word}|{runs}")


def _number() -> tuple[str, str]:
    """Patterns of a number: with a sign or a currency before it, and without."""
    every = map(chr, range(0x24, _LAST_CURRENCY + 1))
    currencies = "".join(letter for letter in every if unicodedata.category(letter) == "Sc")
    space = "'’٬\u00a0\u202f"  # what parts thousands and is no comma or point
    forms = (
        r"(?<!\d,)\d{1,3}(?:,\d{2,3}){0,9},\d{3}(?!\d|,\d)(?:\.\d{1,30})?",  # 1,299.00
        rf"\d{{1,3}}(?:[.{space}]\d{{3}}){{1,9}},\d{{1,30}}(?!,?\d)",  # 1.299,00
        rf"\d{{1,3}}(?:[{space}]\d{{3}}){{1,9}}(?!\d)(?:[.٫]\d{{1,30}})?",  # 1 299.00
        r"(?<!\d,)\d{1,30},\d{1,30}(?![\d,.:/]*\d)",  # 3,14
        r"\d+(?:[.:/⁄·٫]\d+){0,30}",  # 3.14, 12:30, 1/2, 31/01/2024, 192.168.0.1
    )
    after = rf"(?:[eE][-+]\d{{1,4}})?\w*(?:[%‰٪％]|°[CFK]?|[{currencies}])?"
    core = rf"(?:{'|'.join(forms)}){after}"
    sign = r"(?<![\w.,)\]+−-])[-+−±]"
    currency = rf"(?:[A-Z]{{1,3}}(?=\$))?[{currencies}][-−]?|[vV](?=\d)"
    signed = rf"(?:{sign})?(?:{currency})?(?:{core}|(?<![\w.])\.\d+{after})"
    # One of the two must be there, or this would match a word.
    return rf"(?=[-+−±.\d{currencies}]|[A-Z]{{1,3}}\$|[vV]\d){signed}", core


def _address() -> str:
    """Patterns of web and mail addresses and of file names."""
    label = r"[\w-]{1,63}"
    end = r"(?<![.,;:!?'\"’”)\]}>。，、])"
    return (
        rf"(?:https?|ftp)://[^\s<>\"{EMOJI}{_UNSPACED}]+{end}|www\.{label}[^\s<>\"{EMOJI}{_UNSPACED}]+{end}"
        rf"|[\w.+-]{{1,64}}@{label}(?:\.{label}){{1,8}}"
        rf"|{label}(?:\.{label}){{0,6}}\.(?:{_DOMAINS}|{_FILES})\b(?:/[^\s<>\"{EMOJI}{_UNSPACED}]*{end})?"
    )
