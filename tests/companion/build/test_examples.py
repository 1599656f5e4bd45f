"""The page "Change something": its programs run, are short, and do what the page says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mer_utils import augment, experiments
from mer_utils.experiments import TABLES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "change_something.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "book" / "examples").glob("*.py"))


def in_own_process(example: Path, build: Path) -> str:
    """Run a program as its reader does and return what it prints."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MER_")},
        "MER_BUILD": str(build),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=build.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def build(twins, tmp_path) -> Path:
    """A build folder with the smoke profile's twins and nothing else."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "data").symlink_to(twins)
    return tmp_path / "build"


def test_the_page_shows_every_example_and_no_other():
    shown = re.findall(r"^```\{literalinclude\} (.+)$", PAGE, re.MULTILINE)
    assert sorted(shown) == [f"examples/{path.name}" for path in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_fit_the_page(example):
    lines = example.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 28
    assert max(map(len, lines)) <= 76


def test_own_model_is_trained_in_all_settings_of_table_2_once(build, monkeypatch, capsys):
    said = in_own_process(ROOT / "book/examples/own_model.py", build).splitlines()
    assert said[0] == "12 folds computed"
    settings = [re.split(r"\s{2,}|(?<=_050) +", line.strip())[1:] for line in said[2:]]
    assert [re.sub(r" +[\d.]+$", "", " ".join(words)) for words in settings] == [
        "single",
        "matched single",
        "dual",
        "aligned",
    ]
    assert len(list((build / "store").glob("*/run.parquet"))) == 4
    assert not list((build / "store").rglob("held_out=*"))
    monkeypatch.setenv("MER_BUILD", str(build))
    exec((ROOT / "book/examples/own_model.py").read_text(encoding="utf-8"), {})
    assert capsys.readouterr().out.splitlines() == ["0 folds computed", *said[1:]]


def test_own_augmentation_scales_images_and_is_part_of_the_key(monkeypatch, twins, capsys, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "data").symlink_to(twins)
    monkeypatch.setitem(augment.SPATIAL, "contrast", ())  # taken out again afterwards
    names: dict = {}
    exec((ROOT / "book/examples/own_augmentation.py").read_text(encoding="utf-8"), names)
    assert capsys.readouterr().out == "3 folds computed\n"
    plain = names["spec"].model_copy(update={"spatial": "flip"})
    assert plain.key != names["spec"].key
    images = torch.arange(2 * 1 * 8 * 9, dtype=torch.float32).reshape(2, 1, 8, 9)
    scaled = names["contrast"](images, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(scaled, images * torch.tensor([0.8, 1.2])[:, None, None, None])


def test_own_dataset_is_read_by_its_class(build):
    said = in_own_process(ROOT / "book/examples/own_dataset.py", build)
    assert set(ast.literal_eval(said)) == {"good", "bad"}


def test_own_training_set_is_compared_with_its_control(build):
    said = in_own_process(ROOT / "book/examples/own_training_set.py", build).splitlines()
    assert said == ["fall twice 3 folds computed", "matched single 3 folds computed"]


def test_the_readme_shows_the_loop_that_is_run():
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
    loop = (ROOT / "book/examples/own_loop.py").read_text("utf-8")
    for line in block.splitlines():
        if "import" not in line and "Casme2(" not in line and "views.make" not in line:
            assert line in loop


def test_own_table_is_a_table_like_any_other(monkeypatch, twins, capsys, tmp_path):
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "data").symlink_to(twins)
    exec((ROOT / "book/examples/own_table.py").read_text(encoding="utf-8"), {})
    assert capsys.readouterr().out == "9 folds computed\n"
    workspace = experiments.open_workspace("smoke", datasets=["casme2"])
    predictions = workspace.predictions("one_half")
    TABLES.unregister("one_half")
    assert set(predictions["train_views"]) == {
        "onset_apex",
        "apex_offset",
        "onset_apex+apex_offset",
    }
    assert predictions.groupby("run")["subject"].nunique().tolist() == [3, 3, 3]
