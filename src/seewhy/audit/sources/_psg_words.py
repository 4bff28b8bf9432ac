"""Words of an answer and the segments and relations of a scene graph."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from seewhy.audit.source import Judged
from seewhy.audit.sources._words import OBJECT, RELATION, words_in
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._categories import ENDINGS, Vocabulary, annotate
from seewhy.datasets._words import Tagger

Graph: TypeAlias = Mapping[str, Any]
"""Of a picture: "segments", each `[id, class]`; "relations", `[subject, object, predicate]`."""

REACH = 4
"""Words that may stand between a relation's words and its two things."""


def plain_name(name: str) -> str:
    """A class's name as a word.

    Example:
        >>> plain_name("wall-other-merged"), plain_name("floor-wood"), plain_name("dining table")
        ('wall', 'floor', 'dining table')
    """
    while name.endswith(ENDINGS):
        name = name[: name.rindex("-")]
    return name.split("-")[0]


def sentence_of(graph: Graph, classes: Sequence[str]) -> str:
    """A sentence of a picture's relations, each once; "" if there are none."""
    names = [plain_name(str(classes[category])) for _, category in graph["segments"]]
    clauses = (f"the {names[s]} is {p} the {names[o]}" for s, o, p in graph["relations"])
    text = ", and ".join(dict.fromkeys(clauses))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def graph_judged(
    graph: Graph, classes: Sequence[str], answer: str, tagger: Tagger
) -> tuple[Judged, list[tuple[int, ...]]]:
    """What is true of an answer's words, and the segments of each region, by index.

    A relation of the graph is found where its words stand between a word for its subject and one
    for its object. Its region is the segments of both.
    """
    shown = list(dict.fromkeys(category + 1 for _, category in graph["segments"]))
    regions = [
        tuple(n for n, (_, category) in enumerate(graph["segments"]) if category + 1 == number)
        for number in shown
    ]
    vocabulary = Vocabulary({name: n for n, name in enumerate(classes, start=1)}, closed=True)
    found = annotate(vocabulary, shown, [""] * len(shown), tagger, answer)
    kinds = {t.start: Truth(*_plain(t)) for t in found if t.role == "kind"}
    groups = dict.fromkeys(kinds, OBJECT)
    related: dict[tuple[str, str, str], bool] = {}
    for subject, object, predicate in graph["relations"]:
        names = [plain_name(str(classes[graph["segments"][n][1]])) for n in (subject, object)]
        spans = _relation_spans(answer, kinds, classes, graph, (subject, object), predicate)
        key = (names[0], predicate, names[1])
        related[key] = related.get(key, False) or bool(spans)
        if any(span[0] not in kinds for span in spans):
            regions.append((subject, object))
        for start, end in spans:
            if start not in kinds:
                kinds[start] = Truth(start, end, "relation", (len(regions) - 1,), True, predicate)
                groups[start] = RELATION
    things = [truth for start, truth in kinds.items() if groups[start] == OBJECT]
    judgeable = [truth for truth in things if truth.supported is not None]
    score = {
        "mentioned": len(judgeable),
        "invented": sum(truth.supported is False for truth in judgeable),
        "relations": len(related),
        "related": sum(related.values()),
    }
    ordered = tuple(kinds[start] for start in sorted(kinds))
    return Judged(ordered, groups=groups, score=score), regions


def _plain(truth: Truth) -> tuple[Any, ...]:
    return (
        *(truth.start, truth.end, truth.role, truth.regions, truth.supported, truth.category),
        {},
    )


def _relation_spans(
    answer: str,
    kinds: Mapping[int, Truth],
    classes: Sequence[str],
    graph: Graph,
    pair: tuple[int, int],
    predicate: str,
) -> list[tuple[int, int]]:
    """The words of a predicate between its subject's and its object's word, all places."""
    subject, object = (plain_name(str(classes[graph["segments"][n][1]])) for n in pair)
    pattern = r"\b" + r"\s+".join(map(re.escape, predicate.split())) + r"\b"
    spans: list[tuple[int, int]] = []
    for match in re.finditer(pattern, answer, re.IGNORECASE):
        before = [t for t in kinds.values() if t.role == "kind" and t.end <= match.start()]
        after = [t for t in kinds.values() if t.role == "kind" and t.start >= match.end()]
        if not before or not after:
            continue
        first, last = max(before, key=lambda t: t.end), min(after, key=lambda t: t.start)
        near = (answer[first.end : match.start()], answer[match.end() : last.start])
        if any(len(split_words(text)) > REACH or "." in text for text in near):
            continue
        if (plain_name(first.category), plain_name(last.category)) == (subject, object):
            spans += words_in(answer, *match.span())
    return spans
