"""What must start at once loads nothing heavy. Each case runs in an interpreter of its own."""

import ast
import resource
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "tokenizers", "numpy", "PIL", "matplotlib", "rich", "safetensors")


def run(code: str, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def loaded_after(code: str) -> list[str]:
    """Heavy modules that an interpreter has loaded after running `code`."""
    watched = f"import sys\n{code}\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    done = run(watched)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        "import seewhy",
        "import seewhy; dir(seewhy); seewhy.__version__",
        "import seewhy.cli.main",
        "from seewhy.cli.parser import parse; parse(['explain', 'a.png'])",
        "from seewhy.cli.main import main; main(['version'])",
        "from seewhy.bench import SUITES, BenchConfig; BenchConfig(methods=['tam'])",
        "from seewhy.audit import AuditConfig; AuditConfig('testbed:count=1', 'out')",
        "import seewhy.core.errors",
    ],
)
def test_import_loads_nothing_heavy(code):
    assert loaded_after(code) == []


def test_the_check_sees_heavy_modules():
    assert "torch" in loaded_after("import seewhy.core.axes")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["explain", "--help"], ["bench", "--help"], ["audit", "--help"], ["--version"]],
)
def test_help_loads_nothing_heavy(words):
    code = (
        "from seewhy.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert loaded_after(code) == []


def test_help_comes_in_under_three_tenths_of_a_second():
    # Time on the processor: nothing is waited for, so on an idle machine it is the time that
    # passes, and on a busy one it is not the other programs' time.
    code = "from seewhy.cli.main import main; main(['--help'])"
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run(code).stdout.startswith("usage: seewhy")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3


def test_listing_names_imports_no_method_and_no_family():
    code = (
        "from seewhy.methods import METHODS\nfrom seewhy.models import FAMILIES\n"
        "names = METHODS.names() + FAMILIES.names()\nassert len(names) >= 9, names\n"
        "rooms = 'seewhy.methods.', 'seewhy.models.families.'\n"
        "modules = [m for m in sys.modules if m.startswith(rooms)]\n"
        "stray = [m for m in modules if m.rpartition('.')[2].replace('_', '-') in names]\n"
        "assert not stray, stray"
    )
    done = run(f"import sys\n{code}")
    assert done.returncode == 0, done.stderr
