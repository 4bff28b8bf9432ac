"""What a word for things may mean: a taxi may be called a car, and a duck is an animal, too."""

from __future__ import annotations

from functools import cache

from seewhy.testbed.emoji.grammar import plural_of
from seewhy.testbed.emoji.kinds import KINDS, SIGN

INCLUDED = {
    "animal": ("bird", "sea animal", "insect"),
    "plant": ("flower",),
    "vehicle": ("boat", "aircraft"),
    "toy": ("ball",),
    "tool": ("kitchen tool",),
    "device": ("lamp",),
    "dish": ("sweet",),
    "accessory": ("bag",),
    "sign": ("traffic sign",),
}
"""Hypernyms whose things are also of a wider hypernym."""

ALSO = {
    "car": ("taxi", "police car"),
    "fish": ("pufferfish", "shark"),
    "bear": ("panda", "koala", "teddy bear"),
    "ship": ("sailboat",),
    "sign": ("stop sign",),
    "plant": ("pumpkin", "Christmas tree"),
    "vegetable": ("pumpkin", "mushroom"),
    "fruit": ("tomato", "avocado", "pumpkin"),
    "clock": ("watch",),
    "decoration": ("balloon", "candle", "crown", "trophy", "star"),
    "figure": ("teddy bear",),
    "animal": ("teddy bear",),
    "toy": ("snowman", "robot", "skateboard", "high heel"),
    "accessory": (
        *("crown", "top hat", "graduation cap", "tie", "high heel", "pair of socks"),
        *("pair of headphones",),
    ),
    "piece of clothing": ("pair of glasses", "watch", "handbag", "backpack", "tie"),
    "device": (
        *("hourglass", "alarm clock", "watch", "game controller", "robot", "piano", "lock"),
        *("magnifying glass", "magnet", "key", "bomb", "globe"),
    ),
    "tool": (
        *("flashlight", "microscope", "candle", "pencil", "crayon", "umbrella", "axe", "camera"),
        *("bomb", "phone"),
    ),
    "musical instrument": ("keyboard", "microphone"),
    "thing to read": ("newspaper",),
    "piece of paper": ("book",),
    "thing for writing": ("keyboard",),
    "bag": ("suitcase",),
    "board": ("stop sign", "keyboard", "skateboard"),
    "weapon": ("axe", "rocket"),
    "stone": ("moon", "planet"),
    "building": ("door",),
    "sweet": ("jar of honey", "croissant", "box of popcorn"),
    "drink": ("jar of honey",),
    "lamp": ("sun", "traffic light", "pumpkin"),
    "aircraft": ("balloon", "kite"),
    "boat": ("anchor",),
    "prize": ("crown",),
    "ball": ("globe", "yo-yo", "balloon"),
    "flower": ("potted plant", "clover"),
    "traffic sign": ("traffic light", SIGN),
}
"""Kinds that a word for others may mean, too; whether it does is open to dispute."""


@cache
def hypernyms() -> tuple[str, ...]:
    """All hypernyms, sorted."""
    return tuple(sorted({kind.hypernym for kind in KINDS.values()}))


@cache
def meant(word: str) -> frozenset[str]:
    """The kinds that a kind's or hypernym's name means without dispute.

    Example:
        >>> sorted(meant("clock")), "duck" in meant("animal"), sorted(meant("bear"))
        (['alarm clock', 'hourglass'], True, ['bear'])
    """
    wide = {word, *INCLUDED.get(word, ())}
    kinds = {name for name, kind in KINDS.items() if kind.hypernym in wide}
    return frozenset(kinds | ({word} & KINDS.keys()))


@cache
def possibly_meant(word: str) -> frozenset[str]:
    """The kinds that a name may mean, those included that it means without dispute."""
    return meant(word) | frozenset(ALSO.get(word, ()))


def singular(name: str) -> str:
    """The word or phrase for one thing of a kind."""
    return KINDS[name].name


def plural(name: str) -> str:
    """The plural of a kind or of a hypernym.

    Example:
        >>> plural("mouse"), plural("piece of clothing")
        ('mice', 'pieces of clothing')
    """
    return KINDS[name].plural if name in KINDS else plural_of(name)
