"""One question by several methods, models or about several pictures; what is read how often."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import tiny_models
from explained import PICTURE, PROMPT
from seewhy.core.errors import MemoryLimitError, ParameterError, UnknownNameError
from seewhy.explainer import Explainer
from seewhy.models import load
from seewhy.side_by_side import by_methods, by_models, file_names, ways_of

METHODS = ["logit-shares", "tam", "arc(k=5)", "gradient-attention"]


@pytest.fixture(scope="module")
def models() -> list[Explainer]:
    """A model, and two with other heads."""
    model, processor = tiny_models.build()
    made = [model]
    for seed in (1, 2):
        other = copy.deepcopy(model)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            other.lm_head.weight += torch.randn(other.lm_head.weight.shape) * 0.05
        made.append(other)
    return [Explainer(load((one, processor))) for one in made]


@pytest.fixture(scope="module")
def explainer(models) -> Explainer:
    return models[0]


@pytest.fixture(scope="module")
def by_four(explainer):
    return explainer.compare_methods(PICTURE, PROMPT, methods=METHODS, max_new_tokens=4)


def test_methods_explain_as_they_do_alone(explainer, by_four):
    assert (by_four.kind, by_four.by, by_four.labels) == ("methods", "tokens", tuple(METHODS))
    for column, method in zip(by_four.columns, METHODS, strict=True):
        alone = explainer.explain(PICTURE, PROMPT, method=method, max_new_tokens=4)
        assert column.explanation.answer == alone.answer
        for one, other in zip(column.explanation, alone, strict=True):
            np.testing.assert_allclose(one.heatmap, other.heatmap, rtol=1e-4, atol=1e-6)
            assert (one.visual_share is None) == (method != "logit-shares")
            assert one.visual_share == other.visual_share
            assert [share for _, share in one.context] == pytest.approx(
                [share for _, share in other.context], rel=1e-3, abs=1e-6
            )


def test_answer_is_written_once_and_each_scale_read_once(explainer, monkeypatch):
    import seewhy.explainer as module
    from seewhy.models.session import Session

    calls = []

    def counted(place, name):
        real = getattr(place, name)

        def call(*given, **settings):
            calls.append(name)
            return real(*given, **settings)

        monkeypatch.setattr(place, name, call)

    counted(module.models, "generate_batch")
    counted(module.models, "read_batch")
    counted(Session, "read")
    found = explainer.compare_methods(
        PICTURE,
        PROMPT,
        methods=["msea(scales=(1, 0.5))", "intra-modal(scales=(1, 0.5))", "arc"],
        max_new_tokens=3,
    )
    assert calls == ["generate_batch", "read"]
    assert len(found.columns) == 3


def test_progress_names_the_methods(explainer):
    told = []
    explainer.compare_methods(
        PICTURE, PROMPT, methods=["tam", "attention"], answer="a red star", progress=told.append
    )
    assert told[-2:] == ["explaining by tam (1 of 2)", "explaining by attention (2 of 2)"]


def test_contrasts_and_verdicts_are_for_every_method(explainer):
    found = explainer.compare_methods(
        PICTURE,
        PROMPT,
        methods=["tam", "logit-lens"],
        answer="a red star",
        contrast={"red": "blue"},
    )
    assert [one.record.contrasts for one in found.explanations] == [((1, "blue"),)] * 2
    with pytest.raises(ParameterError, match="method that contrasts words, got attention"):
        explainer.compare_methods(
            PICTURE, methods=["tam", "attention"], answer="a red star", contrast={"red": "blue"}
        )


def test_mistakes_in_methods_are_told(explainer):
    for methods, told in (
        (["tam"], "2 to 4 methods, got 1"),
        (["tam"] * 5, "2 to 4 methods, got 5"),
        (["tam", "tam"], "different methods, got tam twice"),
        (["arc", "arc(k=50)"], "different methods, got arc twice"),
        ("tam", "Expected a list of methods, got 'tam'"),
        (None, "Expected a list of methods, got None"),
        (["tam", 3], "names of methods, or methods, got 3"),
    ):
        with pytest.raises(ParameterError, match=told):
            explainer.compare_methods(PICTURE, methods=methods)
    with pytest.raises(UnknownNameError, match="did you mean 'tam'"):
        explainer.compare_methods(PICTURE, methods=["tam", "tamm"])
    with pytest.raises(ParameterError, match="got method too"):
        explainer.compare_methods(PICTURE, methods=["tam", "arc"], method="rise")
    with pytest.raises(ParameterError, match="'k', which is one of"):
        explainer.compare_methods(PICTURE, methods=["tam", "arc"], k=5)


def test_memory_is_checked_for_every_method(explainer):
    with pytest.raises(MemoryLimitError, match="explaining by gradient-attention"):
        explainer.compare_methods(
            PICTURE,
            PROMPT,
            methods=["attention", "gradient-attention"],
            answer="a red star",
            max_memory=_between(explainer, "attention", "gradient-attention"),
        )


def _between(explainer, first, second) -> int:
    """Bytes that one method fits and the other does not."""
    from seewhy.memory.limits import MemoryGuard
    from seewhy.options import ExplainOptions

    needs = []
    for method in (first, second):
        guard = MemoryGuard(explainer.loaded, ExplainOptions.of(method=method))
        guard.expect_fits([_inputs(explainer)], [range(4)])
        needs.append(guard.estimate())
    assert needs[0] < needs[1]
    return sum(needs) // 2


def _inputs(explainer):
    from seewhy.models import prepare_chat
    from seewhy.models.conversation import user_message

    return prepare_chat(explainer.loaded.family, user_message(PICTURE, PROMPT))


def test_known_methods_are_not_run_again(explainer, monkeypatch):
    from seewhy.chats import read_question

    known = explainer.explain(PICTURE, PROMPT, method="tam", answer="a red star")
    question = read_question(PICTURE, PROMPT, answer="a red star")
    ran = []
    comparer = explainer.comparer
    real = comparer.explain

    def explain(question, ways):
        ran.extend(way.explaining_method.spec for way in ways)
        return real(question, ways)

    object.__setattr__(comparer, "explain", explain)
    ways = ways_of(["arc", "tam", "attention"], None, {})
    found = by_methods(comparer, question, ways, [known])
    assert ran == ["arc", "attention"]
    assert found.labels == ("arc", "tam", "attention")
    assert found.columns[1].explanation is known


def test_three_models_read_the_first_ones_answer(models):
    first, second, third = models
    found = first.compare([second, third], PICTURE, PROMPT, max_new_tokens=4)
    assert (found.kind, len(found.columns), found.by) == ("models", 3, "tokens")
    ids = [token.id for token in found.first.record.tokens]
    for column, model in zip(found.columns, models, strict=True):
        assert [token.id for token in column.explanation.record.tokens] == ids
        alone = model.explain(PICTURE, PROMPT, answer=ids)
        for one, other in zip(column.explanation, alone, strict=True):
            np.testing.assert_allclose(one.heatmap, other.heatmap, atol=1e-5)
    with pytest.raises(ParameterError, match="2 to 4 models, got 5"):
        first.compare([second] * 4, PICTURE)
    with pytest.raises(ParameterError, match="2 to 4 models, got 1"):
        first.compare([], PICTURE)


def test_models_are_taken_when_they_are_needed(models):
    """Whoever keeps only one model in memory gives each when it is asked for."""
    from seewhy.chats import read_question
    from seewhy.options import ExplainOptions

    given = []

    def give(number):
        def one():
            given.append(number)
            return models[number].comparer

        return one

    question = read_question(PICTURE, PROMPT, answer="a red star")
    known = models[0].explain(PICTURE, PROMPT, answer="a red star", method="tam")
    options = ExplainOptions.of(method="tam")
    found = by_models([give(0), give(1)], question, options, known)
    assert found.columns[0].explanation is known
    assert set(given) == {0, 1}
    assert found.second.method == "tam"


OTHER = PICTURE.transpose(0)


def test_pictures_share_the_first_ones_answer(explainer):
    found = explainer.compare_pictures([PICTURE, OTHER], PROMPT, max_new_tokens=4)
    first = explainer.explain(PICTURE, PROMPT, max_new_tokens=4)
    ids = [token.id for token in first.record.tokens]
    second = explainer.explain(OTHER, PROMPT, answer=ids)
    assert (found.kind, found.labels) == ("pictures", ("picture 1", "picture 2"))
    assert found.answers == (first.answer, first.answer)
    for column, alone in zip(found.columns, (first, second), strict=True):
        for one, other in zip(column.explanation, alone, strict=True):
            np.testing.assert_allclose(one.heatmap, other.heatmap, atol=1e-5)
    given = explainer.compare_pictures([PICTURE, OTHER], PROMPT, answer="a red star")
    assert given.answers == ("a red star",) * 2


def test_pictures_with_their_own_answers(explainer):
    found = explainer.compare_pictures(
        [PICTURE, OTHER], PROMPT, own_answers=True, max_new_tokens=4, labels=["as it is", "turned"]
    )
    for column, picture in zip(found.columns, (PICTURE, OTHER), strict=True):
        alone = explainer.explain(picture, PROMPT, max_new_tokens=4)
        assert column.explanation.answer == alone.answer
    assert found.labels == ("as it is", "turned")
    with pytest.raises(ParameterError, match="own answers or a given one, got both"):
        explainer.compare_pictures([PICTURE, OTHER], own_answers=True, answer="a star")
    for pictures, count in (([PICTURE], 1), (PICTURE, 1), ([PICTURE] * 5, 5)):
        with pytest.raises(ParameterError, match=f"2 to 4 pictures, got {count}"):
            explainer.compare_pictures(pictures)


def test_names_of_files_tell_pictures_apart(tmp_path):
    assert file_names([tmp_path / "a.png", "b/c.png"]) == ["a.png", "c.png"]
    assert file_names([tmp_path / "a.png", "b/a.png"]) is None
    assert file_names([tmp_path / "a.png", PICTURE]) is None
