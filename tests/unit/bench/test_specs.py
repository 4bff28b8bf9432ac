"""Specs: names with parameters, labels and keys."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from bench_parts import InMask, Named
from seewhy.bench.specs import key_of, label_of, method_of, metric_of
from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.core.specs import parse_spec
from seewhy.methods import create


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("tam", ("tam", {})),
        (" arc ( k = 20 ) ", ("arc", {"k": 20})),
        ("msea(base=grad-cam)", ("msea", {"base": "grad-cam"})),
        ("msea(base='lens', scales=(0.5, 1))", ("msea", {"base": "lens", "scales": (0.5, 1)})),
        ("x(a=true, b=None, c=-1)", ("x", {"a": True, "b": None, "c": -1})),
        ("x(base=arc(k=5))", ("x", {"base": "arc(k=5)"})),
    ],
)  # fmt: skip
def test_parse_takes_name_and_parameters_apart(spec, found):
    assert parse_spec(spec) == found


@pytest.mark.parametrize("spec", ["", "arc(20)", "arc(k=", "arc(k=20))", "(k=2)", "arc(k=1/0)"])
def test_parse_refuses_what_is_no_spec(spec):
    with pytest.raises(ParameterError, match="Expected a name and"):
        parse_spec(spec)


def test_method_of_knows_names_and_takes_instances():
    method = create("arc", k=20)
    assert method_of("arc(k=20)") == method
    assert method_of(method) is method
    with pytest.raises(UnknownNameError, match="did you mean 'tam'"):
        method_of("tma")


def test_metric_of_refuses_unknown_parameters():
    with pytest.raises(ParameterError, match="did you mean 'fill'"):
        metric_of("deletion(fil=mean)")


def test_label_says_what_differs_from_the_defaults():
    assert label_of(create("arc")) == "arc"
    assert label_of(create("arc", k=20)) == "arc(k=20)"
    assert label_of(InMask(factor=2.0)) == "in-mask(factor=2.0)"


def test_key_changes_with_every_parameter_and_with_foreign_code():
    assert key_of(create("arc")) == key_of(create("arc"))
    assert key_of(create("arc")) != key_of(create("arc", k=20))
    assert key_of(create("arc(base=rise)")) != key_of(create("arc(base=rise(seed=1))"))

    def made(number):
        @dataclass(frozen=True)
        class Mine(Named):
            name: ClassVar[str] = "mine"

        return Mine()

    def changed(number):
        @dataclass(frozen=True)
        class Mine(Named):
            name: ClassVar[str] = "mine"
            summary: ClassVar[str] = "Changed."

        return Mine()

    assert key_of(made(1)) == key_of(made(2))
    assert key_of(made(1)) != key_of(changed(1))
