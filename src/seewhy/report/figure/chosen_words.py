"""Which words a figure shows: those that were named, or the main words of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from seewhy.core.errors import InputError, ParameterError
from seewhy.core.lexicon import tag_of
from seewhy.core.record import Record
from seewhy.core.suggestions import give_index
from seewhy.core.text import Word
from seewhy.core.word_lookup import find_text
from seewhy.report.first_word import telling_words
from seewhy.report.locations import tokens_over, words_before
from seewhy.report.spans import TextSpan, spans_of

MAIN_WORDS = 4
"""How many words a figure shows if none are named: they fit beside the picture."""


@runtime_checkable
class SomeWord(Protocol):
    """A word of an explanation, such as `seewhy.ExplainedWord`."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def part(self) -> str: ...


Named = int | str | SomeWord
"""A word by its number, by its text, or itself."""


def main_words(record: Record, most: int = MAIN_WORDS) -> tuple[int, ...]:
    """Indices of the words that a reader wants to see first, in reading order.

    Words that say something (`seewhy.report.first_word`), each text once. Of more than `most`:
    contrasted words, then things before colours and actions, and those with the highest values.

    Args:
        record: the explanation.
        most: how many at most.
    """
    spans = spans_of(record).words
    contrasted = {word for word, _ in record.contrasts}
    said = {*telling_words(record), *contrasted}
    said = [i for i in said if not spans[i].special and any(map(str.isalnum, spans[i].text))]
    ranked = sorted(said, key=lambda i: (i not in contrasted, *_rank(spans[i]), i))
    once: dict[str, int] = {}
    for i in ranked:
        once.setdefault(spans[i].text.casefold(), i)
    return tuple(sorted(list(once.values())[:most]))


def span_named(record: Record, word: Named) -> TextSpan:
    """The span of a word of the answer, or of any text in it that begins and ends with a token.

    Raises:
        UnknownNameError: if the answer has no such text; the message lists near words.
        ParameterError: if there is no such number, or it is a word of another text.
    """
    spans = spans_of(record)
    if isinstance(word, str):
        found, held = find_text(record.answer, record.words, record.tokens, word)
        is_word = len(held) == 1 and found is record.words[held[0]]
        return spans.words[held[0]] if is_word else spans.word(found, held[0])
    if isinstance(word, SomeWord):
        return _span_of_word(record, word)
    count = len(record.words)
    if isinstance(word, bool) or not isinstance(word, int) or not -count <= word < count:
        raise ParameterError(
            f"Expected words by number or text, got {word!r} for an answer of {count} words: "
            f"{give_index(count)}."
        )
    return spans.words[word]


def span_at(record: Record, start: int, end: int) -> TextSpan:
    """The span of a record's answer from character `start` to `end`.

    Raises:
        ParameterError: if a token goes beyond it.
    """
    for index, word in enumerate(record.words):
        if (word.start, word.end) == (start, end):
            return spans_of(record).words[index]
    tokens = tokens_over(record.tokens, start, end)
    held = [record.answer[record.tokens[i].start : record.tokens[i].end] for i in tokens]
    text = record.answer[start:end]
    if not tokens or "".join(held).strip() != text.strip():
        raise ParameterError(
            f"Expected explanations that cut {text!r} from the answer alike, got tokens "
            f"{', '.join(map(repr, held)) or 'of other words'} by {record.provenance.model}: "
            "choose another word."
        )
    word = Word(text, start, end, tokens)
    return spans_of(record).word(word, words_before(record, word))


def chosen_spans(record: Record, words: Named | Sequence[Named] | None) -> list[TextSpan]:
    """The spans of the named words, or those of the main words.

    Raises:
        As `span_named`; ParameterError if no word is named; InputError if the answer has no words.
    """
    if words is None:
        found = main_words(record)
        if not found:
            raise InputError(
                "Expected an answer with words, got one without letters and digits: name the "
                "words of the figure by number."
            )
        return [spans_of(record).words[index] for index in found]
    named = [words] if isinstance(words, str | int | SomeWord) else list(words)
    if not named:
        raise ParameterError(
            "Expected at least one word for a figure, got none: leave words out to take the main "
            "words of the answer."
        )
    return [span_named(record, word) for word in named]


def _span_of_word(record: Record, word: SomeWord) -> TextSpan:
    if word.part != "answer" or record.answer[word.start : word.end] != word.text:
        raise ParameterError(
            f"Expected words of this answer, got {word.text!r} of "
            f"{'the prompt' if word.part != 'answer' else 'another answer'}: take one of "
            "explanation.words."
        )
    return span_at(record, word.start, word.end)


def _rank(span: TextSpan) -> tuple[bool, float]:
    """Things first, then by the highest value of the maps."""
    highest = max(float(values.max()) for values in span.maps)
    return not tag_of(span.text).startswith("NN"), -highest
