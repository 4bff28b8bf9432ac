"""What a cell of a picture should be for the language model: a mixture of its word embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from seewhy.core.lexicon import listed
from seewhy.testbed.emoji.colours import COLOURS
from seewhy.testbed.emoji.grounds import NAMES
from seewhy.testbed.emoji.kinds import KINDS
from seewhy.testbed.emoji.scenes import SIGN_WORDS
from seewhy.testbed.recipe_smol.collages import Cells

CONTAINERS = listed("a of pair bunch head piece slice plate stack loaf ear box jar glass")
"""Words of a kind's name that don't tell it from others."""
FILLERS = ("the", "a", "of", "with", "and", "on", "is", "there")
KIND, COLOUR, WORD, ONE, GROUND = 1.0, 0.6, 0.8, 0.5, 0.35
"""Weights of a cell's words in its vector.

The cell in the middle of a thing says "one", too: so things can be counted where two of a kind
touch.
"""


class CellVectors:
    """The target vectors of cells, in the space of a language model's word embeddings.

    Args:
        tokenizer: of the language model.
        table: its embeddings, float32 `[vocabulary, hidden]`.
    """

    def __init__(self, tokenizer: Any, table: Tensor) -> None:
        self.table = table

        def mean(text: str) -> Tensor:
            ids = tokenizer.encode(" " + text, add_special_tokens=False)
            return table[ids].mean(0)

        def telling(name: str) -> str:
            return " ".join(word for word in name.split() if word not in CONTAINERS)

        self.fillers = torch.stack([mean(word) for word in FILLERS])
        self.ground_mean = self.fillers.mean(0)
        none = torch.zeros(1, table.shape[1])
        self.kinds = torch.cat([none, torch.stack([mean(telling(k)) for k in KINDS])])
        self.colours = torch.cat([none, torch.stack([mean(c) for c in COLOURS])])
        self.words = torch.cat([none, torch.stack([mean(w) for w in SIGN_WORDS])])
        self.one = mean("one")
        self.grounds = torch.stack([mean(name) for name in NAMES])
        self.norm = float(table.norm(dim=1).median())

    def of(self, cells: Cells | Any) -> Tensor:
        """Float32 `[..., hidden]` for the cells; where nothing is asked (-1), use no result."""
        kind, colour, word, ground = (
            torch.as_tensor(part).clamp(min=0)
            for part in (cells.kind, cells.colour, cells.word, cells.ground)
        )
        one = torch.as_tensor(cells.centre)[..., None] * self.one
        thing = (
            KIND * self.kinds[kind]
            + COLOUR * self.colours[colour]
            + WORD * self.words[word]
            + ONE * one
        )
        plain = GROUND * self.grounds[ground] + (1 - GROUND) * self.ground_mean
        vectors = torch.where((kind > 0)[..., None], thing, plain)
        return self.norm * vectors / vectors.norm(dim=-1, keepdim=True)
