"""What every registered metric keeps to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from functools import cache

import pytest
import torch

from metric_cases import SHIPPED, SIZE, box, drawn, planted, truth
from seewhy.bench.cells import NEED_LABELS
from seewhy.methods._citations import bibtex
from seewhy.metrics import METRICS, Metric
from seewhy.metrics._base import Measurement, Undefined
from seewhy.models import load

NAMES = METRICS.names()

Found = Measurement | Undefined

#: Ranges of figures that are no fractions, by their unit.
RANGES = {
    "fraction": (0.0, 1.0),
    "ratio": (0.0, math.inf),
    "seconds": (0.0, math.inf),
    "MiB": (0.0, math.inf),
    "passes": (0.0, math.inf),
    "nats": (-math.inf, math.inf),
    "correlation": (-1.0, 1.0),
    "difference": (-1.0, 1.0),
}

#: Figures that no two runs share, for they are of the machine.
TIMED = {"seconds", "MiB", "ratio"}


@pytest.fixture(scope="module")
def loaded():
    return load(SHIPPED)


@pytest.fixture(scope="module")
def measured(loaded) -> Callable[[Metric], list[Found]]:
    """What a metric finds on a drawn scene, by itself: measured once."""
    return cache(lambda metric: list(metric.measure(drawn(loaded))))


@pytest.fixture(params=NAMES)
def metric(request: pytest.FixtureRequest) -> Metric:
    return METRICS.get(request.param)()


def test_metrics_are_those_of_the_issue() -> None:
    assert set(NAMES) >= {
        *("overlap", "pointing-game", "energy", "auc"),
        *("insertion", "deletion", "context-insertion", "context-deletion", "erasure"),
        *("parameter-randomisation", "label-randomisation", "repeatability"),
        *("noise-sensitivity", "scale-stability", "cost"),
        *("hallucination", "hallucination-baselines", "hallucination-detectors"),
    }


def test_metric_states_its_facts(metric: Metric) -> None:
    assert metric.summary.endswith(".")
    assert metric.needs <= {"masks", "model"}
    assert json.loads(json.dumps(metric.parameters)) == metric.parameters
    assert METRICS.get(metric.name) is type(metric)
    assert all(bibtex(key).startswith("@") for key in metric.citations)
    names = [figure.name for figure in metric.figures]
    assert len(names) == len(set(names)) > 0
    for figure in metric.figures:
        assert figure.summary.endswith(".")
        assert figure.unit in RANGES
        assert set(figure.of) <= set(names)
        assert (len(figure.of) == 2) == (figure.statistic == "harmonic")


def test_figures_of_all_metrics_have_names_of_their_own() -> None:
    names = [figure.name for metric in METRICS for figure in metric.figures]
    assert len(names) == len(set(names))


def test_metric_measures_a_drawn_scene(metric: Metric, loaded) -> None:
    case = drawn(loaded)
    state = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    hooks = sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in loaded.model.modules())
    modes = [module.training for module in loaded.model.modules()]
    chance = torch.random.get_rng_state()
    grad = torch.autograd.grad

    found = list(metric.measure(case))

    figures = {figure.name: figure for figure in metric.figures}
    for one in found:
        assert not figures[one.figure].of, "put together by the bench, never measured"
        if isinstance(one, Undefined):
            assert one.reason
            continue
        figure = figures[one.figure]
        assert math.isfinite(one.value)
        if figure.statistic == "mean":
            low, high = RANGES[figure.unit]
            assert low - 1e-6 <= one.value <= high + 1e-6
        assert (one.label is not None) == (figure.statistic in NEED_LABELS)
        assert one.word is None or 0 <= one.word < len(case.words)
    # Everything that is measured of a plain scene is accounted for, by values or by reasons.
    assert {one.figure for one in found} == {f.name for f in metric.figures if not f.of}
    assert any(isinstance(one, Measurement) for one in found)

    after = loaded.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in state.items())
    assert hooks == sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) for m in loaded.model.modules()
    )
    assert modes == [module.training for module in loaded.model.modules()]
    assert torch.equal(chance, torch.random.get_rng_state())
    assert torch.autograd.grad is grad


def untimed(metric: Metric, found: Iterable[Found]) -> list[Found]:
    timed = {figure.name for figure in metric.figures if figure.unit in TIMED}
    return [one for one in found if one.figure not in timed]


def test_metric_finds_the_same_again(metric: Metric, loaded, measured) -> None:
    again = metric.measure(drawn(loaded))
    assert untimed(metric, again) == untimed(metric, measured(metric))


def test_metric_finds_the_same_beside_another_method_on_the_sample(
    metric: Metric, loaded, measured
) -> None:
    """What is remembered of a sample changes nothing."""
    memory: dict = {}
    list(metric.measure(drawn(loaded, "tam", memory=memory)))
    shared = metric.measure(drawn(loaded, memory=memory))
    assert untimed(metric, shared) == untimed(metric, measured(metric))


@pytest.mark.parametrize("name", [metric.name for metric in METRICS if metric.of_model])
def test_metric_of_the_model_finds_the_same_beside_every_method(
    name: str, loaded, measured
) -> None:
    metric = METRICS.get(name)()
    assert list(metric.measure(drawn(loaded, "tam"))) == measured(metric)


def test_metric_accounts_for_a_case_without_words_or_model(metric: Metric) -> None:
    """A bare trace of which nothing is known: every figure says why it is not there."""
    found = list(metric.measure(planted(torch.rand(4, *SIZE))))
    assert {one.figure for one in found} == {f.name for f in metric.figures if not f.of}
    assert all(isinstance(one, Undefined) and one.reason for one in found)


def test_metric_accounts_for_an_answer_with_no_wanted_word(metric: Metric, loaded) -> None:
    case = drawn(loaded, count=0)
    found = list(metric.measure(case))
    assert {one.figure for one in found} == {f.name for f in metric.figures if not f.of}


def test_metric_survives_an_empty_map(metric: Metric) -> None:
    case = planted(torch.zeros(4, *SIZE), [box(1, 1, 4, 4)], {"star": truth("kind", 0)})
    for one in metric.measure(case):
        assert isinstance(one, Undefined) or math.isfinite(one.value)
