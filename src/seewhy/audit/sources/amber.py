"""AMBER: descriptions and questions, with the things that are in each picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seewhy.audit.source import BadRow, Judged, SourceRow
from seewhy.audit.sources._base import BaseSource, matching
from seewhy.audit.sources._fields import expect_object, mapped, number_field, shown, text_field
from seewhy.audit.sources._pictures import Pictures
from seewhy.audit.sources._scores import present, ratio
from seewhy.audit.sources._stream import Entry, entries, first_value
from seewhy.audit.sources._words import answer_word, yes_or_no
from seewhy.core.sample import Truth
from seewhy.core.text import split_words
from seewhy.datasets._categories import singulars
from seewhy.datasets._files import malformed, read_json, unusable
from seewhy.datasets._options import tagger_name
from seewhy.datasets._words import Tagger, open_tagger

FOLDERS = ("", "data")
QUERIES = ("", "query", "data", "data/query")
SPLITS = (
    *("all", "generative", "discriminative", "discriminative-existence"),
    *("discriminative-attribute", "discriminative-relation"),
)
NO_TRUTH = "no annotation of this id"
DIMENSIONS = {
    "discriminative-hallucination": "existence",
    "discriminative-attribute-state": "attribute",
    "discriminative-attribute-number": "attribute",
    "discriminative-attribute-action": "attribute",
    "discriminative-relation": "relation",
    "relation": "relation",
}
GUARDS = {"": 0.0001, "existence": 0.001, "attribute": 0.0001, "relation": 0.0001}
"""What AMBER's script adds to the denominator of F1, by dimension."""


