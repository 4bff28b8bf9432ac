"""The only place that knows a model's insides: how it sees, loads, speaks and is overheard.

One file per family holds what is special to it; everything that families share is a function.
"""

from __future__ import annotations

from seewhy.models.base import Family, Seen
from seewhy.models.conversation import Conversation, Said
from seewhy.models.inputs import prepare, prepare_chat
from seewhy.models.loading import FAMILIES, Loaded, load
from seewhy.models.processing import Composed
from seewhy.models.torchvision import settle_torchvision
from seewhy.models.tracing import generate, generate_batch, read, read_batch

# Before any family's file is imported, and transformers' image processors with it.
settle_torchvision()

__all__ = [
    "FAMILIES",
    "Composed",
    "Conversation",
    "Family",
    "Loaded",
    "Said",
    "Seen",
    "generate",
    "generate_batch",
    "load",
    "prepare",
    "prepare_chat",
    "read",
    "read_batch",
]
