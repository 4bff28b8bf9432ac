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
from seewhy.core.quiet_libraries import quiet_libraries

if TYPE_CHECKING:
    from seewhy.api import (
        Comparison,
        ExplainedWord,
        Explainer,
        ExplainOptions,
        Explanation,
        FollowUp,
        diff_of,
        load,
        open,
        trace,
    )
    from seewhy.chats import read_chat
    from seewhy.core.errors import Cancelled
    from seewhy.core.regions import Region
    from seewhy.images import Clip, read_clip
    from seewhy.methods import METHODS, citation
    from seewhy.models.cancelling import cancellable

__all__ = [
    "METHODS",
    "Cancelled",
    "Clip",
    "Comparison",
    "ExplainOptions",
    "ExplainedWord",
    "Explainer",
    "Explanation",
    "FollowUp",
    "Region",
    "SeewhyError",
    "__version__",
    "cancellable",
    "citation",
    "diff_of",
    "load",
    "open",
    "read_chat",
    "read_clip",
    "trace",
]

_HOMES = {
    **dict.fromkeys(
        (
            *(
                "Comparison",
                "ExplainOptions",
                "ExplainedWord",
                "Explainer",
                "Explanation",
                "FollowUp",
            ),
            *("diff_of", "load", "open", "trace"),
        ),
        "seewhy.api",
    ),
    "Cancelled": "seewhy.core.errors",
    "Region": "seewhy.core.regions",
    "cancellable": "seewhy.models.cancelling",
    "read_chat": "seewhy.chats",
    **dict.fromkeys(("Clip", "read_clip"), "seewhy.images"),
    **dict.fromkeys(("METHODS", "citation"), "seewhy.methods"),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'seewhy' has no attribute {name!r}")
    with quiet_libraries():
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
