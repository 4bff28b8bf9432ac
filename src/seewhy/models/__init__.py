"""Everything that depends on a model: families, inputs, states and answers.

Each family has a file with what is special to it; what families share is a function.
"""

from __future__ import annotations

from seewhy.models.conversation import Conversation, Message
from seewhy.models.family import Family, VisualInputs
from seewhy.models.family_choice import FAMILIES
from seewhy.models.generation import generate, generate_batch
from seewhy.models.inputs import prepare, prepare_chat
from seewhy.models.loading import Loaded, load
from seewhy.models.processing import ProcessorParts
from seewhy.models.session import Session
from seewhy.models.teacher_forcing import read, read_batch
from seewhy.models.torchvision import settle_torchvision

# Before any family's file is imported, and transformers' image processors with it.
settle_torchvision()

__all__ = [
    "FAMILIES",
    "ProcessorParts",
    "Session",
    "Conversation",
    "Family",
    "Loaded",
    "Message",
    "VisualInputs",
    "generate",
    "generate_batch",
    "load",
    "prepare",
    "prepare_chat",
    "read",
    "read_batch",
]
