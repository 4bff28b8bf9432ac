"""The tree of errors: every failure that a person can correct is a `SeewhyError`.

A message says what was expected, what came, and what to do. The command line prints it without a
traceback and leaves with exit status 2.
"""

from __future__ import annotations


class SeewhyError(Exception):
    """Root of the tree; catch it to catch everything this package raises on purpose."""


class InputError(SeewhyError, ValueError):
    """Something handed in cannot be used as it is."""


class ImageError(InputError):
    """The picture is missing, broken, empty or too large."""


class PromptError(InputError):
    """The prompt is empty or holds one of the model's special tokens."""


class AnswerError(InputError):
    """The given answer tokenises to nothing, or the model said nothing."""


class ParameterError(InputError):
    """A parameter is out of its range."""


class ScaleError(ParameterError):
    """A scale is not positive, is repeated, or collapses onto the size of another one."""


class ClipError(InputError):
    """The video is missing, broken or empty, or its frames differ in size."""


class UnsupportedInputError(InputError):
    """The family of the model takes no input of this kind, such as video."""


class ShapeError(InputError):
    """A tensor's axes are not those that the function names."""


class UnknownNameError(InputError, LookupError):
    """No method, family, view or split bears this name; near matches are given."""


class ModelError(SeewhyError):
    """A model cannot be loaded or does not do what its family promises."""


class UnsupportedModelError(ModelError):
    """The model is text-only, or of a family that no adapter stands for."""


class GeometryError(ModelError):
    """The computed boxes and the image tokens in the input do not agree."""


class NonFiniteError(ModelError):
    """The model's states hold NaN or infinite values."""


class OutputError(SeewhyError, OSError):
    """A result cannot be written where it was asked for, or nothing was left half-written there."""


class SampleError(SeewhyError, ValueError):
    """A sample of a data set cannot be judged; the bench counts it with this reason."""


class DatasetError(InputError):
    """A data set is missing, empty or malformed."""


class SchemaError(SeewhyError, ValueError):
    """A saved explanation or results folder is damaged, or was written by a newer version."""
