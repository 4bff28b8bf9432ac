"""One question to one picture, in every format that chats and logs have."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch
from PIL import Image

WORDS = "What is it?"
SYSTEM = "Be short."

Part = dict[str, Any]


def png_of(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def coded(image: Image.Image) -> str:
    return base64.b64encode(png_of(image)).decode()


def url_of(image: Image.Image) -> str:
    return f"data:image/png;base64,{coded(image)}"


SOURCES: dict[str, Callable[[Image.Image, Path], Any]] = {
    "pillow": lambda image, folder: image,
    "bytes": lambda image, folder: png_of(image),
    "array": lambda image, folder: np.array(image),
    "tensor": lambda image, folder: torch.from_numpy(np.array(image)).permute(2, 0, 1),
    "path": lambda image, folder: folder / "a b.png",
    "path as text": lambda image, folder: str(folder / "a b.png"),
    "relative path": lambda image, folder: "a b.png",
    "file address": lambda image, folder: f"file://{quote(str(folder / 'a b.png'))}",
    "file address, unescaped": lambda image, folder: f"file://{folder / 'a b.png'}",
    "file address with a host": lambda image, folder: f"file://localhost{folder}/a%20b.png",
    "file address, relative": lambda image, folder: "file://a b.png",
    "file address, one slash": lambda image, folder: f"file:{folder}/a%20b.png",
    "data": lambda image, folder: url_of(image),
    "data, upper case": lambda image, folder: f"DATA:image/PNG;BASE64,{coded(image)}",
    "data, no type": lambda image, folder: f"data:;base64,{coded(image)}",
    "data, nothing but base64": lambda image, folder: f"data:base64,{coded(image)}",
    "data, qwen": lambda image, folder: f"data:image;base64,{coded(image)}",
    "data, parameters": lambda image, folder: (
        f"data:image/png;charset=utf-8;name=a.png;base64,{coded(image)}"
    ),
    "data, escaped base64": lambda image, folder: (
        f"data:image/png;base64,{quote(coded(image), '')}"
    ),
    "data, escaped bytes": lambda image, folder: f"data:image/png,{quote(png_of(image), '')}",
    "data, base64 not named": lambda image, folder: f"data:image/png,{coded(image)}",
    "data, lines": lambda image, folder: (
        f" data:image/png;base64,\n{base64.encodebytes(png_of(image)).decode()}"
    ),
    "data, for addresses": lambda image, folder: (
        f"data:image/png;base64,{base64.urlsafe_b64encode(png_of(image)).decode().rstrip('=')}"
    ),
    "base64": lambda image, folder: coded(image),
    "base64, lines": lambda image, folder: base64.encodebytes(png_of(image)).decode(),
    "base64, for addresses": lambda image, folder: (
        base64.urlsafe_b64encode(png_of(image)).decode().rstrip("=")
    ),
}
"""What stands for a picture, made of the picture and a folder that holds it as `a b.png`."""

PARTS: dict[str, Callable[[Image.Image], Any]] = {
    "openai": lambda image: {"type": "image_url", "image_url": {"url": url_of(image)}},
    "openai, detail auto": lambda image: {
        "type": "image_url",
        "image_url": {"url": url_of(image), "detail": "auto"},
    },
    "openai, bare": lambda image: {"type": "image_url", "image_url": url_of(image)},
    "responses": lambda image: {
        "type": "input_image",
        "image_url": url_of(image),
        "detail": "auto",
    },
    "transformers": lambda image: {"type": "image", "image": image},
    "transformers, url": lambda image: {"type": "image", "url": url_of(image)},
    "transformers, base64": lambda image: {"type": "image", "base64": coded(image)},
    "qwen, no type": lambda image: {"image": url_of(image)},
    "qwen, image_url": lambda image: {"image_url": url_of(image)},
    "vllm, shorthand": lambda image: {"image_url": {"url": url_of(image)}, "uuid": "1"},
    "vllm, pillow": lambda image: {"type": "image_pil", "image_pil": image},
    "anthropic": lambda image: {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": coded(image)},
        "cache_control": {"type": "ephemeral"},
    },
    "anthropic, url": lambda image: {
        "type": "image",
        "source": {"type": "url", "url": url_of(image)},
    },
    "gemini": lambda image: {"inline_data": {"mime_type": "image/png", "data": coded(image)}},
    "gemini, javascript": lambda image: {
        "inlineData": {"mimeType": "image/png", "data": coded(image)}
    },
    "mcp": lambda image: {"type": "image", "data": coded(image), "mimeType": "image/png"},
    "datasets": lambda image: {"type": "image", "image": {"bytes": png_of(image), "path": "x.png"}},
    "the picture itself": lambda image: image,
}
"""A part with a picture, in every form."""


def _turn(*parts: Any, role: str = "user") -> Part:
    return {"role": role, "content": list(parts)}


def _text(text: str = WORDS) -> Part:
    return {"type": "text", "text": text}


def _openai(image: Image.Image) -> Part:
    return PARTS["openai"](image)


REQUESTS: dict[str, Callable[[Image.Image], Any]] = {
    "turns": lambda image: [_turn(_openai(image), _text(), role="user")],
    "chat completions": lambda image: {
        "model": "m",
        "messages": [_turn(_openai(image), _text())],
        "temperature": 0.7,
        "max_completion_tokens": 100,
        "stream": True,
        "user": "u",
    },
    "vllm": lambda image: {
        "model": "m",
        "messages": [_turn(_openai(image), _text())],
        "top_k": 20,
        "repetition_penalty": 1.05,
        "add_generation_prompt": True,
        "skip_special_tokens": False,
        "tools": None,
        "chat_template_kwargs": None,
    },
    "client with extra_body": lambda image: {
        "model": "m",
        "messages": [_turn(_openai(image), _text())],
        "extra_body": {"top_k": 5, "mm_processor_kwargs": None},
    },
    "responses": lambda image: {
        "model": "m",
        "input": [
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_image", "image_url": url_of(image)},
                    {"type": "input_text", "text": WORDS},
                ],
            }
        ],
        "text": {"format": {"type": "text"}},
        "store": False,
    },
    "llava": lambda image: {
        "id": "1",
        "image": url_of(image),
        "conversations": [{"from": "human", "value": f"<image>\n{WORDS}"}],
    },
    "llava, list": lambda image: {
        "image": [url_of(image)],
        "conversations": [{"from": "human", "value": f"<image>{WORDS}"}],
    },
    "sharegpt": lambda image: {
        "images": [coded(image)],
        "conversation": [{"from": "user", "value": f"<image>\n{WORDS}"}],
    },
    "llama factory": lambda image: {
        "messages": [{"role": "user", "content": f"<image>{WORDS}"}],
        "images": [url_of(image)],
    },
    "record of turns": lambda image: {
        "image": image,
        "messages": [{"role": "user", "content": WORDS}],
    },
    "sglang": lambda image: {
        "text": WORDS,
        "image_data": coded(image),
        "sampling_params": {"temperature": 0, "max_new_tokens": 16},
    },
    "question": lambda image: {"image": url_of(image), "question": WORDS},
    "ollama": lambda image: {
        "model": "m",
        "messages": [{"role": "user", "content": WORDS, "images": [coded(image)]}],
        "options": {"num_predict": 3},
    },
    "anthropic": lambda image: {
        "model": "m",
        "max_tokens": 100,
        "messages": [_turn(PARTS["anthropic"](image), _text())],
    },
    "gemini": lambda image: {
        "contents": [{"role": "user", "parts": [PARTS["gemini"](image), {"text": WORDS}]}],
        "generationConfig": {"temperature": 0.1},
    },
    "batch": lambda image: {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": [_turn(_openai(image), _text())]},
    },
    "logged": lambda image: {
        "request": {"messages": [_turn(_openai(image), _text())]},
        "time": 3,
    },
}
"""Whole requests and records; all of them ask `WORDS` about one picture."""
