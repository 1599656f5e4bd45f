"""The page on whatever data the book is made of."""

from __future__ import annotations

import pandas as pd
from made_data import write_clip_table

from companion.chapters import any_data
from mer_utils import experiments


def test_clips_reasons_and_images_of_any_table(tmp_path):
    table = write_clip_table(tmp_path / "my clips", subjects=2, clips=2)
    apexless = table.with_name("apexless.csv")
    pd.read_csv(table).assign(apex="").to_csv(apexless, index=False)
    names = [f"clips:{path}" for path in (table, apexless)]
    workspace = experiments.open_workspace("smoke", datasets=names)
    assert len(any_data.all_clips(workspace)) == 8
    assert list(any_data.reasons(workspace)["rows"]) == [4, 4]
    shown = any_data.shown_clips(workspace)
    assert {name: len(rows) for name, rows in shown.items()} == {"clips:clips": 2}


def test_mer_data_names_the_data_of_notebooks(tmp_path, monkeypatch):
    table = write_clip_table(tmp_path / "my clips", subjects=2, clips=1)
    monkeypatch.setenv("MER_DATA", f"clips:{table}; clips:{table}")
    workspace = experiments.open_workspace("smoke")
    assert list(workspace.data) == ["clips:clips"]
    assert workspace.data_names == [f"clips:{table}"]
