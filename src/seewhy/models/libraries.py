"""Import what models need of transformers, before threads do so one by one."""

from __future__ import annotations


def import_libraries() -> None:
    """Import transformers' large parts at once.

    It imports its parts when they are first named, and fails if two threads begin at the same time
    ("cannot import name"). A program with threads calls this in one of them, and lets others wait.
    """
    from transformers import (  # noqa: F401
        AutoConfig,
        AutoImageProcessor,
        AutoModelForImageTextToText,
        AutoProcessor,
        AutoTokenizer,
        GenerationConfig,
        PreTrainedModel,
        StoppingCriteriaList,
    )
