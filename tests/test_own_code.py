"""Own code in keys: what is changed under the same name is computed anew."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
import threading
from functools import partial

import pytest
import torch
from helpers import raises, registered

from mer_utils import augment, models
from mer_utils.frames import CropOptions, face_on, remember
from mer_utils.own_code import own_code
from mer_utils.runs import DataSpec, ModelSpec, RunSpec

pytestmark = pytest.mark.scenario("D")

DATA = DataSpec(dataset="casme2", scheme="casme2-5", fingerprint="0" * 64)


def of(source: str, module: str = "program") -> str:
    """Return the digest of the function `f` of a program."""
    names: dict = {"__name__": module}
    exec(textwrap.dedent(source), names)
    return own_code("f", names["f"])


BASE = """
import torch
S = 2
def helper(x, k=1): return x * S + k
class Net:
    factor = 3
    def go(self, x): return helper(x) * self.factor
net = Net()
def f(x):
    if x is None:
        return [helper(y) for y in x]
    return net.go(torch.relu(x))
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("S = 2", "S = 3"),
        ("k=1", "k=2"),
        ("+ k", "- k"),
        ("factor = 3", "factor = 4"),
        ("* self.factor", "+ self.factor"),
        ("net = Net()", "net = Net(); net.factor = 5"),
        ("torch.relu", "torch.abs"),
        ("net.go(", "-net.go("),
        ("for y in x", "for y in x[1:]"),
        ("net = Net()", "net = helper"),
        ("net = Net()", "net = torch.ones(2)"),
    ],
)
def test_whatever_a_function_refers_to_changes_its_digest(old, new):
    assert old in BASE
    assert of(BASE) != of(BASE.replace(old, new))


def test_comments_and_what_it_does_not_refer_to_change_nothing():
    other = BASE.replace("S = 2", "S = 2  # of old\nunused = 4").replace("\ndef f", "\n\n\ndef f")
    assert of(BASE) == of(other)


def test_another_process_finds_the_same_whatever_its_hash_seed():
    program = textwrap.dedent(
        """
        import logging, numpy as np, torch
        from functools import lru_cache
        from mer_utils.own_code import own_code
        log, names, mask = logging.getLogger("x"), {"a", "b", "c"}, np.arange(4)
        weights = torch.arange(3.0)
        @lru_cache
        def g(x): return x in names and x in {"d", "e", "f"}
        def f(x): log.info("x"); f(x); return g(x), mask, weights, torch.float32
        print(own_code("f", f))
        """
    )

    def found(seed: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": str(seed), "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    assert found(1) == found(2)


def test_a_worker_finds_what_the_script_that_started_it_found():
    """A spawned process runs the script again, under another name."""
    program = """
    from dataclasses import dataclass
    @dataclass(frozen=True)
    class Strength:
        low: float = 0.8
        def __call__(self, x): return x * self.low
    strength = Strength()
    def f(x): return strength(x)
    """
    assert of(program, "__main__") == of(program, "__mp_main__")
    assert of(program, "__main__") != of(program.replace("0.8", "0.9"), "__main__")


def test_a_captured_value_counts():
    def times(n):
        return lambda x: n * x

    assert own_code("", times(2)) == own_code("", times(2)) != own_code("", times(3))
    assert own_code("", partial(pow, 2)) != own_code("", partial(pow, 3))


def test_a_module_of_ones_own_is_followed_also_where_it_is_imported_late(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    early = "import own_helper\ndef f(x): return own_helper.g(x)"
    late = "def f(x):\n    from own_helper import g\n    return g(x)"
    seen = set()
    for body in ("x + 1", "x + 2"):
        (tmp_path / "own_helper.py").write_text(f"def g(x): return {body}\n")
        importlib.invalidate_caches()
        sys.modules.pop("own_helper", None)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        seen |= {of(early), of(late)}
        from mer_utils import own_code as room

        room._sha256.cache_clear()  # of one process, in which a file is what it was
    assert len(seen) == 4


@pytest.mark.parametrize(
    "source",
    ["import threading\nlock = threading.Lock()\ndef f(x):\n    with lock: return x",
     "def f(x):\n    from . import nothing\n    return x",
     "def f(x):\n    import no_such_module\n    return x"],
)  # fmt: skip
def test_what_cannot_be_told_must_be_declared(source):
    with raises("incomplete registration", "version"):
        of(source)
    first, second = (of(f"{source}\nf.version = '{n}'") for n in (1, 2))
    assert first != second
    assert first == of(f"{source}\nf.version = '1'")


def test_a_version_tells_of_values_and_not_of_code():
    base = BASE.replace("net = Net()", "net = Net(); net.seen = 0") + "f.version = '1'\n"
    kept = base.replace("net.seen = 0", "net.seen = 3")
    assert of(base) == of(kept)
    for old, new in (("S = 2", "S = 3"), ("* self.factor", "+ self.factor"), ("relu", "abs")):
        assert of(base) != of(base.replace(old, new))


def linear(n, size):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * size**2, n))


