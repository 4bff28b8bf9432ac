"""Records for figures: explanations of one answer by other methods and models."""

from __future__ import annotations

from dataclasses import replace

from golden.records import record_of
from seewhy.core.record import Record


def explained_by(record: Record, method: str, model: str | None = None, seed: int = 1) -> Record:
    """The same answer explained by another method, or another model with its probabilities."""
    pieces = tuple((token.text, "") for token in record.tokens)
    other = record_of(pieces, seed=seed)
    provenance = replace(record.provenance, method=method, model=model or record.provenance.model)
    tokens = record.tokens if model is None else other.tokens
    return replace(record, tokens=tokens, attribution=other.attribution, provenance=provenance)
