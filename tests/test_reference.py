"""The recorded results, once there are any: of this release, small, and what this code computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mer_utils.cli.main import main
from mer_utils.cli.verify import entries
from mer_utils.experiments.verification import open_reference

ROOT = Path(__file__).parents[1]
RECORDED = sorted((ROOT / "reference").glob("*.zip"))

pytestmark = pytest.mark.skipif(not RECORDED, reason="no results are recorded in reference/")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_is_recorded_is_of_this_release(path):
    """If this fails, results have changed: record them anew with mer reference."""
    assert path.stat().st_size < 5_000_000
    with open_reference(path) as reference:
        reference.require(path.stem)
        assert reference.about["changelog entries"] == entries(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_few_folds_are_as_recorded(path, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--profile", path.stem, "--sample", "4", "--seed", "0", "--workers", "1",
              "--report", str(tmp_path / "report.html")])  # fmt: skip
    assert not ended.value.code
