"""Keys of results: folders that older versions wrote go on without measuring anything again."""

from dataclasses import replace

import pytest

from seewhy.bench.plan import plan_of
from seewhy.bench.specs import key_of, method_of
from seewhy.bench.suites import METRIC_ORDER, resolve, suite_of
from seewhy.methods import METHODS
from seewhy.metrics import METRICS

KEYS = {
    "quick": ("baa72beee7d7329b", "a6af4f28cbf43945", "131e23c8b90c5dc1"),
    "paper": ("14ff6e8bbb64d5a6", "a6af4f28cbf43945", "a99427095a9520c2"),
    "cost": ("5da4a3169722b357", "c07fe83a744a99e6", "d28c7d1ba2432d40"),
    "sanity": ("c6c52a81f767f116", "21acf5c8a4143cbe", "e27a8e7b52a82971"),
    "claims": ("5f16a0b6e93d210b", "6a5532ae9ffb1197", "7a38b410cd924e46"),
    "shares": ("b830ad905b19b7dc", "731c49ef393bbfb1", "08668459d45d7627"),
    "ablation": ("663be66f5b918b3f", "be9150949c220881", "05aa05dd85696d28"),
    "composed": ("e9cfb0268be6bef5", "731c49ef393bbfb1", "a2b53bf286808f7e"),
    "context": ("2553008a87be2948", "54e3968d7ae86c51", "5b0a622eac7e0f16"),
    "hallucination": ("47016b129d0f1533", "2e7e4be997ba8f1a", "567708b483368eef"),
    "full": ("6f3bbebcbccddb0b", "aa128f655a5502b8", "c7eff42d1b95c15e"),
}
"""Of each suite the run's key, and those of its first and last task, as first released.

Those of `hallucination` are of the second reading of answers, which decides relations and counts:
results of the first reading have other labels, and are measured again.
"""

RELEASED = {
    *("random", "centre", "logit-lens", "tam", "msea", "arc", "intra-modal", "corroborated"),
    *("attention", "attention-rollout", "gradient-attention"),
    *("grad-cam", "grad-cam-plus-plus", "layer-cam"),
    *("input-x-gradient", "integrated-gradients", "smooth-grad", "attn-lrp"),
    *("occlusion", "rise", "kernel-shap", "region-search"),
}
"""The methods when these keys were first released."""

RELEASED_LATER = {"hallucination-detectors"}
"""Metrics that were added to the order of metrics since then."""


@pytest.mark.parametrize("name", KEYS)
def test_suites_have_the_keys_of_earlier_versions(name, monkeypatch):
    for metric in METRICS:  # a revised metric is measured again, everything else is not
        monkeypatch.setattr(metric, "revision", 1)
    config = resolve(suite_of(name))
    # A new method joins suites by itself: their runs then have another key, their tasks have not.
    added = set(METHODS.names()) - RELEASED
    methods = [m for m in config.methods if not any(new in str(m) for new in added)]
    known = set(METRIC_ORDER) - RELEASED_LATER
    metrics = [m for m in config.metrics if str(m).partition("(")[0] in known]
    if config.pairs:  # other biased models have joined since, each with data of its own
        config = replace(config, models=config.models[:1], data=config.data[:1])
    plan = plan_of(replace(config, methods=methods, metrics=metrics))
    ids, tasks = plan.datasets[0].ids, plan.tasks
    first = plan.task_key(0, 0, ids[0], tasks[0])
    last = plan.task_key(len(plan.models) - 1, 0, ids[-1], tasks[-1])
    assert (plan.key, first, last) == KEYS[name]


@pytest.mark.parametrize(
    ("spec", "key"),
    [
        ("corroborated", "c459efef5ec8657f"),
        ("corroborated(relevance=gradient-attention)", "de9ab6a8757fd8d0"),
        ("arc(base=corroborated(relevance=tam))", "2107e319f4c12aa1"),
    ],
)
def test_renamed_parameters_keep_their_keys(spec, key):
    assert key_of(method_of(spec)) == key


def test_a_revised_metric_has_a_key_of_its_own(monkeypatch):
    revised = [metric for metric in METRICS if metric.revision > 1]
    assert {metric.name for metric in revised} == {
        *("overlap", "auc", "energy", "pointing-game"),
        *("deletion", "insertion", "erasure"),
    }
    now = key_of(METRICS.get("overlap")())
    monkeypatch.setattr(METRICS.get("overlap"), "revision", 1)
    assert key_of(METRICS.get("overlap")()) != now


@pytest.mark.parametrize(
    ("name", "key", "added"),
    [
        ("attention", "96320a1adad28224", "head=0"),
        ("logit-lens", "e3b17da53950632a", "layer=-1"),
        ("region-search", "40cb136bde3e1a6c", "superpixels=slico"),
        ("tam", "3a8ec800a57865e7", "published=True"),
    ],
)
def test_parameters_that_were_added_later_are_part_of_a_key_unless_at_their_default(
    name, key, added
):
    assert key_of(method_of(name)) == key
    assert key_of(method_of(f"{name}({added})")) != key
