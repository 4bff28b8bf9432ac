"""Words that answer a question without naming a thing: yes and no, counts, choices.

No place of a picture looks like "no" or "three": such a word says something of a question, and a
map that does not know the question cannot show what it rests on.
"""

from __future__ import annotations

import unicodedata

YES_NO, COUNT, CHOICE = "yes-no", "count", "choice"

_WORDS = {
    YES_NO: (
        "yes yeah yep no nope not none never true false correct incorrect right wrong maybe "
        "ja nein kein keine doch oui non si sí sì não sim da nu nie tak ano nej nei kyllä ei evet "
        "hayır да нет не ναι όχι igen nem ya tidak có không "
        "是 是的 不 不是 对 不对 没有 否 有 はい いいえ ない いる 네 예 아니요 아니 있다 없다 "
        "हाँ हां नहीं জি হ্যাঁ না نعم لا بله نه כן לא ใช่ ไม่ ไม่ใช่"
    ),
    COUNT: (
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty hundred thousand "
        "once twice single double pair couple several many few some both all neither half dozen "
        "null eins zwei drei vier fünf sechs sieben acht neun zehn viele "
        "un une deux trois quatre cinq sept huit neuf dix plusieurs "
        "uno una dos tres cuatro cinco seis siete ocho nueve diez varios "
        "um dois três quatro due tre quattro cinque sei sette otto nove dieci "
        "один два три четыре пять шесть семь восемь девять десять несколько много "
        "零 〇 一 二 三 四 五 六 七 八 九 十 两 兩 几 多 一个 两个 三个 "
        "하나 둘 셋 넷 다섯 एक दो तीन चार पाँच واحد اثنان ثلاثة أربعة خمسة หนึ่ง สอง สาม สี่ ห้า"
    ),
    CHOICE: (
        "same different identical equal more less fewer most least either first second third last "
        "larger smaller bigger taller shorter left right above below yes/no"
    ),
}
_KINDS = {word: kind for kind, words in reversed(_WORDS.items()) for word in words.split()}
_LETTERS = frozenset("abcdefgh")


def answer_kind(word: str, *, is_whole: bool = False) -> str:
    """Which kind of answer a word is; empty for any other word.

    Args:
        word: its text; case and marks around it do not count.
        is_whole: whether it is all that the answer says, so that a letter is a choice.

    Example:
        >>> answer_kind("No"), answer_kind("3"), answer_kind("twenty-one"), answer_kind("cup")
        ('yes-no', 'count', 'count', '')
        >>> answer_kind("B", is_whole=True), answer_kind("a")
        ('choice', '')
    """
    plain = _bare(word)
    if kind := _KINDS.get(plain):
        return kind
    if is_whole and plain in _LETTERS:
        return CHOICE
    if plain and all(_is_number(letter) for letter in plain) and any(map(_is_digit, plain)):
        return COUNT
    parts = plain.split("-")
    return COUNT if len(parts) > 1 and all(_KINDS.get(part) == COUNT for part in parts) else ""


def _bare(word: str) -> str:
    """The word in lower case without marks and spaces around it."""
    folded = unicodedata.normalize("NFC", word).casefold()
    begin, end = 0, len(folded)
    while begin < end and unicodedata.category(folded[begin])[0] in "PSZC":
        begin += 1
    while begin < end and unicodedata.category(folded[end - 1])[0] in "PSZC":
        end -= 1
    return folded[begin:end]


def _is_digit(letter: str) -> bool:
    return unicodedata.category(letter) in ("Nd", "Nl", "No")


def _is_number(letter: str) -> bool:
    return _is_digit(letter) or letter in ".,:/%'’ \u00a0\u202f-+×x"
