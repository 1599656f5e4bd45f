"""Twins are the same bytes whatever the processor and the libraries do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields

import numpy as np
import pytest

from mer_utils.synthetic import exact
from mer_utils.synthetic.settings import GENERATOR_VERSION, Settings, make_settings

#: What version 3 of the generator draws.
KNOWN = {
    "pixels": "5de2931e36f32966",
    "casme2": "22637fe03de653e8",
    "samm": "003a33cf2f1b7e98",
    "smic": "a7fce173cb6d1d5c",
}

DRAW = """
import hashlib, json, sys
from pathlib import Path
import cv2
from mer_utils import synthetic
cv2.setUseOptimized(optimized)
pixels = synthetic.make_clip("casme2", "disgust", n_frames=(3, 4), frame_size=(61, 74)).frames
found = {"pixels": hashlib.sha256(pixels.tobytes()).hexdigest()[:16]}
size = {"subjects": 1, "clips_per_subject": 1, "frame_size": (61, 74)}
for name in ("casme2", "samm", "smic"):
    root = synthetic.write(name, Path(name), layout="cropped", **size)
    made = json.loads((root / "synthetic.json").read_text())["sha256"]
    del made["ground_truth.parquet"]  # its container names the version of pyarrow
    found[name] = hashlib.sha256(json.dumps(made).encode()).hexdigest()[:16]
print(json.dumps(found))
"""


def test_what_is_drawn_is_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(DRAW, {"optimized": True})
    assert json.loads(capsys.readouterr().out) == KNOWN


def test_a_processor_without_vector_instructions_draws_the_same(tmp_path):
    features = np.show_config(mode="dicts")["SIMD Extensions"]
    switches = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(features.get("found", ())),
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENCV_CPU_DISABLE": "AVX512-ICL,AVX512-SKX,AVX2,AVX,FMA3,FP16,SSE4.2,SSE4.1,SSSE3",
        "OPENCV_IPP": "disabled",
        "JSIMD_FORCENONE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"optimized = False\n{DRAW}"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **switches},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == KNOWN


@pytest.mark.parametrize(
    ("name", "low", "high"), [("exp", -70, 70), ("sin", -200, 200), ("cos", -9, 9), ("tanh", -3, 3)]
)
def test_functions_are_numpys_to_nine_places(name, low, high):
    x = np.linspace(low, high, 40_001)
    ours, theirs = getattr(exact, name), getattr(np, name)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-9, atol=1e-9)
    assert ours(x.astype(np.float32)).dtype == np.float32
    assert ours(0.25) == pytest.approx(theirs(0.25), rel=1e-9)
    assert isinstance(ours(0.25), float)


@pytest.mark.parametrize("exponent", [2.2, 1 / 2.2, 0.62, 28])
def test_powers_are_numpys_and_nothing_is_the_power_of_nothing(exponent):
    x = np.linspace(0.1, 3, 20_001)
    np.testing.assert_allclose(exact.power(x, exponent), x**exponent, rtol=1e-8)
    assert exact.power(np.array([-1.0, 0.0]), exponent).tolist() == [0, 0]


def test_angles_are_numpys_all_around():
    angle = np.linspace(-3.1, 3.1, 5001)
    np.testing.assert_allclose(exact.arctan2(np.sin(angle), np.cos(angle)), angle, atol=1e-9)
    assert exact.arctan2(0.0, 0.0) == 0


def test_a_blur_keeps_the_mean_and_smooth_noise_has_unit_spread():
    image = exact.Draw(1).normal(100, 20, (90, 120))
    for sigma in (1.5, 6.0):
        noise = exact.smooth_noise(300, 400, sigma, exact.Draw(4))
        assert (noise.mean(), noise.std()) == pytest.approx((0, 1), abs=0.06)
        # Neighbours agree as Gaussian bumps of that spread make them.
        alike = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
        assert alike == pytest.approx(np.exp(-1 / (4 * sigma**2)), abs=0.02)
    soft = exact.blur(image, 4.0)
    assert soft[20:-20, 20:-20].mean() == pytest.approx(image[20:-20, 20:-20].mean(), abs=0.5)
    assert soft.std() < 0.2 * image.std()
    point = np.zeros((81, 81))
    point[40, 40] = 200
    x = np.arange(81) - 40
    expected = 200 * np.exp(-(x**2) / 18) / (2 * np.pi * 9)
    np.testing.assert_allclose(exact.blur(point, 3.0)[40], expected, atol=1e-2)


def test_sums_of_short_numbers_do_not_depend_on_their_order():
    rng = exact.Draw(2)
    fields, weights = exact.snap(rng.normal(size=(9, 500)), 16), exact.snap(rng.normal(size=9), 24)
    assert (weights @ fields == weights[::-1] @ fields[::-1]).all()


def test_drawn_numbers_have_the_moments_that_they_should():
    rng = exact.Draw(3, 1)
    normal, uniform = rng.normal(2, 3, 40_000), rng.uniform(1, 3, 40_000)
    assert (normal.mean(), normal.std()) == pytest.approx((2, 3), abs=0.05)
    assert (uniform.mean(), uniform.min(), uniform.max()) == pytest.approx((2, 1, 3), abs=0.02)
    counts = np.bincount([rng.integers(3, 7) for _ in range(4000)])
    assert counts[:3].sum() == 0
    assert (abs(counts[3:] - 1000) < 120).all()
    chosen = [rng.choice("abc", [1, 0, 3]) for _ in range(4000)]
    assert chosen.count("b") == 0
    assert abs(chosen.count("c") - 3000) < 120
    assert sorted(rng.permutation(list("xyz"))) == list("xyz")
    assert sorted(rng.permutation(9)) == list(range(9))
    assert exact.Draw(3, 1).random() != exact.Draw(3, 2).random()
    assert 0 <= rng.random() < 1


def test_the_key_is_recorded_and_a_new_setting_leaves_it_alone():
    settings = make_settings("casme2", 3, None, None, 0.5, 1.0, None, "cropped")
    assert (GENERATOR_VERSION, settings.key[:16]) == (3, "2d6ce3d1c4a21545")

    @dataclass(frozen=True)
    class Later(Settings):
        glasses: bool = False

    assert Later(**vars(settings)).key == settings.key
    assert Later(**vars(settings), glasses=True).key != settings.key
    assert Later.from_json(settings.as_json()) == Later(**vars(settings))
    other = [make_settings("casme2", 4, None, None, 0.5, 1.0, None, "cropped")]
    other += [make_settings("casme2", 3, None, None, 0.5, 2.0, None, "cropped")]
    assert len({settings.key, *(s.key for s in other)}) == 3
    assert len(fields(settings)) == 9
