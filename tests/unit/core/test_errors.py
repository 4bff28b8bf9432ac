"""The tree of errors."""

import inspect

import pytest

from seewhy.core import errors

TREE = [
    c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", TREE, ids=lambda c: c.__name__)
def test_error_belongs_to_the_tree_and_is_documented(error):
    assert issubclass(error, errors.SeewhyError | Warning)
    assert error.__doc__


def test_input_errors_are_value_errors():
    """Code without this package can catch them by the usual name."""
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.UnknownNameError, LookupError)
    assert issubclass(errors.OutputError, OSError)
