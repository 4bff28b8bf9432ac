"""One model in several processes, and under whatever the caller has set in torch around a call."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

import tiny_models
from painting import noise
from seewhy.core.errors import ModelError
from seewhy.explainer import Explainer
from seewhy.models import load
from seewhy.models.isolation import exclusive

METHODS = ("intra-modal", "gradient-attention", "attn-lrp", "occlusion", "logit-shares")
PICTURE = noise(90, 60, 0)
WAIT = 120.0

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(scope="module")
def explainer():
    return Explainer(load(tiny_models.build()))


def explained(explainer, method="logit-shares"):
    return explainer.explain(PICTURE, method=method, max_new_tokens=4)


def plain(explanation):
    return [explanation.answer, [word.heatmap.tolist() for word in explanation.words]]


@pytest.fixture(scope="module")
def alone(explainer):
    return {method: plain(explained(explainer, method)) for method in METHODS}


MODES = {
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "enable_grad": torch.enable_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@pytest.mark.parametrize(
    ("mode", "method"),
    # Occlusion takes longest; of the modes, autocast alone changes how it computes.
    [(mode, m) for mode in MODES for m in METHODS if m != "occlusion" or mode == "autocast"],
)
def test_maps_do_not_depend_on_the_modes_around_the_call(explainer, alone, mode, method):
    with MODES[mode]():
        grad = torch.is_grad_enabled()
        found = explained(explainer, method)
        assert torch.is_grad_enabled() == grad
        assert torch.is_autocast_enabled("cpu") == (mode == "autocast")
    assert plain(found) == alone[method]


@pytest.mark.parametrize("method", METHODS[1:3])
def test_a_model_in_training_is_explained_in_eval_mode_and_left_in_training(
    explainer, alone, method
):
    explainer.loaded.model.train()
    try:
        assert plain(explained(explainer, method)) == alone[method]
        assert all(module.training for module in explainer.loaded.model.modules())
    finally:
        explainer.loaded.model.eval()


def test_a_model_without_gradients_for_good_is_told_to_methods_that_need_them():
    with torch.inference_mode():
        loaded = Explainer(load(tiny_models.build()))
    assert explained(loaded).answer
    for method in ("gradient-attention", "attn-lrp", "integrated-gradients", "grad-cam"):
        with pytest.raises(ModelError, match=r"loaded outside of torch.inference_mode"):
            explained(loaded, method)


def in_child(explainer, results):
    try:
        results.put(plain(explained(explainer)))
    except ModelError as error:
        results.put(str(error))


def forked(explainer):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    process = context.Process(target=in_child, args=(explainer, results))
    process.start()
    try:
        return results.get(timeout=WAIT)
    finally:
        process.terminate()
        process.join()


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_gives_the_same(explainer, alone):
    assert forked(explainer) == alone["logit-shares"]


@needs_fork
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_forked_during_an_explanation_is_refused_and_does_not_hang(explainer):
    inside, done = threading.Event(), threading.Event()

    def hold():
        with exclusive(explainer.loaded.model):
            inside.set()
            done.wait(WAIT)

    holder = threading.Thread(target=hold)
    holder.start()
    assert inside.wait(WAIT)
    try:
        found = forked(explainer)
    finally:
        done.set()
        holder.join(WAIT)
    assert "forked while another thread explained" in found
    assert explained(explainer).answer


FRESH = """
import json, sys
import tiny_models
from painting import noise
from seewhy.explainer import Explainer
from seewhy.models import load
import torch
torch.set_num_threads(1)
made = Explainer(load(tiny_models.build())).explain(noise(90, 60, 0), method="logit-shares",
                                                    max_new_tokens=4)
print(json.dumps([made.answer, [word.heatmap.tolist() for word in made.words]]))
"""


def test_a_process_of_its_own_gives_the_same(alone):
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == alone["logit-shares"]
