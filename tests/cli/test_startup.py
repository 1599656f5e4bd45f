"""What starts quickly: commands that train nothing do not import torch."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np

#: One process: what one command imported would be seen after every later one.
RUN = """
import json, sys
from mer_utils.cli.main import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["mer", *arguments]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code, "torch" in sys.modules, file=sys.stderr)
"""


def test_what_trains_nothing_needs_no_torch(twins, tmp_path, rng):
    clip = tmp_path / "clip"
    clip.mkdir()
    for number in range(1, 5):
        cv2.imwrite(str(clip / f"img{number}.png"), rng.integers(0, 256, (24, 24, 3), np.uint8))
    places = ["--profile", "smoke", "--data-root", twins, "--store", tmp_path / "store"]
    commands = [
        ["--help"],
        ["run", "--help"],
        ["book", "--help"],
        ["synth", "casme3", "out"],
        ["check", "casme2", twins / "casme2-smoke"],
        ["status", "table2", *places],
        ["di", clip, "-o", tmp_path / "sheet.png"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands, default=str)],
        capture_output=True, text=True,
    )  # fmt: skip
    ends = [line for line in done.stderr.splitlines() if line.startswith("exit")]
    expected = [f"exit {int(words[0] == 'synth')} False" for words in commands]
    assert ends == expected, done.stderr
    assert (tmp_path / "sheet.png").is_file()
