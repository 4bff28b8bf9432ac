"""Explaining again: the same method on changed evidence, for metrics of sanity and cost."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from torch import Tensor

from seewhy.functional.similarity import pearson, spearman, ssim
from seewhy.methods._evidence import Evidence
from seewhy.metrics._base import Case, Figure, Measurement, Metric, Undefined, measured
from seewhy.metrics._perturbation import lacks_model
from seewhy.models.session import Session

#: How two maps are compared; the first is the figure without a suffix.
SIMILARITIES = {"": spearman, "-pearson": pearson, "-ssim": ssim}


def explain_again(case: Case, session: Session, words: Sequence[int]) -> Case:
    """The same case with its method run again, on evidence read anew by the given session.

    Args:
        case: what was explained.
        session: of the same answer.
        words: places of the words whose maps are looked at; those of others may be empty.
    """
    before = len(case.evidence.trace.prompt_tokens)
    selected = [before + token for word in words for token in case.tokens(word)]
    evidence = evidence_again(case, session, selected)
    return replace(case, evidence=evidence, attribution=case.method.attribute(evidence))


def evidence_again(case: Case, session: Session, selected: Sequence[int] | None = None) -> Evidence:
    """Evidence like a case's own, read by the given session.

    Args:
        case: what was explained.
        session: of the same answer.
        wanted: as for `Evidence`; None wants what the case wanted.
    """
    depth = case.evidence.trace.rankings.shape[1]
    selected = case.evidence.selected if selected is None else selected
    return Evidence.from_session(session, ranking_depth=depth, selected=selected)


def valid_words(metric: Metric, case: Case) -> Generator[Undefined, None, list[int]]:
    """The wanted words whose maps can be judged; yields why the others cannot."""
    if reason := lacks_model(case):
        yield from metric.undefined(reason)
        return []
    if not case.selected:
        yield from metric.undefined("no word wanted")
    words: list[int] = []
    for at in case.selected:
        if invalid_reason := case.invalid_reason(at):
            yield from metric.undefined(invalid_reason)
        else:
            words.append(at)
    return words


def similarity_figures(name: str, what: str) -> tuple[Figure, ...]:
    """One figure for each of `SIMILARITIES`, low being good: the map should have changed."""
    known = {"": "Rank correlation", "-pearson": "Correlation", "-ssim": "Structural similarity"}
    return tuple(
        Figure(f"{name}{suffix}", f"{known[suffix]} of the map with {what}.", False, "correlation")
        for suffix in SIMILARITIES
    )


def similarities(name: str, own: Tensor, other: Tensor, word: int) -> list[Measurement | Undefined]:
    """How alike two maps are, under `similarity_figures`.

    A map that became constant is no longer alike: where only the other one is constant, both
    correlations are 0. Where the word's own map is, they are undefined.
    """
    lost = bool((other == other.flatten()[0]).all()) and bool((own != own.flatten()[0]).any())
    found: list[Measurement | Undefined] = []
    for suffix, alike in SIMILARITIES.items():
        if min(own.shape) < 2 and alike is ssim:
            found.append(Undefined(f"{name}{suffix}", "map of a single row"))
            continue
        value = 0.0 if lost and alike is not ssim else alike(own, other)
        found.append(measured(f"{name}{suffix}", value, word, otherwise="constant map"))
    return found
