"""The base class of data sets: samples in a fixed order, each read on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from seewhy.core.sample import Sample


class Dataset(ABC):
    """A source of samples: one file with one final class, found by its file name.

    Opening a data set reads indices only; pictures and masks are read sample by sample. It has a
    length, and iterating over it gives its samples.

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
        """Open the data set.

        Args:
            place: the folder, None for a data set that needs none.
            **options: the options of its spec, such as `split="heldout"`.

        Raises:
            DatasetError: if the folder is missing, empty or malformed, or an option is unknown.
        """

    @property
    @abstractmethod
    def ids(self) -> tuple[str, ...]:
        """The ids of all samples in the index, in a fixed order."""

    @abstractmethod
    def sample(self, id: str) -> Sample:
        """Read a sample.

        Raises:
            SampleError: if it cannot be used; the bench counts such samples by reason.
        """

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the samples change: results of different fingerprints are never mixed."""

    @property
    def own_answers_fingerprint(self) -> str:
        """The fingerprint for runs in which the model answers.

        It also changes when answers other than the reference are annotated in another way.
        """
        return self.fingerprint

    def __len__(self) -> int:
        """Number of samples in the index."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Sample]:
        """The samples in the order of `ids`, each read on demand.

        Raises:
            SampleError: at a sample that cannot be used; the iterator can continue after it.
        """
        return map(self.sample, self.ids)
