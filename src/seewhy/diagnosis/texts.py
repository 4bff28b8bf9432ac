"""What changed words do to later words of an answer, with the pictures as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seewhy.core.lexicon import listed
from seewhy.core.text import Word, deciding_token
from seewhy.core.trace import Trace
from seewhy.core.verdict import Change
from seewhy.diagnosis.evidence import Answered
from seewhy.diagnosis.pictures import expression
from seewhy.diagnosis.words import Unit, lemma, role_of
from seewhy.models.contrast import alternative_ids
from seewhy.models.prefix import answers_log_probabilities
from seewhy.models.session import Session

CANDIDATES = 3
"""Earlier words of the answer that are changed for each word."""

PROMPT_CANDIDATES = 2
"""Words of the prompt that are left out for a word that no earlier word of the answer explains."""

INSTRUCTIONS = listed(
    "write describe description sentence detail answer question using use word please give tell "
    "briefly short single"
)
"""Words of a prompt that say what to do, in the singular: without them it is another task."""


@dataclass(frozen=True)
class _Variant:
    """An answer with one earlier word changed, for one later word."""

    unit: Unit
    earlier: int
    replacement: str
    ids: tuple[int, ...]
    tail: tuple[int, ...]
    shift: int


def phrase_start(unit: Unit, units: Sequence[Unit]) -> int:
    """The first word of a word's phrase: after the word before it that says something else.

    Words that share the fate of the same noun, as its colour, belong to the phrase.

    Args:
        unit: the word.
        units: all words that say something.

    Returns:
        An index among the answer's words.
    """
    own = {unit.word, unit.noun} - {None}
    before = [u.word for u in units if u.word < unit.word and not own & {u.word, u.noun}]
    return max(before, default=-1) + 1


def changed_words(
    session: Session,
    trace: Trace,
    units: Sequence[Unit],
    chosen: Sequence[Unit],
    answered: Answered,
    before: Tensor,
) -> dict[int, list[Change]]:
    """Replace earlier words of the answer, and read what becomes of later ones.

    A word is replaced by another word of the answer of the same role, or by what the model would
    have said in its place; where there is neither, it is left out. Measured is the phrase that the
    later word ends, from the word before it that says something: what leads to a word is part of
    the habit, as "with a" before "fish".

    Args:
        session: the model, its pictures and the answer.
        trace: the answer.
        units: all words that say something.
        chosen: those of which it is asked what they follow from.
        answered: the answer's words and their attribution.
        before: float32 `[token]`, log-probabilities with nothing changed.

    Returns:
        For each chosen word, by index, the changes; each with the phrase's log-probability before
        and after.
    """
    variants = [
        variant
        for unit in chosen
        for earlier in _candidates(unit, units, answered)
        if (variant := _variant(session, trace, unit, earlier, units, answered)) is not None
    ]
    changes: dict[int, list[Change]] = {unit.word: [] for unit in chosen}
    if not variants:
        return changes
    ids = [session.ids, *(variant.ids for variant in variants)]
    values, _ = answers_log_probabilities(session.loaded, session.inputs(), ids, before)
    for variant, row in zip(variants, values[1:], strict=True):
        tail = variant.tail
        changes[variant.unit.word].append(
            Change(
                kind="word-swapped" if variant.replacement else "word-dropped",
                log_probabilities=(
                    float(expression(row, [index + variant.shift for index in variant.tail])),
                ),
                part="answer",
                word=variant.earlier,
                replacement=variant.replacement,
                before=float(expression(before, tail)),
            )
        )
    return changes


def dropped_prompt_words(
    session: Session,
    trace: Trace,
    units: Sequence[Unit],
    chosen: Sequence[Unit],
    answered: Answered,
    before: Tensor,
) -> dict[int, list[Change]]:
    """Leave out words of the prompt, and read what becomes of words of the answer.

    Args, returns:
        As `changed_words`.
    """
    spans = [(token.start, token.end) for token in trace.prompt_tokens]
    wanted = [(unit, word) for unit in chosen for word in _prompt_candidates(unit, answered)]
    words = list(dict.fromkeys(word for _, word in wanted))
    changes: dict[int, list[Change]] = {unit.word: [] for unit in chosen}
    if not words:
        return changes
    dropped = torch.zeros(len(words), len(trace.text_tokens), dtype=torch.bool)
    for row, word in enumerate(words):
        left_out = answered.prompt_words[word]
        for token, (start, end) in enumerate(spans):
            dropped[row, token] = start < left_out.end and left_out.start < end
    values = session.log_probabilities_without(dropped)
    for unit, word in wanted:
        tail = _tail(unit, units, answered)
        changes[unit.word].append(
            Change(
                kind="word-dropped",
                log_probabilities=(float(expression(values[words.index(word)], tail)),),
                part="prompt",
                word=word,
                before=float(expression(before, tail)),
            )
        )
    return changes


def _candidates(unit: Unit, units: Sequence[Unit], answered: Answered) -> list[int]:
    """Earlier words that a word may follow from: the most relevant ones and the one before it.

    The attributes of its own phrase come too: "traffic light" follows from "traffic".
    """
    relevance = answered.evidence[unit.word].answer
    others = [u.word for u in units if u.word < unit.word and u.noun != unit.word]
    ranked = sorted(others, key=lambda word: -relevance[word])[: CANDIDATES - 1]
    own = [u.word for u in units if u.word < unit.word and u.noun == unit.word]
    return list(dict.fromkeys([*ranked, *others[-1:], *own]))


def _prompt_candidates(unit: Unit, answered: Answered) -> list[int]:
    """Words of the prompt with the word's lemma, then the most relevant ones that say something."""
    relevance = answered.evidence[unit.word].prompt
    words = [
        index
        for index, word in enumerate(answered.prompt_words)
        if role_of(word.text) is not None
        and INSTRUCTIONS.isdisjoint(lemma(word.text).split("-"))  # also "one-sentence"
    ]
    equal = [i for i in words if lemma(answered.prompt_words[i].text) == unit.lemma]
    ranked = sorted(words, key=lambda word: -relevance[word])
    return list(dict.fromkeys([*equal, *ranked]))[:PROMPT_CANDIDATES]


