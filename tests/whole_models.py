"""The shipped models whose folders are whole; those in parts have tests of their own."""

from pathlib import Path

from seewhy.testbed.pretrained import pretrained
from seewhy.testbed.smol.part_files import is_in_parts


def whole_models() -> dict[str, Path]:
    """Name and folder of each."""
    return {name: folder for name, folder in pretrained().items() if not is_in_parts(folder)}
