"""Reads a GGUF file: llama.cpp's format for the weights and the vocabulary of a language model.

transformers reads these files too, with the package `gguf`, but it parses the vocabulary again and
again (18 s for the file that is used here, this reader 1 s) and drops the way numbers are split.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"GGUF"
VERSION = 3
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""Kinds of numbers in the metadata by their code, as `struct` names them."""
_STRING, _ARRAY = 8, 9


@dataclass(frozen=True, eq=False)
class GGUFFile:
    """What is in a file.

    Attributes:
        metadata: numbers, texts and lists of them by name, such as `llama.block_count`.
        tensors: float32 arrays by name, such as `blk.0.attn_q.weight` `[out, in]`, dequantised.
    """

    metadata: dict[str, Any]
    tensors: dict[str, np.ndarray]


def read_gguf(data: bytes) -> GGUFFile:
    """Read a whole file.

    Args:
        data: of a file of version 3, little-endian, with tensors of the kinds F32, Q4_1 and Q8_0.

    Raises:
        ValueError: if it is no such file.
    """
    if data[:4] != MAGIC:
        raise ValueError(f"Expected a GGUF file, which begins with {MAGIC!r}, got {data[:4]!r}.")
    try:
        return _read(_Cursor(data).skip(4))
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            "Expected a whole GGUF file: this one ends early or is damaged."
        ) from error


def _read(cursor: _Cursor) -> GGUFFile:
    version = cursor.number("I")
    if version != VERSION:
        raise ValueError(f"Expected a GGUF file of version {VERSION}, got version {version}.")
    tensors, entries = cursor.number("Q"), cursor.number("Q")
    metadata = {}
    for _ in range(entries):
        name = cursor.text()
        metadata[name] = cursor.value(cursor.number("I"))
    places = [_TensorPlace.read(cursor) for _ in range(tensors)]
    step = metadata.get("general.alignment", 32)
    start = -(-cursor.at // step) * step
    return GGUFFile(metadata, {place.name: place.array(cursor.data, start) for place in places})


class _Cursor:
    """Reads one thing behind another."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def skip(self, count: int) -> _Cursor:
        self.at += count
        return self

    def number(self, kind: str) -> Any:
        value = struct.unpack_from(f"<{kind}", self.data, self.at)[0]
        self.at += struct.calcsize(f"<{kind}")
        return value

    def text(self) -> str:
        length = self.number("Q")
        if self.at + length > len(self.data):
            raise IndexError(length)
        self.at += length
        return self.data[self.at - length : self.at].decode("utf-8")

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            inner, length = self.number("I"), self.number("Q")
            if inner in (_STRING, _ARRAY):
                return [self.value(inner) for _ in range(length)]
            numbers = struct.unpack_from(f"<{length}{_NUMBERS[inner]}", self.data, self.at)
            self.at += struct.calcsize(f"<{length}{_NUMBERS[inner]}")
            return list(numbers)
        return self.number(_NUMBERS[kind])


@dataclass(frozen=True)
class _TensorPlace:
    """Where a tensor lies: `shape` has the outermost axis first, `start` counts from the data's."""

    name: str
    shape: tuple[int, ...]
    kind: int
    start: int

    @classmethod
    def read(cls, cursor: _Cursor) -> _TensorPlace:
        name, axes = cursor.text(), cursor.number("I")
        inner_first = [cursor.number("Q") for _ in range(axes)]
        return cls(name, tuple(reversed(inner_first)), cursor.number("I"), cursor.number("Q"))

    def array(self, data: bytes, start: int) -> np.ndarray:
        if self.kind not in _KINDS:
            raise ValueError(
                f"Expected tensors of the kinds {sorted(_KINDS)} (F32, Q4_1, Q8_0), got kind "
                f"{self.kind} for {self.name}."
            )
        weights, size, decode = _KINDS[self.kind]
        blocks = int(np.prod(self.shape)) // weights
        begin = start + self.start
        if begin + blocks * size > len(data):
            raise IndexError(self.name)
        raw = np.frombuffer(data, np.uint8, blocks * size, begin).reshape(blocks, size)
        return decode(raw).reshape(self.shape)


def _halves(raw: np.ndarray) -> np.ndarray:
    """Float16 numbers `[block, count]` of their bytes, as float32."""
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def _f32(raw: np.ndarray) -> np.ndarray:
    return raw.copy().view("<f4")


def _q4_1(raw: np.ndarray) -> np.ndarray:
    """`w = d * q + m`; the low halves of 16 bytes are the first 16 weights of a block."""
    scale, low = _halves(raw[:, 0:2]), _halves(raw[:, 2:4])
    quants = np.concatenate([raw[:, 4:] & 15, raw[:, 4:] >> 4], 1)
    return scale * quants.astype(np.float32) + low


def _q8_0(raw: np.ndarray) -> np.ndarray:
    """`w = d * q`."""
    return _halves(raw[:, 0:2]) * raw[:, 2:].view(np.int8).astype(np.float32)


_KINDS: dict[int, tuple[int, int, Callable[[np.ndarray], np.ndarray]]] = {
    0: (1, 4, _f32),
    3: (32, 20, _q4_1),
    8: (32, 34, _q8_0),
}
"""By the format's code: weights in a block, bytes of a block, and how it is decoded."""