def deeper(n, size):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(9), torch.nn.Linear(9, n))


def key_of(model: models.Architecture | models.Baseline, spatial: str = "none") -> str:
    with registered(models.MODELS, model):
        return RunSpec(data=DATA, model=ModelSpec(name=model.name), spatial=spatial).key


def test_a_model_changed_under_the_same_name_has_another_key():
    one, other = (models.Architecture("own", "Own", constructor=c) for c in (linear, deeper))
    assert key_of(one) == key_of(models.Architecture("own", "Title", constructor=linear))
    assert key_of(one) != key_of(other)
    declared = [
        models.Architecture("own", "Own", constructor=c, version=v)
        for c, v in ((linear, "1"), (deeper, "1"), (deeper, "2"))
    ]
    # A version that was forgotten hides no change of the code.
    assert len({key_of(model) for model in (one, *declared)}) == 4
    grey = [models.Baseline("grey", "Grey", lambda x, n=n: x.mean(axis=n)) for n in (1, 2)]
    assert key_of(grey[0]) != key_of(grey[1])


def test_an_augmentation_changed_under_the_same_name_has_another_key(monkeypatch):
    plain = RunSpec(data=DATA, model=ModelSpec(name="learnet"))
    keys = set()
    for steps in (
        (augment.flip,),
        (augment.flip, augment.rotation),
        (augment.rotation, augment.flip),
        (lambda images, numbers: images * 2,),
        (lambda images, numbers: images * 3,),
    ):
        monkeypatch.setitem(augment.SPATIAL, "mine", steps)
        spec = RunSpec(data=DATA, model=ModelSpec(name="learnet"), spatial="mine")
        copy = plain.model_copy(update={"spatial": "mine"})
        assert copy == spec == RunSpec.model_validate_json(spec.model_dump_json())
        assert spec.model_copy(update={"spatial": "flip"}).own_code is None
        keys.add(spec.key)
    assert len(keys) == 5


def test_the_librarys_own_have_no_code_in_their_keys():
    for name in models.MODELS:
        for spatial in augment.SPATIAL:
            spec = RunSpec(data=DATA, model=ModelSpec(name=name), spatial=spatial)
            assert spec.own_code is None
    assert CropOptions().own_code is None
    with raises("unknown name", "no_such.faces"):
        CropOptions(detector="no_such.faces")


def test_a_detector_changed_under_the_same_name_finds_faces_anew(tmp_path, monkeypatch):
    import cv2
    import numpy as np

    picture = tmp_path / "frame.png"
    cv2.imwrite(str(picture), np.full((200, 200, 3), 90, np.uint8))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    remember(tmp_path)
    found, options = [], []
    for left in (20, 40):
        (tmp_path / "moving_faces.py").write_text(
            "from mer_utils.frames import Face\n\n\ndef make():\n    return lambda image: ["
            f"Face(({left}, 20, 150, 150), ((60, 70), (110, 70)))]\n"
        )
        importlib.invalidate_caches()
        sys.modules.pop("moving_faces", None)

        def look():
            options.append(CropOptions(detector="moving_faces.make"))
            found.append(face_on(picture, "moving_faces.make"))

        each = threading.Thread(target=look)  # a thread makes a detector of its own
        each.start()
        each.join()
    remember(None)
    assert options[0] != options[1]
    assert found[0] != found[1]
