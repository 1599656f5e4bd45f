"""What computed a fold: the commit of this code and of no other, and folds that differ in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mer_utils
from mer_utils.runs import environment
from mer_utils.runs.environment import commit, hardware, mixed, source

PACKAGE = Path(mer_utils.__file__).parent


def git(folder, *words) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder, project="mer-utils"):
    """Make a repository that holds a project of that name; return its commit."""
    (folder / "mer_utils").mkdir(parents=True)
    (folder / "mer_utils" / "code.py").write_text("x = 1\n")
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    (folder / ".gitignore").write_text(".venv\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "All")
    return git(folder, "rev-parse", "HEAD")[:12]


def test_environment_names_versions_machine_and_source():
    here = environment()
    assert here["packages"]["numpy"] == np.__version__
    assert here["python"] == ".".join(map(str, sys.version_info[:3]))
    assert here["source"] == source(PACKAGE)


@pytest.mark.scenario("I")
def test_a_checkout_has_its_commit_dirty_or_not_and_so_has_a_worktree(tmp_path):
    known = repository(tmp_path / "repo")
    assert commit(tmp_path / "repo") == known
    git(tmp_path / "repo", "worktree", "add", "-q", tmp_path / "tree")
    (tmp_path / "link").symlink_to(tmp_path / "tree")
    assert commit(tmp_path / "link") == known
    (tmp_path / "tree" / "mer_utils" / "code.py").write_text("x = 2\n")
    assert commit(tmp_path / "tree") == f"{known}-dirty"
    assert commit(tmp_path / "repo") == known


@pytest.mark.scenario("I")
@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        ("mer_utils/new.py", True),
        ("mer_utils/maps/new ü.toml", True),
        ("mer_utils/.venv/ignored.csv", True),
        ("mer_utils/__pycache__/code.pyc", False),
        ("notes.py", False),
    ],
)
def test_code_that_no_commit_holds_makes_a_checkout_dirty(tmp_path, name, dirty):
    known = repository(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("x = 1\n")
    assert commit(tmp_path) == known + "-dirty" * dirty


@pytest.mark.scenario("I")
@pytest.mark.parametrize("place", [".venv/lib/python3/site-packages", "vendor", "."])
def test_a_package_inside_another_repository_has_not_that_ones_commit(tmp_path, place):
    repository(tmp_path / "users", project="thesis")
    inside = tmp_path / "users" / place
    shutil.copytree(PACKAGE, inside / "mer_utils", dirs_exist_ok=True)
    assert commit(inside) == ""
    code = "from mer_utils.runs import environment as e; print(e()['commit'], e()['source'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(inside)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    if place != ".":  # where the other project's own file is beside the package's
        assert done.stdout.split() == ["unknown", source(PACKAGE)]
    assert done.stdout.startswith("unknown ")


@pytest.mark.scenario("I")
def test_an_unpacked_archive_has_no_commit_in_another_repository_either(tmp_path):
    repository(tmp_path / "users", project="thesis")
    archive = tmp_path / "users" / "mer-1.0"
    archive.mkdir()
    (archive / "pyproject.toml").write_text('name = "mer-utils"\n')
    assert commit(archive) == ""


@pytest.mark.scenario("I")
def test_a_hooks_environment_names_no_other_repository(tmp_path, monkeypatch):
    known = repository(tmp_path / "repo")
    repository(tmp_path / "other", project="thesis")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert commit(tmp_path / "repo") == known


@pytest.mark.scenario("I")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_that_somebody_else_owns_has_its_commit(tmp_path):
    known = repository(tmp_path / "repo")
    for path in (tmp_path / "repo", *(tmp_path / "repo").rglob("*")):
        os.chown(path, 12345, 12345)
    assert commit(tmp_path / "repo") == known


@pytest.mark.scenario("I")
def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    repository(tmp_path / "repo")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit(tmp_path / "repo") == ""


def test_the_source_changes_with_the_code_and_not_with_its_place(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("x = 1\n")
    assert source(tmp_path / "a") == source(tmp_path / "b")
    (tmp_path / "b" / "code.py").write_text("x = 2\n")
    assert source(tmp_path / "a") != source(tmp_path / "b")


def folds(*records) -> pd.DataFrame:
    usual = {
        "model": "learnet", "device": "cpu", "precision": "float32", "instructions": "AVX2",
        "packages": {"torch": "2.1", "numpy": "2", "scikit-learn": "1"},
    }  # fmt: skip
    return pd.DataFrame([usual | record for record in records])


@pytest.mark.scenario("K")
@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"device": "H100", "driver": "550"}, "device of networks: cpu (2 folds), H100 (1 fold)"),
        ({"precision": "bfloat16"}, "precision of networks"),
        ({"micro_batch": 16}, "part of a batch of networks: all of it (2 folds), 16 (1 fold)"),
        ({"instructions": "AVX512"}, "instructions of networks: AVX2 (2 folds), AVX512 (1 fold)"),
        ({"packages": {"torch": "2.2", "numpy": "2"}}, "torch of networks: 2.1 (2 folds), 2.2"),
        ({"packages": None}, "not recorded (1 fold)"),
    ],
)
def test_folds_of_mixed_environments_are_told(other, named):
    assert named in mixed(folds({}, {}, other))


def test_folds_that_differ_in_nothing_that_computes_are_not_told():
    same = {"torch": "2.1", "numpy": "2", "scikit-learn": "2"}
    assert mixed(folds({}, {"driver": "550", "CUDA": "13", "packages": same})) == ""
    gpu = {"device": "H100", "driver": "550"}
    baseline = {"model": "svm_hog", "packages": {"numpy": "2", "scikit-learn": "2", "torch": "3"}}
    assert mixed(folds(gpu, gpu | {"instructions": "AVX512"}, baseline)) == ""
    assert "driver of networks" in mixed(folds(gpu, gpu | {"driver": "560"}))
    assert mixed(pd.DataFrame()) == ""


def test_the_hardware_of_a_gpu_is_its_driver_and_of_a_processor_its_instructions():
    torch = types.SimpleNamespace(
        version=types.SimpleNamespace(cuda="13.0"),
        backends=types.SimpleNamespace(
            cpu=types.SimpleNamespace(get_cpu_capability=lambda: "AVX512"),
            cudnn=types.SimpleNamespace(version=lambda: 91000),
        ),
    )
    assert hardware(torch, "cpu") == {"instructions": "AVX512"}
    assert hardware(torch, "NVIDIA H100").keys() == {"CUDA", "cuDNN", "driver"}
