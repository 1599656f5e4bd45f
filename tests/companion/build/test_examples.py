"""The page "Change something": its programs run, are short, and do what the page says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import torch

from mer_utils import augment, datasets, experiments
from mer_utils.experiments import TABLES
from mer_utils.phases import TRAINING_SETS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "book" / "change_something.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "book" / "examples").glob("*.py"))


@pytest.fixture
def build(twins, tmp_path, monkeypatch) -> Path:
    """A build folder with the smoke profile's twins and nothing else, which is the one in use."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "data").symlink_to(twins)
    monkeypatch.setenv("MER_BUILD", str(tmp_path / "build"))
    return tmp_path / "build"


@pytest.fixture
def said(build, capsys):
    """Run a program; return the names it gave and what it printed."""

    def said(name: str) -> tuple[dict, list[str]]:
        names: dict = {}
        exec((ROOT / f"book/examples/{name}.py").read_text(encoding="utf-8"), names)
        return names, capsys.readouterr().out.splitlines()

    return said


def test_the_page_shows_every_example_and_no_other():
    shown = re.findall(r"^```\{literalinclude\} (.+)$", PAGE, re.MULTILINE)
    assert sorted(shown) == [f"examples/{path.name}" for path in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_fit_the_page(example):
    lines = example.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 28
    assert max(map(len, lines)) <= 76


def test_own_model_is_trained_in_all_settings_of_table_2_once(build, said):
    _, (first, *shown) = said("own_model")
    assert first == "12 folds computed"
    assert "how many folds it computed, twelve, and the UAR of *single*" in PAGE
    settings = [re.split(r"\s{2,}|(?<=_050) +", line.strip())[1:] for line in shown[1:]]
    assert [re.sub(r" +[\d.]+$", "", " ".join(words)) for words in settings] == [
        "single",
        "matched single",
        "dual",
        "aligned",
    ]
    assert len(list((build / "store").glob("*/run.parquet"))) == 4
    assert not list((build / "store").rglob("held_out=*"))
    assert said("own_model")[1] == ["0 folds computed", *shown]


def test_own_augmentation_scales_images_and_is_part_of_the_key(monkeypatch, said):
    monkeypatch.setitem(augment.SPATIAL, "contrast", ())  # taken out again afterwards
    names, shown = said("own_augmentation")
    assert shown == ["3 folds computed"]
    plain = names["spec"].model_copy(update={"spatial": "flip"})
    assert plain.key != names["spec"].key
    images = torch.arange(2 * 1 * 8 * 9, dtype=torch.float32).reshape(2, 1, 8, 9)
    scaled = names["contrast"](images, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(scaled, images * torch.tensor([0.8, 1.2])[:, None, None, None])


def test_own_dataset_is_read_by_its_class(monkeypatch, said):
    monkeypatch.setenv("MER_MINE_ROOT", "")  # taken out again afterwards
    try:
        _, (shown,) = said("own_dataset")
    finally:
        datasets.DATASETS.unregister("mine")
        datasets.SCHEMES.unregister("mine-2")
    assert set(ast.literal_eval(shown)) == {"good", "bad"}


def test_own_training_set_is_compared_with_its_control(said):
    try:
        _, shown = said("own_training_set")
    finally:
        TRAINING_SETS.unregister("fall twice")
    assert shown == ["fall twice 3 folds computed", "matched single 3 folds computed"]


def test_the_readme_shows_the_loop_that_is_run():
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)```", readme, re.MULTILINE | re.DOTALL)
    loop = (ROOT / "book/examples/own_loop.py").read_text("utf-8")
    for line in block.splitlines():
        if "import" not in line and "Casme2(" not in line and "views.make" not in line:
            assert line in loop


def test_own_table_is_a_table_like_any_other(said):
    assert said("own_table")[1] == ["9 folds computed"]
    workspace = experiments.open_workspace("smoke", datasets=["casme2"])
    predictions = workspace.predictions("one_half")
    TABLES.unregister("one_half")
    assert set(predictions["train_views"]) == {
        "onset_apex",
        "apex_offset",
        "onset_apex+apex_offset",
    }
    assert predictions.groupby("run")["subject"].nunique().tolist() == [3, 3, 3]