def _tail(unit: Unit, units: Sequence[Unit], answered: Answered) -> tuple[int, ...]:
    """The tokens of a word's phrase up to the word."""
    words = answered.words[phrase_start(unit, units) : unit.word + 1]
    return tuple(dict.fromkeys(token for word in words for token in word.tokens))


def _variant(
    session: Session,
    trace: Trace,
    unit: Unit,
    earlier: int,
    units: Sequence[Unit],
    answered: Answered,
) -> _Variant | None:
    """The answer with an earlier word replaced, or left out; None if nothing would be left."""
    place = _with_space(session, trace, answered.words[earlier])
    first, end = place.tokens[0], place.tokens[-1] + 1
    # What follows in the phrase; attributes of the phrase itself are not part of what is measured.
    tail = tuple(token for token in _tail(unit, units, answered) if token >= end)
    if not tail:
        return None
    found = _replacements(trace, unit, earlier, units, answered)
    text = next(found, "")
    new = tuple(alternative_ids(session.loaded, trace, place, text)) if text else ()
    ids = (*session.ids[:first], *new, *session.ids[end:])
    return _Variant(unit, earlier, text, ids, tail, len(new) - (end - first))


def _with_space(session: Session, trace: Trace, word: Word) -> Word:
    """The word with the token of the space before it, where that is a token of its own."""
    before = word.tokens[0] - 1
    if before < 0:
        return word
    piece = session.loaded.processor.tokenizer.convert_ids_to_tokens(trace.tokens[before].id)
    return replace(word, tokens=(before, *word.tokens)) if piece in ("▁", "Ġ") else word


def _replacements(
    trace: Trace,
    unit: Unit,
    earlier: int,
    units: Sequence[Unit],
    answered: Answered,
) -> Iterator[str]:
    """Other words for an earlier one."""
    words, by_word = answered.words, {u.word: u for u in units}
    replaced = by_word[earlier]
    excluded = {replaced.lemma, unit.lemma}
    plural = words[earlier].text.casefold() != replaced.lemma
    texts = [
        _in_a_sentence(words, u.word)
        for u in units
        if u.role == replaced.role
        and u.lemma not in excluded
        and (words[u.word].text.casefold() != u.lemma) == plural
    ]
    token = trace.tokens[deciding_token(trace.tokens, words[earlier].tokens)]
    texts += [
        text.strip()
        for text, _ in token.candidates
        if text[:1].isspace() == token.text[:1].isspace()
        and text.strip().isalpha()
        and role_of(text.strip()) is not None
    ]
    begins = _begins_sentence(words, earlier)
    for text in texts:
        if lemma(text) in excluded or words[earlier].text.casefold().startswith(text.casefold()):
            continue
        yield text[:1].upper() + text[1:] if begins and words[earlier].text[:1].isupper() else text


def _begins_sentence(words: Sequence[Word], index: int) -> bool:
    return index == 0 or words[index - 1].text[-1:] in ".!?:"


def _in_a_sentence(words: Sequence[Word], index: int) -> str:
    """A word as it is written within a sentence: "boat" of "Boat ...", but "TV"."""
    text = words[index].text
    is_name = text[1:] != text[1:].lower() or not _begins_sentence(words, index)
    return text if is_name else text.lower()
