import pytest

from seewhy.core.boxes import BARE, CONVENTIONS, MARKED, BoxFormat, convention_named
from seewhy.core.errors import UnknownNameError


@pytest.mark.parametrize("name", CONVENTIONS)
def test_convention_is_found_by_its_name_and_described(name):
    convention = convention_named(name)
    assert convention.name == name
    assert convention.summary.endswith(".")
    assert convention.y_first == name.endswith("-yx")


@pytest.mark.parametrize("name", ["relative-1001", "", None, 7, ["relative-1000"]])
def test_convention_of_another_name_is_refused(name):
    with pytest.raises(UnknownNameError, match="Expected the name of a convention of boxes, got"):
        convention_named(name)


def test_convention_that_is_misspelt_is_told_with_the_right_name():
    with pytest.raises(UnknownNameError, match="relative-1000"):
        convention_named("relativ-1000")


def test_box_format_refuses_unknown_names():
    with pytest.raises(UnknownNameError, match="convention of boxes"):
        BoxFormat("thousandths", ())
    with pytest.raises(UnknownNameError, match="ways to write boxes, got 'xml'"):
        BoxFormat(None, ("xml",))


def test_box_format_of_a_named_convention_reads_every_syntax():
    assert BoxFormat.named("pixels") == BoxFormat("pixels", (*MARKED, *BARE))
