"""Two to four explanations side by side, word by word."""

from seewhy.comparison.columns import Column, Kind, expect_columns
from seewhy.comparison.comparison import SCHEMA, Comparison
from seewhy.comparison.matching import expect_comparable
from seewhy.comparison.pairs import ComparedMaps
from seewhy.comparison.word import ComparedWord
from seewhy.functional.agreement import Agreement

__all__ = [
    "SCHEMA",
    "Agreement",
    "Column",
    "ComparedMaps",
    "ComparedWord",
    "Comparison",
    "Kind",
    "expect_columns",
    "expect_comparable",
]
