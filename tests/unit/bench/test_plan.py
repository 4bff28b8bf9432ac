"""Plans: what is asked, and how each part is told apart."""

import pytest

from bench_parts import InMask, Scenes
from seewhy.bench.config import BenchConfig
from seewhy.bench.plan import Task, plan_of
from seewhy.bench.running import missing
from seewhy.bench.suites import SUITES, resolve, suite_of
from seewhy.core.errors import DatasetError, ParameterError, UnknownNameError
from seewhy.testbed.pretrained import pretrained

GIVEN = {
    "models": ["tiny-qwen2-vl"],
    "methods": ["tam"],
    "metrics": [InMask()],
    "data": [Scenes()],
}


def plan(**changes):
    return plan_of(resolve(BenchConfig(**{**GIVEN, **changes})))


def task_key(**changes):
    return plan(**changes).task_key(0, 0, "scene-0", Task(0, 0))


@pytest.mark.parametrize(
    "changed",
    [
        {"methods": ["tam(window=5)"]},
        {"metrics": [InMask(factor=2.0)]},
        {"data": [Scenes(version="2")]},
        {"seed": 1},
        {"words": 2},
        {"answers": "own"},
        {"dtype": "float32"},
        {"max_new_tokens": 5},
    ],
)
def test_whatever_is_changed_is_another_task(changed):
    assert task_key() == task_key()
    assert task_key(**changed) != task_key()


def test_another_model_is_another_task(tmp_path):
    folder = pretrained()["tiny-qwen2-vl"]
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert task_key(models=[copy]) == task_key()
    weights = next(copy.glob("*.safetensors"))
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(changed)
    assert task_key(models=[copy]) != task_key()


def test_options_that_change_how_a_model_computes_make_another_task_key():
    assert task_key(load_options={"device_map": "cpu"}) == task_key()
    eager, half = ({"attn_implementation": "eager"}, {"dtype": "bfloat16"})
    assert len({task_key(), task_key(load_options=eager), task_key(load_options=half)}) == 3


def test_parts_that_overlap_are_told():
    with pytest.raises(ParameterError, match=r"each sample once, got heldout-1 in several"):
        plan(data=["testbed:count=3", "testbed:count=3,start=1"])
    disjoint = plan(data=["testbed:count=3", "testbed:count=3,start=3"])
    assert [len(source.ids) for source in disjoint.datasets] == [3, 3]


def test_one_model_under_two_names_is_told(tmp_path):
    folder = pretrained()["tiny-qwen2-vl"]
    (tmp_path / "other").symlink_to(folder)
    with pytest.raises(ParameterError, match="the same one as tiny-qwen2-vl and other"):
        plan(models=["tiny-qwen2-vl", tmp_path / "other"])


def test_more_samples_keep_the_tasks():
    assert task_key(limit=1) == task_key(limit=2)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"models": ["tiny-qwen"]}, UnknownNameError, "did you mean 'tiny-qwen2-vl'"),
        ({"models": ["./nowhere"]}, UnknownNameError, "an existing folder"),
        ({"methods": ["tma"]}, UnknownNameError, "did you mean 'tam'"),
        ({"metrics": ["overlop"]}, UnknownNameError, "did you mean 'overlap'"),
        ({"data": ["testbad"]}, UnknownNameError, "did you mean 'testbed'"),
        ({"methods": []}, ParameterError, "at least one method"),
        ({"methods": ["tam", "tam(window=3)"]}, ParameterError, "each method once, got tam"),
        ({"data": [Scenes(count=0)]}, DatasetError, "Expected samples in scenes"),
        ({"limit": 0}, ParameterError, "limit of at least 1"),
    ],
)
def test_what_cannot_be_is_told(changed, error, words):
    with pytest.raises(error, match=words):
        plan(**changed)


@pytest.mark.parametrize(("name", "value"), [("words", -1), ("seed", -1), ("max_new_tokens", 0)])
def test_values_out_of_range_are_told(name, value):
    with pytest.raises(ParameterError, match=f"Expected {name} of at least"):
        BenchConfig(**{name: value})


def test_config_knows_whose_answers():
    with pytest.raises(ParameterError, match="'reference' or 'own', got 'mine'"):
        BenchConfig(answers="mine")


PAIRED = {
    "models": ["tiny-qwen2-vl", "tiny-llava"],
    "data": ["testbed:count=2", "testbed:count=1,start=5"],
}


def test_pairs_run_each_model_on_its_own_data():
    paired, crossed = (plan(**PAIRED, pairs=pairs) for pairs in (True, False))
    assert paired.views == ((0, 0), (1, 1))
    assert crossed.views == ((0, 0), (0, 1), (1, 0), (1, 1))
    samples = [(job.model, job.sample) for job in missing(paired, {}).jobs]
    assert samples == [(0, "heldout-0"), (0, "heldout-1"), (1, "heldout-5")]
    assert len(missing(crossed, {}).jobs) == 6
    assert paired.key != crossed.key
    # The tasks are the same: a folder of the one goes on with the other.
    assert paired.task_key(1, 1, "heldout-5", Task(0, 0)) == crossed.task_key(
        1, 1, "heldout-5", Task(0, 0)
    )


def test_pairs_of_one_model_have_the_key_of_a_run_without_pairs():
    assert plan(pairs=True).key == plan(pairs=False).key


def test_pairs_need_as_many_data_sets_as_models():
    with pytest.raises(ParameterError, match="as many data sets as models for pairs, got 1 and 2"):
        plan(models=PAIRED["models"], pairs=True)


def test_own_answers_have_the_fingerprint_of_their_reading():
    given = {"data": ["testbed:count=1"]}
    (reference,), (own,) = (plan(**given, answers=a).datasets for a in ("reference", "own"))
    assert reference.fingerprint == reference.dataset.fingerprint
    assert own.fingerprint == own.dataset.own_answers_fingerprint != reference.fingerprint


@pytest.mark.parametrize("name", SUITES)
def test_suite_names_what_there_is(name):
    suite = suite_of(name)
    made = plan(methods=suite.methods, metrics=suite.metrics)
    assert len(made.methods) == len(suite.methods)
    assert suite.reference in [spec.label for spec in made.methods]


def test_an_unknown_suite_gives_near_matches():
    with pytest.raises(UnknownNameError, match="did you mean 'quick'"):
        suite_of("quik")
