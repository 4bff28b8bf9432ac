"""Colour maps: perceptually uniform, also for colour-blind readers.

The tables are from the maps of the same names by Stéfan van der Walt, Nathaniel Smith and Eric
Firing (viridis, magma, inferno; 2015) and Nuñez, Anderton and Renslow (cividis; 2018), all given to
the public domain (CC0), at 33 evenly spaced positions; values between are interpolated.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from seewhy.core.errors import UnknownNameError
from seewhy.core.suggestions import unknown_name_message

#: The default colour map: its dark end dims a picture without tinting it.
DEFAULT = "inferno"

# 33 colours each, from the map's low end to its high end.
_ANCHORS = {
    "viridis": """
        440154 470d60 48186a 482374 472d7b 453681 424086 3f4989 3b528b 375a8d 33638d
        2f6a8e 2c728e 297a8e 26818e 23898e 21908c 1f988b 1f9f88 21a685 28ae80 31b57b
        3ebc74 4cc26c 5dc963 6ece58 82d34c 96d83f abdc32 c0df24 d5e21a eae51a fde725
    """,
    "cividis": """
        00224e 00285b 002e6a 043371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 52596d
        5a5f6e 61656f 686a71 6f7073 757676 7c7b78 848179 8b8778 938d78 9b9376 a39a75
        aba072 b3a670 bbad6c c3b469 ccba64 d4c15f ddc958 e6d051 efd748 f8df3c fee838
    """,
    "magma": """
        000004 030311 0a0822 130d33 1d1146 28115a 36106a 430f76 50127c 5d177f 691c81
        762181 822681 8f2a81 9c2e7f a9327d b63779 c33b75 cf4170 db486a e65163 ee5c5e
        f5695c f9785d fb8761 fd9668 fea571 feb47b fec387 fed194 fde0a2 fceeb0 fcfdbf
    """,
    "inferno": """
        000004 040312 0b0724 150b37 210c4a 2e0a5a 3c0965 4a0c6b 57106d 63146e 70196e
        7d1e6d 89226a 962766 a32b61 af315c bb3755 c63e4d d14644 db4f3b e35932 eb6528
        f1711e f67f14 f98d0a fb9c06 fcab0f fbba1f f9ca32 f5d949 f2e865 f3f586 fcffa4
    """,
}

#: Names of all colour maps, the default first.
NAMES = (DEFAULT, *(name for name in _ANCHORS if name != DEFAULT))


@cache
def colour_table(name: str = DEFAULT) -> Tensor:
    """Return a colour map as a table: uint8 `[256, 3]`, sRGB, from low to high.

    Raises:
        UnknownNameError: if no colour map has this name.

    Example:
        >>> colour_table("viridis")[[0, 255]].tolist()
        [[68, 1, 84], [253, 231, 37]]
    """
    if name not in _ANCHORS:
        raise UnknownNameError(unknown_name_message("colour map", name, NAMES))
    anchors = torch.tensor([list(bytes.fromhex(c)) for c in _ANCHORS[name].split()]).double()
    position = torch.linspace(0, len(anchors) - 1, 256, dtype=torch.float64)
    left = position.long().clamp(max=len(anchors) - 2)
    share = (position - left)[:, None]
    return (anchors[left] * (1 - share) + anchors[left + 1] * share).round().to(torch.uint8)


def colourise(display: Tensor, name: str = DEFAULT) -> Tensor:
    """Convert values to a colour map's colours.

    Args:
        display: float `[...]` in [0, 1]; values outside are clamped.
        name: the colour map.

    Returns:
        uint8 `[..., 3]`, sRGB.
    """
    return colour_table(name)[(display.clamp(0, 1) * 255).round().long()]
