"""What is free: the system, control groups of both versions, and the limit of address space."""

from __future__ import annotations

import resource
from types import SimpleNamespace

import pytest
import torch

from seewhy.memory import available
from seewhy.memory.available import available_memory


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_available_memory_of_this_machine_is_some():
    model = SimpleNamespace(device=torch.device("cpu"))
    found = available_memory(model)
    assert found is None or found > 0


def test_the_least_of_all_limits_counts(monkeypatch):
    monkeypatch.setattr(available, "_of_system", lambda: iter([500]))
    monkeypatch.setattr(available, "_of_cgroups", lambda: iter([300, 900]))
    monkeypatch.setattr(available, "_of_address_space", lambda: iter([]))
    assert available_memory(SimpleNamespace(device=torch.device("cpu"))) == 300
    monkeypatch.setattr(available, "_of_cgroups", lambda: iter([-5]))
    assert available_memory(SimpleNamespace(device=torch.device("cpu"))) == 0
    for name in ("_of_system", "_of_cgroups"):
        monkeypatch.setattr(available, name, lambda: iter([]))
    assert available_memory(SimpleNamespace(device=torch.device("cpu"))) is None


def test_system_memory_is_what_linux_calls_available(tmp_path):
    file = tmp_path / "meminfo"
    file.write_text("MemTotal: 100 kB\nMemFree: 10 kB\nMemAvailable: 60 kB\n")
    assert list(available._of_system(file)) == [60 * 1024]
    assert list(available._of_system(tmp_path / "none")) == []


def test_control_groups_of_version_2_count_with_all_above_them(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("0::/outer/inner\n")
    root = tmp_path / "fs"
    stat = "anon 5\ninactive_file 30\n"
    group(root / "outer" / "inner", memory__max="max\n", memory__current="90", memory__stat=stat)
    group(root / "outer", memory__max="200\n", memory__current="150\n", memory__stat=stat)
    assert list(available._of_cgroups(root, membership)) == [200 - 150 + 30]


def test_control_groups_of_version_1_count(tmp_path):
    membership = tmp_path / "cgroup"
    membership.write_text("5:cpu:/a\n4:hugetlb,memory:/a/b\n")
    group(
        tmp_path / "fs" / "memory" / "a" / "b",
        memory__limit_in_bytes="100",
        memory__usage_in_bytes="70",
        memory__stat="total_inactive_file 7\n",
    )
    assert list(available._of_cgroups(tmp_path / "fs", membership)) == [37]


def test_a_system_without_control_groups_has_no_such_limit(tmp_path):
    assert list(available._of_cgroups(tmp_path, tmp_path / "none")) == []
    broken = tmp_path / "broken"
    broken.write_text("not a line of such a file\n")
    assert list(available._of_cgroups(tmp_path, broken)) == []


def test_the_limit_of_address_space_counts(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY, -1))
    assert list(available._of_address_space()) == []
    monkeypatch.setattr(available, "_kilobytes", lambda file, name: iter([1000]))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5000, 5000))
    monkeypatch.setattr(available.sys, "platform", "linux")
    assert list(available._of_address_space()) == [4000]


def test_a_model_on_several_gpus_has_the_free_memory_of_all(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10**device.index, 0))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 0)
    places = {"vision": 1, "layers.0": 2, "layers.1": 2, "head": "cpu"}
    model = SimpleNamespace(device=torch.device("cuda:1"), hf_device_map=places)
    assert available_memory(model) == 10 + 100


@pytest.mark.parametrize("reserved", [0, 50])
def test_a_gpu_gives_what_is_free_and_what_torch_holds_unused(monkeypatch, reserved):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 30 + reserved)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 30)
    assert available_memory(SimpleNamespace(device=torch.device("cuda:0"))) == 100 + reserved
