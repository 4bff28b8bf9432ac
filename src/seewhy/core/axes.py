"""The names of all axes, and the check that a tensor has them."""

from __future__ import annotations

from torch import Tensor

from seewhy.core.errors import ShapeError

#: Every axis name used in a docstring or an error of this package.
AXES = (
    "batch",
    "token",  # the explained tokens: those of the answer
    "text",  # the context tokens: those of the user's prompt, then those of the answer
    "visual",  # the visual tokens, in the order of the input
    "cell",  # the cells of all native grids, one grid after the other
    "layer",
    "head",
    "hidden",
    "vocab",
    "rank",  # position in a top-k list
    "height",  # rows of a native grid, or of pixels
    "width",
    "frame",
    "scale",
)


def expect_axes(tensor: Tensor, axes: str, *, name: str, **sizes: int) -> dict[str, int]:
    """Check that `tensor` has the named axes, and return the size of each.

    Args:
        tensor: any tensor.
        axes: axis names separated by spaces, such as `"token visual"`. A leading `...` allows
            any number of axes before the named ones.
        name: what the tensor is called in the caller's signature.
        **sizes: sizes already known of some axes.

    Returns:
        The size of every named axis.

    Raises:
        ShapeError: if the number of axes or one of the known sizes differs.

    Example:
        >>> import torch
        >>> expect_axes(torch.zeros(2, 5), "token visual", name="maps", token=2)
        {'token': 2, 'visual': 5}
    """
    names = axes.split()
    open_ended = bool(names) and names[0] == "..."
    names = names[1:] if open_ended else names
    shape = tuple(tensor.shape)
    if len(shape) < len(names) or (len(shape) > len(names) and not open_ended):
        raise ShapeError(
            f"Expected {name} with axes [{axes}], got shape {list(shape)}: "
            f"give a tensor of {'at least ' if open_ended else ''}{len(names)} axes."
        )
    actual = dict(zip(names, shape[len(shape) - len(names) :], strict=True))
    for axis, size in sizes.items():
        if actual.get(axis, size) != size:
            raise ShapeError(
                f"Expected {name} with axes [{axes}] and {axis} = {size}, "
                f"got {axis} = {actual[axis]} (shape {list(shape)})."
            )
    return actual
