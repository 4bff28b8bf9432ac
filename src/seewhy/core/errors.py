"""The tree of errors: every failure that a user can correct is a `SeewhyError`.

A message states what was expected, what was given and what to do. The command line prints it
without a traceback and exits with status 2.
"""

from __future__ import annotations


class SeewhyError(Exception):
    """Root of the tree; catch it to catch everything this package raises on purpose."""


class InputError(SeewhyError, ValueError):
    """An argument or a file cannot be used."""


class ImageError(InputError):
    """The picture is missing, broken, empty or too large."""


class PromptError(InputError):
    """The prompt is empty or holds one of the model's special tokens."""


class PartError(PromptError):
    """A part of a chat is neither text nor picture nor clip."""


class AnswerError(InputError):
    """The given answer has no tokens, or the model generated none."""


class ParameterError(InputError):
    """A parameter is out of its range."""


class ScaleError(ParameterError):
    """A scale is not positive, is repeated, or gives the same image size as another one."""


class ClipError(InputError):
    """The video is missing, broken or empty, or its frames differ in size."""


class UnsupportedInputError(InputError):
    """The model family does not support this type of input, such as video."""


class ShapeError(InputError):
    """A tensor does not have the axes that the function expects."""


class UnknownNameError(InputError, LookupError):
    """No method, family, view or split has this name; the message lists near matches."""


class ModelError(SeewhyError):
    """A model cannot be loaded or does not behave as its family requires."""


class UnsupportedModelError(ModelError):
    """The model is text-only, or no adapter supports its family."""


class GeometryError(ModelError):
    """The computed boxes and the image tokens in the input do not agree."""


class NonFiniteError(ModelError):
    """The model's states hold NaN or infinite values."""


class MemoryLimitError(SeewhyError, MemoryError):
    """It takes more memory than there is, or than the limit that was set."""


class Cancelled(SeewhyError):  # noqa: N818 - it is no fault: the user wanted it
    """The work was cancelled; see `seewhy.cancellable`."""


class OutputError(SeewhyError, OSError):
    """A result cannot be written to the given path; no partial result is left there."""


class SampleError(SeewhyError, ValueError):
    """A sample of a data set cannot be evaluated; the bench counts it with this reason."""


class DatasetError(InputError):
    """A data set is missing, empty or malformed."""


class ShippedModelWarning(UserWarning):
    """A model that ships with the package is shown other pictures than drawn scenes."""


class ContrastWarning(UserWarning):
    """A contrast was asked for that the answer does not allow, so it is explained without."""


class SchemaError(SeewhyError, ValueError):
    """A saved explanation or results folder is damaged, or was written by a newer version."""
