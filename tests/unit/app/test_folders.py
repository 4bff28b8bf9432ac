"""The app's temporary folder: private, locked, and swept after a kill."""

import os
import subprocess
import sys
import textwrap

import pytest

from seewhy.app.folders import PREFIX, AppFolder, sweep_apps


def test_the_folder_is_its_owners_alone_and_goes_at_the_end(tmp_path):
    folder = AppFolder(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "sub").mkdir()
    (folder.path / "sub" / "file").write_text("x")
    folder.close()
    folder.close()
    assert os.listdir(tmp_path) == []


def test_folders_of_running_apps_are_left_alone(tmp_path):
    first, second = AppFolder(tmp_path), AppFolder(tmp_path)
    sweep_apps(tmp_path)
    assert first.path.is_dir()
    assert second.path.is_dir()
    first.close()
    second.close()


def test_what_a_killed_app_left_is_gone_after_the_next_start(tmp_path):
    code = textwrap.dedent(f"""
        import os, pathlib, signal
        from seewhy.app.folders import AppFolder
        folder = AppFolder(pathlib.Path({str(tmp_path)!r}))
        (folder.path / "sitting").mkdir()
        (folder.path / "sitting" / "picture.npy").write_bytes(b"x")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode < 0
    assert len(os.listdir(tmp_path)) == 1
    folder = AppFolder(tmp_path)
    assert os.listdir(tmp_path) == [folder.path.name]
    folder.close()


@pytest.mark.parametrize("name", [f"{PREFIX}short", "seewhy-app", f"{PREFIX}abcdefgh.txt", "other"])
def test_other_folders_are_not_touched(tmp_path, name):
    (tmp_path / name).mkdir()
    sweep_apps(tmp_path)
    assert (tmp_path / name).is_dir()


def test_links_are_not_followed(tmp_path):
    target = tmp_path / "mine"
    target.mkdir()
    (target / "file").write_text("x")
    (tmp_path / f"{PREFIX}abcdefgh").symlink_to(target)
    sweep_apps(tmp_path)
    assert (target / "file").read_text() == "x"
