"""Libraries are quiet in a block in a notebook, and as they were before and after it."""

import logging
import sys
import threading
import warnings
from types import SimpleNamespace

import pytest

from seewhy.core import quiet_libraries as module
from seewhy.core.quiet_libraries import hush, quiet_libraries

LOG = logging.getLogger("transformers")


@pytest.fixture(autouse=True)
def levels():
    """Leaves the loggers as they were."""
    before = {name: logging.getLogger(name).level for name in module.LIBRARIES}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setattr(module, "in_notebook", lambda: True)


@pytest.fixture
def bars(monkeypatch):
    """The switches of both libraries' progress bars."""
    transformers = SimpleNamespace(_tqdm_active=True)
    hub = SimpleNamespace(progress_bar_states={"peft.foo": True})
    monkeypatch.setitem(sys.modules, "transformers.utils.logging", transformers)
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils.tqdm", hub)
    return transformers, hub


def warn_from(name: str, category: type[Warning] = UserWarning) -> None:
    """Warn as a module of a name does."""
    code = compile("import warnings; warnings.warn('said', kind)", "<library>", "exec")
    exec(code, {"__name__": name, "kind": category})


def test_outside_of_a_notebook_nothing_changes(bars):
    LOG.setLevel(logging.WARNING)
    with quiet_libraries():
        assert LOG.level == logging.WARNING
        assert bars[0]._tqdm_active
        with pytest.warns(UserWarning, match="said"):
            warn_from("transformers.models")


@pytest.mark.usefixtures("notebook")
def test_bars_and_messages_are_off_in_the_block_and_as_before_after_it(bars):
    transformers, hub = bars
    LOG.setLevel(logging.WARNING)
    with quiet_libraries():
        assert not LOG.isEnabledFor(logging.WARNING)
        assert LOG.isEnabledFor(logging.ERROR), "real errors are shown"
        assert not transformers._tqdm_active
        assert hub.progress_bar_states == {"_global": False}
    assert LOG.level == logging.WARNING
    assert transformers._tqdm_active
    assert hub.progress_bar_states == {"peft.foo": True}


@pytest.mark.usefixtures("notebook")
def test_what_the_user_set_is_kept(bars):
    transformers, _ = bars
    transformers._tqdm_active = False
    LOG.setLevel(logging.DEBUG)
    own = logging.getLogger("my.program")
    own.setLevel(logging.INFO)
    with quiet_libraries():
        assert LOG.level == logging.DEBUG, "whoever wants details gets them"
        assert own.level == logging.INFO
    assert LOG.level == logging.DEBUG
    assert not transformers._tqdm_active
    with quiet_libraries():
        LOG.setLevel(logging.CRITICAL)
    assert LOG.level == logging.CRITICAL


@pytest.mark.usefixtures("notebook")
def test_blocks_in_each_other_and_in_threads_end_with_the_last(bars):
    transformers, _ = bars
    LOG.setLevel(logging.WARNING)
    inside, go = threading.Event(), threading.Event()

    def work() -> None:
        with quiet_libraries():
            inside.set()
            go.wait(10)

    with quiet_libraries():
        with quiet_libraries():
            pass
        assert not transformers._tqdm_active
        thread = threading.Thread(target=work)
        thread.start()
        assert inside.wait(10)
    assert not transformers._tqdm_active, "the thread is still inside"
    go.set()
    thread.join()
    assert transformers._tqdm_active
    assert LOG.level == logging.WARNING


@pytest.mark.usefixtures("notebook")
def test_hush_reaches_what_was_imported_in_the_block(monkeypatch):
    monkeypatch.delitem(sys.modules, "transformers.utils.logging", raising=False)
    with quiet_libraries():
        late = SimpleNamespace(_tqdm_active=True)
        monkeypatch.setitem(sys.modules, "transformers.utils.logging", late)
        hush()
        assert not late._tqdm_active
    assert late._tqdm_active
    hush()
    assert late._tqdm_active, "outside of a block it does nothing"


@pytest.mark.usefixtures("notebook", "bars")
def test_warnings_of_libraries_are_not_shown_and_others_are():
    filters = list(warnings.filters)
    with quiet_libraries():
        warn_from("transformers.generation")
        warn_from("tqdm.auto")
        warn_from("seewhy.models.loading", FutureWarning)
        with pytest.warns(UserWarning, match="said"):
            warn_from("__main__")
        with pytest.warns(UserWarning, match="said"):
            warn_from("seewhy.explainer")
    assert list(warnings.filters) == filters


@pytest.mark.usefixtures("notebook", "bars")
def test_an_error_in_the_block_is_not_kept_back():
    LOG.setLevel(logging.WARNING)
    with pytest.raises(ValueError, match="real"), quiet_libraries():
        raise ValueError("real")
    assert LOG.level == logging.WARNING
