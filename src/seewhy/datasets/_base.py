"""What a data set is: samples in a fixed order, each read when it is asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from seewhy.core.sample import Sample


class Dataset(ABC):
    """A source of samples: one file with one final class, found by its file name.

    Opening one reads indices only; pictures and masks are read sample by sample. It has a length,
    and iterating over it gives its samples.

    Example:
        >>> from seewhy.datasets import open_dataset
        >>> scenes = open_dataset("testbed:count=2")
        >>> len(scenes), [sample.id for sample in scenes]
        (2, ['heldout-0', 'heldout-1'])

    Class attributes:
        name: the registry name, such as `"coco"`.
        summary: one sentence.
        layout: what the folder must hold, for errors; "" where no folder is needed.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    layout: ClassVar[str] = ""

    @abstractmethod
    def __init__(self, place: Path | None, /, **options: str) -> None:
        """Open it.

        Args:
            place: the folder, None for a data set that needs none.
            **options: what stood behind the name, such as `split="heldout"`.

        Raises:
            DatasetError: if the folder is missing, empty or malformed, or an option is unknown.
        """

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """The ids of all samples that the index names, in a fixed order."""

    @abstractmethod
    def sample(self, id: str) -> Sample:
        """Read one.

        Raises:
            SampleError: if it cannot be used; the bench counts it with the reason.
        """

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the samples do: results of different fingerprints are never mixed."""

    def __len__(self) -> int:
        """How many samples the index names."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Sample]:
        """The samples in the order of `ids`, each read when it is asked for.

        Raises:
            SampleError: at a sample that cannot be used; the iterator can go on after it.
        """
        return map(self.sample, self.ids)