class Amber(BaseSource):
    """The queries of `query_*.json` with their annotations; the id is AMBER's.

    Given answers are `[{"id": 1, "response": ...}]`.
    """

    name: ClassVar[str] = "amber"
    summary: ClassVar[str] = "AMBER: descriptions and yes-no questions with known things."
    layout: ClassVar[str] = (
        "a folder with query/query_*.json, annotations.json, relation.json and safe_words.txt, "
        "also in data/, and pictures in image/ (or images=FOLDER)"
    )
    options: ClassVar[tuple[str, ...]] = ("split", "images", "tagger")

    def _open(self) -> None:
        split = self._choice("split", SPLITS)
        (self._query, *_) = self._expect(f"query_{split}.json", among=QUERIES)
        place = None if self._root.name != "query" else self._root.parent
        folders = [self._root, self._root / "data", *([place] if place else [])]
        self._annotations, self._relation, self._safe = (
            self._beside(name, folders)
            for name in ("annotations.json", "relation.json", "safe_words.txt")
        )
        self._pictures = Pictures(self._root, self._options.get("images", ""))
        self._tagger = open_tagger(tagger_name(self._options))
        self._vocabulary: Vocabulary | None = None

    @classmethod
    def recognises(cls, place: Path) -> bool:
        """A folder with AMBER's annotations and associations, or a file of its queries."""
        if place.is_dir():
            return all(
                matching(place, [name], FOLDERS) for name in ("annotations.json", "relation.json")
            )
        value = first_value(place)
        return isinstance(value, dict) and set(value) == {"id", "image", "query"}

    def _beside(self, name: str, folders: Sequence[Path]) -> Path:
        for folder in folders:
            if (folder / name).is_file():
                return folder / name
        return self._expect(name, among=FOLDERS)[0]

    def _files(self) -> Sequence[Path]:
        return [self._query, self._annotations, self._relation, self._safe]

    def _more_facts(self) -> str:
        return self._tagger.name

    def _rows(self) -> Iterator[SourceRow | BadRow]:
        truths = _truths(self._annotations)
        seen: set[int] = set()

        def make(entry: Entry) -> SourceRow:
            value = expect_object(entry.value)
            id = number_field(value, "id")
            if id in seen:
                raise unusable("the id is repeated", f"Expected a unique id, got {id} again.")
            if id not in truths:
                raise unusable(NO_TRUTH, f"Expected id {id} in {self._annotations.name}.")
            facts = _facts(truths[id])
            path = self._pictures.find(text_field(value, "image"))
            seen.add(id)
            return SourceRow(str(id), (path,), text_field(value, "query"), facts=facts)

        yield from mapped(entries(self._query), make)

    def judge(self, row: SourceRow, answer: str) -> Judged:
        """Of a description: its nouns that AMBER knows. Of a question: "yes" or "no"."""
        if row.facts["type"] == "generative":
            if self._vocabulary is None:
                self._vocabulary = Vocabulary.read(self._relation, self._safe)
            return self._vocabulary.judge(row.facts, answer, self._tagger)
        said, truth = yes_or_no(answer), row.facts["truth"]
        truths = answer_word(answer, said, said == truth)
        return Judged(truths, score={"type": row.facts["type"], "predicted": said, "truth": truth})

    def scores(self, scores: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
        """CHAIR, Cover, Hal, Cog; accuracy, precision, recall, F1, also of each dimension.

        As AMBER's `inference.py` counts, unrounded. Precision and recall are of the answer "no".
        """
        told = [score for score in scores if score["type"] == "generative"]
        asked = [score for score in scores if score["type"] != "generative"]

        def share(part: str, whole: str) -> float | None:
            return ratio(sum(s[part] for s in told), sum(s[whole] for s in told))

        figures = {
            "CHAIR": share("invented", "nouns"),
            "Cover": share("covered", "truth"),
            "Hal": ratio(sum(score["invented"] > 0 for score in told), len(told)),
            "Cog": share("expected", "hallu"),
        }
        found = present(figures) | _discriminative(asked, "")
        for dimension in dict.fromkeys(DIMENSIONS[score["type"]] for score in asked):
            chosen = [score for score in asked if DIMENSIONS[score["type"]] == dimension]
            found |= _discriminative(chosen, dimension)
        return found


@dataclass(frozen=True)
class Vocabulary:
    """The words that AMBER judges.

    Attributes:
        associated: from a word to those that mean it.
        known: all these words.
        safe: words that are never counted as invented.
    """

    associated: Mapping[str, Sequence[str]]
    known: frozenset[str]
    safe: frozenset[str]

    @classmethod
    def read(cls, relation: Path, safe: Path) -> Vocabulary:
        """Of AMBER's files.

        Raises:
            DatasetError: if one is malformed.
        """
        associated = read_json(relation)
        if not isinstance(associated, dict) or not all(map(_is_words, associated.values())):
            raise malformed(relation, "the top", "an object of lists of words", associated)
        known = frozenset(associated).union(*associated.values())
        lines = safe.read_text("utf-8-sig", "replace").splitlines()
        return cls(associated, known, frozenset(line.strip() for line in lines if line.strip()))

    def judge(self, facts: Mapping[str, Any], answer: str, tagger: Tagger) -> Judged:
        """The truths of a description's nouns, and its counts.

        A noun is one by the tagger, and is compared in the singular. A noun that is neither a true
        word nor associated with one is invented.
        """
        true, hallu = self._meant(facts["truth"]), self._meant(facts["hallu"])
        truths, covered, expected, nouns, invented = [], set(), set(), 0, 0
        for start, end in split_words(answer):
            noun = self._noun(answer[start:end], tagger)
            if noun is None:
                continue
            nouns += 1
            if noun in self.safe:
                continue
            if noun in true:
                covered.add(true[noun])
            else:
                invented += 1
                expected.update({hallu[noun]} if noun in hallu else ())
            category = true.get(noun) or hallu.get(noun) or noun
            truths.append(Truth(start, end, "kind", (), noun in true, category))
        score = {
            "type": "generative",
            "nouns": nouns,
            "invented": invented,
            "covered": len(covered),
            "truth": len(facts["truth"]),
            "expected": len(expected),
            "hallu": len(facts["hallu"]),
        }
        groups = {truth.start: "object" for truth in truths}
        return Judged(tuple(truths), groups=groups, score=score)

    def _meant(self, words: Sequence[str]) -> dict[str, str]:
        """From each word that means one of `words` to it; the first counts."""
        meant: dict[str, str] = {}
        for word in words:
            for other in self.associated.get(word, ()):
                meant.setdefault(other, word)
        for word in words:
            meant.setdefault(word, word)
        return meant

    def _noun(self, word: str, tagger: Tagger) -> str | None:
        """The known noun that a word is, or None."""
        if not tagger.is_noun(word):
            return None
        return next((form for form in reversed(singulars(word)) if form in self.known), None)


def _truths(path: Path) -> dict[int, Mapping[str, Any]]:
    content = read_json(path)
    if not isinstance(content, list):
        raise malformed(path, "the top", "a list", content)
    return {
        entry["id"]: entry
        for entry in content
        if isinstance(entry, dict) and isinstance(entry.get("id"), int)
    }


def _facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The type and truth of an annotation.

    Raises:
        SampleError: if the type or truth is none of AMBER's.
    """
    kind, truth = entry.get("type"), entry.get("truth")
    if kind == "generative":
        hallu = entry.get("hallu")
        if _is_words(truth) and _is_words(hallu):
            return {"type": kind, "truth": truth, "hallu": hallu}
    elif kind in DIMENSIONS and isinstance(truth, str) and truth.lower() in ("yes", "no"):
        return {"type": kind, "truth": truth.lower()}
    raise unusable(
        "an annotation that AMBER does not have",
        f"Expected one of generative, {', '.join(DIMENSIONS)} with its truth, got "
        f"{shown(json.dumps(entry))}.",
    )


def _is_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _discriminative(scores: Sequence[Mapping[str, Any]], dimension: str) -> dict[str, float]:
    if not scores:
        return {}
    right = sum(score["predicted"] == score["truth"] for score in scores)
    hits = sum(score["predicted"] == score["truth"] == "no" for score in scores)
    precision = ratio(hits, sum(score["predicted"] == "no" for score in scores))
    recall = ratio(hits, sum(score["truth"] == "no" for score in scores))
    both = None
    if precision is not None and recall is not None:
        both = 2 * precision * recall / (precision + recall + GUARDS[dimension])
    figures = {"accuracy": right / len(scores), "precision": precision, "recall": recall}
    found = present(figures | {"F1": both})
    return {f"{dimension} {name}".strip(): value for name, value in found.items()}
