"""Whether a tokenizer is complete, and belongs to its model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seewhy.core.errors import ModelError

#: Least share of a model's ids that its tokenizer has. Embeddings are padded by a few per cent.
LEAST_SHARE = 0.8

SETTINGS = "tokenizer_config.json"
"""The file of a tokenizer's special tokens."""


def expect_tokenizer_of(tokenizer: Any, name: str, rows: int, image_token: int) -> None:
    """Expect a tokenizer with words in it, of the model's vocabulary.

    Args:
        tokenizer: of transformers.
        name: of the model, for errors.
        rows: the number of ids that the model can write.
        image_token: the id of the model's image token.

    Raises:
        ModelError: if the tokenizer is empty, lacks the image token, has ids that the model cannot
            write, or far fewer than the model can.
    """
    expect_words(tokenizer, name)
    token = tokenizer.convert_ids_to_tokens(image_token)
    if token is None or token == tokenizer.unk_token:
        raise ModelError(
            f"Expected a tokenizer with the image token of {name!r} (id {image_token}), got one of "
            f"{len(tokenizer)} tokens without it: its files are missing, or belong to another "
            "model."
        )
    if len(tokenizer) > rows or len(tokenizer) < LEAST_SHARE * rows:
        raise ModelError(
            f"Expected a tokenizer of the {rows} ids of {name!r}, got one of {len(tokenizer)} "
            "tokens: its files are missing, or belong to another model."
        )


def expect_words(tokenizer: Any, name: str) -> None:
    """Expect a vocabulary beside the special tokens.

    transformers makes a tokenizer of special tokens alone if the file of the vocabulary is missing.

    Raises:
        ModelError: if there is none; it names the files.
    """
    special = set(tokenizer.added_tokens_encoder)
    if tokenizer.vocab_size > len(special):
        return
    if any(token not in special for token in tokenizer.get_vocab()):
        return
    raise ModelError(
        f"Expected a tokenizer with a vocabulary in {name!r}, got {type(tokenizer).__name__} with "
        f"special tokens alone: {_files_of(tokenizer)} missing. Download the checkpoint again, or "
        "save its tokenizer there."
    )


def expect_tokenizer_files(folder: Path, tokenizer: Any, name: str) -> None:
    """Expect all files of a tokenizer that has several and no single one.

    Args:
        folder: of the checkpoint.
        tokenizer: made of it.
        name: hub id or folder, for errors.

    Raises:
        ModelError: if some but not all are there, such as a vocabulary without its merges, or
            its settings are missing.
    """
    files = getattr(tokenizer, "vocab_files_names", {})
    single = files.get("tokenizer_file", "tokenizer.json")
    parts = [file for part, file in files.items() if part != "tokenizer_file"]
    missing = [file for file in parts if not (folder / file).is_file()]
    if (folder / single).is_file() and not (folder / SETTINGS).is_file():
        raise ModelError(
            f"Expected {SETTINGS} beside {single} in {name!r}, got none: without it the model's "
            "special tokens are not known. Download the checkpoint again, or save its tokenizer "
            "there."
        )
    if not (folder / single).is_file() and missing and len(missing) < len(parts):
        raise ModelError(
            f"Expected a tokenizer in {name!r}, got one without {' and '.join(missing)}: download "
            f"the checkpoint again, or save its tokenizer there ({single})."
        )


def _files_of(tokenizer: Any) -> str:
    files = dict(getattr(tokenizer, "vocab_files_names", {}))
    single = files.pop("tokenizer_file", "tokenizer.json")
    parts = " and ".join(files.values())
    return f"{single} is" if not parts else f"{single} (or {parts}) is"
