"""Explain the words that a multimodal model generates: where in the picture the evidence is.

    import seewhy

    explanation = seewhy.load("Qwen/Qwen2-VL-2B-Instruct").explain("cat.jpg")
    for word in explanation:
        print(word.text, word.probability, word.peak)
    explanation.save("cat")

Nothing heavy is imported until it is used: `import seewhy` loads neither torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from seewhy._version import __version__
from seewhy.core.errors import SeewhyError

if TYPE_CHECKING:
    from seewhy.api import (
        Comparison,
        ExplainedWord,
        Explainer,
        ExplainOptions,
        Explanation,
        load,
        open,
        trace,
    )
    from seewhy.chats import read_chat
    from seewhy.images import Clip, read_clip
    from seewhy.methods import METHODS, citation

__all__ = [
    "METHODS",
    "Clip",
    "Comparison",
    "ExplainOptions",
    "ExplainedWord",
    "Explainer",
    "Explanation",
    "SeewhyError",
    "__version__",
    "citation",
    "load",
    "open",
    "read_chat",
    "read_clip",
    "trace",
]

_HOMES = {
    **dict.fromkeys(
        (
            *("Comparison", "ExplainOptions", "ExplainedWord", "Explainer", "Explanation"),
            *("load", "open", "trace"),
        ),
        "seewhy.api",
    ),
    "read_chat": "seewhy.chats",
    **dict.fromkeys(("Clip", "read_clip"), "seewhy.images"),
    **dict.fromkeys(("METHODS", "citation"), "seewhy.methods"),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seewhy' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
