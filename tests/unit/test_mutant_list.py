"""The list of mutants keeps up with the source: each text is there once, and each test exists."""

from __future__ import annotations

import pytest

from mutant_list import MUTANTS, Mutant
from mutants import PACKAGE, files_of_tests, main, mutated, node_of, place_of, sources

SOURCES, TESTS = sources(), files_of_tests()
ROOMS = ("core", "functional", "methods", "metrics", "models", "report")


def test_mutants_are_many_and_reach_every_room():
    assert len({one.name for one in MUTANTS}) == len(MUTANTS) >= 60
    places = [place_of(one, SOURCES).relative_to(PACKAGE).parts[0] for one in MUTANTS]
    assert {room: places.count(room) >= 5 for room in ROOMS} == dict.fromkeys(ROOMS, True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_mutant_changes_one_line_that_is_there_once(mutant: Mutant):
    path = place_of(mutant, SOURCES)
    before, after = path.read_text("utf-8").split("\n"), mutated(mutant, path).split("\n")
    assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_mutant_names_one_test(mutant: Mutant):
    assert node_of(mutant, TESTS).endswith(f"::{mutant.test}")


def test_mutant_whose_text_is_gone_is_refused():
    lost = Mutant("lost", "text that is nowhere in the package", "", "")
    with pytest.raises(LookupError, match=r"mutant lost once in the package, got 0 \(nowhere\)"):
        place_of(lost, SOURCES)


def test_mutants_are_listed(capsys: pytest.CaptureFixture[str]):
    assert main(["--list", "--only", MUTANTS[0].name]) == 0
    assert MUTANTS[0].name in capsys.readouterr().out
