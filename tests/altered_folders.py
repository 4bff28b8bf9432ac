"""Saved explanations, altered in every way that a file can be: by seed, the same each time."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save

MANIFEST, EXPLANATION, MAPS = "manifest.json", "explanation.json", "maps.safetensors"
PICTURE = "pictures/0.png"
DEEP = "[" * 3000 + "]" * 3000

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, 3, 7, -1, 99999, 2**31, 10**30, -(10**30)),
    *(0.5, 1.5, -0.25, 1e-300, 1e308, math.nan, math.inf),
    *("", "4", "star", "null", "\ud83d", "\x00", "../x", "x" * 500, "picture", "answer"),
    *([], {}, [None], [1, 2], ["a"], [[0, 0.5]], {"a": 1}, {"start": 0}, [[[[[[[[[[1]]]]]]]]]]),
)

DTYPES = (torch.float64, torch.float16, torch.int64, torch.bool, torch.uint8, torch.bfloat16)


@dataclass
class Altered:
    """The files of a folder, altered."""

    files: dict[str, bytes]
    rng: random.Random
    links: dict[str, str] = field(default_factory=dict)
    mend: bool = True
    """Whether the manifest states the altered files' checksums: else they are found at once."""


Alteration = Callable[[Altered], None]


def _at_random(value: Any, rng: random.Random) -> tuple[Any, Any]:
    """A container somewhere in JSON, and one of its keys."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or rng.random() < 0.15:
            return value, key
        value = inner


def _in_json(name: str, change: Callable[[Any, Any, random.Random], None]) -> Alteration:
    def alter(folder: Altered) -> None:
        data = json.loads(folder.files[name])
        if name == MANIFEST and folder.rng.random() < 0.8:
            # Checksums are most of a manifest, and the least of what can go wrong.
            files = data.pop("files")
            change(*_at_random(data, folder.rng), folder.rng)
            data.setdefault("files", files)
        else:
            change(*_at_random(data, folder.rng), folder.rng)
        folder.files[name] = json.dumps(data).encode()

    return alter


def _replace(container: Any, key: Any, rng: random.Random) -> None:
    container[key] = rng.choice(VALUES)


def _nudge(container: Any, key: Any, rng: random.Random) -> None:
    """A value of the same kind: a number that is a little off, a text or list that is cut."""
    value: Any = container[key]
    if isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int | float):
        container[key] = value + rng.choice((-2, -1, 1, 2, 0.5, 1000, -1e9))
    elif isinstance(value, str | list):
        container[key] = rng.choice((value[1:], value[:-1], value * 2, value[::-1]))
    else:
        container[key] = {}


def _drop(container: Any, key: Any, rng: random.Random) -> None:
    del container[key]


def _swap(container: Any, key: Any, rng: random.Random) -> None:
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    other = rng.choice(keys)
    container[key], container[other] = container[other], container[key]


def _repeat_key(folder: Altered) -> None:
    name = folder.rng.choice((MANIFEST, EXPLANATION))
    data = json.loads(folder.files[name])
    key = folder.rng.choice(list(data))
    text = json.dumps(data)
    folder.files[name] = f"{text[:-1]}, {json.dumps(key)}: {json.dumps(data[key])}}}".encode()


def _nest(folder: Altered) -> None:
    name = folder.rng.choice((MANIFEST, EXPLANATION))
    data = json.loads(folder.files[name])
    key = folder.rng.choice(list(data))
    data[key] = "HERE"
    folder.files[name] = json.dumps(data).replace('"HERE"', DEEP).encode()


def _tensor(folder: Altered) -> None:
    rng, tensors = folder.rng, load(folder.files[MAPS])
    name = rng.choice(sorted(tensors))
    tensor = tensors.pop(name)
    kind = rng.randrange(9)
    if kind == 0:
        bad = rng.choice((math.nan, math.inf, -math.inf, -1.0, 3e38, 1e20))
        tensor = tensor.clone()
        if tensor.is_floating_point():
            tensor.view(-1)[rng.randrange(tensor.numel())] = bad
        elif tensor.dtype == torch.int64:
            tensor.view(-1)[0] = rng.choice((-1, 2**40))
    elif kind == 1:
        tensor = tensor[:-1]
    elif kind == 2:
        tensor = tensor.to(rng.choice(DTYPES))
    elif kind == 3:
        tensor = tensor.transpose(0, -1)
    elif kind == 4:
        tensor = tensor[None]
    elif kind == 5:
        tensor = torch.cat([tensor, tensor])
    elif kind == 6:
        name = name + rng.choice(("", ".0", "x")) if rng.random() < 0.5 else f"x.{name}"
    elif kind == 7:
        tensor = tensor[:0]
    elif kind == 8:
        folder.files[MAPS] = save(tensors)
        return
    folder.files[MAPS] = save({**tensors, name: tensor.contiguous()})


def _bytes(folder: Altered) -> None:
    """A file that was cut, or in which bytes changed."""
    name = folder.rng.choice(sorted(folder.files))
    content = bytearray(folder.files[name])
    if folder.rng.random() < 0.5:
        content = content[: folder.rng.randrange(len(content))]
    else:
        for _ in range(folder.rng.choice((1, 1, 4, 40))):
            content[folder.rng.randrange(len(content))] = folder.rng.randrange(256)
    folder.files[name] = bytes(content)
    folder.mend = folder.rng.random() < 0.8


def _encoded(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def _picture(folder: Altered) -> None:
    rng = folder.rng
    with Image.open(io.BytesIO(folder.files[PICTURE])) as file:
        given = file.convert("RGB")
    made = (
        lambda: _encoded(given.resize((given.width + rng.choice((-1, 1)), given.height)), "PNG"),
        lambda: _encoded(given.transpose(Image.Transpose.ROTATE_90), "PNG"),
        lambda: _encoded(given.convert(rng.choice(("L", "P", "RGBA", "1", "I;16"))), "PNG"),
        lambda: _encoded(given, rng.choice(("JPEG", "GIF", "BMP", "EPS", "TIFF", "PDF"))),
        lambda: _encoded(Image.new("1", (9400, 9400)), "PNG"),
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 60 40\nshowpage\n",
        lambda: b"",
    )
    folder.files[PICTURE] = rng.choice(made)()


def _exchange(folder: Altered) -> None:
    one, two = folder.rng.sample(sorted(set(folder.files) - {MANIFEST}), 2)
    folder.files[one], folder.files[two] = folder.files[two], folder.files[one]


def _lose(folder: Altered) -> None:
    del folder.files[folder.rng.choice(sorted(folder.files))]


def _link(folder: Altered) -> None:
    name = folder.rng.choice(sorted(folder.files))
    folder.links[name] = folder.rng.choice(("/dev/zero", "/etc/hostname", ".", name, "PIPE", "DIR"))


ALTERATIONS: tuple[tuple[Alteration, int], ...] = (
    *((_in_json(EXPLANATION, change), 10) for change in (_replace, _nudge, _drop, _swap)),
    *((_in_json(MANIFEST, change), 4) for change in (_replace, _nudge, _drop, _swap)),
    *((_tensor, 24), (_bytes, 6), (_picture, 5), (_exchange, 2), (_lose, 1), (_link, 2)),
    *((_repeat_key, 1), (_nest, 1)),
)
"""What can be done to a folder, each with how often."""


class AlterableFolder:
    """A saved explanation that is altered, one alteration after the other.

    Args:
        folder: of the explanation; page and overlays are taken out.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "report.html").unlink()
        shutil.rmtree(folder / "overlays", ignore_errors=True)
        self._files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        self._files[EXPLANATION] = _read_parts(self._files[EXPLANATION])
        _mend(Altered(self._files, random.Random()))

    @contextmanager
    def altered(self, seed: int) -> Iterator[str]:
        """The folder with one or two alterations; their names."""
        rng = random.Random(seed)
        state = Altered(dict(self._files), rng)
        kinds, often = zip(*ALTERATIONS, strict=True)
        chosen = rng.choices(kinds, often, k=1 if rng.random() < 0.8 else 2)
        for alter in chosen:
            try:
                alter(state)
            except (LookupError, ValueError, TypeError, OSError, RecursionError, SafetensorError):
                continue  # the first alteration has left nothing for the second
        if state.mend:
            _mend(state)
        self._write(state)
        try:
            yield " and ".join(getattr(alter, "__qualname__", "") for alter in chosen)
        finally:
            self._restore(state)

    def _write(self, state: Altered) -> None:
        for name in self._files.keys() - state.files.keys():
            (self.folder / name).unlink()
        for name, content in state.files.items():
            if content != self._files.get(name) or name in (MANIFEST, EXPLANATION):
                (self.folder / name).write_bytes(content)
        for name, target in state.links.items():
            path = self.folder / name
            path.unlink(missing_ok=True)
            if target == "PIPE":
                os.mkfifo(path)
            elif target == "DIR":
                path.mkdir()
            else:
                path.symlink_to(target)

    def _restore(self, state: Altered) -> None:
        for name in state.links:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        for name, content in self._files.items():
            if content != state.files.get(name) or name in state.links:
                (self.folder / name).write_bytes(content)


def _read_parts(explanation: bytes) -> bytes:
    """The parts of an explanation that are read: the numbers of words follow from the tensors."""
    data = json.loads(explanation)
    for word in (*data["words"], *data["prompt_words"]):
        for name in set(word) - {"text", "start", "end", "tokens", "special"}:
            del word[name]
    del data["prompt_words"]
    return json.dumps(data).encode()


def _mend(state: Altered) -> None:
    """State the checksums of the altered files in the manifest, as one who alters them would."""
    try:
        manifest = json.loads(state.files[MANIFEST])
        listed = manifest["files"]
        for name, content in state.files.items():
            if name != MANIFEST and name in listed:
                checksum = hashlib.sha256(content).hexdigest()
                listed[name] = {"sha256": checksum, "bytes": len(content)}
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return
    if DEEP.encode() not in state.files[MANIFEST]:
        state.files[MANIFEST] = json.dumps(manifest).encode()
