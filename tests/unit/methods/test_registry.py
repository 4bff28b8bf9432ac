from __future__ import annotations

import pytest

from seewhy.core.errors import ParameterError, UnknownNameError
from seewhy.methods import DEFAULT, FALLBACK, METHODS, citation, create, parameters_of
from seewhy.methods._citations import bibtex


def test_create_makes_the_default_method() -> None:
    assert create() == create(DEFAULT)
    assert create().name == "logit-shares"


def test_create_makes_the_fallback() -> None:
    assert create(FALLBACK) == create("intra-modal", window=None)


def test_parameters_replace_those_of_the_default() -> None:
    assert create(hops=1) == create("logit-shares", hops=1)
    assert create(DEFAULT, focus=2.0) == create("logit-shares")


def test_create_takes_underscores_for_dashes() -> None:
    assert create("intra_modal") == create("intra-modal")


def test_create_suggests_names_for_an_unknown_method() -> None:
    with pytest.raises(UnknownNameError, match=r"got 'tma': did you mean 'tam'"):
        create("tma")


def test_create_refuses_an_unknown_parameter() -> None:
    with pytest.raises(ParameterError, match=r"parameter of tam, got 'widow': did you mean 'win"):
        create("tam", widow=3)


def test_create_refuses_parameters_beside_an_instance() -> None:
    with pytest.raises(ParameterError, match="inside the method instance, got window"):
        create(create("tam"), window=5)


def test_parameters_of_lists_fields_in_order() -> None:
    assert parameters_of(METHODS.get("arc"))[:3] == ("k", "p", "variant")
    assert parameters_of(METHODS.get("logit-lens")) == ("layer",)


def test_citation_of_intra_modal_names_all_its_papers() -> None:
    text = citation("intra-modal")
    for fact in ("2509.22415", "2506.23270", "Indefinite Rankings"):
        assert fact in text


def test_every_citation_key_has_an_entry_that_bears_it() -> None:
    for method in METHODS:
        for key in method.citations:
            assert f"{{{key}," in bibtex(key)


@pytest.mark.parametrize(
    ("spec", "patented"),
    [
        *(("attn-lrp", True), ("corroborated", True), ("msea(base=attn-lrp)", True)),
        *(("arc(base=corroborated)", True), ("arc(base=msea(base=attn-lrp))", True)),
        *(("logit-shares", False), ("intra-modal(window=None)", False), ("tam", False)),
        ("corroborated(relevance=gradient-attention)", False),
    ],
)
def test_methods_have_the_licences_of_their_parts(spec, patented):
    licences = create(spec).licences
    assert bool(licences) is patented
    assert all("USA" in text and "Canada" in text for text in licences)
    assert len(licences) <= 1, "each is said once"


def test_methods_with_a_licence_name_the_patent_in_their_docstring():
    limited = [method for method in METHODS if create(method.name).licences]
    assert {method.name for method in limited} == {"attn-lrp", "corroborated"}
    assert all("patent" in (method.__doc__ or "") for method in limited)
