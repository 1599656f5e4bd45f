"""What starts quickly: commands that train nothing do not import torch."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

RUN = """
import sys
from mer_utils.cli.main import main
sys.argv[0] = "mer"
try:
    main()
except SystemExit as end:
    print("exit", end.code, "torch" in sys.modules)
"""


def outcome(*arguments) -> str:
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["book", "--help"], ["synth", "casme3", "out"]]
)
def test_help_and_refusals_need_no_torch(arguments):
    assert outcome(*arguments) in ("exit 0 False", "exit 1 False")


def test_a_check_needs_no_torch(twins):
    assert outcome("check", "casme2", twins / "casme2-smoke") == "exit 0 False"


def test_counting_what_is_computed_needs_no_torch(twins, tmp_path):
    arguments = ["--profile", "smoke", "--data-root", twins, "--store", tmp_path / "store"]
    assert outcome("status", "table2", *arguments) == "exit 0 False"


def test_dynamic_images_need_no_torch(tmp_path, rng):
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(1, 5):
        cv2.imwrite(str(clip / f"img{number}.png"), rng.integers(0, 256, (24, 24, 3), np.uint8))
    assert outcome("di", clip, "-o", tmp_path / "sheet.png") == "exit 0 False"
    assert (tmp_path / "sheet.png").is_file()
